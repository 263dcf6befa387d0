#include "client.h"

#include <string.h>

#include <lauxlib.h>

#include "call.h"
#include "client_options.h"
#include "cursor.h"
#include "error.h"
#include "options.h"
#include "session.h"

static const char type_name[] = "topaz.client";
static const char wait_key[] = "topaz.wait";

static const double SLICE = 0.2; /* longest wait without a chance for hooks, seconds */

/* ---- creation ------------------------------------------------------------------------------------------------- */

/* client:wait of the core alone: steps once, at most SLICE seconds. */
static int core_wait(lua_State *L);

static void keep_functions(lua_State *L, int options, int client, session *s) {
  static const char *const duties[] = {"current", "suspend", "resume", "attend", "leave"}; /* see lua/topaz/scheduler */
  if (lua_getfield(L, options, "on_event") == LUA_TFUNCTION) s->want_events = true;
  lua_setiuservalue(L, client, CALL_CLIENT_EVENT);
  if (lua_getfield(L, options, "scheduler") == LUA_TTABLE) {
    for (size_t i = 0; i < sizeof duties / sizeof *duties; i++, lua_pop(L, 1))
      if (lua_getfield(L, -1, duties[i]) != LUA_TFUNCTION)
        (void)error_misuse(L, "scheduler", "expected one such as topaz.scheduler.luv; it has no function '%s'",
                           duties[i]);
  }
  lua_setiuservalue(L, client, CALL_CLIENT_SCHEDULER);
  if (lua_getfield(L, LUA_REGISTRYINDEX, wait_key) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    lua_pushcfunction(L, core_wait);
  }
  lua_setiuservalue(L, client, CALL_CLIENT_WAIT);
}

int client_new(lua_State *L) {
  client_settings settings;
  const char *why;
  int options, client;
  session *s;
  lua_settop(L, 1);
  client_read_options(L, 1, &settings);
  options = lua_gettop(L);
  s = lua_newuserdatauv(L, sizeof *s, CALL_CLIENT_VALUES);
  client = lua_gettop(L);
  memset(s, 0, sizeof *s);
  luaL_setmetatable(L, type_name);
  keep_functions(L, options, client, s);
  lua_newtable(L);
  lua_setiuservalue(L, client, CALL_CLIENT_STATE);
  if (!session_open(s, settings.base_url, &settings.limits, settings.max_rate, &settings.transport, &why)) {
    session_close(s);
    return luaL_error(L, "topaz.client: %s", why);
  }
  lua_settop(L, client);
  return 1;
}

int client_set_wait(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, wait_key);
  return 0;
}

/* ---- use ------------------------------------------------------------------------------------------------------ */

static void raise_closed(lua_State *L, const char *message) {
  error_info e;
  error_init(&e, ERROR_CLOSED, "client");
  error_message(&e, "%s", message);
  error_push(L, &e);
  (void)lua_error(L);
}

static session *check_client(lua_State *L) {
  session *s = luaL_checkudata(L, 1, type_name);
  if (!s->open) raise_closed(L, "the client is closed");
  if (session_is_inherited(s)) raise_closed(L, "the client belongs to the parent process: make a new one after fork");
  return s;
}

static const char *check_id(lua_State *L, int index) {
  size_t n;
  const char *id;
  if (lua_type(L, index) != LUA_TSTRING)
    (void)error_misuse(L, "process_id", "expected a string, got %s", luaL_typename(L, index));
  id = lua_tolstring(L, index, &n);
  if (!status_is_process_id(id, n)) {
    error_info shown; /* only for its escaping */
    error_init(&shown, ERROR_NONE, "");
    error_append(&shown, id, n, 60);
    (void)error_misuse(L, "process_id", "expected a UUID, got '%s'", shown.message);
  }
  return id;
}

enum { CALL_TIMEOUT_MAX = 86400 }; /* seconds */

static void begin_one(lua_State *L, session *s, int first, const request_operation *operation) {
  const option_row row = {"timeout", OPTION_NUMBER, s->limits.timeout, 0.001, CALL_TIMEOUT_MAX};
  const char *id = check_id(L, first);
  call *c;
  double timeout;
  options_read(L, first + 1, &row, 1);
  timeout = options_number(L, -1, "timeout");
  c = call_begin(L, 1, s, operation, id, NULL, SESSION_RECORD_BODY_MAX);
  request_set_timeout(&c->request, timeout);
}

static void begin_get(lua_State *L, session *s, int first) { begin_one(L, s, first, &REQUEST_GET_STATUS); }
static void begin_delete(lua_State *L, session *s, int first) { begin_one(L, s, first, &REQUEST_DELETE_STATUS); }

static void begin_delete_all(lua_State *L, session *s, int first) {
  if (!lua_isnoneornil(L, first))
    (void)error_misuse(L, "options", "delete_all_statuses takes no argument, and deletes every status");
  (void)call_begin(L, 1, s, &REQUEST_DELETE_ALL, NULL, NULL, SESSION_RECORD_BODY_MAX);
}

static void begin_page(lua_State *L, session *s, int first) {
  const option_row rows[] = {{"limit", OPTION_INTEGER, 50, 1, 100},
                             {"cursor", OPTION_STRING, OPTION_NONE, 0, 0},
                             {"timeout", OPTION_NUMBER, s->limits.timeout, 0.001, CALL_TIMEOUT_MAX}};
  char query[CURSOR_QUERY_MAX];
  const char *cursor;
  call *c;
  double timeout;
  options_read(L, first, rows, sizeof rows / sizeof *rows);
  timeout = options_number(L, -1, "timeout");
  cursor = options_string(L, -1, "cursor");
  if (cursor && strlen(cursor) > STATUS_CURSOR_MAX)
    (void)error_misuse(L, "cursor", "is longer than %d bytes", STATUS_CURSOR_MAX);
  cursor_query(query, (int)options_number(L, -1, "limit"), cursor);
  c = call_begin(L, 1, s, &REQUEST_GET_PAGE, NULL, query, s->limits.max_bytes);
  request_set_timeout(&c->request, timeout);
}

typedef void begin_function(lua_State *L, session *s, int first);
static const struct {
  const char *name;
  begin_function *begin;
} operations[] = {{"get_status", begin_get},
                  {"get_page", begin_page},
                  {"delete_status", begin_delete},
                  {"delete_all_statuses", begin_delete_all}};

static int run(lua_State *L, begin_function *begin) {
  session *s = check_client(L);
  lua_settop(L, 3);
  begin(L, s, 2);
  return call_finish(L);
}

/* client:get_status(process_id, { timeout = seconds }) -> status | nil, err */
static int client_get_status(lua_State *L) { return run(L, begin_get); }

/* client:get_page{ limit = 1..100 (50), cursor = string, timeout = seconds } -> { data = {…}, pagination = {…} } | nil, err */
static int client_get_page(lua_State *L) { return run(L, begin_page); }

/* client:delete_status(process_id, { timeout = seconds }) -> true | true, "already_gone" | nil, err */
static int client_delete_status(lua_State *L) { return run(L, begin_delete); }

/* client:delete_all_statuses() -> count | true, "count_unknown" | nil, err */
static int client_delete_all(lua_State *L) { return run(L, begin_delete_all); }

/* client:start(operation, …) -> request, not waited for. */
static int client_start(lua_State *L) {
  session *s = check_client(L);
  const char *name = luaL_checkstring(L, 2);
  lua_settop(L, 4);
  for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
    if (strcmp(operations[i].name, name) == 0) {
      operations[i].begin(L, s, 3);
      return 1;
    }
  return error_misuse(L, "operation", "expected get_status, get_page, delete_status or delete_all_statuses, got '%s'",
                      name);
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

/* ---- stepping --------------------------------------------------------------------------------------------------- */

static void push_event(lua_State *L, const session_event *e) {
  lua_createtable(L, 0, 9);
#define TEXT(field) (lua_pushstring(L, e->field), lua_setfield(L, -2, #field))
  TEXT(type);
  TEXT(operation);
  if (e->reason) TEXT(reason);
  if (e->process_id[0]) TEXT(process_id);
#undef TEXT
  lua_pushinteger(L, (lua_Integer)e->attempt);
  lua_setfield(L, -2, "attempt");
  lua_pushnumber(L, e->seconds);
  lua_setfield(L, -2, "seconds");
  lua_pushnumber(L, e->delay);
  lua_setfield(L, -2, "delay");
  lua_pushinteger(L, (lua_Integer)e->bytes);
  lua_setfield(L, -2, "bytes");
  if (e->http_status) {
    lua_pushinteger(L, e->http_status);
    lua_setfield(L, -2, "http_status");
  }
}

/* Calls on_event for what happened. An error in it is the caller's of step; the events after it wait for the next
** step. */
static void deliver_events(lua_State *L, int client, session *s) {
  session_event e;
  while (s->open && session_take_event(s, &e)) {
    lua_getiuservalue(L, client, CALL_CLIENT_EVENT);
    push_event(L, &e);
    lua_call(L, 1, 0);
  }
}

/* Waits in slices. It goes on without Lua while nobody wants to look in between: a debug hook, which is also how Lua's own interpreter
** answers to Ctrl-C, ends it. */
static void wait_for_news(lua_State *L, session *s, double timeout) {
  double until = transport_now() + timeout, left = timeout;
  do {
    request_step(s, left < SLICE ? left : SLICE);
    left = until - transport_now();
  } while (left > 0 && !s->ready && s->event_count == 0 && !lua_gethookmask(L));
}

/* Steps and appends the ids of the requests with news to the table at `ready` (0: nowhere). */
static void step(lua_State *L, int client, session *s, double timeout, int ready) {
  lua_Integer n = ready ? (lua_Integer)lua_rawlen(L, ready) : 0;
  wait_for_news(L, s, timeout);
  while (s->ready) {
    const request *r = s->ready;
    if (ready) { /* first noted, then taken: an error for want of memory loses no news */
      lua_pushinteger(L, (lua_Integer)r->id);
      lua_rawseti(L, ready, n + 1);
      n++;
    }
    if (s->ready == r) (void)request_next_ready(s);
  }
  if (s->event_count > 0) deliver_events(L, client, s);
}

/* client:step(timeout (0), ready) -> number of requests under way. Waits at most `timeout` seconds for something to
** happen. Appends to the table `ready` the ids of the requests with news. */
static int client_step(lua_State *L) {
  session *s = check_client(L);
  double timeout = luaL_optnumber(L, 2, 0);
  if (!(timeout >= 0)) (void)error_misuse(L, "timeout", "expected seconds, 0 or more");
  if (!lua_isnoneornil(L, 3)) luaL_checktype(L, 3, LUA_TTABLE);
  step(L, 1, s, timeout, lua_istable(L, 3) ? 3 : 0);
  lua_pushinteger(L, s->open ? (lua_Integer)session_pending(s) : 0);
  return 1;
}

static int core_wait(lua_State *L) {
  session *s = check_client(L);
  step(L, 1, s, SLICE, 0);
  return 0;
}

/* client:pollfd() -> a descriptor that is readable when step has something to do; nil where the system has none. */
static int client_pollfd(lua_State *L) {
  int fd = transport_pollfd(check_client(L)->net);
  if (fd < 0) return 0;
  lua_pushinteger(L, fd);
  return 1;
}

/* client:events() -> what to poll it for: "r". */
static int client_events(lua_State *L) {
  (void)check_client(L);
  lua_pushliteral(L, "r");
  return 1;
}

/* client:timeout() -> seconds until step has something to do even if the descriptor stays silent; nil: never. */
static int client_timeout(lua_State *L) {
  double t = request_timeout(check_client(L));
  if (t < 0) return 0;
  lua_pushnumber(L, t);
  return 1;
}

/* client:stats() -> counters since the client was made */
static int client_stats(lua_State *L) {
  const session *s = check_client(L);
  unsigned connections = transport_connections(s->net); /* before the table: a finalizer may close the client */
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
  COUNT("active", s->active);
  COUNT("retry_tokens", s->budget.tokens);
#undef COUNT
  if (s->pacer.rate > 0) {
    lua_pushnumber(L, s->pacer.rate);
    lua_setfield(L, -2, "rate");
  }
  if (s->has_skew) {
    lua_pushnumber(L, s->skew);
    lua_setfield(L, -2, "clock_skew");
  }
  lua_pushboolean(L, s->multiplexed);
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

/* The end of a scope: close() of the Lua layer where there is one, which also wakes the tasks. */
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
  const session *s = luaL_checkudata(L, 1, type_name);
  lua_pushboolean(L, s->open && !session_is_inherited(s));
  return 1;
}

int client_waiter(lua_State *L) { return user_value(L, CALL_CLIENT_WAIT); }
int client_state(lua_State *L) { return user_value(L, CALL_CLIENT_STATE); }
int client_scheduler(lua_State *L) { return user_value(L, CALL_CLIENT_SCHEDULER); }

int client_methods(lua_State *L) {
  luaL_getmetatable(L, type_name);
  lua_getfield(L, -1, "__index");
  return 1;
}

void client_open(lua_State *L) {
  static const luaL_Reg methods[] = {{"get_status", client_get_status},
                                     {"get_page", client_get_page},
                                     {"delete_status", client_delete_status},
                                     {"statuses", client_statuses},
                                     {"start", client_start},
                                     {"delete_all_statuses", client_delete_all},
                                     {"step", client_step},
                                     {"pollfd", client_pollfd},
                                     {"events", client_events},
                                     {"timeout", client_timeout},
                                     {"stats", client_stats},
                                     {"close", client_close},
                                     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", client_close}, {"__close", client_leave_scope}, {"__tostring", client_tostring}, {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
