/* A state with an allocator of its own. */
#ifndef TOPAZ_PROOF_STATE_H
#define TOPAZ_PROOF_STATE_H

#include <lua.h>

static inline lua_State *state_new(lua_Alloc allocate) {
#if LUA_VERSION_NUM >= 505
  return lua_newstate(allocate, NULL, 1); /* the same order of tables in each run */
#else
  return lua_newstate(allocate, NULL);
#endif
}

#endif
