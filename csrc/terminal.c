#include "terminal.h"

#include <lauxlib.h>

#include "platform/terminal.h"
#include "userdata.h"

static const char type_name[] = "topaz.terminal";

static platform_terminal *check(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

int terminal_new(lua_State *L) {
  platform_terminal *t = lua_newuserdatauv(L, sizeof *t, 0);
  *t = (platform_terminal){0};
  luaL_setmetatable(L, type_name);
  platform_terminal_output(t);
  return 1;
}

static int take_keys(lua_State *L) {
  platform_terminal *t = check(L);
  lua_pushboolean(L, t->has_keys || platform_terminal_keys(t));
  return 1;
}

static int key(lua_State *L) {
  int byte = platform_terminal_key(check(L));
  char c = (char)byte;
  if (byte < 0) lua_pushnil(L);
  else lua_pushlstring(L, &c, 1);
  return 1;
}

static int close(lua_State *L) {
  platform_terminal_restore(check(L));
  return 0;
}

static int to_string(lua_State *L) {
  const platform_terminal *t = check(L);
  lua_pushfstring(L, "%s (%s)", type_name, t->has_keys ? "with keys" : "without keys");
  return 1;
}

void terminal_open(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", close}, {"__close", close}, {"__tostring", to_string}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"take_keys", take_keys}, {"key", key}, {"close", close}, {NULL, NULL}};
  userdata_open(L, type_name, meta, methods);
}

static int push_whether(lua_State *L, bool (*is)(int)) {
  lua_Integer descriptor = luaL_checkinteger(L, 1);
  lua_pushboolean(L, descriptor >= 0 && descriptor <= 2 && is((int)descriptor));
  return 1;
}

int terminal_is(lua_State *L) { return push_whether(L, platform_is_terminal); }
int terminal_is_tty(lua_State *L) { return push_whether(L, platform_is_tty); }

int terminal_is_utf8(lua_State *L) {
  lua_pushboolean(L, platform_terminal_is_utf8());
  return 1;
}

int terminal_size(lua_State *L) {
  int columns, rows;
  if (!platform_terminal_size(&columns, &rows)) return 0;
  lua_pushinteger(L, columns);
  lua_pushinteger(L, rows);
  return 2;
}

int terminal_file_mode(lua_State *L) {
  char mode[11];
  if (platform_file_mode(luaL_checkstring(L, 1), mode)) lua_pushstring(L, mode);
  else lua_pushnil(L);
  return 1;
}
