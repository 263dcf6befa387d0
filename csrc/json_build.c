/* Makes Lua values of text that was found right. See json_part.h. */
#include <lauxlib.h>

#include "json_part.h"

enum { COUNT_MAX = 1 << 20 };

void json_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }

/* How many elements or members the bracket behind p has, at least: counts as far as the first bracket inside. So no
** byte is read more than twice, however deep the nesting. */
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

/* Pushes the name at the quote p; returns the place of the value. */
static const char *push_name(lua_State *L, const char *p, char *scratch) {
  json_span name = {0};
  p = json_space(json_scan_scalar(json_space(p), &name));
  json_push_scalar(L, &name, scratch);
  return p + 1;
}

/* Puts the value on the top of the stack into the table below it (below its name, in an object). */
static void put(lua_State *L, bool is_object, lua_Integer i, bool is_null) {
  if (!is_object) lua_rawseti(L, -2, i);
  else {
    if (is_null) { /* it is absent, and so is an earlier member of that name */
      lua_pop(L, 1);
      lua_pushnil(L);
    }
    lua_rawset(L, -3);
  }
}

/* Behind a value that is on the top of the stack: puts it into its table, and the tables that are closed into theirs.
** Goes to the place of the next value, or to the end with *depth 0. */
static const char *put_away(lua_State *L, const char *p, unsigned *depth, uint64_t *objects, lua_Integer *counts,
                            bool is_null, char *scratch) {
  while (*depth > 0) {
    put(L, *objects & 1, ++counts[*depth - 1], is_null);
    p = json_space(p) + 1;
    if (p[-1] == ',') return *objects & 1 ? push_name(L, p, scratch) : p;
    --*depth;
    *objects >>= 1;
    is_null = false;
  }
  return p;
}

void json_build(lua_State *L, const char *p, char *scratch) {
  lua_Integer counts[JSON_DEPTH_MAX];
  uint64_t objects = 0; /* as in json_skim */
  unsigned depth = 0;
  do {
    json_span scalar = {0};
    luaL_checkstack(L, 4, "nested JSON"); /* a table and a name for each bracket */
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
        if (is_object) p = push_name(L, p, scratch);
        continue;
      }
      p++;
    } else {
      p = json_scan_scalar(p, &scalar);
      json_push_scalar(L, &scalar, scratch);
    }
    p = put_away(L, p, &depth, &objects, counts, scalar.type == JSON_NULL, scratch);
  } while (depth > 0);
}
