/*
** An application written in C that embeds Lua and topaz, its core linked in:
** it makes a lua_State, registers the core, and steps the client 60 times a second as a game would,
** until the list is there. Then it closes the state while a wait and a request are still under way.
**
**    host URL KEY   from the checkout; URL and KEY default to $TOPAZ_BASE_URL and $TOPAZ_API_KEY
**
** To build it: spec/integration/host_spec.lua has the command.
*/
#define _POSIX_C_SOURCE 199309L /* nanosleep */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

int luaopen_topaz_core(lua_State *L);

enum { FRAMES_MAX = 60 * 30, REST = 5 };

/* package.path = "lua/?.lua;lua/?/init.lua;" .. package.path */
static void find_modules(lua_State *L) {
  lua_getglobal(L, "package");
  lua_pushliteral(L, "lua/?.lua;lua/?/init.lua;");
  lua_getfield(L, -2, "path");
  lua_concat(L, 2);
  lua_setfield(L, -2, "path");
  lua_pop(L, 1);
}

/* Calls host.frame() of the table at index 1. false: it failed, and the message is on the stack. */
static bool frame(lua_State *L, bool *listed, lua_Integer *count) {
  lua_getfield(L, 1, "frame");
  if (lua_pcall(L, 0, 2, 0) != LUA_OK) return false;
  *listed = lua_toboolean(L, -2);
  *count = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return true;
}

/* Runs the script, then the main loop; the message of what failed, or NULL. */
static const char *run(lua_State *L, const char *url, const char *key) {
  const struct timespec sixtieth = {0, 1000000000L / 60};
  bool listed = false;
  lua_Integer count = 0;
  int frames, rest = REST; /* some frames more, in which the wait goes on */
  if (luaL_loadfile(L, "spec/examples/host/host.lua") != LUA_OK) return lua_tostring(L, -1);
  lua_pushstring(L, url);
  lua_pushstring(L, key);
  if (lua_pcall(L, 2, 1, 0) != LUA_OK) return luaL_tolstring(L, -1, NULL);
  for (frames = 0; frames < FRAMES_MAX && rest > 0; frames++) {
    if (!frame(L, &listed, &count)) return luaL_tolstring(L, -1, NULL);
    if (listed) rest--;
    (void)nanosleep(&sixtieth, NULL); /* here a game draws */
  }
  if (!listed) return "no list within half a minute";
  printf("%lld statuses\n", (long long)count);
  return NULL;
}

int main(int argc, char **argv) {
  const char *url = argc > 1 ? argv[1] : getenv("TOPAZ_BASE_URL"), *key = argc > 2 ? argv[2] : getenv("TOPAZ_API_KEY");
  lua_State *L = luaL_newstate();
  const char *problem;
  if (!L) return EXIT_FAILURE;
  luaL_openlibs(L);
  luaL_requiref(L, "topaz.core", luaopen_topaz_core, 0);
  lua_pop(L, 1);
  find_modules(L);
  problem = run(L, url, key);
  if (problem) (void)fprintf(stderr, "host: %s\n", problem);
  lua_close(L); /* also closes the client with all that is under way */
  return problem ? EXIT_FAILURE : EXIT_SUCCESS;
}
