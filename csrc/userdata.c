#include "userdata.h"

void userdata_open(lua_State *L, const char *type_name, const luaL_Reg *meta, const luaL_Reg *methods) {
  luaL_newmetatable(L, type_name);
  if (!methods) luaL_setfuncs(L, meta, 0);
  else if (lua_getfield(L, -1, "__index") == LUA_TNIL) {
    lua_pop(L, 1);
    luaL_setfuncs(L, meta, 0);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index"); /* last: where it is, all is */
  } else lua_pop(L, 1);
  lua_pop(L, 1);
}

void userdata_push_methods(lua_State *L, const char *type_name) {
  luaL_getmetatable(L, type_name);
  lua_getfield(L, -1, "__index");
  lua_remove(L, -2);
}
