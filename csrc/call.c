#include "call.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

enum { CLIENT = 1, KEYS, RESULT, USER_VALUES = RESULT };
enum { EXCERPT_MAX = 200 };

static const char type_name[] = "topaz.request";

static call *check_call(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static void begin(lua_State *L, call *c, session *s, const request_operation *operation, const char *process_id,
                  const char *query, uint64_t max_bytes) {
  if (!s->open) { /* by a finalizer, since the caller looked */
    error_info e;
    error_init(&e, ERROR_CLOSED, operation->name);
    error_message(&e, "the client is closed");
    error_push(L, &e);
    (void)lua_error(L);
  }
  if (!request_begin(&c->request, s, operation, process_id, query, max_bytes)) luaL_error(L, "not enough memory");
}

call *call_begin(lua_State *L, int client, session *s, const request_operation *operation, const char *process_id,
                 const char *query, uint64_t max_bytes) {
  call *c = lua_newuserdatauv(L, sizeof *c, USER_VALUES);
  memset(c, 0, sizeof *c);
  luaL_setmetatable(L, type_name);
  json_shape_init(&c->shape, STATUS_RULES, STATUS_RULE_COUNT);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, -2, CLIENT);
  if (operation->has_body && operation != &REQUEST_STATUSES) {
    lua_createtable(L, (int)STATUS_RULE_COUNT, 0);
    lua_setiuservalue(L, -2, KEYS);
  }
  begin(L, c, s, operation, process_id, query, max_bytes);
  return c;
}

void call_begin_again(lua_State *L, call *c, session *s, const request_operation *operation, const char *query,
                      uint64_t max_bytes) {
  memset(c, 0, sizeof *c);
  json_shape_init(&c->shape, STATUS_RULES, STATUS_RULE_COUNT);
  begin(L, c, s, operation, NULL, query, max_bytes);
}

void call_drop(call *c) {
  request_free(&c->request);
  json_shape_free(&c->shape);
}

/* ---- errors ----------------------------------------------------------------------------------------------------- */

/* The server's words may quote the key. Without a session nobody knows it any more, and nothing is quoted. */
static void hide_key(const call *c, char *text) {
  const session *s = c->request.session;
  if (s) transport_hide_key(s->net, text);
}

/* The server's words: `message` of the error body, else the beginning of whatever came. */
static void quote(lua_State *L, call *c, error_info *e) {
  json_reader *body = &c->request.body;
  size_t n;
  const char *raw, *text;
  (void)json_unread(body, &n);
  if (n == 0 || !c->request.session) {
    error_message(e,
                  n == 0 ? "the server gave no reason" : "the client was closed before the server's words were read");
    return;
  }
  if (status_read_error(L, body, &e->code, &e->has_code)) {
    text = lua_tolstring(L, -1, &n);
    error_append(e, text, n, EXCERPT_MAX);
    hide_key(c, e->message);
    lua_pop(L, 1);
    return;
  }
  raw = json_unread(body, &n);
  if (n == 0) return;
  error_message(e, "the server says: ");
  error_append(e, raw, n, EXCERPT_MAX);
  hide_key(c, e->message);
}

static const char *advice(const call *c) {
  if (c->request.error.outcome != ERROR_OUTCOME_UNKNOWN) return "";
  return c->request.operation == &REQUEST_DELETE_ALL
             ? "; whether statuses were deleted is not known: list them to see"
             : "; whether it was deleted is not known: get it, not_found means that it was";
}

void call_error(lua_State *L, call *c) {
  error_info *e = &c->request.error;
  if (!c->worded) {
    c->worded = true;
    if (e->http_status >= 300 && !e->message[0]) quote(L, c, e);
    if (c->request.refused) error_append(e, c->request.refused, strlen(c->request.refused), ERROR_TEXT_MAX);
    error_append(e, advice(c), strlen(advice(c)), ERROR_TEXT_MAX);
  }
  error_push(L, e);
}

/* ---- reading lists ----------------------------------------------------------------------------------------------- */

/* The body is not what it should be: says how, with an excerpt when it is not JSON from the start. */
static void refuse(call *c, json_result got) {
  request *r = &c->request;
  char what[ERROR_TEXT_MAX];
  error_info text; /* only for its escaping */
  error_init(&text, ERROR_PROTOCOL, r->operation->name);
  status_describe(&r->body, c->list.wrong, what, sizeof what);
  error_message(&text, "%s", what);
  if (got == JSON_MALFORMED && r->body.consumed == 0 && r->body.error.offset < EXCERPT_MAX) {
    size_t n;
    const char *raw = json_unread(&r->body, &n);
    error_message(&text, "%s; it begins: ", what);
    error_append(&text, raw, n, EXCERPT_MAX);
  }
  hide_key(c, text.message);
  request_body_failed(r, got == JSON_TOO_LARGE ? RETRY_TOO_LARGE : RETRY_PROTOCOL, text.message);
}

/* Handles all answers of a reader that are the same for every document; true: `*news` is what to say. */
static bool settle_body(call *c, json_result got, call_news *news) {
  request *r = &c->request;
  if (got == JSON_MORE && r->state == REQUEST_ACTIVE) {
    request_consumed(r);
    *news = CALL_WAITING;
    return true;
  }
  if (got == JSON_MORE) request_body_failed(r, RETRY_LOST, "the body ended too early");
  else refuse(c, got);
  return false;
}

call_news call_pull(lua_State *L, call *c, json_shape *shape, int keys, int page) {
  request *r = &c->request;
  for (;;) {
    json_result got;
    call_news news;
    if (r->state == REQUEST_FAILED) return CALL_FAILED;
    if (r->state == REQUEST_DONE) return CALL_END;
    if (r->state != REQUEST_BODY && !(r->state == REQUEST_ACTIVE && request_has_answer(r))) return CALL_WAITING;
    if (c->list_attempt != r->attempts) {
      bool again = c->list_attempt != 0;
      status_list_init(&c->list);
      c->list_attempt = r->attempts;
      if (again) return CALL_RESTARTED;
    }
    got = status_list_next(L, &c->list, &r->body, shape, keys, page);
    if (got == JSON_OK || got == JSON_SKIPPED) {
      request_consumed(r);
      return got == JSON_OK ? CALL_RECORD : CALL_SKIPPED;
    }
    if (got == JSON_CLOSE && c->list.has_next_page && !c->list.next_cursor[0]) {
      request_body_failed(r, RETRY_PROTOCOL, "member 'pagination.next_cursor': missing, though has_next_page is true");
    } else if (got == JSON_CLOSE) {
      request_body_done(r);
      return CALL_END;
    } else if (settle_body(c, got, &news)) return news;
  }
}

/* ---- results: each pushes them and returns how many, or -1 when there are none yet ------------------------------- */

static int failed(lua_State *L, call *c) {
  lua_pushnil(L);
  call_error(L, c);
  return 2;
}

static int take_status(lua_State *L, call *c, int at) {
  request *r = &c->request;
  call_news news;
  for (;;) {
    json_result got;
    if (r->state == REQUEST_FAILED) return failed(L, c);
    if (r->state == REQUEST_DONE) return lua_getiuservalue(L, at, RESULT), 1;
    if (r->state != REQUEST_BODY) return -1;
    lua_getiuservalue(L, at, KEYS);
    got = status_read(L, &r->body, &c->shape, lua_gettop(L));
    if (got == JSON_OK) {
      request_body_done(r);
      lua_pushvalue(L, -1);
      lua_setiuservalue(L, at, RESULT);
      return 1;
    }
    lua_pop(L, 1);
    if (settle_body(c, got, &news)) return -1;
  }
}

static void fresh_page(lua_State *L, int at) {
  lua_createtable(L, 0, 2);
  lua_createtable(L, 50, 0);
  lua_setfield(L, -2, "data");
  lua_setiuservalue(L, at, RESULT);
}

static int take_page(lua_State *L, call *c, int at) {
  int top = lua_gettop(L), keys = top + 1, page = top + 2, data = top + 3;
  if (lua_getiuservalue(L, at, RESULT) != LUA_TTABLE) fresh_page(L, at);
  lua_settop(L, top);
  for (;;) {
    call_news news;
    lua_getiuservalue(L, at, KEYS);
    lua_getiuservalue(L, at, RESULT);
    lua_getfield(L, page, "data");
    while ((news = call_pull(L, c, &c->shape, keys, page)) == CALL_RECORD)
      lua_rawseti(L, data, (lua_Integer)lua_rawlen(L, data) + 1);
    lua_settop(L, page);
    if (news == CALL_FAILED) return failed(L, c);
    if (news == CALL_END) {
      if (c->list.is_array) { /* the one and last page */
        lua_createtable(L, 0, 1);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "has_next_page");
        lua_setfield(L, page, "pagination");
      }
      return 1;
    }
    lua_settop(L, top);
    if (news == CALL_WAITING) return -1;
    fresh_page(L, at);
  }
}

static int take_deletion(lua_State *L, call *c) {
  request *r = &c->request;
  if (r->state == REQUEST_FAILED) return failed(L, c);
  if (r->state != REQUEST_DONE) return -1;
  lua_pushboolean(L, 1);
  if (!r->already_gone) return 1;
  lua_pushliteral(L, "already_gone");
  return 2;
}

static int take_count(lua_State *L, call *c, int at) {
  request *r = &c->request;
  long long count = -1;
  if (r->state == REQUEST_FAILED) return failed(L, c);
  if (r->state == REQUEST_BODY && status_read_deletion(L, &r->body, &count) == JSON_OK && count >= 0) {
    lua_pushinteger(L, (lua_Integer)count);
    lua_setiuservalue(L, at, RESULT);
  }
  request_body_done(r);
  if (r->state != REQUEST_DONE) return -1;
  if (lua_getiuservalue(L, at, RESULT) == LUA_TNUMBER) return 1;
  lua_pushboolean(L, 1); /* deleted all the same: the 2xx status line says so */
  lua_pushliteral(L, "count_unknown");
  return 2;
}

static int take(lua_State *L, call *c, int at) {
  const request_operation *o = c->request.operation;
  if (o == &REQUEST_GET_STATUS) return take_status(L, c, at);
  if (o == &REQUEST_GET_PAGE) return take_page(L, c, at);
  if (o == &REQUEST_DELETE_STATUS) return take_deletion(L, c);
  return take_count(L, c, at);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

void call_wait(lua_State *L, int at, lua_KContext context, lua_KFunction k) {
  const call *c = lua_touserdata(L, at);
  luaL_checkstack(L, 6, "wait");
  lua_getiuservalue(L, at, CLIENT);
  lua_getiuservalue(L, -1, CALL_CLIENT_WAIT);
  lua_insert(L, -2);
  lua_pushinteger(L, (lua_Integer)c->request.id);
  lua_callk(L, 2, 1, context, k);
}

void call_waited(lua_State *L, call *c) {
  if (lua_isstring(L, -1)) request_cancel(&c->request, ERROR_CANCELLED, "cancelled while it was under way");
  lua_pop(L, 1);
}

static int take_protected(lua_State *L) {
  int n = take(L, lua_touserdata(L, 1), 1);
  return n > 0 ? n : 0;
}

/* Reading makes Lua values, and thereby runs finalizers, in which anything may be called, also on this call. And it may end
** in want of memory: then a page lacks what was taken out of its body last, so it is a failure for good. */
static int take_safely(lua_State *L, call *c, int at) {
  int top = lua_gettop(L), status;
  if (c->busy) return luaL_error(L, "result() called inside itself, by a finalizer");
  luaL_checkstack(L, 4, "result");
  lua_pushcfunction(L, take_protected);
  lua_pushvalue(L, at);
  c->busy = true;
  status = lua_pcall(L, 1, LUA_MULTRET, 0);
  c->busy = false;
  if (status != LUA_OK) {
    if (c->request.operation == &REQUEST_GET_PAGE)
      request_cancel(&c->request, ERROR_TOO_LARGE, "not enough memory to read the answer");
    return lua_error(L);
  }
  return lua_gettop(L) > top ? lua_gettop(L) - top : -1;
}

/* The call is at index `context`, on the top but for what a wait returned. */
static int finish(lua_State *L, int status, lua_KContext context) {
  int at = (int)context;
  call *c = lua_touserdata(L, at);
  (void)status;
  for (;;) {
    int n;
    if (lua_gettop(L) > at) call_waited(L, c);
    n = take_safely(L, c, at);
    if (n >= 0) return n;
    call_wait(L, at, context, finish);
  }
}

int call_finish(lua_State *L) { return finish(L, LUA_OK, lua_gettop(L)); }

/* ---- methods ----------------------------------------------------------------------------------------------------- */

/* request:done(): whether result() has something to give. */
static int call_done(lua_State *L) {
  call *c = check_call(L);
  request_state s = c->request.state;
  lua_pushboolean(L, s == REQUEST_DONE || s == REQUEST_FAILED || s == REQUEST_BODY);
  return 1;
}

/* request:result(): what the call of the same name returns; waits for it when it is not done. */
static int call_result(lua_State *L) {
  (void)check_call(L);
  lua_settop(L, 1);
  return call_finish(L);
}

/* request:cancel(): ends it; result() then gives an error of kind "cancelled". */
static int call_cancel(lua_State *L) {
  call *c = check_call(L);
  request_cancel(&c->request, ERROR_CANCELLED, "cancelled by the caller");
  if (!c->request.session) return 0;
  /* Whoever waits for it is woken by the next step: a foreign loop has to know that there is one to do. */
  lua_getiuservalue(L, 1, CLIENT);
  if (lua_getiuservalue(L, -1, CALL_CLIENT_SCHEDULER) == LUA_TTABLE) {
    lua_getfield(L, -1, "attend");
    lua_insert(L, -2);
    lua_pushvalue(L, -3);
    lua_call(L, 2, 0);
  }
  return 0;
}

/* request:id(): the number by which step() tells of news. */
static int call_id(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)check_call(L)->request.id);
  return 1;
}

static int call_gc(lua_State *L) {
  call_drop(check_call(L));
  return 0;
}

static int call_tostring(lua_State *L) {
  static const char *const states[] = {"new", "queued", "delayed", "active", "body", "done", "failed"};
  const call *c = check_call(L);
  lua_pushfstring(L, "topaz.request (%s, %s)", c->request.operation ? c->request.operation->name : "none",
                  states[c->request.state]);
  return 1;
}

void call_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"done", call_done}, {"result", call_result}, {"cancel", call_cancel}, {"id", call_id}, {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", call_gc}, {"__close", call_cancel}, {"__tostring", call_tostring}, {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
