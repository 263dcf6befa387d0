#include "options.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"

enum { NAME_MAX_COMPARED = 40, ROWS_MAX = 40 };

/* ---- the nearest name ------------------------------------------------------------------------------------------ */

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
      size_t same = tolower((unsigned char)a[i - 1]) == tolower((unsigned char)b[j - 1]) ? 0 : 1;
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

/* ---- checking --------------------------------------------------------------------------------------------------- */

static const char *row_name(const void *rows, size_t i) { return ((const option_row *)rows)[i].name; }

static int unknown(lua_State *L, const char *name, const option_row *rows, size_t count) {
  const char *near = options_nearest(name, count, row_name, rows);
  if (near) return error_misuse(L, name, "unknown option, did you mean '%s'?", near);
  return error_misuse(L, name, "unknown option");
}

static const char *const wanted[] = {
    "a string that is not empty", "a number", "an integer", "a boolean", "a table", "a function"};

/* Whether the string at `index` holds a NUL: what is passed on as a C string would be cut there. */
static bool has_nul(lua_State *L, int index) { return strlen(lua_tostring(L, index)) != lua_rawlen(L, index); }

static int wrong(lua_State *L, const option_row *row, int value) {
  char got[64];
  bool is_numeric = row->type == OPTION_NUMBER || row->type == OPTION_INTEGER;
  /* A number in place of a text is not shown: it may be the key. */
  if (lua_type(L, value) == LUA_TNUMBER && is_numeric) (void)snprintf(got, sizeof got, "%.14g", lua_tonumber(L, value));
  else if (lua_type(L, value) == LUA_TSTRING && lua_rawlen(L, value) == 0)
    (void)snprintf(got, sizeof got, "an empty string");
  else if (row->type == OPTION_STRING && lua_type(L, value) == LUA_TSTRING)
    (void)snprintf(got, sizeof got, "one with a NUL, which is no printable byte");
  else (void)snprintf(got, sizeof got, "%s", luaL_typename(L, value));
  if (is_numeric)
    return error_misuse(L, row->name, "expected %s from %.14g to %.14g, got %s", wanted[row->type], row->min, row->max,
                        got);
  return error_misuse(L, row->name, "expected %s, got %s", wanted[row->type], got);
}

/* The value is on the top of the stack and stays there; an integral float becomes an integer for OPTION_INTEGER. */
static void check(lua_State *L, const option_row *row) {
  int value = lua_gettop(L), type = lua_type(L, value), ok = 0, is_integer;
  lua_Number n = type == LUA_TNUMBER ? lua_tonumber(L, value) : 0;
  switch (row->type) {
  case OPTION_STRING: ok = type == LUA_TSTRING && lua_rawlen(L, value) > 0 && !has_nul(L, value); break;
  case OPTION_NUMBER: ok = type == LUA_TNUMBER && n >= row->min && n <= row->max; break;
  case OPTION_INTEGER:
    ok = type == LUA_TNUMBER && n >= row->min && n <= row->max;
    if (ok) {
      lua_Integer i = lua_tointegerx(L, value, &is_integer);
      ok = is_integer;
      lua_pushinteger(L, i);
      lua_replace(L, value);
    }
    break;
  case OPTION_BOOLEAN: ok = type == LUA_TBOOLEAN; break;
  case OPTION_TABLE: ok = type == LUA_TTABLE; break;
  case OPTION_FUNCTION: ok = type == LUA_TFUNCTION; break;
  }
  if (!ok) (void)wrong(L, row, value);
}

static void fall_back(lua_State *L, const option_row *row) {
  if (row->fallback <= OPTION_NONE) return;
  if (row->type == OPTION_BOOLEAN) lua_pushboolean(L, row->fallback > 0);
  else if (row->type == OPTION_INTEGER) lua_pushinteger(L, (lua_Integer)row->fallback);
  else lua_pushnumber(L, row->fallback);
  lua_setfield(L, -2, row->name);
}

void options_read(lua_State *L, int index, const option_row *rows, size_t count) {
  int given = lua_absindex(L, index);
  luaL_checkstack(L, 8, "options");
  if (!lua_isnoneornil(L, index) && !lua_istable(L, index))
    (void)error_misuse(L, "options", "expected a table, got %s", luaL_typename(L, index));
  lua_createtable(L, 0, (int)count);
  for (size_t i = 0; i < count; i++) fall_back(L, &rows[i]);
  if (lua_isnoneornil(L, given)) return;
  lua_pushnil(L);
  while (lua_next(L, given)) {
    const char *name = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    size_t i = name && strlen(name) != lua_rawlen(L, -2) ? count : 0; /* no option has a NUL in its name */
    if (!name) (void)error_misuse(L, "options", "expected names of options as keys, got a %s", luaL_typename(L, -2));
    while (i < count && strcmp(rows[i].name, name) != 0) i++;
    if (i == count) (void)unknown(L, name, rows, count);
    check(L, &rows[i]);
    lua_setfield(L, -3, name);
  }
}

double options_number(lua_State *L, int index, const char *name) {
  double n;
  lua_getfield(L, index, name);
  n = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return n;
}

int options_boolean(lua_State *L, int index, const char *name) {
  int b;
  lua_getfield(L, index, name);
  b = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return b;
}

const char *options_string(lua_State *L, int index, const char *name) {
  const char *s;
  lua_getfield(L, index, name);
  s = lua_tostring(L, -1);
  lua_pop(L, 1);
  return s;
}

/* ---- for Lua ---------------------------------------------------------------------------------------------------- */

static option_type type_of(lua_State *L, const char *name) {
  static const char *const names[] = {"string", "number", "integer", "boolean", "table", "function"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (name && strcmp(name, names[i]) == 0) return (option_type)i;
  luaL_error(L, "no type of option: %s", name ? name : "?");
  return OPTION_STRING;
}

int options_lua(lua_State *L) {
  option_row rows[ROWS_MAX];
  size_t count = (size_t)luaL_len(L, 2);
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
  options_read(L, 1, rows, count);
  return 1;
}
