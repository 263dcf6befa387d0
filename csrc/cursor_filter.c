#include "cursor_filter.h"

#include <limits.h>
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
  options_check_plain(L, fields, "fields", 1);
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

/* Whether a value of the limit's kind is in its set. */
static bool is_among(const cursor_limit *limit, const void *value, size_t size) {
  return limit->count > 0 && bsearch(value, limit->items, limit->count, size, limit->compare);
}

/* A value of another kind is none of those named: it passes where no more is asked. */
static bool accept(const void *context, size_t rule, const char *text, size_t n) {
  const cursor_where *w = context;
  const cursor_limit *limit = &w->limits[rule];
  cursor_text key = {text, n};
  if (limit->kind != CURSOR_TEXTS) return w->filter.optional >> rule & 1;
  return is_among(limit, &key, sizeof key) != limit->excludes;
}

/* Whether the number lies between the bounds of the limit. */
static bool is_within(const cursor_where *w, const cursor_limit *limit, const cursor_number *n) {
  int low = cursor_number_compare(n, &limit->min), high = cursor_number_compare(n, &limit->max);
  lua_Number time = n->is_integer ? (lua_Number)n->as.integer : n->as.number;
  return low >= limit->above && high <= -limit->below && time <= w->now - limit->older_than &&
         time >= w->now - limit->newer_than;
}

static bool accept_value(const void *context, size_t rule, const json_span *v) {
  const cursor_where *w = context;
  const cursor_limit *limit = &w->limits[rule];
  cursor_number n = {.is_integer = v->type == JSON_INTEGER};
  if (limit->kind != (v->type == JSON_BOOLEAN ? CURSOR_BOOLEANS : CURSOR_NUMBERS))
    return w->filter.optional >> rule & 1;
  if (v->type == JSON_BOOLEAN) return limit->allowed[*v->at == 't'] != limit->excludes;
  if (n.is_integer) n.as.integer = v->as.integer;
  else n.as.number = v->as.number;
  return is_within(w, limit, &n) && is_among(limit, &n, sizeof n) != limit->excludes;
}

void cursor_where_set_now(cursor_where *w, double skew) {
  if (w->has_now) return;
  w->now = platform_wall() + skew;
}

/* Checks an entry of a set: the key at -2 and the value at -1. Returns where its text is; 0: it has
** none. */
static int text_of_entry(lua_State *L, const char *member) {
  bool in_list = lua_type(L, -2) == LUA_TNUMBER;
  int text = in_list ? -1 : -2;
  if (!in_list && lua_isboolean(L, -1) && !lua_toboolean(L, -1)) return 0;
  if (lua_type(L, text) != LUA_TSTRING)
    error_misuse(L, "where", "'%s': expected strings, got a %s", member, luaL_typename(L, text));
  if (!in_list && !lua_isboolean(L, -1))
    error_misuse(L, "where", "'%s': expected true or false for '%s', got a %s", member, lua_tostring(L, text),
                 luaL_typename(L, -1));
  return text;
}

static size_t count_entries(lua_State *L, int table) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) n++;
  return n;
}

/* Pushes a list of the texts of a set. A set is one text, a list { "a", "b" }, or a set { a = true
** }. The list is made first: while it is filled nothing is allocated, so that it has the set as it
** was at one moment. */
static void copy_set(lua_State *L, const char *member, int value) {
  size_t size = lua_istable(L, value) ? count_entries(L, value) : 1, n = 0;
  int copy, text;
  lua_createtable(L, (int)(size < INT_MAX ? size : INT_MAX), 0);
  copy = lua_gettop(L);
  if (lua_type(L, value) == LUA_TSTRING) {
    lua_pushvalue(L, value);
    lua_rawseti(L, copy, 1);
    return;
  }
  if (!lua_istable(L, value))
    error_misuse(L, "where", "'%s': expected a string or a table of strings, got %s", member, luaL_typename(L, value));
  options_check_plain(L, value, "where", 1);
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
    if ((text = text_of_entry(L, member)) == 0) continue;
    if (n == size) error_misuse(L, "where", "'%s': the table was changed while it was read", member);
    lua_pushvalue(L, text);
    lua_rawseti(L, copy, (lua_Integer)++n);
  }
}

/* Pushes the value of `except` in the table at `value`: what a member may not be. false: there is
** none, and nothing is pushed; in a set of texts { except = true } is one of the texts. */
static bool push_except(lua_State *L, int value) {
  int type;
  if (!lua_istable(L, value)) return false;
  options_check_plain(L, value, "where", 1);
  lua_pushliteral(L, "except");
  type = lua_rawget(L, value);
  if (type != LUA_TNIL && type != LUA_TBOOLEAN) return true;
  lua_pop(L, 1);
  return false;
}

static void keep(lua_State *L, int kept) { lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1); }

/* A finalizer may change the caller's tables wherever a value is made. So each set is copied into a
** list of our own first; all sizes and texts come from that copy. */
static void read_texts(lua_State *L, int rule, int value, int kept, cursor_limit *out) {
  bool excludes = push_except(L, value);
  int copy = lua_gettop(L) + 1;
  cursor_text *texts;
  size_t n;
  if (excludes && count_entries(L, value) > 1)
    error_misuse(L, "where", "'%s': 'except' stands alone in its table", STATUS_RULES[rule].name);
  copy_set(L, STATUS_RULES[rule].name, excludes ? copy - 1 : value);
  n = (size_t)lua_rawlen(L, copy);
  texts = lua_newuserdatauv(L, (n + 1) * sizeof *texts, 0);
  for (size_t i = 0; i < n; i++, lua_pop(L, 1)) {
    (void)lua_rawgeti(L, copy, (lua_Integer)i + 1);
    texts[i].text = lua_tolstring(L, -1, &texts[i].length);
  }
  *out = (cursor_limit){.kind = CURSOR_TEXTS, .excludes = excludes, .items = texts, .count = n};
  out->compare = rule == status_rule("process_id") ? compare_ids : compare;
  qsort(texts, n, sizeof *texts, out->compare);
  keep(L, kept);
  keep(L, kept);
  if (excludes) lua_pop(L, 1);
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum { MIN, MAX, ABOVE, BELOW, OLDER_THAN, NEWER_THAN, EXCEPT, BOUNDS };
static const char *const bounds[BOUNDS] = {"min", "max", "above", "below", "older_than", "newer_than", "except"};
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
  error_misuse(L, "where",
               "'%s' is an integer member: expected a number, a list of numbers, or a range such as "
               "{ min = 1, max = 9 }, got %s",
               member, got);
}

static cursor_number check_number(lua_State *L, const char *member, int index) {
  if (lua_type(L, index) != LUA_TNUMBER)
    error_misuse(L, "where", "'%s': expected numbers, got a %s", member, luaL_typename(L, index));
  if (!(lua_tonumber(L, index) == lua_tonumber(L, index)))
    error_misuse(L, "where", "'%s': expected numbers, got nan", member);
  return cursor_number_at(L, index);
}

/* Reads the number, or the list of numbers, at `value` into the limit's set. The memory is made and
** kept first; behind that nothing allocates before it raises, so no finalizer changes the list. */
static void read_numbers(lua_State *L, const char *member, int value, int kept, cursor_limit *out) {
  size_t n = lua_istable(L, value) ? (size_t)lua_rawlen(L, value) : 1, found = 0;
  cursor_number *numbers;
  if (lua_istable(L, value)) options_check_plain(L, value, "where", 1);
  numbers = lua_newuserdatauv(L, (n + 1) * sizeof *numbers, 0);
  keep(L, kept);
  if (!lua_istable(L, value)) numbers[found++] = check_number(L, member, value);
  else
    for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
      if (lua_type(L, -2) != LUA_TNUMBER || found == n)
        error_misuse(L, "where", "'%s': expected a list of numbers", member);
      numbers[found++] = check_number(L, member, -1);
    }
  qsort(numbers, found, sizeof *numbers, cursor_number_compare);
  out->items = numbers;
  out->count = found;
  out->compare = cursor_number_compare;
}

/* Returns the bound that the key at -2 names, and checks its value at -1. */
static size_t check_bound(lua_State *L, const char *member) {
  const char *name;
  bool is_time = strcmp(member, "creation_time") == 0 || strcmp(member, "modification_time") == 0;
  size_t i = 0;
  if (lua_type(L, -2) != LUA_TSTRING) refuse_range(L, member, "a table of something else");
  name = lua_tostring(L, -2);
  while (i < BOUNDS && (strcmp(name, bounds[i]) != 0 || lua_rawlen(L, -2) != strlen(name))) i++;
  if (i == BOUNDS) refuse_bound(L, member, name);
  if (i == EXCEPT) return i; /* read before */
  if (i >= OLDER_THAN && !is_time)
    error_misuse(L, "where", "'%s': '%s' is for creation_time and modification_time only", member, name);
  if (lua_type(L, -1) != LUA_TNUMBER)
    error_misuse(L, "where", "'%s': expected a number for '%s', got a %s", member, name, luaL_typename(L, -1));
  if (!(lua_tonumber(L, -1) >= (i < OLDER_THAN ? -HUGE_VAL : 0)))
    error_misuse(L, "where", "'%s': expected a number%s for '%s', got %.14g", member,
                 i < OLDER_THAN ? "" : " of seconds, 0 or more,", name, lua_tonumber(L, -1));
  return i;
}

/* Sets a bound. Of two on one side the tighter one counts; of two that are the same, the one that
** leaves the number itself out. */
static void set_bound(cursor_limit *out, size_t bound, cursor_number n, lua_Number seconds) {
  bool is_low = bound == MIN || bound == ABOVE, is_open = bound == ABOVE || bound == BELOW;
  cursor_number *end = is_low ? &out->min : &out->max;
  bool *open = is_low ? &out->above : &out->below;
  int tighter = cursor_number_compare(&n, end) * (is_low ? 1 : -1);
  if (bound == OLDER_THAN) out->older_than = seconds;
  else if (bound == NEWER_THAN) out->newer_than = seconds;
  else if (tighter >= 0) {
    *open = is_open || (tighter == 0 && *open);
    *end = n;
  }
}

/* Reads the range at `value`. Returns whether it has bounds, not only `except`. That comes first:
** nothing behind it allocates before it raises, so no finalizer changes the range meanwhile. */
static bool read_range(lua_State *L, const char *member, int value, int kept, cursor_limit *out) {
  bool is_empty = true, is_bounded = false;
  if (push_except(L, value)) {
    read_numbers(L, member, lua_gettop(L), kept, out);
    lua_pop(L, 1);
    is_empty = false;
  }
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
    size_t bound = check_bound(L, member);
    if (bound == EXCEPT) continue;
    set_bound(out, bound, cursor_number_at(L, -1), lua_tonumber(L, -1));
    is_bounded = true;
  }
  if (is_empty && !is_bounded) refuse_range(L, member, "an empty table");
  return is_bounded;
}

/* Reads what a member that is a number may be. Returns whether it must be there. */
static bool read_limit(lua_State *L, int rule, int value, int kept, cursor_limit *out) {
  const char *member = STATUS_RULES[rule].name;
  bool is_list = lua_istable(L, value) && lua_rawlen(L, value) > 0;
  *out = (cursor_limit){.kind = CURSOR_NUMBERS, .older_than = -HUGE_VAL, .newer_than = HUGE_VAL};
  out->min.as.number = -HUGE_VAL;
  out->max.as.number = HUGE_VAL;
  if (is_list || lua_type(L, value) == LUA_TNUMBER) {
    read_numbers(L, member, value, kept, out);
    return true;
  }
  if (!lua_istable(L, value)) refuse_range(L, member, luaL_typename(L, value));
  out->excludes = true;
  return read_range(L, member, value, kept, out);
}

/* ---- booleans -------------------------------------------------------------------------------- */

static _Noreturn void refuse_boolean(lua_State *L, const char *member, int index) {
  bool is_table = lua_istable(L, index) && lua_rawlen(L, index) == 0;
  error_misuse(L, "where",
               "'%s' is a boolean member: expected true, false, a list of them or { except = true }, got %s", member,
               is_table ? "an empty table" : luaL_typename(L, index));
}

/* Adds the boolean at `index`, or those of a list, to the allowed ones. */
static void read_booleans(lua_State *L, const char *member, int index, cursor_limit *out) {
  size_t n = lua_istable(L, index) ? (size_t)lua_rawlen(L, index) : 0;
  if (lua_isboolean(L, index)) out->allowed[lua_toboolean(L, index)] = true;
  else if (n == 0 || count_entries(L, index) != n) refuse_boolean(L, member, index);
  for (size_t i = 1; i <= n; i++, lua_pop(L, 1)) {
    if (lua_rawgeti(L, index, (lua_Integer)i) != LUA_TBOOLEAN) refuse_boolean(L, member, lua_gettop(L));
    out->allowed[lua_toboolean(L, -1)] = true;
  }
}

/* Reads what a member that is a boolean may be. */
static void read_boolean(lua_State *L, int rule, int value, cursor_limit *out) {
  const char *member = STATUS_RULES[rule].name;
  *out = (cursor_limit){.kind = CURSOR_BOOLEANS};
  if (lua_istable(L, value)) {
    options_check_plain(L, value, "where", 1);
    lua_pushliteral(L, "except");
    out->excludes = lua_rawget(L, value) != LUA_TNIL;
    if (out->excludes && count_entries(L, value) > 1)
      error_misuse(L, "where", "'%s': 'except' stands alone in its table", member);
    if (out->excludes && lua_istable(L, -1)) options_check_plain(L, lua_gettop(L), "where", 1);
    if (out->excludes) read_booleans(L, member, lua_gettop(L), out);
    lua_pop(L, 1);
  }
  if (!out->excludes) read_booleans(L, member, value, out);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Copies the members and what they may be to the stack, and returns how many there are. Nothing is
** allocated meanwhile, so that no finalizer can change the caller's table. Where there are more
** than a status has, an unknown one is among those that are copied. */
static int push_members(lua_State *L, int given) {
  int count = 0, most = (int)STATUS_RULE_COUNT;
  options_check_plain(L, given, "where", 1);
  luaL_checkstack(L, 2 * most + 24, "where");
  for (lua_pushnil(L); count <= most && lua_next(L, given); count++) lua_pushvalue(L, -2);
  return count;
}

void cursor_where_read(lua_State *L, int given, int kept, cursor_where *w) {
  int first = lua_gettop(L) + 1, count = push_members(L, given);
  for (int i = 0; i < count; i++) {
    int member = first + 2 * i, value = member + 1, rule;
    bool is_needed;
    if (lua_type(L, member) != LUA_TSTRING)
      error_misuse(L, "where", "expected member names as keys, got a %s", luaL_typename(L, member));
    rule = check_member(L, "where", member);
    if (STATUS_RULES[rule].types == JSON_STRING) {
      read_texts(L, rule, value, kept, &w->limits[rule]);
      is_needed = !w->limits[rule].excludes;
    } else if (STATUS_RULES[rule].types == JSON_INTEGER) is_needed = read_limit(L, rule, value, kept, &w->limits[rule]);
    else { /* JSON_BOOLEAN */ read_boolean(L, rule, value, &w->limits[rule]);
      is_needed = !w->limits[rule].excludes;
    }
    w->filter.rules |= 1u << rule;
    if (!is_needed) w->filter.optional |= 1u << rule;
  }
  lua_settop(L, first - 1);
  w->filter.accept = accept;
  w->filter.accept_value = accept_value;
  w->filter.context = w;
}
