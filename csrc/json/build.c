/* Makes Lua values of text that was checked. See build.h. */
#include "build.h"

#include <lauxlib.h>

#include "buffer.h"

enum { COUNT_MAX = 1 << 20 };

/* ---- marks ----------------------------------------------------------------------------------- */

static const char array_mark = 0; /* its address is the key in the registry */

void json_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }

void json_push_array_mt(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &array_mark) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "array");
  lua_setfield(L, -2, "__jsontype"); /* the field that dkjson reads */
  lua_pushvalue(L, -1);
  json_set_array_mt(L);
}

void json_set_array_mt(lua_State *L) { lua_rawsetp(L, LUA_REGISTRYINDEX, &array_mark); }

/* ---- values ---------------------------------------------------------------------------------- */

/* Returns at least how many elements or members the bracket before p has: counts up to the first
** bracket inside. So no byte is read more than twice, however deep the nesting. */
static int count(const char *p) {
  int n = 1;
  p = json_space(p);
  for (; n < COUNT_MAX; p++) {
    bool escaped;
    switch (*p) {
    case '"': p = json_scan_string(p + 1, &escaped); break;
    case ',': n++; break;
    case ']':
    case '}':
    case '[':
    case '{': return n;
    default: break;
    }
  }
  return n;
}

const char *json_build_name(lua_State *L, const char *p, char *scratch) {
  json_span name = {0};
  p = json_space(json_scan_scalar(json_space(p), &name));
  json_push_scalar(L, &name, scratch);
  return p + 1;
}

/* Stores the value on the top of the stack in the table below it (below its name, in an object). */
static void store(lua_State *L, bool is_object, lua_Integer i, bool is_absent) {
  if (!is_object) lua_rawseti(L, -2, i);
  else {
    if (is_absent) { /* null removes an earlier member of that name */
      lua_pop(L, 1);
      lua_pushnil(L);
    }
    lua_rawset(L, -3);
  }
}

/* Stores the value on the top of the stack in its table, and each table that closes here in its
** own. Returns the place of the next value, or the end with *depth 0. */
static const char *store_all(lua_State *L, const char *p, unsigned *depth, uint64_t *objects, lua_Integer *counts,
                             bool is_absent, char *scratch) {
  while (*depth > 0) {
    store(L, *objects & 1, ++counts[*depth - 1], is_absent);
    p = json_space(p) + 1;
    if (p[-1] == ',') return *objects & 1 ? json_build_name(L, p, scratch) : p;
    --*depth;
    *objects >>= 1;
    is_absent = false;
  }
  return p;
}

void json_build(lua_State *L, const char *p, char *scratch, bool keep_nulls) {
  lua_Integer counts[JSON_DEPTH_MAX];
  uint64_t objects = 0; /* as in json_skim */
  unsigned depth = 0;
  do {
    json_span scalar = {0};
    luaL_checkstack(L, 6, "nested JSON"); /* a table and a name; json_push_array_mt */
    p = json_space(p);
    if (*p == '{' || *p == '[') {
      bool is_object = *p == '{', is_empty;
      int n;
      p = json_space(p + 1);
      is_empty = *p == ']' || *p == '}';
      n = is_empty ? 0 : count(p);
      lua_createtable(L, is_object ? 0 : n, is_object ? n : 0);
      if (!is_empty) {
        objects = objects << 1 | is_object;
        counts[depth++] = 0;
        if (is_object) p = json_build_name(L, p, scratch);
        continue;
      }
      if (!is_object) {
        json_push_array_mt(L);
        lua_setmetatable(L, -2);
      }
      p++;
    } else {
      p = json_scan_scalar(p, &scalar);
      json_push_scalar(L, &scalar, scratch);
    }
    p = store_all(L, p, &depth, &objects, counts, scalar.type == JSON_NULL && !keep_nulls, scratch);
  } while (depth > 0);
}
