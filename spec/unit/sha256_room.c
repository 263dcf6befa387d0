/* Test-only: the room sha256 as a Lua module. */
#include "sha256.h"

#include <lauxlib.h>
#include <lua.h>

static int push(lua_State *L, const unsigned char *digest) {
  char hex[SHA256_HEX_SIZE];
  sha256_hex(digest, hex);
  lua_pushstring(L, hex);
  return 1;
}

/* digest(text, …) -> hexadecimal digits of the texts in a row, added one after the other */
static int room_digest(lua_State *L) {
  unsigned char digest[SHA256_SIZE];
  sha256 h;
  sha256_begin(&h);
  for (int i = 1; i <= lua_gettop(L); i++) {
    size_t n;
    const char *text = luaL_checklstring(L, i, &n);
    sha256_add(&h, text, n);
  }
  sha256_end(&h, digest);
  return push(L, digest);
}

/* hmac(key, text) */
static int room_hmac(lua_State *L) {
  unsigned char digest[SHA256_SIZE];
  size_t key_size, n;
  const char *key = luaL_checklstring(L, 1, &key_size), *text = luaL_checklstring(L, 2, &n);
  sha256_hmac(key, key_size, text, n, digest);
  return push(L, digest);
}

int luaopen_sha256_room(lua_State *L);

int luaopen_sha256_room(lua_State *L) {
  static const luaL_Reg functions[] = {{"digest", room_digest}, {"hmac", room_hmac}, {NULL, NULL}};
  luaL_newlib(L, functions);
  return 1;
}
