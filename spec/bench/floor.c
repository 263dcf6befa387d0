/*
** floor BASE_URL PAGES: what a C program at least pays for the same job.
** It downloads the same pages with libcurl and throws the bytes away, and fills for each
** record the same table, of the right size at once, from values that are ready in C arrays.
** It decodes nothing: the values come from the first page, read once with cjson,
** and of those that are different in every record (process_id, source_id, filename)
** the last digits are written over, so that Lua has to make as many strings.
** A table is garbage as soon as the next one is made; the collector is as Lua sets it up.
*/
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

enum { RECORDS = 100, MEMBERS = 20, COUNTER_DIGITS = 6 };

typedef struct {
  enum { TEXT, COUNTED_TEXT, INTEGER, BOOLEAN } type;
  char *text;
  size_t length;
  char *counter; /* COUNTED_TEXT: the digits that change from record to record */
  lua_Integer integer;
} value;

typedef struct {
  const char *names[MEMBERS];
  value values[RECORDS][MEMBERS];
} ready;

typedef struct {
  char *bytes;
  size_t length;
} body;

static size_t discard(char *bytes, size_t size, size_t n, void *context) {
  (void)bytes;
  (void)context;
  return size * n;
}

static size_t keep(char *bytes, size_t size, size_t n, void *context) {
  body *b = context;
  char *grown = realloc(b->bytes, b->length + size * n);
  if (grown == NULL) return 0;
  memcpy(grown + b->length, bytes, size * n);
  b->bytes = grown;
  b->length += size * n;
  return size * n;
}

static void fail(const char *why) {
  fprintf(stderr, "floor: %s\n", why);
  exit(1);
}

static void fetch(CURL *easy, const char *base, unsigned long page) {
  char url[1024];
  if (page == 1) {
    snprintf(url, sizeof url, "%s/status?paginated=true&limit=%d", base, RECORDS);
  } else {
    snprintf(url, sizeof url, "%s/status?paginated=true&limit=%d&cursor=p%lu", base, RECORDS, page);
  }
  curl_easy_setopt(easy, CURLOPT_URL, url);
  CURLcode code = curl_easy_perform(easy);
  if (code != CURLE_OK) fail(curl_easy_strerror(code));
}

/* Copies the value on the top into C. */
static void take(lua_State *L, value *v, bool counted) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    const char *text = lua_tolstring(L, -1, &v->length);
    v->text = malloc(v->length + 1);
    if (v->text == NULL) fail("out of memory");
    memcpy(v->text, text, v->length + 1);
    v->type = counted ? COUNTED_TEXT : TEXT;
    const char *dot = strrchr(v->text, '.');
    size_t end = dot != NULL ? (size_t)(dot - v->text) : v->length;
    if (counted && end < COUNTER_DIGITS) fail("a text without room for a counter");
    if (counted) v->counter = v->text + end - COUNTER_DIGITS;
  } else if (lua_isboolean(L, -1)) {
    v->type = BOOLEAN;
    v->integer = lua_toboolean(L, -1);
  } else {
    v->type = INTEGER;
    v->integer = (lua_Integer)lua_tonumber(L, -1);
  }
}

/* The first page's values by cjson, the names of members in the order of the contract,
** which is left on the stack. */
static void prepare(lua_State *L, const body *page, ready *r) {
  static const char *const names[MEMBERS] = {
      "process_id",  "source_id",     "filename",      "input_format",      "input_height",
      "input_width", "output_format", "output_height", "output_width",      "category",
      "model_type",  "model",         "crop_to_fill",  "options_json",      "status",
      "progress",    "eta",           "creation_time", "modification_time", "credits"};
  lua_getglobal(L, "require");
  lua_pushliteral(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "decode");
  lua_pushlstring(L, page->bytes, page->length);
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "data");
  for (int i = 0; i < RECORDS; i++) {
    lua_rawgeti(L, -1, i + 1);
    for (int m = 0; m < MEMBERS; m++) {
      r->names[m] = names[m];
      lua_getfield(L, -1, names[m]);
      take(L, &r->values[i][m], m < 3);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
  lua_settop(L, 0);
}

static void count_up(char *digits, unsigned long n) {
  for (int i = COUNTER_DIGITS - 1; i >= 0; i--, n /= 10) digits[i] = (char)('0' + n % 10);
}

/* Builds one table and drops it. The names stand on the stack at 1 to MEMBERS. */
static void build(lua_State *L, value *values, unsigned long number) {
  lua_createtable(L, 0, MEMBERS);
  for (int m = 0; m < MEMBERS; m++) {
    value *v = &values[m];
    lua_pushvalue(L, m + 1);
    switch (v->type) {
    case COUNTED_TEXT: count_up(v->counter, number); /* fall through */
    case TEXT: lua_pushlstring(L, v->text, v->length); break;
    case INTEGER: lua_pushinteger(L, v->integer); break;
    case BOOLEAN: lua_pushboolean(L, v->integer != 0); break;
    }
    lua_rawset(L, MEMBERS + 1);
  }
  lua_pop(L, 1);
}

int main(int argc, char **argv) {
  if (argc != 3) fail("usage: floor BASE_URL PAGES");
  unsigned long pages = strtoul(argv[2], NULL, 10), count = 0;
  static ready r;
  body first = {NULL, 0};
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURL *easy = curl_easy_init();
  struct curl_slist *headers = curl_slist_append(NULL, "X-API-Key: bench");
  lua_State *L = luaL_newstate();
  if (easy == NULL || headers == NULL || L == NULL) fail("out of memory");
  luaL_openlibs(L);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
  /* a page in few reads; larger ones gained nothing */
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 65536L);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &first);
  fetch(easy, argv[1], 1);
  prepare(L, &first, &r);
  free(first.bytes);

  luaL_checkstack(L, MEMBERS + 8, NULL);
  for (int m = 0; m < MEMBERS; m++) lua_pushstring(L, r.names[m]);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  for (unsigned long page = 1; page <= pages; page++) {
    if (page > 1) fetch(easy, argv[1], page);
    for (int i = 0; i < RECORDS; i++) build(L, r.values[i], count++);
  }
  printf("count=%lu\n", count);

  for (int i = 0; i < RECORDS; i++) {
    for (int m = 0; m < MEMBERS; m++) free(r.values[i][m].text);
  }
  lua_close(L);
  curl_easy_cleanup(easy);
  curl_slist_free_all(headers);
  curl_global_cleanup();
  return 0;
}
