/* Test-only: the retry room as a Lua module, so that specs reach it without a client
** and without a server. */
#include <lauxlib.h>
#include <lua.h>

#include "retry.h"

static const char *const operations[] = {"read", "delete_one", "delete_all", NULL};
static const char *const faults[] = {"answered", "resolve",  "connect",   "tls", "timed_out",
                                     "lost",     "protocol", "too_large", NULL};
static const char budget_type[] = "retry_room.budget", pacer_type[] = "retry_room.pacer";

/* (operation, fault, http_status, sent, earlier_unknown) */
static retry_attempt check_attempt(lua_State *L) {
  retry_attempt a;
  a.operation = (retry_operation)luaL_checkoption(L, 1, NULL, operations);
  a.fault = (retry_fault)luaL_checkoption(L, 2, NULL, faults);
  a.http_status = (int)luaL_checkinteger(L, 3);
  a.sent = lua_toboolean(L, 4);
  a.earlier_unknown = lua_toboolean(L, 5);
  return a;
}

/* judge(attempt...) -> "done" | "gone" | "again" | "fail" */
static int judge(lua_State *L) {
  static const char *const verdicts[] = {"done", "gone", "again", "fail"};
  retry_attempt a = check_attempt(L);
  lua_pushstring(L, verdicts[retry_judge(&a)]);
  return 1;
}

/* is_unknown(attempt...) -> boolean */
static int is_unknown(lua_State *L) {
  retry_attempt a = check_attempt(L);
  lua_pushboolean(L, retry_is_unknown(&a));
  return 1;
}

/* backoff(n, base, cap, random) -> seconds; n = -1 stands for UINT_MAX */
static int backoff(lua_State *L) {
  lua_pushnumber(L, retry_backoff((unsigned)luaL_checkinteger(L, 1), luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                                  luaL_checknumber(L, 4)));
  return 1;
}

static int seconds_or_nil(lua_State *L, bool ok, double seconds) {
  if (!ok && seconds == -12345) lua_pushnil(L);
  else if (!ok) return luaL_error(L, "refused, yet *seconds was touched");
  else lua_pushnumber(L, seconds);
  return 1;
}

/* after(text, date, now) -> seconds | nil */
static int after(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  double seconds = -12345;
  bool ok = retry_after(text, n, luaL_checknumber(L, 2), luaL_checknumber(L, 3), &seconds);
  return seconds_or_nil(L, ok, seconds);
}

/* http_date(text, now) -> Unix seconds | nil */
static int http_date(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  double seconds = -12345;
  bool ok = retry_http_date(text, n, luaL_checknumber(L, 2), &seconds);
  return seconds_or_nil(L, ok, seconds);
}

static int quota_or_nil(lua_State *L, bool ok, const retry_quota *q) {
  if (!ok) return 0;
  lua_pushnumber(L, q->left);
  lua_pushnumber(L, q->reset);
  lua_pushnumber(L, q->limit);
  return 3;
}

/* quota_list(list, policy ("")) -> left, reset, limit (-1: not known) | nothing */
static int quota_list(lua_State *L) {
  retry_quota q;
  return quota_or_nil(L, retry_quota_list(luaL_checkstring(L, 1), luaL_optstring(L, 2, ""), &q), &q);
}

/* quota_fields(limit, remaining, reset, now) -> the same */
static int quota_fields(lua_State *L) {
  retry_quota q;
  bool ok = retry_quota_fields(luaL_checkstring(L, 1), luaL_checkstring(L, 2), luaL_checkstring(L, 3),
                               luaL_checknumber(L, 4), &q);
  return quota_or_nil(L, ok, &q);
}

/* budget() -> userdata */
static int budget(lua_State *L) {
  retry_budget_init(lua_newuserdatauv(L, sizeof(retry_budget), 0));
  luaL_setmetatable(L, budget_type);
  return 1;
}

static int budget_take(lua_State *L) {
  lua_pushboolean(L, retry_budget_take(luaL_checkudata(L, 1, budget_type), lua_toboolean(L, 2)));
  return 1;
}

static int budget_return(lua_State *L) {
  retry_budget_return(luaL_checkudata(L, 1, budget_type));
  return 0;
}

static int budget_tokens(lua_State *L) {
  const retry_budget *b = luaL_checkudata(L, 1, budget_type);
  lua_pushinteger(L, b->tokens);
  return 1;
}

/* pacer(max_rate) -> userdata */
static int pacer(lua_State *L) {
  double max_rate = luaL_optnumber(L, 1, 0);
  retry_pacer_init(lua_newuserdatauv(L, sizeof(retry_pacer), 0), max_rate);
  luaL_setmetatable(L, pacer_type);
  return 1;
}

/* pacer:delay(now) -> seconds */
static int pacer_delay(lua_State *L) {
  lua_pushnumber(L, retry_pacer_delay(luaL_checkudata(L, 1, pacer_type), luaL_checknumber(L, 2)));
  return 1;
}

/* pacer:window() -> requests in flight at most */
static int pacer_window(lua_State *L) {
  lua_pushinteger(L, retry_pacer_window(luaL_checkudata(L, 1, pacer_type)));
  return 1;
}

/* pacer:sent(now, in_flight) */
static int pacer_sent(lua_State *L) {
  retry_pacer_sent(luaL_checkudata(L, 1, pacer_type), luaL_checknumber(L, 2), (unsigned)luaL_checkinteger(L, 3));
  return 0;
}

/* pacer:limited(now, sent, retry_after) -> whether it was news */
static int pacer_limited(lua_State *L) {
  lua_pushboolean(L, retry_pacer_limited(luaL_checkudata(L, 1, pacer_type), luaL_checknumber(L, 2),
                                         luaL_checknumber(L, 3), luaL_optnumber(L, 4, -1)));
  return 1;
}

/* pacer:succeeded(sent) */
static int pacer_succeeded(lua_State *L) {
  retry_pacer_succeeded(luaL_checkudata(L, 1, pacer_type), luaL_checknumber(L, 2));
  return 0;
}

/* pacer:rate() -> requests per second, 0: the brake is off */
static int pacer_rate(lua_State *L) {
  const retry_pacer *p = luaL_checkudata(L, 1, pacer_type);
  lua_pushnumber(L, p->rate);
  return 1;
}

static void new_type(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  luaL_setfuncs(L, methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

int luaopen_retry_room(lua_State *L);

int luaopen_retry_room(lua_State *L) {
  static const luaL_Reg budget_methods[] = {
      {"take", budget_take}, {"return_one", budget_return}, {"tokens", budget_tokens}, {NULL, NULL}};
  static const luaL_Reg pacer_methods[] = {
      {"delay", pacer_delay},         {"window", pacer_window}, {"sent", pacer_sent}, {"limited", pacer_limited},
      {"succeeded", pacer_succeeded}, {"rate", pacer_rate},     {NULL, NULL}};
  static const luaL_Reg functions[] = {{"judge", judge}, {"is_unknown", is_unknown}, {"backoff", backoff},
                                       {"after", after}, {"http_date", http_date},   {"budget", budget},
                                       {"pacer", pacer}, {"quota_list", quota_list}, {"quota_fields", quota_fields},
                                       {NULL, NULL}};
  new_type(L, budget_type, budget_methods);
  new_type(L, pacer_type, pacer_methods);
  luaL_newlib(L, functions);
  return 1;
}
