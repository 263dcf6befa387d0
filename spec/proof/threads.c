/*
** Eight threads with a state each load the module at the same time and use it: threads.lua.
** Linked with the core's objects, all built with -fsanitize=thread.
**
**   threads SCRIPT URL KEY
*/
#define _GNU_SOURCE /* barriers */

#include <pthread.h>
#include <stdio.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { THREADS = 8 };

int luaopen_topaz_core(lua_State *L);

static char **arguments;
static pthread_barrier_t start;

static void *work(void *failed) {
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_topaz_core);
  lua_setfield(L, -2, "topaz.core");
  lua_settop(L, 0);
  (void)pthread_barrier_wait(&start);
  if (luaL_loadfile(L, arguments[1]) == LUA_OK) {
    lua_pushstring(L, arguments[2]);
    lua_pushstring(L, arguments[3]);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK) lua_pushliteral(L, "");
  }
  if (lua_rawlen(L, -1) > 0) {
    *(int *)failed = 1;
    fprintf(stderr, "threads: %s\n", luaL_tolstring(L, -1, NULL));
  }
  lua_close(L);
  return NULL;
}

int main(int argc, char **argv) {
  pthread_t threads[THREADS];
  int failed[THREADS] = {0}, sum = 0;
  if (argc != 4) return 2;
  arguments = argv;
  (void)pthread_barrier_init(&start, NULL, THREADS);
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, work, &failed[i])) return 2;
  for (int i = 0; i < THREADS; i++) (void)pthread_join(threads[i], NULL);
  for (int i = 0; i < THREADS; i++) sum += failed[i];
  printf("threads: %d states, %d failed\n", THREADS, sum);
  return sum ? 1 : 0;
}
