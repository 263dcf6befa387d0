/* Reads a record: finds its fields, checks them, builds the table. See record.h. */
#include "record.h"

#include <stdlib.h>

#include <lauxlib.h>

#include "scan.h"
#include "skim.h"
#include "table.h"

enum {
  FIELDS_KEPT_MAX = 4096 /* memory for more is freed after the record */
};

/* ---- reading without Lua --------------------------------------------------------------------- */

/* Adds a field, or returns NULL. */
static json_field *add_field(json_reading *m) {
  json_shape *s = m->s;
  if (m->count == s->field_capacity) {
    size_t capacity = s->field_capacity ? 2 * s->field_capacity : 32;
    json_field *fields = capacity <= SIZE_MAX / sizeof *fields ? realloc(s->fields, capacity * sizeof *fields) : NULL;
    if (!fields) {
      m->no_memory = true;
      return NULL;
    }
    s->fields = fields;
    s->field_capacity = capacity;
  }
  return &s->fields[m->count++];
}

static json_field *field_of_slot(json_reading *m, uint32_t i) {
  json_slot *slot = &m->s->slots[i];
  json_field *field;
  /* twice in one record: the last one counts */
  if (slot->serial == m->s->serial) return &m->s->fields[slot->field];
  field = add_field(m);
  if (!field) return NULL;
  slot->serial = m->s->serial;
  slot->field = (uint32_t)(m->count - 1);
  field->slot = i;
  field->kept = slot->kept;
  return field;
}

/* Finds the field of a member whose name is not the expected one. Moves *p from after the name's
** opening quote to after its closing one. */
static json_field *find_field(json_reading *m, const char **p) {
  const char *begin = *p, *name = begin, *end;
  json_field *field;
  uint32_t slot;
  size_t n;
  bool escaped;
  end = json_scan_string(begin, &escaped);
  if (!end) return NULL;
  *p = end + 1;
  n = (size_t)(end - begin);
  if (escaped) {
    if (n > m->scratch) m->scratch = n;
    if (!json_reserve(m->r, n)) {
      m->no_memory = true;
      return NULL;
    }
    name = m->r->scratch;
    n = json_unescape(begin, n, m->r->scratch);
  }
  slot = json_shape_slot(m->s, name, n);
  if (slot == JSON_NO_SLOT) {
    field = add_field(m);
    if (field) *field = (json_field){.slot = slot, .kept = m->s->keep_unknown, .name = begin - 1};
    return field;
  }
  if (m->before == JSON_NO_SLOT) m->s->first = slot;
  else m->s->slots[m->before].next = slot;
  m->before = slot;
  return field_of_slot(m, slot);
}

/* Reads a bracket: the skimmer checks it and finds its end. */
static const char *find_close(json_reading *m, const char *p, json_span *value) {
  json_skim skim = {0};
  size_t n = (size_t)(m->r->data + m->r->end - p);
  if (json_skim_on(&skim, p, n, n, false, m->room) || !json_skim_is_whole(&skim)) return NULL;
  value->at = p;
  value->type = *p == '{' ? JSON_OBJECT : JSON_ARRAY;
  value->length = (uint32_t)skim.at;
  value->escaped = true;
  return p + skim.at;
}

/* Updates the record's flags for a member; slot NULL: the member has none. */
static inline void note(json_reading *m, const json_field *field, const json_slot *slot) {
  const json_span *v = &field->value;
  if (!slot) m->must_check = m->must_check || v->type == JSON_NULL;
  else if (v->type & slot->types) m->present |= slot->bit;
  else m->must_check = true;
  m->built += field->kept;
  if (v->type & (JSON_STRING | JSON_OBJECT | JSON_ARRAY) && v->escaped && v->length > m->scratch)
    m->scratch = v->length;
}

/* Fills the fields of the record at p, which begins with a bracket; returns its end. NULL: wrong,
** cut off, or out of memory. */
static const char *scan_record(json_reading *m, const char *p) {
  json_shape *s = m->s;
  const uint64_t serial = s->serial;
  uint32_t expected = s->first;
  p = json_space(p + 1);
  if (*p == '}') return p + 1;
  for (;;) {
    json_slot *slot;
    json_field *field;
    if (expected >= s->slot_count) expected = 0;
    slot = &s->slots[expected];
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): json_shape_prepare made slots */
    if (json_same(p, slot->text, slot->written) && slot->serial != serial && m->count < s->field_capacity &&
        slot->written > 0) {
      p += slot->written; /* the usual case: the expected member, not yet in this record */
      field = &s->fields[m->count];
      field->slot = m->before = expected;
      field->kept = slot->kept;
      slot->field = (uint32_t)m->count++;
      slot->serial = serial;
    } else {
      if (*p++ != '"') return NULL;
      field = find_field(m, &p);
      if (!field) return NULL;
      slot = field->slot == JSON_NO_SLOT ? NULL : &s->slots[field->slot];
      p = json_space(p);
      if (*p++ != ':') return NULL;
    }
    if (slot) expected = slot->next;
    if ((unsigned char)*p <= ' ') p = json_space(p);
    p = *p == '{' || *p == '[' ? find_close(m, p, &field->value) : json_scan_scalar(p, &field->value);
    if (!p) return NULL;
    note(m, field, slot);
    if ((unsigned char)*p <= ' ') p = json_space(p);
    if (*p == '}') return p + 1;
    if (*p++ != ',') return NULL;
    if (*p != '"') p = json_space(p);
  }
}

/* ---- rules ----------------------------------------------------------------------------------- */

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

/* Whether the number at p is written without a fraction and an exponent. */
static bool is_whole(const char *p) {
  p += *p == '-';
  while (*p >= '0' && *p <= '9') p++;
  return *p != '.' && (*p | 32) != 'e';
}

/* Converts a number that is an integer and fits. Lua's lua_numbertointeger is not public in 5.5. */
static bool to_integer(lua_Number number, lua_Integer *integer) {
  if (!(number >= (lua_Number)LUA_MININTEGER && number < -(lua_Number)LUA_MININTEGER)) return false;
  *integer = (lua_Integer)number;
  return (lua_Number)*integer == number;
}

/* Whether the value has one of the types. Converts between the kinds of numbers first, if that
** loses nothing. */
static bool suits(json_span *v, unsigned types) {
  if (v->type == JSON_INTEGER && !(types & JSON_INTEGER) && types & JSON_FLOAT) {
    v->type = JSON_FLOAT;
    v->as.number = (lua_Number)v->as.integer;
  } else if (v->type == JSON_FLOAT && !(types & JSON_FLOAT) && types & JSON_INTEGER) {
    lua_Integer integer;
    if (!to_integer(v->as.number, &integer)) return false;
    if (is_whole(v->at)) return false; /* an integer too large, rounded to -2^63 */
    v->type = JSON_INTEGER;
    v->as.integer = integer;
  }
  return v->type & types;
}

static json_result check_rules(json_reading *m) {
  const json_shape *s = m->s;
  uint32_t missing;
  if (m->must_check) m->present = 0;
  for (size_t i = 0; m->must_check && i < m->count; i++) {
    const json_field *field = &s->fields[i];
    json_span *v = &s->fields[i].value;
    const json_rule *rule;
    if (field->slot >= s->rule_count || v->type == JSON_NULL) continue;
    rule = &s->rules[field->slot];
    if (!suits(v, rule->types) && !rule->lenient)
      return wrong(m, field->slot, expected_text(rule->types), v->type == JSON_STRING ? v->at - 1 : v->at);
    m->present |= (uint32_t)1 << field->slot;
  }
  missing = s->required & ~m->present;
  for (size_t i = 0; missing; i++, missing >>= 1)
    if (missing & 1) return wrong(m, i, "missing", m->r->data + m->r->start);
  return JSON_OK;
}

static bool accepts(const json_reading *m, size_t rule, const json_span *v) {
  const json_filter *f = m->s->filter;
  const char *text = v->at;
  size_t n = v->length;
  if (v->type & (JSON_INTEGER | JSON_FLOAT | JSON_BOOLEAN)) return f->accept_value(f->context, rule, v);
  if (v->type != JSON_STRING) return f->optional >> rule & 1;
  if (v->escaped) {
    n = json_unescape(text, n, m->r->scratch);
    text = m->r->scratch;
  }
  return f->accept(f->context, rule, text, n);
}

/* Whether the filter wants the record. */
static bool passes(const json_reading *m) {
  const json_shape *s = m->s;
  if (!s->filter) return true;
  for (size_t i = 0; i < s->rule_count; i++) {
    if (!(s->filter->rules >> i & 1)) continue;
    if (m->present >> i & 1 ? !accepts(m, i, &s->fields[s->slots[i].field].value) : !(s->filter->optional >> i & 1))
      return false;
  }
  return true;
}

/* ---- records --------------------------------------------------------------------------------- */

static void begin(json_reading *m) {
  m->s->serial++;
  m->before = JSON_NO_SLOT;
  m->present = 0;
  m->count = m->scratch = 0;
  m->built = 0;
  m->must_check = m->no_memory = false;
}

/* Finds the next record, checks it and fills the fields. */
static json_result read_record(json_reading *m, size_t *n) {
  json_reader *r = m->r;
  const char *text = r->data + r->start, *end = NULL;
  if (!json_shape_prepare(m->s)) m->no_memory = true;
  else {
    begin(m);
    if (r->skim.at == 0) end = scan_record(m, text);
    if (!m->no_memory && (!end || (size_t)(end - text) > JSON_VALUE_MAX)) {
      json_result got = json_find_end(r, n);
      if (got != JSON_OK) return got;
      begin(m);
      end = scan_record(m, text);
    }
  }
  if (!end) return json_no_memory(r);
  *n = (size_t)(end - text);
  return check_rules(m);
}

/* Frees memory that only an unusual record needed. */
static void trim(json_shape *s) {
  if (s->field_capacity <= FIELDS_KEPT_MAX) return;
  free(s->fields);
  s->fields = NULL;
  s->field_capacity = 0;
}

static inline void check_stack(lua_State *L, const json_shape *s) {
  if (s->names == 0) luaL_checkstack(L, JSON_RECORD_STACK, "record"); /* else json_names_push did */
}

json_result json_record_read(lua_State *L, json_reader *r, json_shape *s, int keys) {
  json_reading m = {.r = r, .s = s, .room = JSON_DEPTH_MAX - r->depth - 1};
  size_t n = 0;
  json_result got;
  if (r->depth == JSON_DEPTH_MAX) return json_find_end(r, &n); /* reports the depth */
  check_stack(L, s);
  got = read_record(&m, &n);
  if (got != JSON_OK) return got;
  if (!json_reserve(r, m.scratch)) return json_no_memory(r);
  json_use(r, &s->in_use); /* from here on finalizers may run */
  if (passes(&m)) {
    json_shape_intern(L, s, keys);
    json_table_build(L, &m, n, keys);
  } else got = JSON_SKIPPED;
  json_release(r);
  json_consume(r, n);
  trim(s);
  return got;
}

bool json_record_quick(lua_State *L, json_reader *r, json_shape *s, int keys) {
  const char *p, *end;
  if (!json_table_may_be_quick(r, s)) return false;
  check_stack(L, s); /* first, since it allocates, and nothing is in use yet */
  p = json_space(r->data + r->start);
  if (*p != ',') return false;
  p = json_space(p + 1);
  if (*p != '{') return false;
  json_use(r, &s->in_use);
  end = json_table_quick(L, r, s, p, keys);
  json_release(r);
  if (!end) return false;
  s->usual_bytes = (size_t)(end - p);
  r->start = (size_t)(end - r->data);
  r->waiting = 0;
  return true;
}
