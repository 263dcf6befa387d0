/* Test-only: the transport room as a Lua module, without requests, retries and clients above it. */
#define _GNU_SOURCE /* strdup */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "platform/platform.h"
#include "transport/transport.h"

static const char transport_type[] = "transport_room.transport", transfer_type[] = "transport_room.transfer";

/* A transfer and what it has received; it holds at most `room` bytes until they are taken. */
typedef struct {
  transfer x;
  char *bytes; /* malloc'ed, owned */
  size_t n, room;
  char *method, *url; /* malloc'ed, owned */
} exchange;

typedef struct {
  transport *net;
  unsigned asked; /* how often the wait asked whether it is interrupted */
  bool interrupted;
} holder;

static transport *check_transport(lua_State *L) {
  holder *h = luaL_checkudata(L, 1, transport_type);
  luaL_argcheck(L, h->net != NULL, 1, "closed");
  return h->net;
}

static exchange *check_transfer(lua_State *L, int index) { return luaL_checkudata(L, index, transfer_type); }

static const char *text_field(lua_State *L, int index, const char *name) {
  (void)lua_getfield(L, index, name);
  return lua_isnil(L, -1) ? NULL : luaL_checkstring(L, -1);
}

static bool flag_field(lua_State *L, int index, const char *name) {
  bool value;
  (void)lua_getfield(L, index, name);
  value = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return value;
}

static double number_field(lua_State *L, int index, const char *name, double otherwise) {
  double value;
  (void)lua_getfield(L, index, name);
  value = luaL_optnumber(L, -1, otherwise);
  lua_pop(L, 1);
  return value;
}

/* new{ ca_file, proxy, allow_http, http2, connect_timeout, connections } -> transport */
static int new_transport(lua_State *L) {
  transport_options o;
  const char *why;
  holder *h;
  memset(&o, 0, sizeof o);
  luaL_checktype(L, 1, LUA_TTABLE);
  o.api_key = "a key of the transport room";
  o.user_agent = "transport_room";
  o.ca_file = text_field(L, 1, "ca_file");
  o.proxy = text_field(L, 1, "proxy");
  o.allow_http = flag_field(L, 1, "allow_http");
  o.http2 = flag_field(L, 1, "http2");
  o.connect_timeout = number_field(L, 1, "connect_timeout", 5);
  h = lua_newuserdatauv(L, sizeof *h, 0);
  memset(h, 0, sizeof *h);
  luaL_setmetatable(L, transport_type);
  h->net = transport_new(&o, &why);
  if (!h->net) return luaL_error(L, "%s", why);
  transport_set_connections(h->net, (unsigned)number_field(L, 1, "connections", 8));
  return 1;
}

static int close_transport(lua_State *L) {
  holder *h = luaL_checkudata(L, 1, transport_type);
  transport_free(h->net);
  h->net = NULL;
  return 0;
}

static sink_result take(void *context, const char *bytes, size_t n) {
  exchange *e = context;
  char *longer;
  if (e->room && e->n + n > e->room && e->n > 0) return SINK_FULL;
  longer = realloc(e->bytes, e->n + n + 1);
  if (!longer) return SINK_STOP;
  memcpy(longer + e->n, bytes, n);
  e->bytes = longer;
  e->n += n;
  return SINK_TAKEN;
}

/* transport:start{ url, method = "GET", fresh, http1, room } -> transfer | nil, why */
static int start(lua_State *L) {
  transport *t = check_transport(L);
  exchange *e;
  const char *method, *url;
  luaL_checktype(L, 2, LUA_TTABLE);
  method = text_field(L, 2, "method");
  url = text_field(L, 2, "url");
  e = lua_newuserdatauv(L, sizeof *e, 1);
  memset(e, 0, sizeof *e);
  luaL_setmetatable(L, transfer_type);
  lua_pushvalue(L, 1);
  (void)lua_setiuservalue(L, -2, 1);
  e->method = strdup(method ? method : "GET");
  e->url = strdup(url);
  e->room = (size_t)number_field(L, 2, "room", 0);
  e->x.method = e->method;
  e->x.url = e->url;
  e->x.sink = take;
  e->x.context = e;
  e->x.fresh = flag_field(L, 2, "fresh");
  e->x.http1 = flag_field(L, 2, "http1");
  if (transport_start(t, &e->x)) return 1;
  lua_pushnil(L);
  lua_pushstring(L, e->x.detail);
  return 2;
}

static int step(lua_State *L) {
  transport *t = check_transport(L);
  transport_step(t, luaL_optnumber(L, 2, 0), luaL_optnumber(L, 3, HUGE_VAL));
  while (transport_finished(t)) continue;
  return 0;
}

static int wakeups(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)transport_wakeups(check_transport(L)));
  return 1;
}

static int connections(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)transport_connections(check_transport(L)));
  return 1;
}

static int pollfd(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)transport_pollfd(check_transport(L)));
  return 1;
}

static int join(lua_State *L) {
  lua_pushboolean(L, transport_join(check_transport(L), (platform_socket)luaL_checkinteger(L, 2)));
  return 1;
}

static int part(lua_State *L) {
  transport_part(check_transport(L), (platform_socket)luaL_checkinteger(L, 2));
  return 0;
}

static bool ask(void *context) {
  holder *h = context;
  h->asked++;
  return h->interrupted;
}

/* transport:interrupt(answer) -> how often it was asked before: what a wait is told from now on */
static int interrupt(lua_State *L) {
  transport *t = check_transport(L);
  holder *h = lua_touserdata(L, 1);
  h->interrupted = lua_toboolean(L, 2);
  lua_pushinteger(L, h->asked);
  transport_set_interrupt(t, ask, h);
  return 1;
}

static int resume(lua_State *L) {
  exchange *e = check_transfer(L, 1);
  lua_pushlstring(L, e->bytes ? e->bytes : "", e->n);
  e->n = 0;
  transport_resume(&e->x);
  return 1;
}

static int cancel(lua_State *L) {
  transport_cancel(&check_transfer(L, 1)->x);
  return 0;
}

static int distrust(lua_State *L) {
  transport_distrust(&check_transfer(L, 1)->x);
  return 0;
}

static int collect(lua_State *L) {
  exchange *e = check_transfer(L, 1);
  holder *h;
  (void)lua_getiuservalue(L, 1, 1);
  h = lua_touserdata(L, -1);
  if (h && h->net) transport_cancel(&e->x);
  free(e->bytes);
  free(e->method);
  free(e->url);
  e->bytes = e->method = e->url = NULL;
  return 0;
}

#define PUT(name, push) (push, lua_setfield(L, -2, name))

/* transfer:look() -> a table of what its owner reads, and `body` */
static int look(lua_State *L) {
  static const char *const ends[] = {"ok",    "resolve", "connect",  "tls",       "timed_out", "lost",
                                     "unfit", "proxy",   "protocol", "too_large", "stopped"};
  const exchange *e = check_transfer(L, 1);
  const transfer *x = &e->x;
  lua_newtable(L);
  PUT("running", lua_pushboolean(L, x->running));
  PUT("paused", lua_pushboolean(L, x->paused));
  PUT("ending", lua_pushstring(L, x->running ? "running" : ends[x->end]));
  PUT("status", lua_pushinteger(L, x->http_status));
  PUT("sends", lua_pushinteger(L, x->sends));
  PUT("resend_refused", lua_pushboolean(L, x->resend_refused));
  PUT("needs_http1", lua_pushboolean(L, x->needs_http1));
  PUT("garbled", lua_pushboolean(L, x->garbled));
  PUT("proxy_status", lua_pushinteger(L, x->proxy_status));
  PUT("connecting", lua_pushboolean(L, x->connecting > 0));
  PUT("version", lua_pushinteger(L, x->http_version));
  PUT("detail", lua_pushstring(L, x->detail));
  PUT("body", lua_pushlstring(L, e->bytes ? e->bytes : "", e->n));
  return 1;
}

/* parse_url(url) -> whether it is one */
static int parse_url(lua_State *L) {
  transport_url parts;
  lua_pushboolean(L, transport_parse_url(luaL_checkstring(L, 1), &parts));
  return 1;
}

/* proxy_applies(proxy | nil, url) -> its name, whether it is on this machine | nil */
static int proxy_applies(lua_State *L) {
  transport_proxy proxy;
  if (!transport_proxy_applies(luaL_optstring(L, 1, NULL), luaL_checkstring(L, 2), &proxy)) return 0;
  lua_pushstring(L, proxy.name);
  lua_pushboolean(L, proxy.loopback);
  return 2;
}

static int now(lua_State *L) {
  lua_pushnumber(L, platform_now());
  return 1;
}

/* library() -> its version, whether it speaks HTTP/2, whether it looks up names in the background,
** whether it reads gzip, whether its TLS is Windows' own */
static int library(lua_State *L) {
  transport_library v;
  transport_about(&v);
  lua_pushstring(L, v.version);
  lua_pushboolean(L, v.http2);
  lua_pushboolean(L, v.async_dns);
  lua_pushboolean(L, v.gzip);
  lua_pushboolean(L, strcmp(v.tls, "Schannel") == 0);
  return 5;
}

static void add_type(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  PUT("__gc", lua_pushcfunction(L, gc));
  PUT("__close", lua_pushcfunction(L, gc));
  lua_pop(L, 1);
}

int luaopen_transport_room(lua_State *L);

int luaopen_transport_room(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"new", new_transport}, {"parse_url", parse_url}, {"proxy_applies", proxy_applies},
      {"now", now},           {"library", library},     {NULL, NULL}};
  static const luaL_Reg of_transport[] = {
      {"close", close_transport},   {"start", start},   {"step", step}, {"wakeups", wakeups},
      {"connections", connections}, {"pollfd", pollfd}, {"join", join}, {"part", part},
      {"interrupt", interrupt},     {NULL, NULL}};
  static const luaL_Reg of_transfer[] = {
      {"look", look}, {"resume", resume}, {"cancel", cancel}, {"distrust", distrust}, {NULL, NULL}};
  add_type(L, transport_type, of_transport, close_transport);
  add_type(L, transfer_type, of_transfer, collect);
  luaL_newlib(L, functions);
  return 1;
}
