/* Makes the tables of records. See table.h. */
#include "table.h"

#include <string.h>

#include "build.h"
#include "recent.h"

enum {
  SLOW_RECORDS = 16 /* records for which the fast path is not tried after it has failed */
};

/* ---- building -------------------------------------------------------------------------------- */

static inline void push_slot_name(lua_State *L, const json_shape *s, uint32_t slot, int keys) {
  if (slot < s->names) lua_pushvalue(L, s->names_at + (int)slot);
  else lua_rawgeti(L, keys, (lua_Integer)slot + 1);
}

/* Pushes a value that is not a bracket. */
static inline void push_plain(lua_State *L, const json_span *v, char *scratch) {
  if (v->type == JSON_INTEGER) lua_pushinteger(L, v->as.integer);
  else json_push_scalar(L, v, scratch);
}

static inline void push_value(lua_State *L, const json_reader *r, const json_span *v) {
  if (v->type & (JSON_OBJECT | JSON_ARRAY)) json_build(L, v->at, r->scratch, r->keep_nulls);
  else push_plain(L, v, r->scratch);
}

/* Copies the string of rule 0's member to the shape's note, if the note can hold all of it. */
static void note_text(json_shape *s, const json_span *v, char *scratch) {
  const char *text = v->escaped ? scratch : v->at;
  size_t n = v->escaped ? json_unescape(v->at, v->length, scratch) : v->length;
  if (n >= s->note_size || (v->escaped && memchr(text, '\0', n))) n = 0;
  memcpy(s->note, text, n);
  s->note[n] = '\0';
}

/* Returns how many members the table will have. */
static int count_built(const json_reading *m) {
  int built = 0;
  if (!m->must_check) return m->built;
  for (size_t i = 0; i < m->count; i++) built += m->s->fields[i].kept && m->s->fields[i].value.type != JSON_NULL;
  return built;
}

void json_table_build(lua_State *L, const json_reading *m, size_t n, int keys) {
  json_shape *s = m->s;
  char *scratch = m->r->scratch;
  const json_field *f = s->fields, *end = f + m->count;
  int record = lua_gettop(L) + 1, built = count_built(m);
  lua_createtable(L, 0, built);
  if (s->note) s->note[0] = '\0';
  for (; f < end; f++) {
    if (f->slot == 0 && f->value.type == JSON_STRING && s->note) note_text(s, &f->value, scratch);
    if (!f->kept || (f->value.type == JSON_NULL && f->slot < s->rule_count)) continue;
    if (f->slot == JSON_NO_SLOT) (void)json_build_name(L, f->name, scratch);
    else push_slot_name(L, s, f->slot, keys);
    /* undoes an earlier member of that name: it had no slot, even if this one has learned it */
    if (f->value.type == JSON_NULL) lua_pushnil(L);
    else push_value(L, m->r, &f->value);
    lua_rawset(L, record);
  }
  lua_settop(L, record);
  if (s->slow_records > 0) s->slow_records--;
  s->usual = built;
  s->usual_bytes = n;
}

/* ---- the fast path --------------------------------------------------------------------------- */

/* Reads the string at its first byte and pushes it, if it is kept. NULL: unusual. */
static inline const char *quick_string(lua_State *L, json_reader *r, json_shape *s, json_slot *slot, const char *p) {
  json_span v = {.at = p, .type = JSON_STRING};
  const char *end = json_scan_string(p, &v.escaped);
  if (!end || !(slot->types & JSON_STRING)) return NULL;
  v.length = (uint32_t)(end - p);
  if (v.escaped && !json_reserve(r, v.length)) return NULL;
  if (slot == s->slots && s->note) note_text(s, &v, r->scratch);
  if (!slot->kept) return end + 1;
  if (json_recent_may_have(s, slot, &v)) json_recent_string(L, s, slot, &v, r->scratch);
  else if (v.escaped) json_push_scalar(L, &v, r->scratch);
  else lua_pushlstring(L, p, v.length);
  return end + 1;
}

/* The same for a number or boolean; *is_null: null, for which nothing is pushed. A bracket is
** unusual. */
static inline const char *quick_other(lua_State *L, const json_slot *slot, const char *p, bool *is_null) {
  json_span v;
  p = json_scan_plain(p, &v);
  if (!p) return NULL;
  *is_null = v.type == JSON_NULL;
  if (*is_null) return p;
  if (!(v.type & slot->types)) return NULL;
  if (slot->kept) push_plain(L, &v, NULL);
  return p;
}

const char *json_table_quick(lua_State *L, json_reader *r, json_shape *s, const char *p, int keys) {
  json_slot *const slots = s->slots, *slot;
  const uint32_t count = (uint32_t)s->slot_count;
  const uint64_t serial = ++s->serial;
  int record = lua_gettop(L) + 1, built = 0;
  uint32_t at = s->first, present = 0;
  lua_createtable(L, 0, s->usual);
  if (s->note) s->note[0] = '\0';
  for (p = json_space(p + 1);; p = json_space(p + 1)) {
    bool is_null = false;
    if (at >= count) at = 0;
    slot = &slots[at];
    /* the expected member, for the first time in the record */
    if (!json_same(p, slot->text, slot->written) || slot->serial == serial || slot->written == 0) break;
    slot->serial = serial;
    p = json_space(p + slot->written);
    if (slot->kept) push_slot_name(L, s, at, keys);
    p = *p == '"' ? quick_string(L, r, s, slot, p + 1) : quick_other(L, slot, p, &is_null);
    if (!p) break;
    if (is_null) lua_settop(L, record);
    else {
      present |= slot->bit;
      if (slot->kept) {
        lua_rawset(L, record);
        built++;
      }
    }
    at = slot->next;
    if ((unsigned char)*p <= ' ') p = json_space(p);
    if (*p == ',') continue;
    if (*p != '}' || s->required & ~present) break;
    s->usual = built;
    return p + 1;
  }
  s->slow_records = SLOW_RECORDS;
  lua_settop(L, record - 1);
  return NULL;
}

/* Nothing must be known before the record is built, the whole record should be there, and it must
** not be too large. */
bool json_table_may_be_quick(const json_reader *r, const json_shape *s) {
  return s->usual > 0 && s->interned == s->slot_count && s->slow_records == 0 && !s->filter && !r->broken &&
         !r->in_use && r->place == JSON_PLACE_BEHIND && r->skim.at == 0 && r->depth < JSON_DEPTH_MAX &&
         r->end - r->start > 2 * s->usual_bytes && r->end - r->start <= JSON_VALUE_MAX;
}
