/* The pulls. See json.h. */
#include "json.h"

#include <string.h>

#include "record.h"

static json_result malformed(json_reader *r, const char *what) { return json_fail(r, JSON_MALFORMED, what, 0); }

/* ---- brackets -------------------------------------------------------------------------------- */

/* Begins a pull: JSON_OK with the next byte that is not white space. */
static json_result next_byte(json_reader *r, char *c) {
  *c = '\0';
  if (r->in_use) return JSON_BUSY;
  if (r->broken) return r->broken;
  if (!json_peek(r)) return json_more(r);
  *c = r->data[r->start];
  return JSON_OK;
}

json_result json_type(json_reader *r, unsigned *type) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK) return got;
  switch (c) {
  case '"': *type = JSON_STRING; break;
  case '{': *type = JSON_OBJECT; break;
  case '[': *type = JSON_ARRAY; break;
  case 't':
  case 'f': *type = JSON_BOOLEAN; break;
  case 'n': *type = JSON_NULL; break;
  default:
    if (c != '-' && (c < '0' || c > '9')) return malformed(r, "expected a value");
    *type = JSON_INTEGER;
  }
  return JSON_OK;
}

json_result json_enter(json_reader *r) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK) return got;
  if (c != '{' && c != '[') return malformed(r, "expected a list or an object");
  if (r->depth == JSON_DEPTH_MAX) return malformed(r, "nested too deeply");
  json_consume(r, 1);
  r->depth++;
  r->objects = r->objects << 1 | (c == '{');
  r->place = JSON_PLACE_FIRST;
  return JSON_OK;
}

static json_result leave(json_reader *r) {
  json_consume(r, 1);
  r->depth--;
  r->objects >>= 1;
  return JSON_CLOSE;
}

json_result json_element(json_reader *r) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK || r->place == JSON_PLACE_VALUE) return got;
  if (c == ']') return leave(r);
  if (r->place == JSON_PLACE_BEHIND) {
    if (c != ',') return malformed(r, "expected ',' or ']'");
    r->start++;
  }
  r->place = JSON_PLACE_VALUE;
  return JSON_OK;
}

/* Consumes the next string, and keeps its text in the scratch. */
static json_result read_name(json_reader *r) {
  size_t n;
  json_result got = json_find_end(r, &n);
  if (got != JSON_OK) return got;
  if (!json_reserve(r, n)) return json_no_memory(r);
  r->name_length = json_unescape(r->data + r->start + 1, n - 2, r->scratch);
  json_consume(r, n);
  r->place = JSON_PLACE_COLON;
  return JSON_OK;
}

json_result json_member(json_reader *r, const char **name, size_t *n) {
  if (r->in_use) return JSON_BUSY;
  while (r->place != JSON_PLACE_VALUE) {
    char c;
    json_result got = next_byte(r, &c);
    if (got != JSON_OK) return got;
    switch (r->place) {
    case JSON_PLACE_FIRST:
      if (c == '}') return leave(r);
      if (c != '"') return malformed(r, "expected a member's name or '}'");
      r->place = JSON_PLACE_NAME;
      break;
    case JSON_PLACE_BEHIND:
      if (c == '}') return leave(r);
      if (c != ',') return malformed(r, "expected ',' or '}'");
      r->start++;
      r->place = JSON_PLACE_NAME;
      break;
    case JSON_PLACE_NAME:
      if (c != '"') return malformed(r, "expected a member's name");
      got = read_name(r);
      if (got != JSON_OK) return got;
      break;
    default:
      if (c != ':') return malformed(r, "expected ':'");
      r->start++;
      r->place = JSON_PLACE_VALUE;
    }
  }
  *name = r->scratch;
  *n = r->name_length;
  return r->broken;
}

json_result json_end(json_reader *r) {
  char c;
  if (r->in_use) return JSON_BUSY;
  if (r->broken) return r->broken;
  if (next_byte(r, &c) == JSON_OK) return malformed(r, "expected the end of the text");
  return r->finished ? JSON_OK : JSON_MORE;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Finds the end of the next value, with or without white space before it. */
static json_result find_value(json_reader *r, size_t *n) {
  char c;
  json_result got = next_byte(r, &c);
  return got == JSON_OK ? json_find_end(r, n) : got;
}

json_result json_value(lua_State *L, json_reader *r) {
  size_t n;
  json_result got = find_value(r, &n);
  const char *text;
  if (got != JSON_OK) return got;
  text = r->data + r->start;
  if (memchr(text, '\\', n) && !json_reserve(r, n)) return json_no_memory(r);
  json_use(r, NULL); /* `text` and the scratch are pointers; finalizers may run */
  json_build(L, text, r->scratch, r->keep_nulls);
  json_release(r);
  json_consume(r, n);
  return JSON_OK;
}

json_result json_skip(json_reader *r) {
  size_t n;
  json_result got = find_value(r, &n);
  if (got == JSON_OK) json_consume(r, n);
  return got;
}

json_result json_check(const json_reader *r) {
  json_skim s = {0};
  size_t n;
  const char *text = json_unread(r, &n);
  if (r->in_use) return JSON_BUSY;
  if (r->broken) return r->broken;
  if (n == 0) return JSON_MORE;
  if (json_skim_on(&s, text, n, SIZE_MAX, true, JSON_DEPTH_MAX)) return JSON_MALFORMED;
  if (!json_skim_is_whole(&s)) return JSON_MORE;
  return json_space(text + s.at) == text + n ? JSON_OK : JSON_MALFORMED;
}

/* ---- records --------------------------------------------------------------------------------- */

json_result json_record(lua_State *L, json_reader *r, json_shape *s, int keys) {
  unsigned type = 0;
  json_result got = s->in_use ? JSON_BUSY : json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type != JSON_OBJECT) return json_fail(r, JSON_WRONG, "expected an object", 0);
  return json_record_read(L, r, s, keys);
}

json_result json_next_record(lua_State *L, json_reader *r, json_shape *s, int keys) {
  json_result got;
  if (s->in_use) return JSON_BUSY;
  if (json_record_quick(L, r, s, keys)) return JSON_OK;
  got = json_element(r);
  return got == JSON_OK ? json_record(L, r, s, keys) : got;
}
