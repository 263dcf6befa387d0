/* Makes the tables of records: of what json_record.c read, or, the quick way, while reading. See json_part.h. */
#include <stdlib.h>

#include <lauxlib.h>

#include "json_part.h"

enum {
  LUCK_MAX = 100,
  DOUBTS = 16 /* records for which the quick way is not tried after it has failed */
};

/* ---- building ---------------------------------------------------------------------------------------------------- */

static inline void push_slot_name(lua_State *L, const json_shape *s, uint32_t slot, int keys) {
  if (slot < s->names) lua_pushvalue(L, s->names_at + (int)slot);
  else lua_rawgeti(L, keys, (lua_Integer)slot + 1);
}

static void push_name(lua_State *L, const json_shape *s, const json_span *v, int keys, char *scratch) {
  if (v->slot != JSON_NO_SLOT) push_slot_name(L, s, v->slot, keys);
  else if (v->name_escaped) lua_pushlstring(L, scratch, json_unescape(v->name, v->name_length, scratch));
  else lua_pushlstring(L, v->name, v->name_length);
}

/* Where the text belongs in shape.texts. n is not 0. */
static size_t text_place(const char *p, size_t n) {
  uint64_t a = 0, b = 0;
  if (n >= 8) {
    memcpy(&a, p, 8);
    memcpy(&b, p + n - 8, 8);
  } else if (n >= 4) {
    memcpy(&a, p, 4);
    memcpy(&b, p + n - 4, 4);
  } else {
    a = (unsigned char)p[0];
    b = (unsigned char)p[n - 1] | (unsigned)p[n / 2] << 8;
  }
  if (n >= 24) { /* options in JSON begin and end alike */
    uint64_t middle;
    memcpy(&middle, p + n / 2, 8);
    b += middle << 2 | middle >> 62;
  }
  /* the top bits of a product depend on all */
  return (size_t)(((a ^ (b << 1 | b >> 63)) + n) * 0x9E3779B97F4A7C15u >> 58);
}

static bool is_known(const json_text *known, const json_span *v) {
  return known->length == v->length && json_same(v->at, known->text, known->length);
}

/* Pushes a string. Many a member has one of a few ("Completed", the options of a batch), which are found in the table at `texts`,
** at one of two places, rather than hashed or copied by Lua again. */
static void push_text(lua_State *L, json_text *known, json_slot *slot, const json_span *v, int texts, char *scratch) {
  size_t place = text_place(v->at, v->length);
  if (!is_known(&known[place], v)) place ^= 1;
  if (is_known(&known[place], v)) {
    if (slot->luck < LUCK_MAX) ++slot->luck;
    lua_rawgeti(L, texts, (lua_Integer)place + 1);
    return;
  }
  --slot->luck;
  if (known[place].length > 0) place ^= 1;
  json_push_scalar(L, v, scratch);
  lua_pushvalue(L, -1);
  lua_rawseti(L, texts, (lua_Integer)place + 1);
  memcpy(known[place].text, v->at, v->length);
  known[place].length = v->length;
}

/* Pushes a value that is no bracket, of a member that has a slot. */
static inline void push_plain(lua_State *L, json_text *known, json_slot *slot, const json_span *v, int texts,
                              char *scratch) {
  if (v->type == JSON_INTEGER) lua_pushinteger(L, v->as.integer);
  else if (v->type == JSON_STRING && slot->luck > 0 && v->length - 1 < JSON_TEXT_MAX && known)
    push_text(L, known, slot, v, texts, scratch);
  else json_push_scalar(L, v, scratch);
}

static inline void push_value(lua_State *L, const json_reading *m, const json_span *v, int texts) {
  json_shape *s = m->s;
  if (v->type & (JSON_OBJECT | JSON_ARRAY)) json_build(L, v->at, m->r->scratch);
  else if (v->slot == JSON_NO_SLOT) json_push_scalar(L, v, m->r->scratch);
  else push_plain(L, s->texts, &s->slots[v->slot], v, texts, m->r->scratch);
}

/* Writes the string of rule 0's member where the shape wants it. */
static void note_text(json_shape *s, const json_span *v, char *scratch) {
  size_t n = v->escaped ? json_unescape(v->at, v->length, scratch) : v->length;
  if (n >= s->note_size) n = s->note_size - 1;
  memcpy(s->note, v->escaped ? scratch : v->at, n);
  s->note[n] = '\0';
}

/* How many members the table will have. */
static int count_built(const json_reading *m) {
  int built = 0;
  if (!m->doubt) return m->built;
  for (size_t i = 0; i < m->count; i++) built += m->s->spans[i].kept && m->s->spans[i].type != JSON_NULL;
  return built;
}

void json_table_build(lua_State *L, const json_reading *m, int keys) {
  const json_span *v = m->s->spans, *end = v + m->count;
  int record, texts;
  lua_createtable(L, 0, count_built(m));
  record = lua_gettop(L);
  texts = json_shape_texts(L, m->s, keys);
  if (m->s->note) m->s->note[0] = '\0';
  for (; v < end; v++) {
    if (v->slot == 0 && v->type == JSON_STRING && m->s->note) note_text(m->s, v, m->r->scratch);
    if (!v->kept || (v->type == JSON_NULL && v->slot != JSON_NO_SLOT)) continue;
    push_name(L, m->s, v, keys, m->r->scratch);
    if (v->type == JSON_NULL) lua_pushnil(L); /* without a slot: undoes an earlier member of that name */
    else push_value(L, m, v, texts);
    lua_rawset(L, record);
  }
  lua_settop(L, record);
}

/* ---- the quick way ----------------------------------------------------------------------------------------------------- */

/* Behind the member at p, if it is the one of the slot, for the first time in the record, with a value that is no bracket and of its
** rule's type (or null). NULL: else. */
static inline const char *usual_member(json_reader *r, json_slot *slot, uint64_t serial, const char *p, json_span *v) {
  if (!json_same(p, slot->text, slot->written) || slot->serial == serial || slot->written == 0) return NULL;
  slot->serial = serial;
  p = json_space(p + slot->written);
  if (*p == '{' || *p == '[') return NULL;
  v->escaped = false;
  p = json_scan_scalar(p, v);
  if (!p || !(v->type & (slot->types | JSON_NULL)) || (v->escaped && !json_reserve(r, v->length))) return NULL;
  return json_space(p);
}

const char *json_table_quick(lua_State *L, json_reader *r, json_shape *s, const char *p, int keys) {
  json_slot *const slots = s->slots, *slot;
  json_text *known;
  const uint32_t count = (uint32_t)s->slot_count;
  const uint64_t serial = ++s->serial;
  int record = lua_gettop(L) + 1, texts, built = 0;
  uint32_t at = s->first, present = 0;
  json_span v, first = {0};
  lua_createtable(L, 0, s->usual);
  texts = json_shape_texts(L, s, keys);
  known = s->texts;
  for (p = json_space(p + 1);; p = json_space(p + 1)) {
    if (at >= count) at = 0;
    slot = &slots[at];
    p = usual_member(r, slot, serial, p, &v);
    if (!p) break;
    if (v.type != JSON_NULL) {
      present |= slot->bit;
      if (at == 0) first = v;
      if (slot->kept) {
        push_slot_name(L, s, at, keys);
        push_plain(L, known, slot, &v, texts, r->scratch);
        lua_rawset(L, record);
        built++;
      }
    }
    at = slot->next;
    if (*p != ',') break;
  }
  if (!p || *p != '}' || s->required & ~present) {
    s->doubts = DOUBTS;
    lua_settop(L, record - 1);
    return NULL;
  }
  if (s->note) s->note[0] = '\0';
  if (s->note && first.type == JSON_STRING) note_text(s, &first, r->scratch);
  s->usual = built;
  lua_settop(L, record);
  return p + 1;
}

/* Whether that is worth a try: nothing is to be known before it is built, and the whole record should be there. */
bool json_table_may_be_quick(const json_reader *r, const json_shape *s) {
  return s->usual > 0 && s->interned == s->slot_count && s->doubts == 0 && !s->filter && !r->broken &&
         r->place == PLACE_BEHIND && r->skim.at == 0 && r->depth < JSON_DEPTH_MAX &&
         r->end - r->start > 2 * s->usual_bytes && s->usual_bytes < JSON_VALUE_MAX / 4;
}

void json_table_remember(const json_reading *m, size_t n) {
  json_shape *s = m->s;
  if (s->doubts > 0) s->doubts--;
  s->usual = count_built(m);
  s->usual_bytes = n;
}
