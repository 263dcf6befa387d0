/*
** userdata: sets up the metatable of each type, and its methods in a table of their own.
*/
#ifndef TOPAZ_USERDATA_H
#define TOPAZ_USERDATA_H

#include <lauxlib.h>
#include <lua.h>

/* Creates the type's metatable, hidden from Lua. A metatable that exists already (the module is
** loaded again) stays as it is, with the methods that the Lua layer has added. Where `methods` is
** NULL the metatable has the functions of `meta` alone, and is not hidden: a table such as an error
** object, or a userdata that Lua never sees. Leaves the stack as it was. */
void userdata_open(lua_State *L, const char *type_name, const luaL_Reg *meta, const luaL_Reg *methods);

/* Pushes the type's table of methods. */
void userdata_push_methods(lua_State *L, const char *type_name);

#endif
