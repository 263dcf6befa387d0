/* Test-only: what the transport makes of libcurl's results, as a Lua module,
** without a transport and without a server. */
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "transport/answer.h"

/* classify(libcurl's code, its words, whether the request was sent (true))
** -> the end of the transfer, whether it is garbled */
static int classify(lua_State *L) {
  static const char *const ends[] = {"ok",    "resolve", "connect",  "tls",       "timed_out", "lost",
                                     "unfit", "proxy",   "protocol", "too_large", "stopped"};
  transfer x;
  size_t n;
  const char *words = luaL_optlstring(L, 2, "", &n);
  memset(&x, 0, sizeof x);
  luaL_argcheck(L, n < sizeof x.error_buffer, 2, "too long");
  memcpy(x.error_buffer, words, n);
  x.sends = lua_isnoneornil(L, 3) || lua_toboolean(L, 3);
  lua_pushstring(L, ends[transfer_classify((CURLcode)luaL_checkinteger(L, 1), &x)]);
  lua_pushboolean(L, x.garbled);
  return 2;
}

static void set_codes(lua_State *L) {
#define CODE(name) (lua_pushinteger(L, CURLE_##name), lua_setfield(L, -2, #name))
  CODE(OK);
  CODE(COULDNT_RESOLVE_HOST);
  CODE(COULDNT_RESOLVE_PROXY);
  CODE(COULDNT_CONNECT);
  CODE(OPERATION_TIMEDOUT);
  CODE(SSL_CONNECT_ERROR);
  CODE(PEER_FAILED_VERIFICATION);
  CODE(SSL_CACERT_BADFILE);
  CODE(FILESIZE_EXCEEDED);
  CODE(OUT_OF_MEMORY);
  CODE(UNSUPPORTED_PROTOCOL);
  CODE(WEIRD_SERVER_REPLY);
  CODE(BAD_CONTENT_ENCODING);
  CODE(RECV_ERROR);
  CODE(SEND_ERROR);
  CODE(GOT_NOTHING);
  CODE(PARTIAL_FILE);
  CODE(HTTP2);
  CODE(HTTP2_STREAM);
  CODE(WRITE_ERROR);
#undef CODE
}

int luaopen_transport_answer_room(lua_State *L);

int luaopen_transport_answer_room(lua_State *L) {
  static const luaL_Reg functions[] = {{"classify", classify}, {NULL, NULL}};
  luaL_newlib(L, functions);
  lua_newtable(L);
  set_codes(L);
  lua_setfield(L, -2, "codes");
  return 1;
}
