/*
** userdata: sets up each type that Lua sees: its metatable, and its methods in a table of their
** own.
*/
#ifndef TOPAZ_USERDATA_H
#define TOPAZ_USERDATA_H

#include <lauxlib.h>
#include <lua.h>

/* Creates the type's metatable, hidden from Lua. A metatable that exists already (the module is
** loaded again) stays as it is, with the methods that the Lua layer has added. */
void userdata_open(lua_State *L, const char *type_name, const luaL_Reg *meta, const luaL_Reg *methods);

/* Pushes the type's table of methods. */
void userdata_push_methods(lua_State *L, const char *type_name);

#endif
