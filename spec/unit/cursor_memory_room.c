/* Test-only: the memory of a cursor as a Lua module,
** so that specs reach it without a client and without a server. */
#include <lauxlib.h>
#include <lua.h>

#include "cursor_memory.h"

static const char type_name[] = "cursor_memory_room";

/* new(capacity) -> memory */
static int new (lua_State *L) {
  lua_Integer capacity = luaL_checkinteger(L, 1);
  cursor_memory *m;
  luaL_argcheck(L, capacity > 0 && capacity <= CURSOR_MEMORY_MAX && !(capacity & (capacity - 1)), 1, "a power of two");
  m = lua_newuserdatauv(L, cursor_memory_size((uint32_t)capacity), 0);
  cursor_memory_init(m, (uint32_t)capacity);
  luaL_setmetatable(L, type_name);
  return 1;
}

/* hash(text) -> integer */
static int hash(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)cursor_memory_hash(luaL_checkstring(L, 1)));
  return 1;
}

/* add(memory, hash, first) -> whether one whose number is `first` or more was displaced */
static int add(lua_State *L) {
  cursor_memory *m = luaL_checkudata(L, 1, type_name);
  lua_pushboolean(L, cursor_memory_add(m, (uint64_t)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3)));
  return 1;
}

/* has(memory, hash, before) -> boolean */
static int has(lua_State *L) {
  const cursor_memory *m = luaL_checkudata(L, 1, type_name);
  lua_pushboolean(L, cursor_memory_has(m, (uint64_t)luaL_checkinteger(L, 2), (uint64_t)luaL_checkinteger(L, 3)));
  return 1;
}

/* last(memory, but) -> up to 8 hashes */
static int last(lua_State *L) {
  const cursor_memory *m = luaL_checkudata(L, 1, type_name);
  uint64_t out[8];
  size_t n = cursor_memory_last(m, (size_t)luaL_checkinteger(L, 2), out, 8);
  for (size_t i = 0; i < n; i++) lua_pushinteger(L, (lua_Integer)out[i]);
  return (int)n;
}

LUAMOD_API int luaopen_cursor_memory_room(lua_State *L) {
  static const luaL_Reg functions[] = {{"new", new}, {"hash", hash}, {"add", add},
                                       {"has", has}, {"last", last}, {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_newlib(L, functions);
  return 1;
}
