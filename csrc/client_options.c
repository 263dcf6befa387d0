#include "client_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options.h"
#include "version.h"

static const char production_url[] = "https://api.topazlabs.com/image/v1";

/* clang-format off */
static const option_row client_options[] = {
  {"api_key",         OPTION_STRING,   OPTION_NONE, 0, 0},
  {"base_url",        OPTION_STRING,   OPTION_NONE, 0, 0},
  {"timeout",         OPTION_NUMBER,   120,         0.001, 86400},
  {"connect_timeout", OPTION_NUMBER,   5,           0.001, 3600},
  {"attempt_timeout", OPTION_NUMBER,   30,          0.001, 3600},
  {"max_retries",     OPTION_INTEGER,  4,           0, 100},
  {"retry_base",      OPTION_NUMBER,   0.5,         0, 60},
  {"retry_cap",       OPTION_NUMBER,   20,          0, 3600},
  {"max_retry_after", OPTION_NUMBER,   60,          0, 86400},
  {"max_bytes",       OPTION_INTEGER,  67108864,    1024, 1e15},
  {"max_connections", OPTION_INTEGER,  8,           1, 256},
  {"max_rate",        OPTION_NUMBER,   OPTION_NONE, 0.001, 1e6},
  {"http2",           OPTION_BOOLEAN,  1,           0, 0},
  {"ca_file",         OPTION_STRING,   OPTION_NONE, 0, 0},
  {"proxy",           OPTION_STRING,   OPTION_NONE, 0, 0},
  {"user_agent",      OPTION_STRING,   OPTION_NONE, 0, 0},
  {"allow_insecure",  OPTION_BOOLEAN,  0,           0, 0},
  {"on_event",        OPTION_FUNCTION, OPTION_NONE, 0, 0},
  {"scheduler",       OPTION_TABLE,    OPTION_NONE, 0, 0},
};
/* clang-format on */
enum { CLIENT_OPTIONS = sizeof client_options / sizeof *client_options };

/* A value that goes into a header: no byte that could end the line or that no server would take. */
static void check_header_value(lua_State *L, const char *name, const char *value, size_t n) {
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)value[i];
    if (c == '\r' || c == '\n') (void)error_misuse(L, name, "contains a line break at byte %d", (int)i + 1);
    if (c < 0x20 || c >= 0x7F)
      (void)error_misuse(L, name, "contains a byte that is no printable ASCII at byte %d", (int)i + 1);
  }
  if (n > 0 && (value[0] == ' ' || value[n - 1] == ' ')) (void)error_misuse(L, name, "begins or ends with a space");
  if (n > 4096) (void)error_misuse(L, name, "is longer than 4096 bytes");
}

/* The string option, else the environment's variable, else NULL; it stays on the stack. */
static const char *string_or_environment(lua_State *L, int options, const char *name, const char *variable) {
  if (lua_getfield(L, options, name) == LUA_TNIL && variable) {
    lua_pop(L, 1);
    lua_pushstring(L, getenv(variable));
  }
  return lua_tostring(L, -1);
}

static const char *check_key(lua_State *L, int options) {
  const char *key = string_or_environment(L, options, "api_key", "TOPAZ_API_KEY");
  if (!key) (void)error_misuse(L, "api_key", "missing: pass it, or set the environment variable TOPAZ_API_KEY");
  if (!key[0]) (void)error_misuse(L, "api_key", "is empty (environment variable TOPAZ_API_KEY)");
  check_header_value(L, "api_key", key, lua_rawlen(L, -1));
  return key;
}

static const char *check_base_url(lua_State *L, int options, transport_options *o) {
  const char *url = string_or_environment(L, options, "base_url", "TOPAZ_BASE_URL");
  transport_url parts;
  bool is_url;
  if (!url) url = lua_pushstring(L, production_url);
  check_header_value(L, "base_url", url, lua_rawlen(L, -1));
  is_url = transport_parse_url(url, &parts);
  if (parts.no_memory) (void)luaL_error(L, "topaz.client: not enough memory");
  if (!is_url || !strstr(url, "://") || (!parts.http && !parts.https))
    (void)error_misuse(L, "base_url", "expected an https:// URL");
  if (parts.has_query)
    (void)error_misuse(L, "base_url", "has a query ('?'), which would swallow the path of every call");
  if (parts.has_fragment) (void)error_misuse(L, "base_url", "has a fragment ('#')");
  if (parts.has_user) (void)error_misuse(L, "base_url", "holds a user name or password");
  if (parts.http && !parts.loopback && !options_boolean(L, options, "allow_insecure"))
    (void)error_misuse(L, "base_url",
                       "http:// would send the key in the clear: use https://, or allow_insecure = true");
  o->allow_http = parts.http;
  if (parts.loopback) o->proxy = ""; /* a proxy of the environment is not meant for this machine */
  return url;
}

static void take_limits(lua_State *L, int options, session_limits *l) {
  l->max_retries = (unsigned)options_number(L, options, "max_retries");
  l->retry_base = options_number(L, options, "retry_base");
  l->retry_cap = options_number(L, options, "retry_cap");
  l->retry_after_max = options_number(L, options, "max_retry_after");
  l->connect_timeout = options_number(L, options, "connect_timeout");
  l->attempt_timeout = options_number(L, options, "attempt_timeout");
  l->timeout = options_number(L, options, "timeout");
  l->max_bytes = (uint64_t)options_number(L, options, "max_bytes");
  l->max_connections = (unsigned)options_number(L, options, "max_connections");
}

static void take_agent(lua_State *L, int options, client_settings *out) {
  transport_library library;
  const char *agent = options_string(L, options, "user_agent");
  if (agent) check_header_value(L, "user_agent", agent, strlen(agent));
  transport_about(&library);
  (void)snprintf(out->agent, sizeof out->agent, "topaz-lua/%s libcurl/%s", TOPAZ_VERSION, library.version);
  out->transport.user_agent = agent ? agent : out->agent;
}

void client_read_options(lua_State *L, int index, client_settings *out) {
  transport_options *o = &out->transport;
  int options;
  memset(out, 0, sizeof *out);
  options_read(L, index, client_options, CLIENT_OPTIONS);
  options = lua_gettop(L);
  o->api_key = check_key(L, options);
  out->base_url = check_base_url(L, options, o);
  if (options_string(L, options, "proxy")) o->proxy = options_string(L, options, "proxy");
  take_agent(L, options, out);
  o->ca_file = options_string(L, options, "ca_file");
  o->http2 = options_boolean(L, options, "http2");
  take_limits(L, options, &out->limits);
  o->max_connections = out->limits.max_connections;
  out->max_rate = options_number(L, options, "max_rate");
  lua_pushvalue(L, options);
}
