/* The option `share` of a client, which the Lua layer reads. See client_private.h. */
#include <lauxlib.h>

#include "client.h"
#include "client_private.h"
#include "error.h"
#include "platform/platform.h"

static const char share_key[] = "topaz.share";

int client_set_share(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, share_key);
  return 0;
}

void client_begin_sharing(lua_State *L, const client_settings *settings, int client) {
  const char *variable = platform_environment("TOPAZ_SHARE");
  bool by_variable = lua_isnil(L, settings->share) && variable && variable[0];
  if (lua_isnil(L, settings->share) && !by_variable) return;
  if (lua_getfield(L, LUA_REGISTRYINDEX, share_key) != LUA_TFUNCTION)
    error_misuse(L, "share", "the module topaz is not loaded: topaz.core alone shares nothing");
  lua_pushvalue(L, client);
  if (by_variable) lua_pushstring(L, variable);
  else lua_pushvalue(L, settings->share);
  lua_pushboolean(L, by_variable);
  lua_pushstring(L, settings->base_url);
  if (settings->max_rate > 0) lua_pushnumber(L, settings->max_rate);
  else lua_pushnil(L);
  lua_call(L, 5, 0);
}
