#include "options.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options_headers.h"
#include "unicode.h"

enum { NAME_MAX_COMPARED = 40, ROWS_MAX = 40 };

/* ---- the nearest name ------------------------------------------------------------------------ */

static size_t least(size_t a, size_t b, size_t c) {
  size_t m = a < b ? a : b;
  return m < c ? m : c;
}

/* Levenshtein's distance, letters compared without case. */
static size_t distance(const char *a, const char *b) {
  size_t row[NAME_MAX_COMPARED + 1], n = strlen(a), m = strlen(b);
  if (n > NAME_MAX_COMPARED || m > NAME_MAX_COMPARED) return NAME_MAX_COMPARED;
  for (size_t j = 0; j <= m; j++) row[j] = j;
  for (size_t i = 1; i <= n; i++) {
    size_t corner = row[0];
    row[0] = i;
    for (size_t j = 1; j <= m; j++) {
      size_t above = row[j];
      size_t same = unicode_lower(a[i - 1]) == unicode_lower(b[j - 1]) ? 0 : 1;
      row[j] = least(above + 1, row[j - 1] + 1, corner + same);
      corner = above;
    }
  }
  return row[m];
}

const char *options_nearest(const char *name, size_t count, const char *(*name_at)(const void *, size_t),
                            const void *context) {
  const char *best = NULL;
  size_t best_distance = strlen(name) / 2 + 1;
  for (size_t i = 0; i < count; i++) {
    size_t d = distance(name, name_at(context, i));
    if (d < best_distance) best = name_at(context, i), best_distance = d;
  }
  return best;
}

static const char *text_at(const void *context, size_t i) {
  lua_State *L = *(lua_State *const *)context;
  const char *text = lua_rawgeti(L, 2, (lua_Integer)i + 1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  lua_pop(L, 1); /* the list keeps it */
  return text;
}

int options_nearest_lua(lua_State *L) {
  const char *name = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_pushstring(L, options_nearest(name, (size_t)lua_rawlen(L, 2), text_at, &L));
  return 1;
}

/* ---- checking -------------------------------------------------------------------------------- */

static const char *row_name(const void *rows, size_t i) { return ((const option_row *)rows)[i].name; }

static _Noreturn void unknown(lua_State *L, const char *name, const option_row *rows, size_t count, int level) {
  const char *near = options_nearest(name, count, row_name, rows);
  if (near) error_misuse_at(L, level, name, "unknown option, did you mean '%s'?", near);
  error_misuse_at(L, level, name, "unknown option");
}

static const char *const wanted[] = {"a non-empty string",
                                     "a number",
                                     "an integer",
                                     "a boolean",
                                     "a table",
                                     "a function",
                                     "a table",
                                     "a string",
                                     "a non-empty string or a table"};

/* Whether the string at `index` contains a NUL: as a C string it would be cut there. */
static bool has_nul(lua_State *L, int index) { return strlen(lua_tostring(L, index)) != lua_rawlen(L, index); }

static _Noreturn void wrong(lua_State *L, const option_row *row, int value, int level) {
  char got[64];
  bool is_numeric = row->type == OPTION_NUMBER || row->type == OPTION_INTEGER;
  /* A number in place of a text is not shown: it may be the key. */
  if (lua_type(L, value) == LUA_TNUMBER && is_numeric) (void)snprintf(got, sizeof got, "%.14g", lua_tonumber(L, value));
  else if (lua_type(L, value) == LUA_TSTRING && lua_rawlen(L, value) == 0)
    (void)snprintf(got, sizeof got, "an empty string");
  else if ((row->type == OPTION_STRING || row->type == OPTION_TEXT) && lua_type(L, value) == LUA_TSTRING)
    (void)snprintf(got, sizeof got, "a string that contains a NUL");
  else (void)snprintf(got, sizeof got, "%s", luaL_typename(L, value));
  if (is_numeric)
    error_misuse_at(L, level, row->name, "expected %s from %.14g to %.14g, got %s", wanted[row->type], row->min,
                    row->max, got);
  error_misuse_at(L, level, row->name, "expected %s, got %s", wanted[row->type], got);
}

void options_check_plain(lua_State *L, int index, const char *option, int level) {
  static const char *const adding[] = {"__index", "__pairs"};
  for (size_t i = 0; i < sizeof adding / sizeof *adding; i++)
    if (luaL_getmetafield(L, index, adding[i]) != LUA_TNIL)
      error_misuse_at(L, level, option,
                      "expected a plain table, got one whose metatable has %s: copy its members first", adding[i]);
}

/* An integral float becomes an integer for OPTION_INTEGER. */
static void check(lua_State *L, const option_row *row, int value, int level) {
  int type = lua_type(L, value), ok = 0;
  lua_Number n = type == LUA_TNUMBER ? lua_tonumber(L, value) : 0;
  lua_Integer i;
  switch (row->type) {
  case OPTION_STRING: ok = type == LUA_TSTRING && lua_rawlen(L, value) > 0 && !has_nul(L, value); break;
  case OPTION_TEXT: ok = type == LUA_TSTRING && !has_nul(L, value); break;
  case OPTION_NUMBER: ok = type == LUA_TNUMBER && n >= row->min && n <= row->max; break;
  case OPTION_INTEGER:
    i = lua_tointegerx(L, value, &ok);
    ok = ok && type == LUA_TNUMBER && n >= row->min && n <= row->max;
    if (!ok) break; /* the value is shown as it came */
    lua_pushinteger(L, i);
    lua_replace(L, value);
    break;
  case OPTION_BOOLEAN: ok = type == LUA_TBOOLEAN; break;
  case OPTION_TABLE: ok = type == LUA_TTABLE; break;
  case OPTION_FUNCTION: ok = type == LUA_TFUNCTION; break;
  case OPTION_HEADERS:
    ok = type == LUA_TTABLE;
    if (!ok) break;
    options_check_plain(L, value, row->name, level);
    options_headers_pack(L, value, row->name, level);
    break;
  case OPTION_EITHER:
    ok = type == LUA_TTABLE || (type == LUA_TSTRING && lua_rawlen(L, value) > 0 && !has_nul(L, value));
    break;
  }
  if (!ok) wrong(L, row, value, level);
}

/* Puts the default, if there is one, in place of the nil at `value`. */
static void fall_back(lua_State *L, const option_row *row, int value) {
  if (row->fallback <= OPTION_NONE) return;
  if (row->type == OPTION_BOOLEAN) lua_pushboolean(L, row->fallback > 0);
  else if (row->type == OPTION_INTEGER) lua_pushinteger(L, (lua_Integer)row->fallback);
  else lua_pushnumber(L, row->fallback);
  lua_replace(L, value);
}

/* Returns the row of the name at -2, below its value. An unknown name is misuse. */
static size_t find_row(lua_State *L, const option_row *rows, size_t count, int level) {
  const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
  /* no option has a NUL in its name */
  size_t i = name && strlen(name) != lua_rawlen(L, -2) ? count : 0;
  if (!name) error_misuse_at(L, level, "options", "expected option names as keys, got a %s", luaL_typename(L, -2));
  while (i < count && strcmp(rows[i].name, name) != 0) i++;
  if (i == count) unknown(L, name, rows, count, level);
  return i;
}

/* Copies the values to the stack, one place for each row. Nothing is allocated in the loop, so
** that no finalizer can change the caller's table while it is traversed. */
static void push_given(lua_State *L, int given, const option_row *rows, size_t count, int level) {
  int first = lua_gettop(L) + 1;
  bool none = lua_isnoneornil(L, given);
  for (size_t i = 0; i < count; i++) lua_pushnil(L);
  if (none) return;
  for (lua_pushnil(L); lua_next(L, given); lua_pop(L, 1)) lua_copy(L, -1, first + (int)find_row(L, rows, count, level));
}

/* Pushes the checked values, one for each row; nil: not given, and without a default. Returns
** the index of the first. */
static int push_values(lua_State *L, int index, const option_row *rows, size_t count, int level) {
  int given = lua_absindex(L, index), first = lua_gettop(L) + 1;
  luaL_checkstack(L, (int)count + 8, "options");
  if (!lua_isnoneornil(L, index) && !lua_istable(L, index))
    error_misuse_at(L, level, "options", "expected a table, got %s", luaL_typename(L, index));
  if (lua_istable(L, given)) options_check_plain(L, given, "options", level);
  push_given(L, given, rows, count, level);
  for (size_t i = 0; i < count; i++)
    if (lua_isnil(L, first + (int)i)) fall_back(L, &rows[i], first + (int)i);
    else check(L, &rows[i], first + (int)i, level);
  return first;
}

/* ---- for C ----------------------------------------------------------------------------------- */

static void store(lua_State *L, const option_row *row, int value, void *out) {
  void *field = (char *)out + row->at;
  if (row->type == OPTION_TABLE || row->type == OPTION_FUNCTION || row->type == OPTION_EITHER) *(int *)field = value;
  else if (!lua_isnil(L, value)) switch (row->field) {
    case OPTION_IN_CHARS: *(const char **)field = lua_tostring(L, value); break;
    case OPTION_IN_DOUBLE: *(double *)field = lua_tonumber(L, value); break;
    case OPTION_IN_BOOL: *(bool *)field = lua_toboolean(L, value); break;
    case OPTION_IN_INT: *(int *)field = (int)lua_tointeger(L, value); break;
    case OPTION_IN_UNSIGNED: *(unsigned *)field = (unsigned)lua_tointeger(L, value); break;
    case OPTION_IN_UINT64: *(uint64_t *)field = (uint64_t)lua_tointeger(L, value); break;
    }
}

void options_read(lua_State *L, int index, const option_row *rows, size_t count, void *out) {
  int first = push_values(L, index, rows, count, 1);
  for (size_t i = 0; i < count; i++) store(L, &rows[i], first + (int)i, out);
}

/* ---- for Lua --------------------------------------------------------------------------------- */

static option_type type_of(lua_State *L, const char *name) {
  static const char *const names[] = {"string", "number", "integer", "boolean", "table", "function", "headers"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (name && strcmp(name, names[i]) == 0) return (option_type)i;
  return (option_type)luaL_error(L, "unknown type of an option: %s", name ? name : "?");
}

int options_lua(lua_State *L) {
  option_row rows[ROWS_MAX] = {0};
  size_t count = (size_t)luaL_len(L, 2);
  int level = (int)luaL_optinteger(L, 3, 1), first;
  luaL_argcheck(L, count <= ROWS_MAX, 2, "too many rows");
  for (size_t i = 0; i < count; i++) {
    option_row *row = &rows[i];
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    for (int k = 1; k <= 5; k++) lua_rawgeti(L, -k, k);
    row->name = lua_tostring(L, -5); /* the rows' table keeps it */
    row->type = type_of(L, lua_tostring(L, -4));
    row->fallback = lua_isboolean(L, -3) ? (double)lua_toboolean(L, -3) : luaL_optnumber(L, -3, OPTION_NONE);
    row->min = luaL_optnumber(L, -2, 0);
    row->max = luaL_optnumber(L, -1, 1e9);
    lua_pop(L, 6);
  }
  first = push_values(L, 1, rows, count, level);
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) {
    if (lua_isnil(L, first + (int)i)) continue;
    if (rows[i].type == OPTION_HEADERS) options_headers_push(L, lua_tostring(L, first + (int)i));
    else lua_pushvalue(L, first + (int)i);
    lua_setfield(L, -2, rows[i].name);
  }
  return 1;
}
