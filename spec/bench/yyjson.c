/*
** yyjson BASE_URL: the same job by a C program of its own, with libcurl and yyjson.
** It keeps each page until it is complete, reads it with yyjson, and makes for each record one Lua
** table of the right size; a table is garbage as soon as the next one is made. The names of the
** members stay on Lua's stack, and are used again where a record has the same name in the same
** place as the one before. It checks nothing, retries nothing and fetches nothing ahead.
*/
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <yyjson.h>

enum { NAMES_MAX = 64, NAME_MAX_LENGTH = 64 };

typedef struct {
  char *bytes;
  size_t length, capacity;
} body;

/* The names of the last record; the string of names[i] stands on Lua's stack at i + 1. */
typedef struct {
  char text[NAMES_MAX][NAME_MAX_LENGTH];
  size_t length[NAMES_MAX];
} names;

static void fail(const char *why) {
  fprintf(stderr, "yyjson: %s\n", why);
  exit(1);
}

static size_t keep(char *bytes, size_t size, size_t n, void *context) {
  body *b = context;
  n *= size;
  if (b->length + n > b->capacity) {
    size_t capacity = 2 * (b->length + n);
    char *grown = realloc(b->bytes, capacity);
    if (grown == NULL) return 0;
    b->bytes = grown;
    b->capacity = capacity;
  }
  memcpy(b->bytes + b->length, bytes, n);
  b->length += n;
  return n;
}

static void push_name(lua_State *L, names *known, int place, yyjson_val *key) {
  const char *text = yyjson_get_str(key);
  size_t length = yyjson_get_len(key);
  if (place >= NAMES_MAX || length >= NAME_MAX_LENGTH) {
    lua_pushlstring(L, text, length);
    return;
  }
  if (known->length[place] != length || memcmp(known->text[place], text, length) != 0) {
    memcpy(known->text[place], text, length);
    known->length[place] = length;
    lua_pushlstring(L, text, length);
    lua_replace(L, place + 1);
  }
  lua_pushvalue(L, place + 1);
}

static void push_value(lua_State *L, yyjson_val *v) {
  if (yyjson_is_str(v)) lua_pushlstring(L, yyjson_get_str(v), yyjson_get_len(v));
  else if (yyjson_is_bool(v)) lua_pushboolean(L, yyjson_get_bool(v));
  else if (yyjson_is_int(v)) lua_pushinteger(L, (lua_Integer)yyjson_get_sint(v));
  else if (yyjson_is_real(v)) lua_pushnumber(L, yyjson_get_real(v));
  else fail("a value that no status has");
}

/* Builds one table, takes its progress, and drops it. */
static lua_Integer build(lua_State *L, names *known, yyjson_val *record) {
  lua_Integer progress;
  yyjson_obj_iter members;
  int place = 0;
  lua_createtable(L, 0, (int)yyjson_obj_size(record));
  yyjson_obj_iter_init(record, &members);
  for (yyjson_val *key = yyjson_obj_iter_next(&members); key; key = yyjson_obj_iter_next(&members)) {
    push_name(L, known, place++, key);
    push_value(L, yyjson_obj_iter_get_val(key));
    lua_rawset(L, NAMES_MAX + 1);
  }
  lua_getfield(L, -1, "progress");
  progress = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return progress;
}

static void fetch(CURL *easy, const char *base, const char *cursor, body *b) {
  char url[1024];
  snprintf(url, sizeof url, "%s/status?paginated=true&limit=100%s%s", base, cursor[0] ? "&cursor=" : "", cursor);
  b->length = 0;
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) fail(curl_easy_strerror(code));
}

int main(int argc, char **argv) {
  static names known;
  body b = {NULL, 0, 0};
  char cursor[256] = "";
  unsigned long count = 0;
  lua_Integer checksum = 0;
  if (argc != 2) fail("usage: yyjson BASE_URL");
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, "X-API-Key: bench");
  lua_State *L = luaL_newstate();
  if (easy == NULL || headers == NULL || L == NULL) fail("out of memory");
  luaL_openlibs(L);
  luaL_checkstack(L, NAMES_MAX + 8, NULL);
  lua_settop(L, NAMES_MAX);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &b);
  for (bool more = true; more;) {
    size_t i, n;
    yyjson_val *record;
    fetch(easy, argv[1], cursor, &b);
    yyjson_doc *page = yyjson_read(b.bytes, b.length, 0);
    if (page == NULL) fail("a page that is not JSON");
    yyjson_arr_foreach(yyjson_obj_get(yyjson_doc_get_root(page), "data"), i, n, record) {
      checksum += build(L, &known, record);
      count++;
    }
    const char *next = yyjson_get_str(yyjson_ptr_get(yyjson_doc_get_root(page), "/pagination/next_cursor"));
    more = next != NULL;
    if (more) snprintf(cursor, sizeof cursor, "%s", next);
    yyjson_doc_free(page);
  }
  printf("count=%lu checksum=%lld\n", count, (long long)checksum);
  lua_close(L);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  free(b.bytes);
  return 0;
}
