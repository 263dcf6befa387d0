/* Records: many objects of one shape. See json_part.h. */
#include <limits.h>
#include <stdlib.h>

#include <lauxlib.h>

#include "json_part.h"

enum {
  SPANS_KEPT_MAX = 4096 /* more are given back after the record */
};

/* ---- reading without Lua ----------------------------------------------------------------------------------------- */

/* A new span at the end, or NULL. */
static json_span *add_span(json_reading *m) {
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

static json_span *span_of_slot(json_reading *m, uint32_t i) {
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

static json_span *span_without_slot(json_reading *m, const char *name, size_t n, bool escaped) {
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
static json_span *find_member(json_reading *m, const char **p) {
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

static const char *scan_nested(json_reading *m, const char *p, json_span *span) {
  const char *end = json_scan_value(p, m->room);
  if (!end) return NULL;
  span->at = p;
  span->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
  span->length = (uint32_t)(end - p);
  span->escaped = true;
  return end;
}

/* Notes what the value of a member means for the record as a whole; slot NULL: a member without. */
static inline void note(json_reading *m, const json_span *span, const json_slot *slot) {
  if (!slot) m->doubt = m->doubt || span->type == JSON_NULL;
  else if (span->type & slot->types) m->present |= slot->bit;
  else m->doubt = true;
  m->built += span->kept;
  if (span->type & (JSON_STRING | JSON_OBJECT | JSON_ARRAY) && span->escaped && span->length > m->scratch)
    m->scratch = span->length;
}

/* The record at p, which begins with a bracket: fills the spans. NULL: not right, or not all there, or no memory. */
static const char *scan_record(json_reading *m, const char *p) {
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
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): json_shape_prepare has seen to it that there are slots */
    if (json_same(p, slot->text, slot->written) && slot->serial != serial && m->count < s->span_capacity &&
        slot->written > 0) {
      p += slot->written; /* the usual case: the member that was expected, and for the first time in this record */
      span = &s->spans[m->count];
      span->slot = m->before = expected;
      span->kept = slot->kept;
      slot->span = (uint32_t)m->count++;
      slot->serial = serial;
    } else {
      if (*p++ != '"') return NULL;
      span = find_member(m, &p);
      if (!span) return NULL;
      slot = span->slot == JSON_NO_SLOT ? NULL : &s->slots[span->slot];
      p = json_space(p);
      if (*p++ != ':') return NULL;
    }
    if (slot) expected = slot->next;
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

static json_result wrong(json_reading *m, size_t rule, const char *what, const char *at) {
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

static json_result check_rules(json_reading *m) {
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
static bool passes(const json_reading *m) {
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

/* ---- records ------------------------------------------------------------------------------------------------------------ */

static void begin(json_reading *m) {
  m->s->serial++;
  m->before = JSON_NO_SLOT;
  m->present = 0;
  m->count = m->scratch = 0;
  m->built = 0;
  m->doubt = m->no_memory = false;
}

/* Finds the record that stands next, checks it and fills the spans. */
static json_result read_record(json_reading *m, size_t *n) {
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

static inline void check_stack(lua_State *L, const json_shape *s) {
  if (s->names == 0) luaL_checkstack(L, JSON_RECORD_STACK, "record"); /* else json_names_push has seen to it */
}

json_result json_record(lua_State *L, json_reader *r, json_shape *s, int keys) {
  json_reading m = {.r = r, .s = s, .room = JSON_DEPTH_MAX - r->depth - 1};
  unsigned type;
  size_t n = 0;
  json_result got = json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type != JSON_OBJECT) return json_fail(r, JSON_WRONG, "expected an object", 0);
  if (r->depth == JSON_DEPTH_MAX) return json_skim_on(r);
  check_stack(L, s);
  got = read_record(&m, &n);
  if (got != JSON_OK) return got;
  if (!json_reserve(r, m.scratch)) return json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
  if (passes(&m)) {
    json_shape_intern(L, s, keys);
    json_table_build(L, &m, keys);
    json_table_remember(&m, n);
  } else got = JSON_SKIPPED;
  json_take(r, n);
  trim(s);
  return got;
}

/* Reads the next record the quick way, comma and all; false: it has to be done the careful way, and nothing was consumed. */
static bool read_quickly(lua_State *L, json_reader *r, json_shape *s, int keys) {
  const char *p, *end;
  if (!json_table_may_be_quick(r, s)) return false;
  p = json_space(r->data + r->start);
  if (*p != ',') return false;
  p = json_space(p + 1);
  if (*p != '{') return false;
  check_stack(L, s);
  end = json_table_quick(L, r, s, p, keys);
  if (!end) return false;
  s->usual_bytes = (size_t)(end - p);
  r->start = (size_t)(end - r->data);
  r->waiting = 0;
  return true;
}

json_result json_next_record(lua_State *L, json_reader *r, json_shape *s, int keys) {
  json_result got;
  if (read_quickly(L, r, s, keys)) return JSON_OK;
  got = json_element(r);
  return got == JSON_OK ? json_record(L, r, s, keys) : got;
}
