#include "call.h"

#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "userdata.h"

static const char type_name[] = "topaz.call";

/* User values of a call, behind those of its reader. */
enum { CALL_CLIENT = API_USER_VALUES + 1, CALL_USER_VALUES = CALL_CLIENT };

/* ---- beginning and ending -------------------------------------------------------------------- */

static call *check_call(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static void check_open(lua_State *L, const session *s, const char *operation) {
  if (!s->open) error_raise(L, ERROR_CLOSED, operation, "the client is closed");
}

void call_check_session(lua_State *L, const session *s, const char *operation) {
  check_open(L, s, operation);
  if (session_is_inherited(s))
    error_raise(L, ERROR_CLOSED, operation, "the client belongs to the parent process: make a new one after fork");
}

static void begin(lua_State *L, call *c, session *s, const api_operation *operation, const char *process_id,
                  const char *query, const char *headers, uint64_t max_bytes) {
  /* a finalizer may have closed the session since the check */
  check_open(L, s, operation->request.name);
  c->operation = operation;
  if (!request_begin(&c->request, s, &operation->request, process_id, query, headers, max_bytes))
    luaL_error(L, "topaz: out of memory");
}

/* Pushes a call that is not begun. */
static call *new_call(lua_State *L, int client) {
  call *c = lua_newuserdatauv(L, sizeof *c, CALL_USER_VALUES);
  memset(c, 0, sizeof *c);
  luaL_setmetatable(L, type_name);
  api_reader_init(&c->reader);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CALL_CLIENT);
  return c;
}

void call_start(lua_State *L, int client, session *s, const api_operation *operation, int first) {
  api_arguments a;
  call *c;
  api_arguments_read(L, operation, first, &s->limits, &a);
  c = new_call(L, client);
  begin(L, c, s, operation, a.process_id, a.query, a.headers, a.max_bytes);
  request_set_timeout(&c->request, a.timeout);
}

call *call_begin(lua_State *L, int client, session *s, const api_operation *operation, const char *query,
                 const char *headers, uint64_t max_bytes) {
  call *c = new_call(L, client);
  begin(L, c, s, operation, NULL, query, headers, max_bytes);
  return c;
}

void call_begin_again(lua_State *L, call *c, session *s, const api_operation *operation, const char *query,
                      const char *headers, uint64_t max_bytes) {
  memset(c, 0, sizeof *c);
  api_reader_init(&c->reader);
  begin(L, c, s, operation, NULL, query, headers, max_bytes);
}

void call_drop(call *c) {
  json_release(&c->request.body);
  request_free(&c->request);
  api_reader_free(&c->reader);
}

/* ---- waiting --------------------------------------------------------------------------------- */

void call_wait(lua_State *L, int at, lua_KContext context, lua_KFunction k) {
  call *c = lua_touserdata(L, at);
  if (!request_await(&c->request)) (void)luaL_error(L, "topaz: out of memory");
  luaL_checkstack(L, 6, "wait");
  lua_getiuservalue(L, at, CALL_CLIENT);
  lua_getiuservalue(L, -1, CALL_CLIENT_WAIT);
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)c->request.id);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, at);
  lua_callk(L, 5, 2, context, k);
}

int call_has_news(lua_State *L) {
  const call *c = check_call(L);
  lua_pushboolean(L, c->request.has_news || !c->request.session);
  return 1;
}

bool call_waited(lua_State *L, error_kind *kind, bool *again) {
  const char *reason = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
  bool goes_on = !reason;
  if (reason) {
    *kind = strcmp(reason, "closed") == 0 ? ERROR_CLOSED : ERROR_CANCELLED;
    *again = lua_toboolean(L, -1);
  }
  lua_pop(L, 2);
  return goes_on;
}

/* ---- results --------------------------------------------------------------------------------- */

/* A call has a finalizer, so what it holds lives one collection longer than the call, and a page
** that survives two of a generational collector stays until a major one. */
static void forget_result(lua_State *L, int at) {
  lua_pushnil(L);
  lua_setiuservalue(L, at, API_RESULT);
}

int call_forget(lua_State *L) {
  const call *c = check_call(L);
  if (request_has_settled(&c->request)) forget_result(L, 1);
  return 0;
}

void call_error(lua_State *L, call *c) {
  if (!c->worded) {
    c->worded = true;
    api_word_error(L, &c->request, c->operation);
  }
  error_push(L, &c->request.error);
}

/* Pushes the results of the call at absolute index `at` and returns how many; API_WAITING: there
** are none yet. Lua may run at any point, and finalizers may call any function but result() of this
** call, which `busy` refuses. */
static int take(lua_State *L, call *c, int at) {
  int n = API_JUDGED;
  c->request.has_news = false;
  while (n == API_JUDGED) {
    if (c->request.state == REQUEST_FAILED) {
      lua_pushnil(L);
      call_error(L, c);
      return 2;
    }
    n = c->operation->read(L, &c->request, &c->reader, at);
  }
  return n;
}

static int take_protected(lua_State *L) {
  int n = take(L, lua_touserdata(L, 1), 1);
  return n > 0 ? n : 0;
}

/* Reading makes Lua values, which runs finalizers; these may call any function, on this call too.
** If memory runs out, or a hook raises, the page lacks the record consumed last, so the call fails
** for good. */
static int take_safely(lua_State *L, call *c, int at) {
  int top = lua_gettop(L), status;
  if (c->busy) return luaL_error(L, "result() was called inside itself, by a finalizer");
  luaL_checkstack(L, 4, "result");
  lua_pushcfunction(L, take_protected);
  lua_pushvalue(L, at);
  c->busy = true;
  status = lua_pcall(L, 1, LUA_MULTRET, 0);
  c->busy = false;
  json_release(&c->request.body);
  if (status != LUA_OK) {
    if (c->operation->request.is_list) {
      if (status == LUA_ERRMEM)
        request_cancel(&c->request, ERROR_TOO_LARGE, "out of memory while the response was read");
      else request_cancel(&c->request, ERROR_CANCELLED, "interrupted while the response was read");
    }
    return lua_error(L);
  }
  return lua_gettop(L) > top ? lua_gettop(L) - top : API_WAITING;
}

/* Handles a cancelled wait: a call made for this wait ends with it, a shared call continues. */
static int stop_waiting(lua_State *L, call *c, int at, bool is_own, error_kind kind, bool again) {
  int n;
  if (is_own) request_cancel(&c->request, kind, "cancelled while the request was under way");
  n = take_safely(L, c, at);
  if (n < 0) {
    error_info e;
    error_init(&e, kind, c->request.operation->name);
    memcpy(e.process_id, c->request.process_id, sizeof e.process_id);
    error_message(&e, "%s",
                  kind == ERROR_CLOSED ? "the client is closed" : "the wait was cancelled; the request continues");
    lua_pushnil(L);
    error_push(L, &e);
    n = 2;
  }
  return again && lua_isnil(L, -n) ? lua_error(L) : n;
}

/* Continues the wait. The call is at index `context` / 2, below what a wait returned. An odd
** context: the call was made for this wait. */
static int finish(lua_State *L, int status, lua_KContext context) {
  int at = (int)(context / 2);
  bool is_own = context % 2 == 1, again = false;
  call *c = lua_touserdata(L, at);
  error_kind kind = ERROR_NONE;
  (void)status;
  for (;;) {
    int n;
    if (lua_gettop(L) > at && !call_waited(L, &kind, &again)) return stop_waiting(L, c, at, is_own, kind, again);
    n = take_safely(L, c, at);
    if (n >= 0) {
      if (is_own) forget_result(L, at); /* nobody else asks for it */
      return n;
    }
    if (c->request.session) call_check_session(L, c->request.session, c->request.operation->name);
    call_wait(L, at, context, finish);
  }
}

int call_finish(lua_State *L) {
  request *r = &((call *)lua_touserdata(L, -1))->request;
  /* read as bytes arrive, so that a long page does not fill the memory */
  r->streams = r->operation->is_list;
  /* an error, or the end of the coroutine, ends the call with its wait */
  lua_toclose(L, -1);
  return finish(L, LUA_OK, 2 * lua_gettop(L) + 1);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void push_event(lua_State *L, const session_event *e) {
  char request_id[sizeof e->request_id + 1];
  lua_createtable(L, 0, 13);
#define TEXT(field) (lua_pushstring(L, e->field), lua_setfield(L, -2, #field))
  TEXT(type);
  TEXT(operation);
  if (e->reason) TEXT(reason);
  if (e->process_id[0]) TEXT(process_id);
#undef TEXT
  if (e->request_id[0]) { /* as in an error */
    (void)error_escape(request_id, sizeof request_id, e->request_id, strlen(e->request_id));
    lua_pushstring(L, request_id);
    lua_setfield(L, -2, "request_id");
  }
#define NUMBER(field) (lua_pushnumber(L, e->field), lua_setfield(L, -2, #field))
  NUMBER(seconds);
  NUMBER(delay);
  NUMBER(time);
  NUMBER(clock);
#undef NUMBER
#define COUNT(field) (lua_pushinteger(L, (lua_Integer)e->field), lua_setfield(L, -2, #field))
  COUNT(call);
  COUNT(attempt);
  COUNT(bytes);
#undef COUNT
  if (e->http_status) {
    lua_pushinteger(L, e->http_status);
    lua_setfield(L, -2, "http_status");
  }
}

void call_deliver_events(lua_State *L, int client, session *s) {
  session_event e;
  while (s->open && session_take_event(s, &e)) {
    lua_getiuservalue(L, client, CALL_CLIENT_EVENT);
    push_event(L, &e);
    lua_call(L, 1, 0);
  }
}

/* ---- methods --------------------------------------------------------------------------------- */

/* call:done(): whether result() returns without waiting. */
static int call_done(lua_State *L) {
  call *c = check_call(L);
  request_state s = c->request.state;
  lua_pushboolean(L, s == REQUEST_DONE || s == REQUEST_FAILED || s == REQUEST_BODY);
  return 1;
}

/* call:result(): the results of the method of the same name; waits until the call is done. */
static int call_result(lua_State *L) {
  (void)check_call(L);
  lua_settop(L, 1);
  return finish(L, LUA_OK, 2);
}

/* call:cancel(): ends the call; result() then returns an error of kind "cancelled". */
static int call_cancel(lua_State *L) {
  call *c = check_call(L);
  if (!c->request.session || request_has_settled(&c->request)) return 0;
  request_cancel(&c->request, ERROR_CANCELLED, "cancelled by the caller");
  /* The next step wakes its waiters: an event loop has to learn that a step is due. */
  lua_getiuservalue(L, 1, CALL_CLIENT);
  if (lua_getiuservalue(L, -1, CALL_CLIENT_SCHEDULER) == LUA_TTABLE) {
    lua_getfield(L, -1, "attend");
    lua_insert(L, -2);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 0);
  }
  return 0;
}

/* call:id(): the number by which step() reports news. */
static int call_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_call(L)->request.id);
  return 1;
}

static int call_gc(lua_State *L) {
  call *c = check_call(L);
  /* called by hand */
  if (c->busy) request_cancel(&c->request, ERROR_CLOSED, "the request was closed");
  else call_drop(c);
  return 0;
}

static int call_tostring(lua_State *L) {
  static const char *const states[] = {"new", "queued", "delayed", "active", "body", "done", "failed"};
  const call *c = check_call(L);
  lua_pushfstring(L, "topaz.call (%s, %s)", c->operation ? c->operation->request.name : "none",
                  states[c->request.state]);
  return 1;
}

void call_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"done", call_done}, {"result", call_result}, {"cancel", call_cancel}, {"id", call_id}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", call_gc}, {"__close", call_cancel}, {"__tostring", call_tostring}, {NULL, NULL}};
  userdata_open(L, type_name, meta, methods);
}
