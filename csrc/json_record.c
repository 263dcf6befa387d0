/* Records: many objects of one shape. See json_part.h. */
#include <limits.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "json_part.h"

enum {
  SPANS_KEPT_MAX = 4096, /* more are given back after the record */
  LUCK_MAX = 100
};

/* One reading of one record. */
typedef struct {
  json_reader *r;
  json_shape *s;
  unsigned room;    /* brackets that may be open inside the record */
  uint32_t before;  /* the slot of the last member, JSON_NO_SLOT at the beginning */
  uint32_t present; /* bit i: rule i's member has a right type, as far as no doubt remains */
  size_t count;     /* spans */
  size_t scratch;   /* bytes needed there to build any of the values */
  int built;        /* members of the table, unless there is doubt */
  bool doubt;       /* the spans have to be looked at one by one: a type is not the rule's, or a member came twice */
  bool no_memory;
} reading;

/* ---- reading without Lua ----------------------------------------------------------------------------------------- */

/* A new span at the end, or NULL. */
static json_span *add_span(reading *m) {
  json_shape *s = m->s;
  if (m->count == s->span_capacity) {
    size_t capacity = s->span_capacity ? 2 * s->span_capacity : 32;
    json_span *spans = capacity <= SIZE_MAX / sizeof *spans ? realloc(s->spans, capacity * sizeof *spans) : NULL;
    if (!spans) {
      m->no_memory = true;
      return NULL;
    }
    s->spans = spans;
    s->span_capacity = capacity;
  }
  return &s->spans[m->count++];
}

static json_span *span_of_slot(reading *m, uint32_t i) {
  json_slot *slot = &m->s->slots[i];
  json_span *span;
  if (slot->serial == m->s->serial) return &m->s->spans[slot->span]; /* twice in one record: the last one counts */
  span = add_span(m);
  if (!span) return NULL;
  slot->serial = m->s->serial;
  slot->span = (uint32_t)(m->count - 1);
  span->slot = i;
  span->kept = slot->kept;
  return span;
}

static json_span *span_without_slot(reading *m, const char *name, size_t n, bool escaped) {
  json_span *span = add_span(m);
  if (!span) return NULL;
  span->slot = JSON_NO_SLOT;
  span->kept = m->s->keep_unknown;
  span->name = name;
  span->name_length = (uint32_t)n;
  span->name_escaped = escaped;
  if (escaped && n > m->scratch) m->scratch = n;
  return span;
}

/* A member whose name is not the expected one; *p goes behind the name's closing quote. */
static json_span *find_member(reading *m, const char **p) {
  const char *begin = *p, *name = begin, *end;
  uint32_t slot;
  size_t n;
  bool escaped;
  end = json_scan_string(begin, &escaped);
  if (!end) return NULL;
  *p = end + 1;
  n = (size_t)(end - begin);
  if (escaped) {
    if (!json_reserve(m->r, n)) {
      m->no_memory = true;
      return NULL;
    }
    name = m->r->scratch;
    n = json_unescape(begin, n, m->r->scratch);
  }
  slot = json_shape_slot(m->s, name, n);
  if (slot == JSON_NO_SLOT) return span_without_slot(m, begin, (size_t)(end - begin), escaped);
  if (m->before == JSON_NO_SLOT) m->s->first = slot;
  else m->s->slots[m->before].next = slot;
  m->before = slot;
  return span_of_slot(m, slot);
}

static const char *scan_nested(reading *m, const char *p, json_span *span) {
  const char *end = json_scan_value(p, m->room);
  if (!end) return NULL;
  span->at = p;
  span->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
  span->length = (uint32_t)(end - p);
  span->escaped = true;
  return end;
}

/* Notes what the value of a member means for the record as a whole; slot NULL: a member without. */
static inline void note(reading *m, const json_span *span, const json_slot *slot) {
  if (!slot) m->doubt = m->doubt || span->type == JSON_NULL;
  else if (span->type & slot->types) m->present |= slot->bit;
  else m->doubt = true;
  m->built += span->kept;
  if (span->escaped && span->type & (JSON_STRING | JSON_OBJECT | JSON_ARRAY) && span->length > m->scratch)
    m->scratch = span->length;
}

/* The record at p, which begins with a bracket: fills the spans. NULL: not right, or not all there, or no memory. */
static const char *scan_record(reading *m, const char *p) {
  json_shape *s = m->s;
  const uint64_t serial = s->serial;
  uint32_t expected = s->first;
  p = json_space(p + 1);
  if (*p == '}') return p + 1;
  for (;;) {
    json_slot *slot;
    json_span *span;
    if (expected >= s->slot_count) expected = 0;
    slot = &s->slots[expected];
    if (*p++ != '"') return NULL;
    if (json_same(p, slot->text, slot->quoted) && slot->serial != serial && m->count < s->span_capacity &&
        slot->quoted > 0) {
      p += slot->quoted; /* the usual case: the member that was expected, and for the first time in this record */
      span = &s->spans[m->count];
      span->slot = m->before = expected;
      span->kept = slot->kept;
      slot->span = (uint32_t)m->count++;
      slot->serial = serial;
    } else {
      span = find_member(m, &p);
      if (!span) return NULL;
      slot = span->slot == JSON_NO_SLOT ? NULL : &s->slots[span->slot];
    }
    if (slot) expected = slot->next;
    if (*p != ':') {
      p = json_space(p);
      if (*p != ':') return NULL;
    }
    p++;
    if ((unsigned char)*p <= ' ') p = json_space(p);
    p = *p == '{' || *p == '[' ? scan_nested(m, p, span) : json_scan_scalar(p, span);
    if (!p) return NULL;
    note(m, span, slot);
    if ((unsigned char)*p <= ' ') p = json_space(p);
    if (*p == '}') return p + 1;
    if (*p++ != ',') return NULL;
    if (*p != '"') p = json_space(p);
  }
}

/* ---- rules ------------------------------------------------------------------------------------------------------- */

static const char *expected_text(unsigned types) {
  switch (types & ~(unsigned)JSON_NULL) {
  case JSON_STRING: return "expected a string";
  case JSON_INTEGER: return "expected an integer";
  case JSON_FLOAT:
  case JSON_INTEGER | JSON_FLOAT: return "expected a number";
  case JSON_BOOLEAN: return "expected a boolean";
  case JSON_OBJECT: return "expected an object";
  case JSON_ARRAY: return "expected a list";
  default: return "expected another type";
  }
}

static json_result wrong(reading *m, size_t rule, const char *what, const char *at) {
  const char *name = m->s->rules[rule].name;
  json_name_error(m->r, name, strlen(name));
  return json_fail(m->r, JSON_WRONG, what, (size_t)(at - (m->r->data + m->r->start)));
}

/* Whether the value has one of the types, after a change between the kinds of numbers where that loses nothing. */
static bool suits(json_span *v, unsigned types) {
  if (v->type == JSON_INTEGER && !(types & JSON_INTEGER) && types & JSON_FLOAT) {
    v->type = JSON_FLOAT;
    v->as.number = (lua_Number)v->as.integer;
  } else if (v->type == JSON_FLOAT && !(types & JSON_FLOAT) && types & JSON_INTEGER) {
    lua_Integer integer;
    if (!lua_numbertointeger(v->as.number, &integer) || (lua_Number)integer != v->as.number) return false;
    v->type = JSON_INTEGER;
    v->as.integer = integer;
  }
  return v->type & types;
}

static json_result check_rules(reading *m) {
  const json_shape *s = m->s;
  uint32_t missing;
  if (m->doubt) m->present = 0;
  for (size_t i = 0; m->doubt && i < m->count; i++) {
    json_span *v = &s->spans[i];
    if (v->slot >= s->rule_count || v->type == JSON_NULL) continue;
    if (!suits(v, s->rules[v->slot].types))
      return wrong(m, v->slot, expected_text(s->rules[v->slot].types), v->type == JSON_STRING ? v->at - 1 : v->at);
    m->present |= (uint32_t)1 << v->slot;
  }
  missing = s->required & ~m->present;
  for (size_t i = 0; missing; i++, missing >>= 1)
    if (missing & 1) return wrong(m, i, "missing", m->r->data + m->r->start);
  return JSON_OK;
}

/* Whether the filter wants the record. */
static bool passes(const reading *m) {
  const json_filter *f = m->s->filter;
  if (!f) return true;
  for (size_t i = 0; i < m->s->rule_count; i++) {
    const json_span *v;
    const char *text;
    size_t n;
    if (!(f->rules >> i & 1)) continue;
    if (!(m->present >> i & 1)) return false;
    v = &m->s->spans[m->s->slots[i].span];
    if (v->type != JSON_STRING) return false;
    text = v->escaped ? m->r->scratch : v->at;
    n = v->escaped ? json_unescape(v->at, v->length, m->r->scratch) : v->length;
    if (!f->accept(f->context, i, text, n)) return false;
  }
  return true;
}

static void write_note(const reading *m) {
  json_shape *s = m->s;
  const json_span *v;
  size_t n;
  if (!s->note) return;
  s->note[0] = '\0';
  if (!(m->present & 1)) return;
  v = &s->spans[s->slots[0].span];
  if (v->type != JSON_STRING) return;
  n = v->escaped ? json_unescape(v->at, v->length, m->r->scratch) : v->length;
  if (n >= s->note_size) n = s->note_size - 1;
  memcpy(s->note, v->escaped ? m->r->scratch : v->at, n);
  s->note[n] = '\0';
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

static void push_name(lua_State *L, const json_shape *s, const json_span *v, int keys, char *scratch) {
  if (v->slot < s->names) lua_pushvalue(L, s->names_at + (int)v->slot);
  else if (v->slot != JSON_NO_SLOT) lua_rawgeti(L, keys, (lua_Integer)v->slot + 1);
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

/* Pushes a short string. Many a member has one of a few words ("Completed"), which are found in the table at `texts`,
** rather than hashed and looked up by Lua again. */
static void push_text(lua_State *L, json_shape *s, const json_span *v, int texts, char *scratch) {
  size_t place = text_place(v->at, v->length);
  json_text *known = &s->texts[place];
  unsigned char *luck = &s->slots[v->slot].luck;
  if (known->length == v->length && json_same(v->at, known->text, known->length)) {
    if (*luck < LUCK_MAX) ++*luck;
    lua_rawgeti(L, texts, (lua_Integer)place + 1);
    return;
  }
  --*luck;
  json_push_scalar(L, v, scratch);
  lua_pushvalue(L, -1);
  lua_rawseti(L, texts, (lua_Integer)place + 1);
  memcpy(known->text, v->at, v->length);
  known->length = v->length;
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

static void push_value(lua_State *L, const reading *m, const json_span *v, int texts) {
  json_shape *s = m->s;
  if (v->type == JSON_INTEGER) lua_pushinteger(L, v->as.integer);
  else if (v->type & (JSON_OBJECT | JSON_ARRAY)) json_build(L, v->at, m->r->scratch);
  else if (v->type == JSON_STRING && v->length - 1 < JSON_TEXT_MAX && s->texts && v->slot != JSON_NO_SLOT &&
           s->slots[v->slot].luck > 0)
    push_text(L, s, v, texts, m->r->scratch);
  else json_push_scalar(L, v, m->r->scratch);
}

/* How many members the table will have. */
static int count_built(const reading *m) {
  int built = 0;
  if (!m->doubt) return m->built;
  for (size_t i = 0; i < m->count; i++) built += m->s->spans[i].kept && m->s->spans[i].type != JSON_NULL;
  return built;
}

static void build_record(lua_State *L, const reading *m, int keys) {
  const json_span *v = m->s->spans, *end = v + m->count;
  int record, texts;
  lua_createtable(L, 0, count_built(m));
  record = lua_gettop(L);
  texts = record + 1;
  push_texts(L, m->s, keys);
  for (; v < end; v++) {
    if (!v->kept || (v->type == JSON_NULL && v->slot != JSON_NO_SLOT)) continue;
    push_name(L, m->s, v, keys, m->r->scratch);
    if (v->type == JSON_NULL) lua_pushnil(L); /* without a slot: undoes an earlier member of that name */
    else push_value(L, m, v, texts);
    lua_rawset(L, record);
  }
  lua_settop(L, record);
}

static void begin(reading *m) {
  m->s->serial++;
  m->before = JSON_NO_SLOT;
  m->present = 0;
  m->count = m->scratch = 0;
  m->built = 0;
  m->doubt = m->no_memory = false;
}

/* Finds the record that stands next, checks it and fills the spans. */
static json_result read_record(reading *m, size_t *n) {
  json_reader *r = m->r;
  const char *text = r->data + r->start, *end = NULL;
  if (!json_shape_prepare(m->s)) m->no_memory = true;
  else {
    begin(m);
    if (r->skim.at == 0) end = scan_record(m, text);
    if (!m->no_memory && (!end || (size_t)(end - text) > JSON_VALUE_MAX)) {
      json_result got = json_skim_on(r);
      if (got != JSON_OK) return got;
      begin(m);
      end = scan_record(m, text);
    }
  }
  if (!end) return json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
  *n = (size_t)(end - text);
  return check_rules(m);
}

/* Gives back what only an unusual record needed. */
static void trim(json_shape *s) {
  if (s->span_capacity <= SPANS_KEPT_MAX) return;
  free(s->spans);
  s->spans = NULL;
  s->span_capacity = 0;
}

json_result json_record(lua_State *L, json_reader *r, json_shape *s, int keys) {
  reading m = {.r = r, .s = s, .room = JSON_DEPTH_MAX - r->depth - 1};
  unsigned type;
  size_t n = 0;
  json_result got = json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type != JSON_OBJECT) return json_fail(r, JSON_WRONG, "expected an object", 0);
  if (r->depth == JSON_DEPTH_MAX) return json_skim_on(r);
  got = read_record(&m, &n);
  if (got != JSON_OK) return got;
  if (!json_reserve(r, m.scratch)) return json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
  if (passes(&m)) {
    luaL_checkstack(L, 6, "record");
    json_shape_intern(L, s, keys);
    build_record(L, &m, keys);
    write_note(&m);
  } else got = JSON_SKIPPED;
  json_take(r, n);
  trim(s);
  return got;
}
