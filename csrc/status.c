#include "status.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "unicode.h"

/* clang-format off */
const json_rule STATUS_RULES[] = {
  {"process_id",        JSON_STRING,  true,  false},
  {"source_id",         JSON_STRING,  false, true},
  {"filename",          JSON_STRING,  false, true},
  {"input_format",      JSON_STRING,  false, true},
  {"input_height",      JSON_INTEGER, false, true},
  {"input_width",       JSON_INTEGER, false, true},
  {"output_format",     JSON_STRING,  false, true},
  {"output_height",     JSON_INTEGER, false, true},
  {"output_width",      JSON_INTEGER, false, true},
  {"category",          JSON_STRING,  false, true},
  {"model_type",        JSON_STRING,  false, true},
  {"model",             JSON_STRING,  false, true},
  {"crop_to_fill",      JSON_BOOLEAN, false, true},
  {"options_json",      JSON_STRING,  false, true},
  {"status",            JSON_STRING,  true,  false},
  {"progress",          JSON_INTEGER, false, true},
  {"eta",               JSON_INTEGER, false, true},
  {"creation_time",     JSON_INTEGER, false, true},
  {"modification_time", JSON_INTEGER, false, true},
  {"credits",           JSON_INTEGER, false, true},
};
/* clang-format on */
const size_t STATUS_RULE_COUNT = sizeof STATUS_RULES / sizeof *STATUS_RULES;

void status_push_members(lua_State *L) {
  lua_createtable(L, (int)STATUS_RULE_COUNT, 0);
  for (size_t i = 0; i < STATUS_RULE_COUNT; i++) {
    const json_rule *rule = &STATUS_RULES[i];
    lua_createtable(L, 0, 3);
    lua_pushstring(L, rule->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, rule->types == JSON_STRING ? "string" : rule->types == JSON_INTEGER ? "integer" : "boolean");
    lua_setfield(L, -2, "type");
    lua_pushboolean(L, rule->required);
    lua_setfield(L, -2, "required");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

int status_rule(const char *name) {
  for (size_t i = 0; i < STATUS_RULE_COUNT; i++)
    if (strcmp(STATUS_RULES[i].name, name) == 0) return (int)i;
  return -1;
}

int status_compare_ids(const char *a, size_t na, const char *b, size_t nb) {
  size_t i = 0, n = na < nb ? na : nb;
  while (i < n && unicode_lower(a[i]) == unicode_lower(b[i])) i++;
  if (i < n) return (unsigned char)unicode_lower(a[i]) < (unsigned char)unicode_lower(b[i]) ? -1 : 1;
  return (na > nb) - (na < nb);
}

bool status_is_process_id(const char *text, size_t n) {
  if (n != 36) return false;
  for (size_t i = 0; i < n; i++) {
    bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : json_hex_digit(text[i]) < 0) return false;
  }
  return true;
}

void status_describe(const json_reader *r, const char *wrong, char *out, size_t size) {
  const json_error *e = &r->error;
  const char *what = wrong ? wrong : e->what ? e->what : "wrong";
  if (e->member[0] && !wrong)
    (void)snprintf(out, size, "member '%s': %s at byte %llu", e->member, what, (unsigned long long)e->offset);
  else (void)snprintf(out, size, "%s at byte %llu", what, (unsigned long long)e->offset);
}

/* ---- lists ----------------------------------------------------------------------------------- */

void status_list_init(status_list *l) {
  l->stage = LIST_START;
  l->is_array = l->has_data = l->has_pagination = l->has_next_page = false;
  l->next_cursor[0] = '\0';
  l->wrong = NULL;
}

/* Reports that the shape is wrong at the reader's place. */
static json_result wrong(status_list *l, json_reader *r, const char *what) {
  l->wrong = what;
  r->error.offset = r->consumed + r->start;
  return JSON_WRONG;
}

static json_result start(status_list *l, json_reader *r) {
  unsigned type;
  json_result got = json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type == JSON_NULL) { /* an empty list, and the last page */
    got = json_skip(r);
    if (got != JSON_OK) return got;
    l->is_array = l->has_data = true;
    l->stage = LIST_TAIL;
    return JSON_OK;
  }
  if (type != JSON_ARRAY && type != JSON_OBJECT) return wrong(l, r, "expected a list of statuses");
  got = json_enter(r);
  if (got != JSON_OK) return got;
  l->is_array = type == JSON_ARRAY;
  l->has_data = l->is_array;
  l->stage = l->is_array ? LIST_ARRAY : LIST_ENVELOPE;
  return JSON_OK;
}

/* The table `pagination` is on the top of the stack. */
static json_result take_pagination(lua_State *L, status_list *l, json_reader *r) {
  int pagination = lua_gettop(L), type;
  size_t n;
  const char *cursor;
  if (lua_getfield(L, pagination, "has_next_page") != LUA_TBOOLEAN)
    return wrong(l, r, "member 'pagination.has_next_page': expected a boolean");
  l->has_next_page = lua_toboolean(L, -1);
  type = lua_getfield(L, pagination, "next_cursor");
  if (type == LUA_TNIL) return JSON_OK;
  if (type != LUA_TSTRING) return wrong(l, r, "member 'pagination.next_cursor': expected a string");
  cursor = lua_tolstring(L, -1, &n);
  if (n > STATUS_CURSOR_MAX || memchr(cursor, '\0', n))
    return wrong(l, r, "member 'pagination.next_cursor': too long, or contains a NUL");
  memcpy(l->next_cursor, cursor, n + 1);
  return JSON_OK;
}

static json_result read_pagination(lua_State *L, status_list *l, json_reader *r, int page) {
  int top = lua_gettop(L);
  unsigned type;
  json_result got = json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type == JSON_NULL) return json_skip(r); /* absent */
  if (type != JSON_OBJECT) return wrong(l, r, "member 'pagination': expected an object");
  got = json_value(L, r);
  if (got != JSON_OK) return got;
  got = take_pagination(L, l, r);
  lua_settop(L, top + 1);
  if (got == JSON_OK && page) lua_setfield(L, page, "pagination");
  lua_settop(L, top);
  if (got == JSON_OK) l->has_pagination = true;
  return got;
}

/* Reads the next member's name of the envelope. JSON_CLOSE: the envelope is closed. */
static json_result read_name(status_list *l, json_reader *r) {
  const char *name;
  size_t n;
  json_result got = json_member(r, &name, &n);
  if (got == JSON_CLOSE) {
    if (!l->has_data) return wrong(l, r, "member 'data': missing");
    if (!l->has_pagination) return wrong(l, r, "member 'pagination': missing");
    l->stage = LIST_TAIL;
    return JSON_OK;
  }
  if (got != JSON_OK) return got;
#define IS(s) (n == sizeof(s) - 1 && memcmp(name, s, n) == 0)
  if (IS("data")) {
    if (l->has_data) return wrong(l, r, "member 'data': present twice");
    l->stage = LIST_DATA;
  } else if (IS("pagination")) {
    if (l->has_pagination) return wrong(l, r, "member 'pagination': present twice");
    l->stage = LIST_PAGINATION;
  } else {
    l->stage = LIST_UNKNOWN;
    if (n > JSON_NAME_MAX) n = JSON_NAME_MAX;
    memcpy(l->unknown, name, n);
    l->unknown_length = n;
  }
#undef IS
  return JSON_OK;
}

static json_result enter_data(status_list *l, json_reader *r) {
  unsigned type;
  json_result got = json_type(r, &type);
  if (got != JSON_OK) return got;
  if (type != JSON_ARRAY && type != JSON_NULL) return wrong(l, r, "member 'data': expected an array");
  got = type == JSON_NULL ? json_skip(r) : json_enter(r); /* null: an empty list */
  if (got != JSON_OK) return got;
  l->has_data = true;
  l->stage = type == JSON_NULL ? LIST_ENVELOPE : LIST_ARRAY;
  return JSON_OK;
}

/* Keeps an unknown member of the envelope in `page`, under the first 63 bytes of its name. */
static json_result read_unknown(lua_State *L, status_list *l, json_reader *r, int page) {
  json_result got = page ? json_value(L, r) : json_skip(r);
  if (got != JSON_OK) return got;
  if (page && lua_islightuserdata(L, -1)) lua_pop(L, 1); /* null: absent */
  else if (page) {
    lua_pushlstring(L, l->unknown, l->unknown_length); /* it may contain a NUL */
    lua_insert(L, -2);
    lua_rawset(L, page);
  }
  l->stage = LIST_ENVELOPE;
  return JSON_OK;
}

/* Reads the next record, or the end of the array (then JSON_OK, nothing pushed, and the stage has
** advanced). */
static json_result read_record(lua_State *L, status_list *l, json_reader *r, json_shape *shape, int keys) {
  json_result got = json_next_record(L, r, shape, keys);
  if (got != JSON_CLOSE) return got;
  l->stage = l->is_array ? LIST_TAIL : LIST_ENVELOPE;
  return JSON_OK;
}

json_result status_list_next(lua_State *L, status_list *l, json_reader *r, json_shape *shape, int keys, int page) {
  json_result got = JSON_OK;
  while (got == JSON_OK) switch (l->stage) {
    case LIST_START: got = start(l, r); break;
    case LIST_ENVELOPE: got = read_name(l, r); break;
    case LIST_DATA: got = enter_data(l, r); break;
    case LIST_PAGINATION:
      got = read_pagination(L, l, r, page);
      if (got == JSON_OK) l->stage = LIST_ENVELOPE;
      break;
    case LIST_UNKNOWN: got = read_unknown(L, l, r, page); break;
    case LIST_ARRAY:
      got = read_record(L, l, r, shape, keys);
      if (got == JSON_OK && l->stage == LIST_ARRAY) return JSON_OK; /* a record was pushed */
      break;
    case LIST_TAIL:
      got = json_end(r);
      if (got == JSON_OK) l->stage = LIST_COMPLETE;
      break;
    case LIST_COMPLETE: return JSON_CLOSE;
    }
  return got;
}

bool status_peek(lua_State *L, const char *bytes, size_t n, json_reader *spare,
                 char next_cursor[STATUS_CURSOR_MAX + 1]) {
  static const char name[] = "\"pagination\"";
  const size_t length = sizeof name - 1;
  status_list found;
  const char *at = NULL, *end = bytes + n;
  for (const char *p = end; !at && p - bytes >= (ptrdiff_t)length; p--)
    if (p[-1] == '"' && memcmp(p - length, name, length) == 0) at = p;
  if (!at) return false;
  while (at < end && *at != '{') at++; /* skip the colon; else it is not a pagination */
  json_reset(spare);
  status_list_init(&found);
  if (!json_feed(spare, at, (size_t)(end - at)) || read_pagination(L, &found, spare, 0) != JSON_OK) return false;
  if (!found.has_next_page || !found.next_cursor[0]) return false;
  memcpy(next_cursor, found.next_cursor, sizeof found.next_cursor);
  return true;
}

/* ---- single documents ------------------------------------------------------------------------ */

json_result status_read(lua_State *L, json_reader *r, json_shape *shape, int keys) {
  int top = lua_gettop(L);
  json_result got = json_record(L, r, shape, keys);
  if (got != JSON_OK) return got;
  got = json_end(r);
  if (got != JSON_OK) lua_settop(L, top);
  return got;
}

json_result status_read_deletion(lua_State *L, json_reader *r, long long *count) {
  int top = lua_gettop(L), is_integer = 0;
  json_result got = json_value(L, r);
  *count = -1;
  if (got == JSON_OK) got = json_end(r);
  if (got == JSON_OK && lua_istable(L, top + 1)) {
    lua_getfield(L, top + 1, "deleted_count");
    *count = lua_tointegerx(L, -1, &is_integer);
    if (!is_integer || lua_type(L, -1) != LUA_TNUMBER || *count < 0) *count = -1;
  }
  lua_settop(L, top);
  return got;
}

bool status_read_error(lua_State *L, json_reader *r, long long *code, bool *has_code) {
  int top = lua_gettop(L), is_integer = 0;
  *has_code = false;
  if (json_value(L, r) != JSON_OK) return false;
  if (lua_istable(L, -1)) {
    if (lua_getfield(L, top + 1, "code") == LUA_TNUMBER) *code = lua_tointegerx(L, -1, &is_integer);
    *has_code = is_integer != 0;
    if (lua_getfield(L, top + 1, "message") == LUA_TSTRING) {
      lua_replace(L, top + 1);
      lua_settop(L, top + 1);
      return true;
    }
  }
  lua_settop(L, top);
  return false;
}
