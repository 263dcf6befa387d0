#include "cursor_filter.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options.h"
#include "platform/platform.h"

static const char *rule_name(const void *unused, size_t i) {
  (void)unused;
  return STATUS_RULES[i].name;
}

/* Returns the rule of the member that the string at `index` names; an unknown one is misuse. */
static int check_member(lua_State *L, const char *option, int index) {
  const char *name = lua_tostring(L, index);
  /* no member has a NUL in its name */
  int rule = strlen(name) == lua_rawlen(L, index) ? status_rule(name) : -1;
  if (rule < 0) {
    const char *near = options_nearest(name, STATUS_RULE_COUNT, rule_name, NULL);
    error_misuse(L, option, near ? "a status has no member '%s', did you mean '%s'?" : "a status has no member '%s'",
                 name, near);
  }
  return rule;
}

void cursor_fields_read(lua_State *L, int fields, json_shape *shape) {
  size_t n = (size_t)lua_rawlen(L, fields), pairs = 0;
  shape->keep = 1u << status_rule("process_id");
  shape->keep_unknown = false;
  for (lua_pushnil(L); lua_next(L, fields); lua_pop(L, 1)) pairs++;
  if (n == 0 || pairs != n)
    error_misuse(L, "fields", "expected a list of member names, such as { \"process_id\", \"status\" }");
  for (size_t i = 1; i <= n; i++) {
    if (lua_rawgeti(L, fields, (lua_Integer)i) != LUA_TSTRING)
      error_misuse(L, "fields", "expected member names, got a %s", luaL_typename(L, -1));
    shape->keep |= 1u << check_member(L, "fields", -1);
    lua_pop(L, 1);
  }
}

/* ---- where ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b) {
  const cursor_text *x = a, *y = b;
  size_t n = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, n);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

static int compare_ids(const void *a, const void *b) {
  const cursor_text *x = a, *y = b;
  return status_compare_ids(x->text, x->length, y->text, y->length);
}

static bool accept(const void *context, size_t rule, const char *text, size_t n) {
  const cursor_limit *limit = &((const cursor_where *)context)->limits[rule];
  cursor_text key = {text, n};
  return limit->kind == CURSOR_TEXTS && bsearch(&key, limit->texts, limit->count, sizeof key, limit->compare);
}

static bool accept_number(const void *context, size_t rule, lua_Number n) {
  const cursor_where *w = context;
  const cursor_limit *limit = &w->limits[rule];
  return limit->kind == CURSOR_RANGE && n >= limit->min && n <= limit->max && n <= w->now - limit->older_than &&
         n >= w->now - limit->newer_than;
}

void cursor_where_set_now(cursor_where *w, double skew) {
  if (w->has_now) return;
  w->now = platform_wall() + skew;
}

/* Pushes a list of the texts of a set. A set is one text, a list { "a", "b" }, or a set { a = true
** }. */
static void copy_set(lua_State *L, const char *member, int value) {
  int copy;
  lua_Integer n = 0;
  lua_newtable(L);
  copy = lua_gettop(L);
  if (lua_type(L, value) == LUA_TSTRING) {
    lua_pushvalue(L, value);
    lua_rawseti(L, copy, 1);
    return;
  }
  if (!lua_istable(L, value))
    error_misuse(L, "where", "'%s': expected a string or a table of strings, got %s", member, luaL_typename(L, value));
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
    bool in_list = lua_type(L, -2) == LUA_TNUMBER;
    int text = in_list ? -1 : -2;
    if (!in_list && lua_isboolean(L, -1) && !lua_toboolean(L, -1)) continue;
    if (lua_type(L, text) != LUA_TSTRING)
      error_misuse(L, "where", "'%s': expected strings, got a %s", member, luaL_typename(L, text));
    if (!in_list && !lua_isboolean(L, -1))
      error_misuse(L, "where", "'%s': expected true or false for '%s', got a %s", member, lua_tostring(L, text),
                   luaL_typename(L, -1));
    lua_pushvalue(L, text);
    lua_rawseti(L, copy, ++n);
  }
}

static void keep(lua_State *L, int kept) { lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1); }

/* A finalizer may change the caller's tables wherever a value is made. So each set is copied into a
** list of our own first; all sizes and texts come from that copy. */
static void read_texts(lua_State *L, int rule, int value, int kept, cursor_limit *out) {
  int copy = lua_gettop(L) + 1;
  cursor_text *texts;
  size_t n;
  copy_set(L, STATUS_RULES[rule].name, value);
  n = (size_t)lua_rawlen(L, copy);
  texts = lua_newuserdatauv(L, (n + 1) * sizeof *texts, 0);
  for (size_t i = 0; i < n; i++, lua_pop(L, 1)) {
    (void)lua_rawgeti(L, copy, (lua_Integer)i + 1);
    texts[i].text = lua_tolstring(L, -1, &texts[i].length);
  }
  out->kind = CURSOR_TEXTS;
  out->compare = rule == status_rule("process_id") ? compare_ids : compare;
  qsort(texts, n, sizeof *texts, out->compare);
  keep(L, kept);
  keep(L, kept);
  out->texts = texts;
  out->count = n;
}

enum { MIN, MAX, OLDER_THAN, NEWER_THAN, BOUNDS };
static const char *const bounds[BOUNDS] = {"min", "max", "older_than", "newer_than"};
static const char *bound_name(const void *unused, size_t i) {
  (void)unused;
  return bounds[i];
}

static _Noreturn void refuse_bound(lua_State *L, const char *member, const char *name) {
  const char *near = options_nearest(name, BOUNDS, bound_name, NULL);
  char all[100] = "";
  if (near) error_misuse(L, "where", "'%s': unknown bound '%s', did you mean '%s'?", member, name, near);
  for (size_t i = 0; i < BOUNDS; i++) {
    size_t n = strlen(all);
    (void)snprintf(all + n, sizeof all - n, "%s%s", i == 0 ? "" : i + 1 < BOUNDS ? ", " : " or ", bounds[i]);
  }
  error_misuse(L, "where", "'%s': unknown bound '%s', expected %s", member, name, all);
}

static _Noreturn void refuse_range(lua_State *L, const char *member, const char *got) {
  error_misuse(L, "where", "'%s' is an integer member: expected a range such as { min = 1, max = 9 }, got %s", member,
               got);
}

/* Returns the bound that the key at -2 names, and checks its value at -1. */
static size_t check_bound(lua_State *L, const char *member) {
  const char *name;
  bool is_time = strcmp(member, "creation_time") == 0 || strcmp(member, "modification_time") == 0;
  size_t i = 0;
  if (lua_type(L, -2) != LUA_TSTRING) refuse_range(L, member, "a list");
  name = lua_tostring(L, -2);
  while (i < BOUNDS && (strcmp(name, bounds[i]) != 0 || lua_rawlen(L, -2) != strlen(name))) i++;
  if (i == BOUNDS) refuse_bound(L, member, name);
  if (i >= OLDER_THAN && !is_time)
    error_misuse(L, "where", "'%s': '%s' is for creation_time and modification_time only", member, name);
  if (lua_type(L, -1) != LUA_TNUMBER)
    error_misuse(L, "where", "'%s': expected a number for '%s', got a %s", member, name, luaL_typename(L, -1));
  if (!(lua_tonumber(L, -1) >= (i < OLDER_THAN ? -HUGE_VAL : 0)))
    error_misuse(L, "where", "'%s': expected a number%s for '%s', got %.14g", member,
                 i < OLDER_THAN ? "" : " of seconds, 0 or more,", name, lua_tonumber(L, -1));
  return i;
}

/* Nothing here allocates before it raises, so no finalizer changes the caller's table meanwhile. */
static void read_range(lua_State *L, int rule, int value, cursor_limit *out) {
  const char *member = STATUS_RULES[rule].name;
  lua_Number read[BOUNDS] = {-HUGE_VAL, HUGE_VAL, -HUGE_VAL, HUGE_VAL};
  bool is_empty = true;
  if (!lua_istable(L, value)) refuse_range(L, member, luaL_typename(L, value));
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
    read[check_bound(L, member)] = lua_tonumber(L, -1);
    is_empty = false;
  }
  if (is_empty) refuse_range(L, member, "an empty table");
  *out = (cursor_limit){.kind = CURSOR_RANGE,
                        .min = read[MIN],
                        .max = read[MAX],
                        .older_than = read[OLDER_THAN],
                        .newer_than = read[NEWER_THAN]};
}

void cursor_where_read(lua_State *L, int given, int kept, cursor_where *w) {
  luaL_checkstack(L, 12, "where");
  for (lua_pushnil(L); lua_next(L, given); lua_pop(L, 1)) {
    int value = lua_gettop(L), rule;
    if (lua_type(L, -2) != LUA_TSTRING)
      error_misuse(L, "where", "expected member names as keys, got a %s", luaL_typename(L, -2));
    rule = check_member(L, "where", -2);
    if (STATUS_RULES[rule].types == JSON_STRING) read_texts(L, rule, value, kept, &w->limits[rule]);
    else if (STATUS_RULES[rule].types == JSON_INTEGER) read_range(L, rule, value, &w->limits[rule]);
    else
      error_misuse(L, "where", "'%s': only members that are strings or integers can be filtered",
                   STATUS_RULES[rule].name);
    w->filter.rules |= 1u << rule;
  }
  w->filter.accept = accept;
  w->filter.accept_number = accept_number;
  w->filter.context = w;
}
