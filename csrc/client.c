#include "client.h"

#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "call.h"
#include "channel.h"
#include "client_options.h"
#include "client_private.h"
#include "cursor.h"
#include "error.h"
#include "platform/platform.h"
#include "session.h"
#include "sha256.h"
#include "userdata.h"

static const char type_name[] = "topaz.client";
static const char wait_key[] = "topaz.wait";
static const double LONGEST = 1e6; /* seconds of one step */

/* Returns the session of the client at index 1. Raises if it is closed, or belongs to the parent of
** this process. */
static session *check_client(lua_State *L) {
  session *s = luaL_checkudata(L, 1, type_name);
  call_check_session(L, s, "client");
  return s;
}

/* ---- creation -------------------------------------------------------------------------------- */

/* Waits without the Lua layer: steps the client. */
static int wait_alone(lua_State *L) {
  session *s = check_client(L);
  (void)client_advance(L, 1, s, LONGEST, 0, HUGE_VAL);
  return 0;
}

static void keep_functions(lua_State *L, const client_settings *settings, int client) {
  /* see lua/topaz/scheduler */
  static const char *const duties[] = {"current", "suspend", "resume", "attend", "leave"};
  lua_pushvalue(L, settings->on_event);
  lua_setiuservalue(L, client, CALL_CLIENT_EVENT);
  lua_pushvalue(L, settings->scheduler);
  if (lua_istable(L, -1)) {
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++, lua_pop(L, 1))
      if (lua_getfield(L, -1, duties[i]) != LUA_TFUNCTION)
        error_misuse(L, "scheduler",
                     "expected a scheduler such as topaz.scheduler.luv, got a table without a function '%s'",
                     duties[i]);
  }
  lua_setiuservalue(L, client, CALL_CLIENT_SCHEDULER);
  if (lua_getfield(L, LUA_REGISTRYINDEX, wait_key) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    lua_pushcfunction(L, wait_alone);
  }
  lua_setiuservalue(L, client, CALL_CLIENT_WAIT);
}

int client_new(lua_State *L) {
  client_settings settings;
  const char *why;
  int client;
  session *s;
  lua_settop(L, 1);
  client_read_options(L, 1, &settings);
  s = lua_newuserdatauv(L, sizeof *s, CALL_CLIENT_VALUES);
  client = lua_gettop(L);
  memset(s, 0, sizeof *s);
  luaL_setmetatable(L, type_name);
  keep_functions(L, &settings, client);
  s->want_events = lua_isfunction(L, settings.on_event);
  lua_newtable(L);
  lua_setiuservalue(L, client, CALL_CLIENT_OWNED);
  channel_push_table(L);
  lua_setiuservalue(L, client, CALL_CLIENT_CHANNELS);
  if (!session_open(s, settings.base_url, &settings.limits, settings.max_rate, &settings.transport, &why)) {
    session_close(s);
    return luaL_error(L, "topaz.client: %s", why);
  }
  client_begin_sharing(L, &settings, client);
  lua_settop(L, client);
  return 1;
}

int client_set_wait(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, wait_key);
  return 0;
}

/* ---- use ------------------------------------------------------------------------------------- */

/* get_status and so on: the operation of api.h whose index is upvalue 1. */
static int client_operate(lua_State *L) {
  session *s = check_client(L);
  lua_settop(L, 3);
  call_start(L, 1, s, &API_OPERATIONS[lua_tointeger(L, lua_upvalueindex(1))], 2);
  return call_finish(L);
}

/* Adds the operations to the table on the top of the stack, but for names that are there. */
static void add_operations(lua_State *L) {
  for (size_t i = 0; i < API_OPERATION_COUNT; i++) {
    const char *name = API_OPERATIONS[i].request.name;
    if (lua_getfield(L, -1, name) == LUA_TNIL) {
      lua_pushinteger(L, (lua_Integer)i);
      lua_pushcclosure(L, client_operate, 1);
      lua_setfield(L, -3, name);
    }
    lua_pop(L, 1);
  }
}

/* Keeps the request on the top of the stack, which client:start began, in the client at index 1
** until it has settled. */
static void own(lua_State *L) {
  const call *c = lua_touserdata(L, -1);
  lua_getiuservalue(L, 1, CALL_CLIENT_OWNED);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, (lua_Integer)c->request.id);
  lua_pop(L, 1);
}

/* Raises a misuse error that lists the operations. */
static _Noreturn void unknown_operation(lua_State *L, const char *name) {
  char list[ERROR_TEXT_MAX] = "";
  for (size_t i = 0; i < API_OPERATION_COUNT; i++) {
    (void)strncat(list, i == 0 ? "" : i + 1 < API_OPERATION_COUNT ? ", " : " or ", sizeof list - strlen(list) - 1);
    (void)strncat(list, API_OPERATIONS[i].request.name, sizeof list - strlen(list) - 1);
  }
  error_misuse(L, "operation", "expected %s, got '%s'", list, name);
}

/* client:start(operation, …) -> call, not waited for. */
static int client_start(lua_State *L) {
  session *s = check_client(L);
  const char *name = luaL_checkstring(L, 2);
  lua_settop(L, 4);
  for (size_t i = 0; i < API_OPERATION_COUNT; i++)
    if (strcmp(API_OPERATIONS[i].request.name, name) == 0) {
      call_start(L, 1, s, &API_OPERATIONS[i], 3);
      own(L);
      return 1;
    }
  unknown_operation(L, name);
}

/* client:statuses(options) -> cursor, nil, nil, cursor; see cursor.h */
static int client_statuses(lua_State *L) {
  session *s = check_client(L);
  lua_settop(L, 2);
  cursor_new(L, 1, s, 2);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, -3);
  return 4;
}

/* ---- stepping -------------------------------------------------------------------------------- */

/* The seconds at `index`, or `fallback` for nil. */
static double seconds_at(lua_State *L, int index, const char *name, double fallback) {
  if (lua_isnoneornil(L, index)) return fallback;
  if (lua_type(L, index) != LUA_TNUMBER || !(lua_tonumber(L, index) >= 0))
    error_misuse(L, name, "expected seconds, 0 or more, got %s", luaL_tolstring(L, index, NULL));
  return lua_tonumber(L, index);
}

/* client:step(timeout (0), ready, budget) -> number of requests under way, whether the budget
** ended the step early. Waits at most `timeout` seconds for something to do, and works for about
** `budget` seconds at most (nil: no limit). Appends to the table `ready` the ids of the requests
** with news. */
static int client_step(lua_State *L) {
  session *s = check_client(L);
  double timeout = seconds_at(L, 2, "timeout", 0), budget = seconds_at(L, 4, "budget", HUGE_VAL);
  bool more;
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
  if (timeout > LONGEST) timeout = LONGEST;
  more = client_advance(L, 1, s, timeout, lua_istable(L, 3) ? 3 : 0, platform_now() + budget);
  lua_pushinteger(L, s->open ? (lua_Integer)session_pending(s) : 0);
  lua_pushboolean(L, more);
  return 2;
}

/* ---- for event loops ------------------------------------------------------------------------- */

/* client:pollfd() -> a descriptor that is readable when step has something to do; nil where the
** system has none. */
static int client_pollfd(lua_State *L) {
  platform_socket fd = transport_pollfd(check_client(L)->net);
  if (fd == PLATFORM_NO_SOCKET) lua_pushnil(L);
  else lua_pushinteger(L, (lua_Integer)fd);
  return 1;
}

/* client:events() -> what to poll the descriptor for: "r". */
static int client_events(lua_State *L) {
  (void)check_client(L);
  lua_pushliteral(L, "r");
  return 1;
}

/* client:timeout() -> seconds until step has something to do even if the descriptor stays silent;
** nil: never. */
static int client_timeout(lua_State *L) {
  double t = request_timeout(check_client(L));
  if (t < 0) return 0;
  lua_pushnumber(L, t);
  return 1;
}

/* join(a, b): makes a's step and descriptor wake up for b too, until part(a, b). False: the system
** has no descriptor for b. */
int client_join(lua_State *L) {
  session *a = check_client(L), *b = luaL_checkudata(L, 2, type_name);
  platform_socket fd = b->open ? transport_pollfd(b->net) : PLATFORM_NO_SOCKET;
  lua_pushboolean(L, fd != PLATFORM_NO_SOCKET && a != b && transport_join(a->net, fd));
  return 1;
}

int client_part(lua_State *L) {
  session *a = luaL_checkudata(L, 1, type_name), *b = luaL_checkudata(L, 2, type_name);
  if (a->open && b->open && a != b) transport_part(a->net, transport_pollfd(b->net));
  return 0;
}

/* client:stats() -> counters since the client was made */
static int client_stats(lua_State *L) {
  const session *s = check_client(L);
  /* before the table: a finalizer may close the client */
  unsigned connections = transport_connections(s->net);
  double hold = s->gate.pacer.hold - platform_now();
  lua_createtable(L, 0, 16);
#define COUNT(name, value) (lua_pushinteger(L, (lua_Integer)(value)), lua_setfield(L, -2, name))
  COUNT("calls", s->stats.calls);
  COUNT("attempts", s->stats.attempts);
  COUNT("retries", s->stats.retries);
  COUNT("throttled", s->stats.throttled);
  COUNT("failures", s->stats.failures);
  COUNT("bytes", s->stats.bytes);
  COUNT("events_dropped", s->stats.events_dropped);
  COUNT("connections", connections);
  COUNT("pending", session_pending(s));
  COUNT("active", s->lists[SESSION_ACTIVE].count);
  COUNT("retry_tokens", s->budget.tokens);
#undef COUNT
  if (s->gate.pacer.rate > 0) {
    lua_pushnumber(L, s->gate.pacer.rate);
    lua_setfield(L, -2, "rate");
  }
  if (hold > 0) {
    lua_pushnumber(L, hold);
    lua_setfield(L, -2, "hold");
  }
  if (s->has_skew) {
    lua_pushnumber(L, s->skew);
    lua_setfield(L, -2, "clock_skew");
  }
  lua_pushboolean(L, s->gate.multiplexed);
  lua_setfield(L, -2, "http2");
  return 1;
}

static int client_close(lua_State *L) {
  session *s = luaL_checkudata(L, 1, type_name);
  if (!s->open && !s->net) return 0;
  s->open = false;
  request_close_all(s);
  session_close(s);
  return 0;
}

/* Ends a scope: calls close() of the Lua layer if loaded, which also wakes the tasks. */
static int client_leave_scope(lua_State *L) {
  lua_settop(L, 1);
  lua_getfield(L, 1, "close");
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

static int client_tostring(lua_State *L) {
  const session *s = luaL_checkudata(L, 1, type_name);
  if (s->open) lua_pushfstring(L, "topaz.client (%s)", s->base_url);
  else lua_pushliteral(L, "topaz.client (closed)");
  return 1;
}

static int user_value(lua_State *L, int which) {
  (void)luaL_checkudata(L, 1, type_name);
  lua_getiuservalue(L, 1, which);
  return 1;
}

int client_is_open(lua_State *L) {
  const session *s = luaL_testudata(L, 1, type_name);
  if (s) lua_pushboolean(L, s->open && !session_is_inherited(s));
  else lua_pushnil(L);
  return 1;
}

int client_pending(lua_State *L) {
  const session *s = luaL_checkudata(L, 1, type_name);
  lua_pushinteger(L, s->open ? (lua_Integer)session_pending(s) : 0);
  return 1;
}

int client_waiter(lua_State *L) { return user_value(L, CALL_CLIENT_WAIT); }
int client_state(lua_State *L) {
  (void)luaL_checkudata(L, 1, type_name);
  if (lua_getiuservalue(L, 1, CALL_CLIENT_STATE) == LUA_TNIL && lua_istable(L, 2)) {
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, 1, CALL_CLIENT_STATE);
  }
  return 1;
}

int client_random(lua_State *L) {
  lua_pushnumber(L, session_random(luaL_checkudata(L, 1, type_name)));
  return 1;
}

int client_fingerprint(lua_State *L) {
  enum { DIGITS = 16 };
  const session *s = check_client(L);
  size_t n;
  const char *text = luaL_checklstring(L, 2, &n);
  unsigned char digest[SHA256_SIZE];
  char hex[SHA256_HEX_SIZE];
  transport_sign(s->net, text, n, digest);
  sha256_hex(digest, hex);
  lua_pushlstring(L, hex, DIGITS);
  return 1;
}

int client_wakeups(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)transport_wakeups(check_client(L)->net));
  return 1;
}

int client_channel(lua_State *L) {
  session *s = check_client(L);
  lua_settop(L, 3);
  channel_new(L, 1, s, 2, 3);
  return 1;
}

int client_end_channels(lua_State *L) {
  const session *s = luaL_checkudata(L, 1, type_name);
  lua_settop(L, 1);
  if (!s->open) channel_deliver_end(L, 1);
  return 0;
}

int client_scheduler(lua_State *L) { return user_value(L, CALL_CLIENT_SCHEDULER); }
int client_on_event(lua_State *L) { return user_value(L, CALL_CLIENT_EVENT); }

/* The methods that are not operations of api.h. */
static const luaL_Reg methods[] = {
    {"statuses", client_statuses}, {"start", client_start},   {"step", client_step},
    {"pollfd", client_pollfd},     {"events", client_events}, {"timeout", client_timeout},
    {"stats", client_stats},       {"close", client_close},   {NULL, NULL}};

int client_methods(lua_State *L) {
  userdata_push_methods(L, type_name);
  luaL_newlib(L, methods);
  add_operations(L);
  return 2;
}

void client_open(lua_State *L) {
  static const luaL_Reg meta[] = {
      {"__gc", client_close}, {"__close", client_leave_scope}, {"__tostring", client_tostring}, {NULL, NULL}};
  userdata_open(L, type_name, meta, methods);
  userdata_push_methods(L, type_name);
  add_operations(L);
  lua_pop(L, 1);
}
