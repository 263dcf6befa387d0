/* The names found in records. See shape.h. */
#include "shape.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "recent.h"
#include "scan.h"

enum {
  NAMES_PUSHED_MAX = 32, /* names on the stack, see json_names_push */
  SLOTS_MAX = 512,       /* names learned, rules included; others are read without being learned */
  FINDS_AT_FIRST = 20,   /* of a member, see json_slot */
  PROBES_MIN = 8         /* a name without a free place so near is not learned: lookups stay fast */
};

void json_shape_init(json_shape *s, const json_rule *rules, size_t rule_count) {
  memset(s, 0, sizeof *s);
  s->rules = rules;
  s->rule_count = rule_count;
  s->keep = UINT32_MAX;
  s->keep_unknown = true;
}

bool json_shape_free(json_shape *s) {
  json_shape fresh;
  if (s->in_use) return false;
  free(s->slots);
  free(s->index);
  free(s->fields);
  free(s->recent);
  json_shape_init(&fresh, s->rules, s->rule_count);
  fresh.keep = s->keep;
  fresh.keep_unknown = s->keep_unknown;
  fresh.filter = s->filter;
  *s = fresh;
  return true;
}

/* ---- names ----------------------------------------------------------------------------------- */

uint32_t json_fnv(const char *bytes, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)bytes[i]) * 16777619u;
  return h;
}

static uint32_t hash_name(const char *name, size_t n) {
  uint32_t h = json_fnv(name, n);
  return h ^ h >> 15;
}

static bool is_name(const json_slot *slot, const char *name, size_t n, uint32_t hash) {
  return slot->hash == hash && slot->length == n && memcmp(slot->text + 1, name, n) == 0;
}

/* Returns the slot of a name, or JSON_NO_SLOT with the free place for it in the hash table,
** index_size for none. */
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

/* Stores a new slot's number in the hash table. far: search as far as needed for a free place. */
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
  /* a name that was near enough in the smaller table must be in this one too */
  for (size_t i = 0; i < s->slot_count; i++) (void)place_slot(s, (uint32_t)i, true);
  return true;
}

/* Whether the name looks the same in JSON. */
static bool is_plain(const char *name, size_t n) {
  for (size_t i = 0; i < n; i++)
    if ((unsigned char)name[i] < 0x20 || name[i] == '"' || name[i] == '\\') return false;
  return true;
}

/* Returns the types that need no further check: the allowed ones without null, and without the
** numbers that check_rules converts. */
static unsigned usual_types(const json_rule *rule) {
  unsigned types = rule->types;
  if (rule->lenient && types & JSON_INTEGER) types = JSON_ANY & ~(types & JSON_FLOAT ? 0u : (unsigned)JSON_FLOAT);
  else if (rule->lenient) types = JSON_ANY & ~(types & JSON_FLOAT ? (unsigned)JSON_INTEGER : 0u);
  return types & ~(unsigned)JSON_NULL;
}

/* Adds a slot. JSON_NO_SLOT: no room for it. */
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
  slot->finds = FINDS_AT_FIRST;
  slot->bit = is_rule ? (uint32_t)1 << i : 0;
  slot->types = is_rule ? usual_types(&s->rules[i]) : JSON_ANY;
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

/* ---- names in Lua ---------------------------------------------------------------------------- */

/* Lua may fail at any step, and a finalizer may get further than this loop: `interned` is right in
** any case. */
void json_shape_intern(lua_State *L, json_shape *s, int keys) {
  for (size_t i = s->interned; i < s->slot_count; i++) {
    lua_pushlstring(L, s->slots[i].text + 1, s->slots[i].length);
    lua_rawseti(L, keys, (lua_Integer)i + 1);
    if (s->interned == i) s->interned = i + 1;
  }
}

int json_names_push(lua_State *L, json_shape *s, int keys) {
  uint32_t n;
  if (s->in_use) return 0;
  json_names_drop(s);
  json_shape_intern(L, s, keys);
  luaL_checkstack(L, 1 + NAMES_PUSHED_MAX + JSON_RECORD_STACK, "names");
  if (json_recent_push(L, s, keys)) s->recent_at = lua_gettop(L);
  n = s->interned < NAMES_PUSHED_MAX ? (uint32_t)s->interned : NAMES_PUSHED_MAX;
  s->names_at = lua_gettop(L) + 1;
  for (uint32_t i = 0; i < n; i++) lua_rawgeti(L, keys, (lua_Integer)i + 1);
  s->names = n;
  return (int)n + (s->recent_at != 0);
}

void json_names_drop(json_shape *s) {
  if (s->in_use) return;
  s->names = 0;
  s->recent_at = 0;
}
