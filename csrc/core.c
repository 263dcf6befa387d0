/* core: luaopen_topaz_core. Creates the metatables and returns the module's functions. */
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>

#include "call.h"
#include "channel.h"
#include "client.h"
#include "cursor.h"
#include "error.h"
#include "options.h"
#include "platform/platform.h"
#include "process.h"
#include "session.h"
#include "status.h"
#include "terminal.h"
#include "transport/transport.h"
#include "version.h"
#include "json/decode.h"
#include "json/json.h"
#include "json/shape.h"

#if LUA_VERSION_NUM < 504
#error "topaz needs Lua 5.4 or newer"
#endif

_Static_assert(CHAR_BIT == 8, "a byte has 8 bits");
_Static_assert(sizeof(lua_Integer) == 8, "Lua's integers have 64 bits: ids and byte counts are integers");
_Static_assert(LUA_FLOAT_TYPE == LUA_FLOAT_DOUBLE, "Lua's floats are double: times and JSON numbers are");
_Static_assert(sizeof(double) == 8 && DBL_MANT_DIG == 53, "double has 53 bits");

/* now() -> seconds of the monotonic clock */
static int core_now(lua_State *L) {
  lua_pushnumber(L, platform_now());
  return 1;
}

/* wall() -> Unix seconds of this machine's clock, which may jump */
static int core_wall(lua_State *L) {
  lua_pushnumber(L, platform_wall());
  return 1;
}

/* is_process_id(value) -> whether it is a string that is a UUID */
static int core_is_process_id(lua_State *L) {
  size_t n = 0;
  const char *s = lua_type(L, 1) == LUA_TSTRING ? lua_tolstring(L, 1, &n) : NULL;
  lua_pushboolean(L, s && status_is_process_id(s, n));
  return 1;
}

/* check_sum(text) -> a check for texts that were cut or edited: 8 hexadecimal digits. It is not a
** signature. */
static int core_check_sum(lua_State *L) {
  char digits[9];
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  (void)snprintf(digits, sizeof digits, "%08" PRIx32, json_fnv(text, n));
  lua_pushstring(L, digits);
  return 1;
}

/* A function made by uninterrupted(). Upvalues: the function, a thread without a hook. That thread
** is used even while there is no hook: a signal may set one at any time. */
static int run_uninterrupted(lua_State *L) {
  lua_State *bare = lua_tothread(L, lua_upvalueindex(2));
  int n = lua_gettop(L), below = lua_gettop(bare);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  if (L == bare) lua_call(L, n, LUA_MULTRET);
  else {
    int status;
    if (!lua_checkstack(bare, n + 1)) return luaL_error(L, "stack overflow");
    lua_xmove(L, bare, n + 1);
    status = lua_pcall(bare, n, LUA_MULTRET, 0);
    n = lua_gettop(bare) - below;
    luaL_checkstack(L, n, NULL);
    lua_xmove(bare, L, n);
    if (status != LUA_OK) return lua_error(L);
  }
  return lua_gettop(L);
}

/* uninterrupted(f, …) -> the same functions, which no debug hook interrupts: they run in a thread
** without a hook. (Turning the hook off and on would restart its count.) Finalizers run only if a
** function makes a value. */
static int core_uninterrupted(lua_State *L) {
  int n = lua_gettop(L);
  lua_State *bare = lua_newthread(L);
  lua_sethook(bare, NULL, 0, 0); /* a new thread inherits the hook */
  for (int i = 1; i <= n; i++) {
    luaL_checktype(L, i, LUA_TFUNCTION);
    lua_pushvalue(L, i);
    lua_pushvalue(L, n + 1);
    lua_pushcclosure(L, run_uninterrupted, 2);
    lua_replace(L, i);
  }
  lua_settop(L, n);
  return n;
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

static const luaL_Reg functions[] = {{"client", client_new},
                                     {"set_wait", client_set_wait},
                                     {"set_share", client_set_share},
                                     {"is_open", client_is_open},
                                     {"pending", client_pending},
                                     {"waiter", client_waiter},
                                     {"state", client_state},
                                     {"scheduler", client_scheduler},
                                     {"random", client_random},
                                     {"fingerprint", client_fingerprint},
                                     {"wakeups", client_wakeups},
                                     {"channel", client_channel},
                                     {"is_host", channel_is_host},
                                     {"end_channels", client_end_channels},
                                     {"has_news", call_has_news},
                                     {"forget", call_forget},
                                     {"join", client_join},
                                     {"part", client_part},
                                     {"on_event", client_on_event},
                                     {"client_methods", client_methods},
                                     {"cursor_methods", cursor_methods},
                                     {"options", options_lua},
                                     {"nearest", options_nearest_lua},
                                     {"decode", json_decode},
                                     {"array_mt", json_array_mt},
                                     {"is_process_id", core_is_process_id},
                                     {"check_sum", core_check_sum},
                                     {"error", error_lua},
                                     {"uninterrupted", core_uninterrupted},
                                     {"terminal", terminal_new},
                                     {"is_terminal", terminal_is},
                                     {"is_tty", terminal_is_tty},
                                     {"is_utf8", terminal_is_utf8},
                                     {"terminal_size", terminal_size},
                                     {"file_mode", terminal_file_mode},
                                     {"signals", process_signals},
                                     {"is_foreground", process_is_foreground},
                                     {"die_interrupted", process_die_interrupted},
                                     {"start_process", process_start},
                                     {"now", core_now},
                                     {"wall", core_wall},
                                     {NULL, NULL}};

/* The one symbol that the module exports. */
PLATFORM_EXPORT int luaopen_topaz_core(lua_State *L);

int luaopen_topaz_core(lua_State *L) {
  luaL_checkversion(L);
  error_open(L);
  client_open(L);
  call_open(L);
  channel_open(L);
  cursor_open(L);
  terminal_open(L);
  process_open(L);
  luaL_newlib(L, functions);
  lua_pushliteral(L, TOPAZ_VERSION);
  lua_setfield(L, -2, "version");
  json_push_null(L);
  lua_setfield(L, -2, "null");
  status_push_members(L);
  lua_setfield(L, -2, "members");
  lua_pushinteger(L, STATUS_PAGE_MAX);
  lua_setfield(L, -2, "page_max");
  lua_pushinteger(L, SESSION_TIMEOUT_MAX);
  lua_setfield(L, -2, "timeout_max");
  push_library(L);
  lua_setfield(L, -2, "libcurl");
  return 1;
}
