/* core: luaopen_topaz_core. Creates the metatables and gives the module's functions. */
#include <time.h>

#include <lauxlib.h>
#include <lua.h>

#include "call.h"
#include "client.h"
#include "cursor.h"
#include "error.h"
#include "json.h"
#include "options.h"
#include "status.h"
#include "transport.h"
#include "version.h"

#if LUA_VERSION_NUM < 504
#error "topaz needs Lua 5.4"
#endif

/* now() -> seconds of the monotonic clock */
static int core_now(lua_State *L) {
  lua_pushnumber(L, transport_now());
  return 1;
}

/* wall() -> Unix seconds of this machine's clock, which may jump */
static int core_wall(lua_State *L) {
  struct timespec ts;
  (void)timespec_get(&ts, TIME_UTC);
  lua_pushnumber(L, (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9);
  return 1;
}

/* is_process_id(value) -> whether it is a string that is a UUID */
static int core_is_process_id(lua_State *L) {
  size_t n = 0;
  const char *s = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &n) : NULL;
  lua_pushboolean(L, s && status_is_process_id(s, n));
  return 1;
}

/* error{ kind =, message =, … } -> an error object */
static int core_error(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_setmetatable(L, "topaz.error");
  return 1;
}

/* libcurl: what this libcurl is */
static void push_library(lua_State *L) {
  transport_library v;
  transport_about(&v);
  lua_createtable(L, 0, 7);
  lua_pushstring(L, v.version);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, v.tls);
  lua_setfield(L, -2, "tls");
#define FLAG(name) (lua_pushboolean(L, v.name), lua_setfield(L, -2, #name))
  FLAG(http2);
  FLAG(async_dns);
  FLAG(gzip);
  FLAG(brotli);
  FLAG(zstd);
#undef FLAG
}

/* The one symbol that the module exports: -fvisibility=hidden hides the rest. */
__attribute__((visibility("default"))) LUAMOD_API int luaopen_topaz_core(lua_State *L);

LUAMOD_API int luaopen_topaz_core(lua_State *L) {
  static const luaL_Reg functions[] = {{"client", client_new},
                                       {"set_wait", client_set_wait},
                                       {"is_open", client_is_open},
                                       {"waiter", client_waiter},
                                       {"state", client_state},
                                       {"scheduler", client_scheduler},
                                       {"client_methods", client_methods},
                                       {"cursor_methods", cursor_methods},
                                       {"options", options_lua},
                                       {"is_process_id", core_is_process_id},
                                       {"error", core_error},
                                       {"now", core_now},
                                       {"wall", core_wall},
                                       {NULL, NULL}};
  luaL_checkversion(L);
  error_open(L);
  client_open(L);
  call_open(L);
  cursor_open(L);
  luaL_newlib(L, functions);
  lua_pushliteral(L, TOPAZ_VERSION);
  lua_setfield(L, -2, "version");
  json_push_null(L);
  lua_setfield(L, -2, "null");
  push_library(L);
  lua_setfield(L, -2, "libcurl");
  return 1;
}
