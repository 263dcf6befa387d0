#include "process.h"

#include <string.h>

#include <lauxlib.h>

#include "platform/process.h"
#include "userdata.h"

/* ---- signals --------------------------------------------------------------------------------- */

typedef struct {
  void *before; /* malloc'ed; NULL: closed */
} signals;

static const char signals_name[] = "topaz.signals";

static signals *check_signals(lua_State *L) { return luaL_checkudata(L, 1, signals_name); }

int process_signals(lua_State *L) {
  signals *s = lua_newuserdatauv(L, sizeof *s, 0);
  s->before = NULL;
  luaL_setmetatable(L, signals_name);
  s->before = platform_jobs_hold();
  return 1;
}

static int signals_next(lua_State *L) {
  lua_pushstring(L, check_signals(L)->before ? platform_jobs_next() : NULL);
  return 1;
}

static int signals_stop(lua_State *L) {
  if (check_signals(L)->before) platform_jobs_stop();
  return 0;
}

static int signals_close(lua_State *L) {
  signals *s = check_signals(L);
  void *before = s->before;
  s->before = NULL;
  platform_jobs_release(before);
  return 0;
}

static int signals_to_string(lua_State *L) {
  lua_pushfstring(L, "%s (%s)", signals_name, check_signals(L)->before ? "held" : "closed");
  return 1;
}

int process_is_foreground(lua_State *L) {
  lua_pushboolean(L, platform_is_foreground());
  return 1;
}

int process_die_interrupted(lua_State *L) {
  (void)L;
  platform_die_interrupted();
  return 0;
}

/* ---- processes ------------------------------------------------------------------------------- */

typedef struct {
  intptr_t id;
  int code;
  bool has_ended;
} process;

static const char process_name[] = "topaz.process";

static FILE *file_of(lua_State *L, int arg) {
  luaL_Stream *stream = luaL_checkudata(L, arg, LUA_FILEHANDLE);
  luaL_argcheck(L, stream->closef, arg, "the file is closed");
  return stream->f;
}

int process_start(lua_State *L) {
  lua_Integer n = luaL_len(L, 1);
  FILE *input = file_of(L, 2), *output = lua_isnoneornil(L, 3) ? NULL : file_of(L, 3);
  process *p;
  char **arguments;
  int error;
  luaL_argcheck(L, n >= 1 && n <= 100, 1, "expected 1 to 100 arguments");
  lua_settop(L, 3);
  arguments = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *arguments, 0);
  luaL_checkstack(L, (int)n + 2, NULL);
  p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (process){.has_ended = true};
  luaL_setmetatable(L, process_name);
  for (int i = 0; i < n; i++) { /* each text stays on the stack until the process has it */
    size_t length;
    (void)lua_geti(L, 1, i + 1);
    arguments[i] = (char *)luaL_checklstring(L, -1, &length);
    luaL_argcheck(L, strlen(arguments[i]) == length, 1, "an argument contains a zero byte");
  }
  arguments[n] = NULL;
  p->id = platform_process_start(arguments, input, output, &error);
  lua_settop(L, 5);
  if (p->id >= 0) {
    p->has_ended = false;
    return 1;
  }
  lua_pushnil(L);
  lua_pushstring(L, error ? strerror(error) : "not available on this system");
  return 2;
}

static int process_result(lua_State *L) {
  process *p = luaL_checkudata(L, 1, process_name);
  if (!p->has_ended) p->has_ended = platform_process_ended(p->id, &p->code);
  if (p->has_ended) lua_pushinteger(L, p->code);
  else lua_pushnil(L);
  return 1;
}

static int process_to_string(lua_State *L) {
  const process *p = luaL_checkudata(L, 1, process_name);
  lua_pushfstring(L, "%s (%s)", process_name, p->has_ended ? "ended" : "running");
  return 1;
}

static int leave(lua_State *L) {
  (void)L;
  return 0;
}

void process_open(lua_State *L) {
  static const luaL_Reg signals_meta[] = {
      {"__gc", signals_close}, {"__close", signals_close}, {"__tostring", signals_to_string}, {NULL, NULL}};
  static const luaL_Reg signals_methods[] = {
      {"next", signals_next}, {"stop", signals_stop}, {"close", signals_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", leave}, {"__close", leave}, {"__tostring", process_to_string}, {NULL, NULL}};
  static const luaL_Reg methods[] = {{"result", process_result}, {NULL, NULL}};
  userdata_open(L, signals_name, signals_meta, signals_methods);
  userdata_open(L, process_name, meta, methods);
}
