#include "options_headers.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"

/* Headers that a caller may not set, and what to do instead. */
typedef struct {
  const char *name, *advice;
} owned_header;

static const char by_key[] = "the key is set by api_key alone";
static const char by_core[] = "topaz sets it";
static const char by_proxy[] = "set proxy = \"http://user:password@host:port\"";
static const char by_answer[] = "it would change what a response means";
static const char by_method[] = "it would change the method";

static const owned_header owned[] = {
    {"X-API-Key", by_key},
    {"User-Agent", "set user_agent"},
    {"Proxy-Authorization", by_proxy},
    {"Proxy-Connection", by_core},
    /* the message and its connection: RFC 9110 7.6.1, RFC 9112 6 */
    {"Host", by_core},
    {"Connection", by_core},
    {"Keep-Alive", by_core},
    {"Content-Length", by_core},
    {"Transfer-Encoding", by_core},
    {"TE", by_core},
    {"Trailer", by_core},
    {"Upgrade", by_core},
    {"HTTP2-Settings", by_core},
    {"Expect", by_core},
    /* what responses topaz can read */
    {"Accept", by_core},
    {"Accept-Encoding", by_core},
    {"Range", by_answer},
    {"If-Range", by_answer},
    {"If-Match", by_answer},
    {"If-None-Match", by_answer},
    {"If-Modified-Since", by_answer},
    {"If-Unmodified-Since", by_answer},
    /* what may be sent again rests on the method */
    {"X-HTTP-Method", by_method},
    {"X-HTTP-Method-Override", by_method},
    {"X-Method-Override", by_method},
};

static bool is_same(const char *a, const char *b) {
  while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b)) a++, b++;
  return tolower((unsigned char)*a) == tolower((unsigned char)*b);
}

/* Whether the byte may stand in a header's name (RFC 9110 5.6.2, token). */
static bool is_name_byte(unsigned char c) { return c < 0x80 && (isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c))); }

/* Returns the name at `index`. What follows a wrong byte is not shown: it may be a value. */
static const char *check_name(lua_State *L, int index, const char *option, int level) {
  size_t n, i = 0;
  const char *name;
  if (lua_type(L, index) != LUA_TSTRING)
    error_misuse_at(L, level, option, "expected header names as keys, got a %s", luaL_typename(L, index));
  name = lua_tolstring(L, index, &n);
  while (i < n && is_name_byte((unsigned char)name[i])) i++;
  if (n == 0) error_misuse_at(L, level, option, "a header's name is empty");
  if (i < n)
    error_misuse_at(L, level, option,
                    "byte %d of the header name '%.*s…' is not allowed in a name: expected { name = value }",
                    (int)i + 1, (int)(i < 60 ? i : 60), name);
  if (n > 256) error_misuse_at(L, level, option, "a header's name has %d bytes, expected at most 256", (int)n);
  for (size_t k = 0; k < sizeof owned / sizeof *owned; k++)
    if (is_same(name, owned[k].name))
      error_misuse_at(L, level, option, "'%s' may not be set: %s", name, owned[k].advice);
  return name;
}

static const char *check_value(lua_State *L, int index, const char *header, const char *option, int level) {
  size_t n;
  const char *value;
  if (lua_type(L, index) != LUA_TSTRING)
    error_misuse_at(L, level, option, "expected a string as the value of '%s', got %s", header,
                    luaL_typename(L, index));
  value = lua_tolstring(L, index, &n);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)value[i];
    if (c == '\r' || c == '\n')
      error_misuse_at(L, level, option, "the value of '%s' has a line break at byte %d", header, (int)i + 1);
    if (c < 0x20 || c == 0x7F)
      error_misuse_at(L, level, option, "the value of '%s' has a control byte at byte %d", header, (int)i + 1);
  }
  if (n > 0 && (value[0] == ' ' || value[n - 1] == ' '))
    error_misuse_at(L, level, option, "the value of '%s' begins or ends with a space: remove it", header);
  return value;
}

/* Copies the names and values to the stack, and returns how many pairs there are. Nothing is
** allocated meanwhile, so that no finalizer can change the caller's table. */
static int push_pairs(lua_State *L, int index, const char *option, int level) {
  int count = 0;
  luaL_checkstack(L, 2 * OPTIONS_HEADERS_COUNT + 8, "headers");
  for (lua_pushnil(L); lua_next(L, index); count++) {
    if (count == OPTIONS_HEADERS_COUNT)
      error_misuse_at(L, level, option, "expected at most %d headers", (int)OPTIONS_HEADERS_COUNT);
    lua_pushvalue(L, -2);
  }
  return count;
}

void options_headers_pack(lua_State *L, int index, const char *name, int level) {
  int first = lua_gettop(L) + 1, count = push_pairs(L, index, name, level);
  char lines[OPTIONS_HEADERS_BYTES + 1];
  size_t used = 0;
  for (int i = 0; i < count; i++) {
    const char *header = check_name(L, first + 2 * i, name, level);
    const char *value = check_value(L, first + 2 * i + 1, header, name, level);
    size_t n = strlen(header) + strlen(value) + sizeof ": \n" - 1;
    for (int k = 0; k < i; k++)
      if (is_same(header, lua_tostring(L, first + 2 * k)))
        error_misuse_at(L, level, name, "'%s' is given twice, in upper and lower case", header);
    if (n > OPTIONS_HEADERS_BYTES - used)
      error_misuse_at(L, level, name, "expected at most %d bytes in all headers together", (int)OPTIONS_HEADERS_BYTES);
    (void)snprintf(lines + used, n + 1, "%s: %s\n", header, value);
    used += n;
  }
  lua_settop(L, first - 1);
  if (count > 0) lua_pushlstring(L, lines, used);
  else lua_pushnil(L);
  lua_replace(L, index);
}

void options_headers_push(lua_State *L, const char *text) {
  lua_newtable(L);
  while (*text) {
    const char *colon = strchr(text, ':'), *value = colon + 2, *end = strchr(value, '\n');
    lua_pushlstring(L, text, (size_t)(colon - text));
    lua_pushlstring(L, value, (size_t)(end - value));
    lua_rawset(L, -3);
    text = end + 1;
  }
}
