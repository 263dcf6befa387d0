/* Shapes: the names that records were found to have. See json_part.h. */
#include <stdlib.h>

#include <lauxlib.h>

#include "json_part.h"

enum {
  NAMES_PUSHED_MAX = 32, /* names that wait on the stack */
  SLOTS_MAX = 512,       /* names learned, rules included; others are read without being learned */
  LUCK_AT_FIRST = 20,
  PROBES_MIN = 8 /* a name that finds no place so near to its own is not learned: no record can make lookups slow */
};

void json_shape_init(json_shape *s, const json_rule *rules, size_t rule_count) {
  memset(s, 0, sizeof *s);
  s->rules = rules;
  s->rule_count = rule_count;
  s->keep = UINT32_MAX;
  s->keep_unknown = true;
}

void json_shape_free(json_shape *s) {
  json_shape fresh;
  free(s->slots);
  free(s->index);
  free(s->spans);
  free(s->texts);
  json_shape_init(&fresh, s->rules, s->rule_count);
  fresh.keep = s->keep;
  fresh.keep_unknown = s->keep_unknown;
  fresh.filter = s->filter;
  *s = fresh;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* FNV-1a */
static uint32_t hash_name(const char *name, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)name[i]) * 16777619u;
  return h ^ h >> 15;
}

static bool is_name(const json_slot *slot, const char *name, size_t n, uint32_t hash) {
  return slot->hash == hash && slot->length == n && memcmp(slot->text + 1, name, n) == 0;
}

/* The slot of a name, or JSON_NO_SLOT; *place is then the free place for it in the hash table, or index_size for
** none. */
static uint32_t find(const json_shape *s, const char *name, size_t n, uint32_t hash, size_t *place) {
  *place = s->index_size;
  for (size_t i = 0; i < s->probes; i++) {
    size_t at = (hash + i) & (s->index_size - 1);
    if (s->index[at] == 0) {
      *place = at;
      break;
    }
    if (is_name(&s->slots[s->index[at] - 1], name, n, hash)) return s->index[at] - 1u;
  }
  return JSON_NO_SLOT;
}

/* Puts a new slot's number into the hash table. With `far` the search for a place goes as far as it must. */
static bool place_slot(json_shape *s, uint32_t slot, bool far) {
  size_t mask = s->index_size - 1, probes = far ? s->index_size : s->probes;
  for (size_t i = 0; i < probes; i++) {
    uint16_t *at = &s->index[(s->slots[slot].hash + i) & mask];
    if (*at) continue;
    *at = (uint16_t)(slot + 1);
    if (i + 1 > s->probes) s->probes = i + 1;
    return true;
  }
  return false;
}

/* Twice the room for slots, four times as many places in the hash table. */
static bool grow_slots(json_shape *s) {
  size_t capacity = s->slot_capacity ? 2 * s->slot_capacity : 32;
  json_slot *slots = calloc(capacity, sizeof *slots);
  uint16_t *index = calloc(4 * capacity, sizeof *index);
  if (!slots || !index) {
    free(slots);
    free(index);
    return false;
  }
  if (s->slots) memcpy(slots, s->slots, s->slot_count * sizeof *slots);
  free(s->slots);
  free(s->index);
  s->slots = slots;
  s->index = index;
  s->index_size = 4 * capacity;
  s->slot_capacity = capacity;
  /* a name that was near enough in the smaller table has to be in this one too, so these may go far */
  for (size_t i = 0; i < s->slot_count; i++) (void)place_slot(s, (uint32_t)i, true);
  return true;
}

/* Whether the name stands in JSON just as it is. */
static bool is_plain(const char *name, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)name[i] < 0x20 || name[i] == '"' || name[i] == '\\') return false;
  return true;
}

/* Adds a slot. JSON_NO_SLOT: it has no room for it. */
static uint32_t learn(json_shape *s, const char *name, size_t n, uint32_t hash) {
  uint32_t i = (uint32_t)s->slot_count;
  bool is_rule = i < s->rule_count;
  json_slot *slot;
  if (i == SLOTS_MAX || n > JSON_NAME_MAX) return JSON_NO_SLOT;
  if (i == s->slot_capacity && !grow_slots(s)) return JSON_NO_SLOT;
  slot = &s->slots[i];
  memset(slot, 0, sizeof *slot);
  slot->hash = hash;
  if (!place_slot(s, i, is_rule)) return JSON_NO_SLOT;
  slot->text[0] = slot->text[n + 1] = '"';
  slot->text[n + 2] = ':';
  memcpy(slot->text + 1, name, n);
  slot->length = (uint32_t)n;
  slot->written = is_plain(name, n) ? (uint32_t)n + 3 : 0;
  slot->next = i + 1;
  slot->luck = LUCK_AT_FIRST;
  slot->bit = is_rule ? (uint32_t)1 << i : 0;
  slot->types = is_rule ? s->rules[i].types & ~(unsigned)JSON_NULL : JSON_ANY;
  slot->kept = is_rule ? s->keep >> i & 1 : s->keep_unknown;
  s->slot_count++;
  return i;
}

uint32_t json_shape_slot(json_shape *s, const char *name, size_t n) {
  size_t place;
  uint32_t hash = hash_name(name, n), slot = find(s, name, n, hash, &place);
  return slot == JSON_NO_SLOT && place < s->index_size ? learn(s, name, n, hash) : slot;
}

bool json_shape_prepare(json_shape *s) {
  while (s->slot_count < s->rule_count) {
    size_t i = s->slot_count, n = strlen(s->rules[i].name);
    if (s->probes < PROBES_MIN) s->probes = PROBES_MIN;
    if (learn(s, s->rules[i].name, n, hash_name(s->rules[i].name, n)) == JSON_NO_SLOT) return false;
    if (s->rules[i].required) s->required |= (uint32_t)1 << i;
  }
  if (s->probes < PROBES_MIN) s->probes = PROBES_MIN;
  return s->slots || grow_slots(s);
}

/* ---- names in Lua ------------------------------------------------------------------------------------------------ */

/* Lua may fail at any step; then `interned` is right all the same. */
void json_shape_intern(lua_State *L, json_shape *s, int keys) {
  for (; s->interned < s->slot_count; s->interned++) {
    const json_slot *slot = &s->slots[s->interned];
    lua_pushlstring(L, slot->text + 1, slot->length);
    lua_rawseti(L, keys, (lua_Integer)s->interned + 1);
  }
}

/* Pushes the table of known texts, making it for the second record: one alone has no use for it. nil: there is none. */
static void push_texts(lua_State *L, json_shape *s, int keys) {
  if (s->texts) (void)lua_rawgeti(L, keys, 0);
  else if (s->serial < 2) lua_pushnil(L);
  else {
    lua_createtable(L, JSON_TEXTS, 0);
    lua_pushvalue(L, -1);
    lua_rawseti(L, keys, 0);
    s->texts = calloc(JSON_TEXTS, sizeof *s->texts); /* without, it goes on as before */
  }
}

int json_shape_texts(lua_State *L, json_shape *s, int keys) {
  if (s->texts_at) return s->texts_at;
  push_texts(L, s, keys);
  return lua_gettop(L);
}

int json_names_push(lua_State *L, json_shape *s, int keys) {
  uint32_t n;
  json_names_drop(s);
  json_shape_intern(L, s, keys);
  n = s->interned < NAMES_PUSHED_MAX ? (uint32_t)s->interned : NAMES_PUSHED_MAX;
  luaL_checkstack(L, NAMES_PUSHED_MAX + JSON_RECORD_STACK + 4, "names");
  push_texts(L, s, keys);
  if (s->texts) s->texts_at = lua_gettop(L);
  s->names_at = lua_gettop(L) + 1;
  for (uint32_t i = 0; i < n; i++) lua_rawgeti(L, keys, (lua_Integer)i + 1);
  s->names = n;
  return (int)n + 1;
}

void json_names_drop(json_shape *s) {
  s->names = 0;
  s->texts_at = 0;
}
