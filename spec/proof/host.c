/*
** A program that embeds Lua and loads the module as a library, as any host does,
** and what must hold for it.
**
**   host stall close|leave    a resolver that stalls (slow_dns.c, preloaded)
**                             holds up neither lua_close nor what comes after it
**   host fork URL KEY         a child process made while a client lives gets clear errors;
**                             the parent does not notice
**   host wipe URL KEY         the key is nowhere in memory once its client is closed
**
** KEY of `wipe` is given with each byte as two hexadecimal digits of its complement,
** so that the process has no copy of its own.
*/
#define _GNU_SOURCE

#include <curl/curl.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include "state.h"

static double now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static bool run(lua_State *L, const char *code, const char *a, const char *b) {
  if (luaL_loadstring(L, code) == LUA_OK) {
    lua_pushstring(L, a);
    lua_pushstring(L, b);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK) return true;
  }
  printf("FAILED: %s\n", luaL_tolstring(L, -1, NULL));
  (void)fflush(stdout);
  return false;
}

/* ---- stall ----------------------------------------------------------------------------------- */

static const char stall_code[] =
    "client = require 'topaz'.client { api_key = 'k', base_url = 'http://stalled.test', allow_insecure = true }\n"
    "for _ = 1, 3 do client:start 'get_page' end\n"
    "for _ = 1, 10 do client:step(0.005) end\n"
    "assert(client:stats().pending == 3)\n";

static int stall(const char *how) {
  lua_State *L = luaL_newstate();
  double began;
  luaL_openlibs(L);
  if (!run(L, stall_code, NULL, NULL)) return 1;
  began = now();
  if (strcmp(how, "close") == 0 && !run(L, "client:close()", NULL, NULL)) return 1;
  lua_close(L);
  began = now() - began;
  sleep(4); /* the resolver's threads come back meanwhile, into libcurl's code and perhaps ours */
  printf("stall, %s: the end took %.1f ms, the host lives on\n", how, began * 1e3);
  return began <= 0.05 ? 0 : 1;
}

/* ---- fork ------------------------------------------------------------------------------------ */

static const char before_fork[] = "local url, key = ...\n"
                                  "client = require 'topaz'.client { api_key = key, base_url = url }\n"
                                  "ids = {}\n"
                                  "for status in client:statuses() do ids[#ids + 1] = status.process_id end\n"
                                  "cursor = client:statuses { limit = 3 }\n"
                                  "first = cursor().process_id\n"
                                  "request = client:start('get_page', { limit = 100 })\n"
                                  "task = client:spawn('get_status', ids[1])\n"
                                  "watcher = client:watch(ids)\n"
                                  "client:step(0)\n"
                                  "connections = client:stats().connections\n";

static const char in_child[] =
    "local function refused(name, f, ...)\n"
    "   local ok, err = pcall(f, ...)\n"
    "   assert(not ok and type(err) == 'table' and err.kind == 'closed', name .. ': ' .. tostring(err))\n"
    "   assert(tostring(err):find 'parent process', tostring(err))\n"
    "end\n"
    "refused('get_status', client.get_status, client, ids[1])\n"
    "refused('statuses', client.statuses, client)\n"
    "refused('start', client.start, client, 'get_page')\n"
    "refused('step', client.step, client, 0)\n"
    "refused('stats', client.stats, client)\n"
    "refused('cursor', function() while true do assert(cursor(), 'the end') end end)\n"
    "if not request:done() then refused('result', request.result, request) end\n"
    "refused('await', task.await, task)\n"
    "refused('watcher', watcher)\n"
    "refused('sleep', client.sleep, client, 0)\n"
    "refused('run', client.run, client)\n"
    "local _, err = watcher:add(ids)\n"
    "refused('add', error, err, 0)\n"
    "request:cancel() cursor:close() client:close() client:close()\n"
    "collectgarbage()\n";

static const char in_parent[] =
    "local page = assert(request:result())\n"
    "assert(#page.data == #ids)\n"
    "assert(task:await().process_id == ids[1])\n"
    "local count = 1\n"
    "for status in cursor do count = count + 1 assert(status.process_id == ids[count]) end\n"
    "assert(first == ids[1] and count == #ids)\n"
    "for i = 1, 100 do\n"
    "   local id = ids[i % #ids + 1]\n"
    "   assert(assert(client:get_status(id)).process_id == id)\n"
    "end\n"
    "assert(client:stats().retries == 0)\n"
    "assert(client:stats().connections - connections <= 2)\n"
    "client:close()\n";

static int check_fork(const char *url, const char *key) {
  lua_State *L = luaL_newstate();
  int status = -1;
  pid_t child;
  luaL_openlibs(L);
  if (!run(L, before_fork, url, key)) return 1;
  child = fork();
  if (child == 0) {
    bool ok = run(L, in_child, NULL, NULL);
    lua_close(L);
    _exit(ok ? 0 : 1);
  }
  (void)waitpid(child, &status, 0);
  if (!run(L, in_parent, NULL, NULL)) return 1;
  lua_close(L);
  printf("fork: the child %s, the parent goes on\n", status == 0 ? "was refused and closed" : "FAILED");
  return status == 0 ? 0 : 1;
}

/* ---- wipe ------------------------------------------------------------------------------------ */

/* Lua and libcurl wipe nothing that they free. To find the core's own copies,
** this program does it for them; but for copies made by libcurl's strdup,
** such as the header that holds the key, which the core itself must wipe. */
typedef union {
  struct {
    size_t size;
    bool copied;
  } is;
  max_align_t align;
} head;

static void wiping_free(void *p) {
  head *h = (head *)p - 1;
  if (!p) return;
  if (!h->is.copied) explicit_bzero(p, h->is.size);
  free(h);
}

static void *wiping_malloc(size_t n) {
  head *h = malloc(sizeof *h + n);
  if (!h) return NULL;
  h->is.size = n;
  h->is.copied = false;
  return h + 1;
}

static void *wiping_calloc(size_t count, size_t n) {
  void *p = wiping_malloc(count * n);
  return p ? memset(p, 0, count * n) : NULL;
}

static void *wiping_realloc(void *p, size_t n) {
  void *q = wiping_malloc(n);
  size_t old = p ? ((head *)p - 1)->is.size : 0;
  if (!q) return NULL;
  if (old) memcpy(q, p, old < n ? old : n);
  wiping_free(p);
  return q;
}

static char *copying_strdup(const char *s) {
  char *p = wiping_malloc(strlen(s) + 1);
  if (!p) return NULL;
  ((head *)(void *)p - 1)->is.copied = true;
  return memcpy(p, s, strlen(s) + 1);
}

static void *wiping_lua(void *unused, void *p, size_t old, size_t n) {
  (void)unused;
  (void)old;
  if (n) return wiping_realloc(p, n);
  wiping_free(p);
  return NULL;
}

static const char *complement; /* the key, as given */

static unsigned char key_byte(size_t i) {
  char digits[3] = {complement[2 * i], complement[2 * i + 1], '\0'};
  return (unsigned char)~strtoul(digits, NULL, 16);
}

static bool is_key(const unsigned char *p) {
  for (size_t i = 0; complement[2 * i]; i++)
    if (p[i] != key_byte(i)) return false;
  return true;
}

/* Looks through one piece of memory, in pieces that overlap; how often the key is there. */
static int scan_piece(int memory, size_t from, size_t to, unsigned char *buffer, size_t size) {
  size_t length = strlen(complement) / 2;
  int found = 0;
  for (size_t at = from; at < to; at += size - length) {
    ssize_t n = pread(memory, buffer, to - at < size ? to - at : size, (off_t)at);
    for (ssize_t i = 0; n >= (ssize_t)length && i <= n - (ssize_t)length; i++) {
      unsigned char *p = memchr(buffer + i, key_byte(0), (size_t)(n - (ssize_t)length - i) + 1);
      if (!p) break;
      i = p - buffer;
      if (is_key(p) && (i <= (ssize_t)(size - 2 * length) || to - at <= size)) found++;
    }
  }
  return found;
}

/* How often the key is in the memory that this process may write. */
static int scan(void) {
  enum { SIZE = 1 << 20 };
  unsigned char *buffer = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FILE *maps = fopen("/proc/self/maps", "r");
  int memory = open("/proc/self/mem", O_RDONLY), found = 0;
  char line[512], access[8];
  size_t from, to;
  while (maps && fgets(line, sizeof line, maps)) {
    if (sscanf(line, "%zx-%zx %7s", &from, &to, access) != 3 || access[1] != 'w' || strstr(line, "[v")) continue;
    /* the kernel may have made one piece of the buffer and what stands beside it */
    if (from <= (size_t)buffer && (size_t)buffer < to) {
      found += scan_piece(memory, from, (size_t)buffer, buffer, SIZE);
      from = (size_t)buffer + SIZE;
    }
    if (from < to) found += scan_piece(memory, from, to, buffer, SIZE);
  }
  if (maps) (void)fclose(maps);
  (void)close(memory);
  explicit_bzero(buffer, SIZE);
  (void)munmap(buffer, SIZE);
  return found;
}

static const char use_key[] =
    "local topaz = require 'topaz'\n"
    "client = topaz.client { api_key = make_key(), base_url = ..., on_event = function() end, max_retries = 0 }\n"
    "local id\n"
    "for status in client:statuses { limit = 3 } do id = status.process_id end\n"
    "assert(client:get_status(id))\n"
    "assert(select(2, client:get_status '00000000-0000-4000-8000-000000000000').kind == 'not_found')\n"
    "assert(not pcall(topaz.client, { api_key = make_key() .. '\\n', base_url = ... }))\n"
    "request = client:start 'get_page' client:step(0)\n";

static int make_key(lua_State *L) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (size_t i = 0; complement[2 * i]; i++) luaL_addchar(&b, (char)key_byte(i));
  luaL_pushresult(&b);
  explicit_bzero(b.init.b, sizeof b.init.b);
  return 1;
}

typedef CURLcode init_function(long, curl_malloc_callback, curl_free_callback, curl_realloc_callback,
                               curl_strdup_callback, curl_calloc_callback);

static int wipe(const char *url, const char *key) {
  lua_State *L;
  int before, open, closed;
  init_function *init;
  /* Not linked with: in `stall` nobody but the module may hold libcurl. */
  void *curl = dlopen("libcurl.so.4", RTLD_NOW | RTLD_GLOBAL);
  complement = key;
  *(void **)&init = curl ? dlsym(curl, "curl_global_init_mem") : NULL;
  if (!init || init(CURL_GLOBAL_DEFAULT, wiping_malloc, wiping_free, wiping_realloc, copying_strdup, wiping_calloc))
    return 2;
  L = state_new(wiping_lua);
  luaL_openlibs(L);
  lua_register(L, "make_key", make_key);
  before = scan();
  if (!run(L, use_key, url, NULL)) return 1;
  lua_gc(L, LUA_GCCOLLECT);
  lua_gc(L, LUA_GCCOLLECT);
  open = scan();
  if (!run(L, "client:close() collectgarbage() collectgarbage()", NULL, NULL)) return 1;
  closed = scan();
  printf("wipe: the key is in memory %d times before, %d times while its client lives, %d times after close\n", before,
         open, closed);
  lua_close(L);
  return before == 0 && open > 0 && closed == 0 ? 0 : 1;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "stall") == 0) return stall(argv[2]);
  if (argc == 4 && strcmp(argv[1], "fork") == 0) return check_fork(argv[2], argv[3]);
  if (argc == 4 && strcmp(argv[1], "wipe") == 0) return wipe(argv[2], argv[3]);
  return 2;
}
