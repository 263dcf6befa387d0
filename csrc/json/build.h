/*
** build: makes Lua values of text that was checked. Raises only when Lua is out of memory;
** finalizers may run.
*/
#ifndef TOPAZ_JSON_BUILD_H
#define TOPAZ_JSON_BUILD_H

#include <lua.h>

#include "scan.h"

/* Pushes the value for a null that is kept: a NULL pointer as light userdata, as in lua-cjson. */
void json_push_null(lua_State *L);
/* Pushes the metatable of empty arrays, one for each Lua state. Setting this metatable costs some
** 230 instructions per array. */
void json_push_array_mt(lua_State *L);
/* Makes the table on the top of the stack the metatable of empty arrays. Pops it. */
void json_set_array_mt(lua_State *L);

/* ---- for the files of the room --------------------------------------------------------------- */

/* `scratch` below has room for the longest string of the text, if any has escapes. */

/* Pushes the value at p. keep_nulls: null members are built, as json_push_null, not left out. */
void json_build(lua_State *L, const char *p, char *scratch, bool keep_nulls);
/* Pushes the member's name at the quote p; returns the place behind the colon. */
const char *json_build_name(lua_State *L, const char *p, char *scratch);

/* Pushes a value that is not a bracket. */
static inline void json_push_scalar(lua_State *L, const json_span *v, char *scratch) {
  switch (v->type) {
  case JSON_STRING:
    if (v->escaped) lua_pushlstring(L, scratch, json_unescape(v->at, v->length, scratch));
    else lua_pushlstring(L, v->at, v->length);
    break;
  case JSON_INTEGER: lua_pushinteger(L, v->as.integer); break;
  case JSON_FLOAT: lua_pushnumber(L, v->as.number); break;
  case JSON_BOOLEAN: lua_pushboolean(L, *v->at == 't'); break;
  default: json_push_null(L); break;
  }
}

#endif
