#include "channel.h"

#include <string.h>

#include <lauxlib.h>

#include "call.h"
#include "error.h"
#include "options.h"
#include "transport/stream.h"
#include "userdata.h"

static const char type_name[] = "topaz.channel";

/* User values of a channel. */
enum { CHANNEL_CLIENT = 1, CHANNEL_NEWS, CHANNEL_VALUES = CHANNEL_NEWS };

typedef struct {
  stream *stream; /* owned; NULL: closed */
  bool busy;      /* its bytes are being read, and finalizers may run meanwhile */
  bool was_told;  /* that its client was closed */
} channel;

static channel *check_channel(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static channel *check_open(lua_State *L) {
  channel *c = check_channel(L);
  if (!c->stream) (void)luaL_error(L, "the channel is closed");
  return c;
}

static const char *const state_names[] = {"connecting", "ready", "lost"}; /* by stream_state */

/* ---- beginning ------------------------------------------------------------------------------- */

/* clang-format off */
#define AT(field) OPTION_AT(stream_options, field)
static const option_row channel_options[] = {
  {"host",            OPTION_STRING,  OPTION_NONE, 0, 0,        AT(host)},
  {"port",            OPTION_INTEGER, OPTION_NONE, 1, 65535,    AT(port)},
  {"tls",             OPTION_BOOLEAN, 0,           0, 0,        AT(tls)},
  {"ca_file",         OPTION_STRING,  OPTION_NONE, 0, 0,        AT(ca_file)},
  {"connect_timeout", OPTION_NUMBER,  OPTION_NONE, 0.001, 3600, AT(connect_timeout)},
};
#undef AT
/* clang-format on */

void channel_push_table(lua_State *L) {
  lua_newtable(L);
  lua_newtable(L);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
}

void channel_new(lua_State *L, int client, session *s, int options, int on_news) {
  int self = lua_gettop(L) + 1;
  stream_options o;
  const char *why;
  unsigned long long id = ++s->last_id;
  channel *c = lua_newuserdatauv(L, sizeof *c, CHANNEL_VALUES);
  memset(c, 0, sizeof *c);
  luaL_setmetatable(L, type_name);
  luaL_checktype(L, on_news, LUA_TFUNCTION);
  lua_pushvalue(L, client);
  lua_setiuservalue(L, self, CHANNEL_CLIENT);
  lua_pushvalue(L, on_news);
  lua_setiuservalue(L, self, CHANNEL_NEWS);
  lua_getiuservalue(L, client, CALL_CLIENT_CHANNELS);
  lua_pushvalue(L, self);
  lua_rawseti(L, -2, (lua_Integer)id);
  memset(&o, 0, sizeof o);
  o.connect_timeout = s->limits.connect_timeout;
  options_read(L, options, channel_options, sizeof channel_options / sizeof *channel_options, &o);
  if (!o.host || !stream_is_host(o.host)) error_misuse(L, "host", "expected the name or the address of a server");
  if (!o.port) error_misuse(L, "port", "missing");
  call_check_session(L, s, "channel"); /* a finalizer may have closed it */
  c->stream = stream_open(s->net, &o, id, &why);
  if (!c->stream) (void)luaL_error(L, "topaz.channel: %s", why);
  lua_settop(L, self);
}

/* ---- news ------------------------------------------------------------------------------------ */

/* Calls the function of the channel on the top of the stack. */
static void tell(lua_State *L) {
  channel *c = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, CHANNEL_NEWS);
  if (lua_pcall(L, 0, 0, 0) == LUA_OK) return;
  if (c->stream) stream_renew(c->stream);
  (void)lua_error(L);
}

void channel_deliver(lua_State *L, int client, session *s) {
  unsigned long long id;
  while (s->open && (id = stream_next_news(s->net)) != 0) {
    lua_getiuservalue(L, client, CALL_CLIENT_CHANNELS);
    if (lua_rawgeti(L, -1, (lua_Integer)id) == LUA_TUSERDATA) tell(L);
    lua_pop(L, 2);
  }
}

/* Its function may close the client once more. */
static void tell_end(lua_State *L) {
  channel *c = lua_touserdata(L, -1);
  if (!c->stream || c->was_told) return;
  c->was_told = true;
  tell(L);
}

void channel_deliver_end(lua_State *L, int client) {
  lua_Integer n = 0;
  lua_newtable(L); /* the table of channels may change meanwhile */
  lua_getiuservalue(L, client, CALL_CLIENT_CHANNELS);
  for (lua_pushnil(L); lua_next(L, -2);) lua_rawseti(L, -4, ++n);
  lua_pop(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    tell_end(L);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* ---- methods --------------------------------------------------------------------------------- */

/* channel:send(text [, from (1)]) -> how many bytes of it were queued; the next step sends them. If
** there was no room for all, there will be news. */
static int channel_send(lua_State *L) {
  channel *c = check_open(L);
  size_t n, from;
  const char *text = luaL_checklstring(L, 2, &n);
  lua_Integer first = luaL_optinteger(L, 3, 1);
  luaL_argcheck(L, first >= 1 && first <= (lua_Integer)n + 1, 3, "out of the text");
  from = (size_t)first - 1;
  lua_pushinteger(L, (lua_Integer)stream_send(c->stream, text + from, n - from));
  return 1;
}

/* channel:flush(): sends what the socket takes at once: a last word, after which no step may
** come. */
static int channel_flush(lua_State *L) {
  stream_flush(check_open(L)->stream);
  return 0;
}

static int push_bytes(lua_State *L) {
  lua_pushlstring(L, lua_touserdata(L, 1), (size_t)lua_tointeger(L, 2));
  return 1;
}

/* channel:receive() -> the bytes that have come, "" where there are none. Out of memory leaves them
** where they are. Inside itself, by a finalizer, it finds none. */
static int channel_receive(lua_State *L) {
  channel *c = check_open(L);
  char copy[STREAM_RECEIVE_MAX];
  size_t n;
  const char *bytes = stream_received(c->stream, &n);
  int status;
  if (n == 0 || c->busy) {
    lua_pushliteral(L, "");
    return 1;
  }
  memcpy(copy, bytes, n);
  lua_settop(L, 1);
  lua_pushcfunction(L, push_bytes);
  lua_pushlightuserdata(L, copy);
  lua_pushinteger(L, (lua_Integer)n);
  c->busy = true;
  status = lua_pcall(L, 2, 1, 0);
  c->busy = false;
  if (status != LUA_OK) return lua_error(L);
  if (c->stream) stream_consume(c->stream, n); /* a finalizer may have closed it */
  return 1;
}

/* channel:unsent() -> how many bytes are queued. */
static int channel_unsent(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)stream_unsent(check_open(L)->stream));
  return 1;
}

/* channel:expect(seconds): it is lost when no byte comes for so long; 0: it may be silent. */
static int channel_expect(lua_State *L) {
  channel *c = check_open(L);
  lua_Number seconds = luaL_checknumber(L, 2);
  luaL_argcheck(L, seconds >= 0 && seconds <= 1e6, 2, "expected seconds");
  stream_expect(c->stream, seconds);
  return 0;
}

/* The kind of the error object that says how a stream has ended. */
static const char *kind_of(transfer_end end) {
  switch (end) {
  case TRANSFER_TLS: return "tls";
  case TRANSFER_TIMED_OUT: return "timeout";
  case TRANSFER_TOO_LARGE: return "too_large";
  case TRANSFER_STOPPED: return "closed";
  default: return "network";
  }
}

/* channel:state() -> "connecting", "ready", or "lost", the kind of the loss and its message. */
static int channel_state(lua_State *L) {
  const channel *c = check_channel(L);
  stream_state state = c->stream ? stream_get_state(c->stream) : STREAM_ENDED;
  const char *detail = "the channel was closed";
  transfer_end end = c->stream ? stream_get_end(c->stream, &detail) : TRANSFER_STOPPED;
  lua_pushstring(L, state_names[state]);
  if (state != STREAM_ENDED) return 1;
  lua_pushstring(L, kind_of(end));
  lua_pushstring(L, detail);
  return 3;
}

static int channel_close(lua_State *L) {
  channel *c = check_channel(L);
  stream_free(c->stream);
  c->stream = NULL;
  return 0;
}

static int channel_tostring(lua_State *L) {
  const channel *c = check_channel(L);
  lua_pushfstring(L, "topaz.channel (%s)", c->stream ? state_names[stream_get_state(c->stream)] : "closed");
  return 1;
}

int channel_is_host(lua_State *L) {
  lua_pushboolean(L, lua_type(L, 1) == LUA_TSTRING && stream_is_host(lua_tostring(L, 1)));
  return 1;
}

void channel_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"send", channel_send},     {"flush", channel_flush}, {"receive", channel_receive}, {"unsent", channel_unsent},
      {"expect", channel_expect}, {"state", channel_state}, {"close", channel_close},     {NULL, NULL}};
  static const luaL_Reg meta[] = {
      {"__gc", channel_close}, {"__close", channel_close}, {"__tostring", channel_tostring}, {NULL, NULL}};
  userdata_open(L, type_name, meta, methods);
}
