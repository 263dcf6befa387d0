/*
** Out of memory: lets the n-th allocation fail, for every n through the scenario of memory.lua:
** once, and from then on; of Lua's allocations, of the core's own, and of libcurl's.
**
**   memory SCENARIO URL KEY MISSING STRIDE [PART TARGET MODE N]
**                             the last four: this one point alone, as it was told of
**
** Linked with the core's objects by --wrap, so that all their allocations come through here.
** After each run no block and no descriptor may be left; the run itself must have ended well
** or with an error that says why; and after a single failure the same objects must have worked when
** asked again. Tells the number of points for each kind; 1 as exit code: some failed.
*/
#define _GNU_SOURCE

#include <curl/curl.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "state.h"

int luaopen_topaz_core(lua_State *L);

/* ---- allocators that can be told to fail ----------------------------------------------------- */

enum { LUA, CORE, CURL_, TARGETS };
enum { ONCE, FOR_EVER, BLIP, MODES };
static const char *const target_names[] = {"Lua", "core", "libcurl"};
static const char *const mode_names[] = {"once", "from then on", "first try"};

static struct {
  long live; /* blocks */
  unsigned long count;
} books[TARGETS];

static struct {
  bool armed, hit;
  int target, mode;
  unsigned long at;
} fault = {.target = TARGETS};

static bool refuse(int target) {
  unsigned long n;
  if (!fault.armed || fault.target != target) return false;
  n = ++books[target].count;
  if (n < fault.at) return false;
  /* Lua collects its garbage and tries again at once: to fail is to fail twice.
  ** BLIP: the second try succeeds. */
  if (fault.mode != FOR_EVER && n - fault.at > (target == LUA && fault.mode == ONCE ? 1 : 0)) return false;
  fault.hit = true;
  return true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
void __real_free(void *p);

static void *note(int target, void *p) {
  if (p) books[target].live++;
  return p;
}

static void *take(int target, size_t n) { return refuse(target) ? NULL : note(target, __real_malloc(n ? n : 1)); }

static void *take_zeroed(int target, size_t count, size_t n) {
  return refuse(target) ? NULL : note(target, __real_calloc(count, n));
}

static void *take_again(int target, void *p, size_t n) {
  void *q;
  if (refuse(target)) return NULL;
  q = __real_realloc(p, n);
  return p ? q : note(target, q);
}

static char *take_copy(int target, const char *s) { return refuse(target) ? NULL : note(target, __real_strdup(s)); }

static void give(int target, void *p) {
  if (p) books[target].live--;
  __real_free(p);
}

void *__wrap_malloc(size_t n) { return take(CORE, n); }
void *__wrap_calloc(size_t count, size_t n) { return take_zeroed(CORE, count, n); }
void *__wrap_realloc(void *p, size_t n) { return take_again(CORE, p, n); }
char *__wrap_strdup(const char *s) { return take_copy(CORE, s); }
char *__wrap_strndup(const char *s, size_t n) { return refuse(CORE) ? NULL : note(CORE, __real_strndup(s, n)); }
void __wrap_free(void *p) { give(CORE, p); }

static void *curl_malloc(size_t n) { return take(CURL_, n); }
static void *curl_calloc(size_t count, size_t n) { return take_zeroed(CURL_, count, n); }
static void *curl_realloc(void *p, size_t n) { return take_again(CURL_, p, n); }
static char *curl_strdup(const char *s) { return take_copy(CURL_, s); }
static void curl_give(void *p) { give(CURL_, p); }

static void *lua_allocate(void *unused, void *p, size_t old, size_t n) {
  (void)unused;
  if (n == 0) {
    give(LUA, p);
    return NULL;
  }
  if (!p) return take(LUA, n);
  /* Lua takes it for granted that a block can be made smaller */
  if (n <= old) return __real_realloc(p, n);
  return take_again(LUA, p, n);
}

/* ---- one run --------------------------------------------------------------------------------- */

static char **arguments; /* SCENARIO URL KEY MISSING */
static char expected[256];
static char now_at[64] = "the first run";

static void stuck(int sig) {
  (void)sig;
  (void)!write(STDERR_FILENO, "memory: stuck at ", 17);
  (void)!write(STDERR_FILENO, now_at, strlen(now_at));
  (void)!write(STDERR_FILENO, "\n", 1);
  _exit(3);
}

static int descriptors(void) {
  DIR *d = opendir("/proc/self/fd");
  int n = 0;
  while (d && readdir(d)) n++;
  if (d) closedir(d);
  return n;
}

/* Loads the scenario: a table { load =, run = } at index 1. */
static lua_State *prepare(void) {
  lua_State *L = state_new(lua_allocate);
  if (!L) return NULL;
  luaL_openlibs(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_topaz_core);
  lua_setfield(L, -2, "topaz.core");
  lua_pop(L, 1);
  if (luaL_loadfile(L, arguments[0]) != LUA_OK) return L;
  for (int i = 1; i <= 3; i++) lua_pushstring(L, arguments[i]);
  lua_pcall(L, 3, 1, 0);
  return L;
}

static bool call(lua_State *L, const char *name) {
  lua_settop(L, 1);
  lua_getfield(L, 1, name);
  return lua_pcall(L, 0, 1, 0) == LUA_OK;
}

/* Whether the value on the top is an error that want of memory may have. */
static bool is_clean(lua_State *L) {
  bool clean;
  lua_settop(L, 2);
  lua_getfield(L, 1, "is_clean");
  lua_pushvalue(L, 2);
  clean = lua_pcall(L, 1, 1, 0) == LUA_OK && lua_toboolean(L, -1);
  lua_settop(L, 2);
  return clean;
}

/* What is wrong with the run, NULL: nothing. */
static const char *run(const char *part, bool later) {
  static char problem[512];
  lua_State *L = prepare();
  bool ok;
  const char *got;
  problem[0] = '\0';
  alarm(20);
  if (!L || !lua_istable(L, 1)) return "the scenario does not load";
  if (later && !call(L, "load")) return "topaz does not load";
  lua_settop(L, 1);
  lua_getfield(L, 1, part);
  fault.armed = true;
  ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
  fault.armed = false;
  if (!ok && !is_clean(L)) (void)snprintf(problem, sizeof problem, "ended with: %s", luaL_tolstring(L, 2, NULL));
  /* the same client, asked again */
  if (!ok && !problem[0] && fault.mode != FOR_EVER && !call(L, part))
    (void)snprintf(problem, sizeof problem, "does not recover: %s", luaL_tolstring(L, 2, NULL));
  if (ok || fault.mode != FOR_EVER) {
    got = lua_tostring(L, 2);
    if (!expected[0] && later && got) (void)snprintf(expected, sizeof expected, "%s", got);
    if (later && !problem[0] && (!got || strcmp(got, expected) != 0))
      (void)snprintf(problem, sizeof problem, "gave %s instead of %s", got ? got : "nothing", expected);
  }
  lua_settop(L, 1);
  if (lua_getfield(L, 1, "defect") != LUA_TNIL && !problem[0] && fault.mode != FOR_EVER)
    (void)snprintf(problem, sizeof problem, "%s", luaL_tolstring(L, -1, NULL));
  fault.armed = fault.mode == FOR_EVER;
  lua_close(L);
  fault.armed = false;
  alarm(0);
  return problem[0] ? problem : NULL;
}

/* ---- all ------------------------------------------------------------------------------------- */

static long live_at_first[TARGETS];
static int descriptors_at_first;

static const char *check_books(void) {
  static char problem[128];
  int open = descriptors();
  for (int t = 0; t < TARGETS; t++)
    if (books[t].live != live_at_first[t]) {
      (void)snprintf(problem, sizeof problem, "%ld blocks of %s left", books[t].live - live_at_first[t],
                     target_names[t]);
      live_at_first[t] = books[t].live;
      return problem;
    }
  if (open == descriptors_at_first) return NULL;
  (void)snprintf(problem, sizeof problem, "%d descriptors left", open - descriptors_at_first);
  descriptors_at_first = open;
  return problem;
}

/* Every point of one kind; how many failed. */
static int every(const char *part, bool later, int target, int mode, unsigned long stride) {
  unsigned long points = 0;
  int bad = 0;
  fault.target = target;
  fault.mode = mode;
  for (fault.at = 1;; fault.at += stride) {
    const char *problem, *left;
    fault.hit = false;
    books[target].count = 0;
    (void)snprintf(now_at, sizeof now_at, "%s, %s, %s %lu", part, target_names[target], mode_names[mode], fault.at);
    problem = run(part, later);
    left = check_books();
    if (problem || left) {
      if (++bad <= 10) printf("FAILED: %s: %s\n", now_at, problem ? problem : left);
    }
    if (!fault.hit || bad > 50) break;
    points++;
  }
  printf("%-4s  %-8s %-13s %6lu points of %6lu, %d failed\n", part, target_names[target], mode_names[mode], points,
         fault.at - 1, bad);
  (void)fflush(stdout);
  return bad;
}

static int find(const char *const *names, int count, const char *name) {
  for (int i = 0; i < count; i++)
    if (strcmp(names[i], name) == 0) return i;
  return count;
}

static int one(char **point) {
  const char *problem, *left;
  bool later = strcmp(point[0], "run") == 0;
  fault.target = find(target_names, TARGETS, point[1]);
  fault.mode = find(mode_names, MODES, point[2]);
  fault.at = strtoul(point[3], NULL, 10);
  books[fault.target % TARGETS].count = 0;
  problem = run(point[0], later);
  left = check_books();
  printf("%s; %s; %s\n", fault.hit ? "hit" : "not hit", problem ? problem : "well", left ? left : "nothing left");
  return problem || left;
}

int main(int argc, char **argv) {
  unsigned long stride;
  const char *problem;
  int bad = 0;
  if (argc != 6 && argc != 10) return 2;
  arguments = argv + 1;
  stride = strtoul(argv[5], NULL, 10);
  signal(SIGALRM, stuck);
  /* First of all, so that the core's own curl_global_init finds it done. */
  if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_give, curl_realloc, curl_strdup, curl_calloc))
    return 2;
  for (int i = 0; i < 2; i++) { /* twice: what libraries keep until the end is there then */
    problem = run("run", true);
    if (problem) {
      printf("FAILED: without any fault: %s\n", problem);
      return 1;
    }
  }
  for (int t = 0; t < TARGETS; t++) live_at_first[t] = books[t].live;
  descriptors_at_first = descriptors();
  if (books[LUA].live || books[CORE].live)
    printf("FAILED: %ld, %ld blocks left\n", books[LUA].live, books[CORE].live), bad++;
  if (argc == 10) return one(argv + 6);
  for (int mode = 0; mode < MODES; mode++) {
    bad += every("load", false, LUA, mode, 5 * stride);
    bad += every("run", true, LUA, mode, stride);
    if (mode == BLIP) continue;
    bad += every("run", true, CORE, mode, 1);
    bad += every("run", true, CURL_, mode, stride);
  }
  printf("memory: %s\n", bad ? "FAILED" : "all well");
  return bad ? 1 : 0;
}
