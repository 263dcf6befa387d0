#include "client_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options.h"
#include "platform/platform.h"
#include "version.h"

static const char production_url[] = "https://api.topazlabs.com/image/v1";

/* An option is a row, and the field that it names. */
/* clang-format off */
#define AT(field) OPTION_AT(client_settings, field)
static const option_row client_options[] = {
  {"api_key",         OPTION_STRING,   OPTION_NONE, 0, 0,          AT(transport.api_key)},
  {"base_url",        OPTION_STRING,   OPTION_NONE, 0, 0,          AT(base_url)},
  {"timeout",         OPTION_NUMBER,   120,         0.001, SESSION_TIMEOUT_MAX, AT(limits.timeout)},
  {"connect_timeout", OPTION_NUMBER,   5,           0.001, 3600,   AT(limits.connect_timeout)},
  {"attempt_timeout", OPTION_NUMBER,   30,          0.001, 3600,   AT(limits.attempt_timeout)},
  {"max_retries",     OPTION_INTEGER,  4,           0, 100,        AT(limits.max_retries)},
  {"retry_base",      OPTION_NUMBER,   0.5,         0, 60,         AT(limits.retry_base)},
  {"retry_cap",       OPTION_NUMBER,   20,          0, 3600,       AT(limits.retry_cap)},
  {"max_retry_after", OPTION_NUMBER,   60,          0, 86400,      AT(limits.retry_after_max)},
  {"max_bytes",       OPTION_INTEGER,  67108864,    1024, 1e15,    AT(limits.max_bytes)},
  {"max_connections", OPTION_INTEGER,  8,           1, 256,        AT(limits.max_connections)},
  {"max_rate",        OPTION_NUMBER,   OPTION_NONE, 0.001, 1e6,    AT(max_rate)},
  {"http2",           OPTION_BOOLEAN,  1,           0, 0,          AT(transport.http2)},
  {"ca_file",         OPTION_STRING,   OPTION_NONE, 0, 0,          AT(transport.ca_file)},
  {"proxy",           OPTION_TEXT,     OPTION_NONE, 0, 0,          AT(transport.proxy)},
  {"user_agent",      OPTION_STRING,   OPTION_NONE, 0, 0,          AT(transport.user_agent)},
  {"allow_insecure",  OPTION_BOOLEAN,  0,           0, 0,          AT(allow_insecure)},
  {"on_event",        OPTION_FUNCTION, OPTION_NONE, 0, 0,          AT(on_event)},
  {"scheduler",       OPTION_TABLE,    OPTION_NONE, 0, 0,          AT(scheduler)},
  OPTION_HEADERS_ROW(client_settings, transport.headers),
  {"share",           OPTION_EITHER,   OPTION_NONE, 0, 0,          AT(share)},
};
#undef AT
/* clang-format on */
enum { HEADER_MAX = 4096 };

/* Refuses a value with a byte that could end a header line. The value is not shown: it may be the
** key, or contain a password. */
static void check_printable(lua_State *L, const char *name, const char *value, bool in_header) {
  size_t n = strlen(value);
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)value[i];
    if (c == '\r' || c == '\n') error_misuse(L, name, "byte %d is a line break", (int)i + 1);
    if (c < 0x20 || c >= 0x7F) error_misuse(L, name, "byte %d is not printable ASCII", (int)i + 1);
  }
  if (n > 0 && (value[0] == ' ' || value[n - 1] == ' '))
    error_misuse(L, name, "begins or ends with a space: remove it");
  if (in_header && n > HEADER_MAX) error_misuse(L, name, "expected at most %d bytes, got %d", HEADER_MAX, (int)n);
}

/* Pushes and returns the value of an environment variable; NULL: unset or empty. */
static const char *environment(lua_State *L, const char *variable) {
  const char *value = platform_environment(variable);
  return lua_pushstring(L, value && value[0] ? value : NULL);
}

/* Gives an option that is absent the value of its variable, if that is set. Returns what an error
** has to name: the option or the variable. */
static const char *or_environment(lua_State *L, const char *option, const char *variable, const char **value) {
  if (*value) return option;
  *value = environment(L, variable);
  return *value ? variable : option;
}

static void check_key(lua_State *L, transport_options *o) {
  const char *name = or_environment(L, "api_key", "TOPAZ_API_KEY", &o->api_key);
  if (!o->api_key) error_misuse(L, name, "missing: pass it, or set the environment variable TOPAZ_API_KEY");
  check_printable(L, name, o->api_key, true);
}

static void check_base_url(lua_State *L, client_settings *out) {
  transport_options *o = &out->transport;
  transport_url parts;
  bool is_url;
  const char *name = or_environment(L, "base_url", "TOPAZ_BASE_URL", &out->base_url);
  if (!out->base_url) out->base_url = production_url;
  check_printable(L, name, out->base_url, true);
  is_url = transport_parse_url(out->base_url, &parts);
  if (parts.no_memory) (void)luaL_error(L, "topaz.client: out of memory");
  if (!is_url || !strstr(out->base_url, "://") || (!parts.http && !parts.https))
    error_misuse(L, name, "expected an https:// URL with a host, a port up to 65535 if any, and no space");
  if (parts.has_query) error_misuse(L, name, "has a query ('?'): remove it, each call appends its own path");
  if (parts.has_fragment) error_misuse(L, name, "has a fragment ('#'): remove it, each call appends its own path");
  if (parts.has_user) error_misuse(L, name, "contains a user name or password: remove it, the key alone is sent");
  if (parts.http && !parts.loopback && !out->allow_insecure)
    error_misuse(L, name, "http:// would send the key unencrypted: use https://, or allow_insecure = true");
  o->allow_http = parts.http;
  /* A proxy from the environment is not used for this machine. */
  if (parts.loopback && !o->proxy) o->proxy = "";
}

/* A proxy for plain http sees the key unencrypted. */
static void check_proxy(lua_State *L, const client_settings *out) {
  const char *proxy = out->transport.proxy;
  transport_proxy found;
  if (proxy) {
    check_printable(L, "proxy", proxy, false);
    /* libcurl would use no proxy */
    if (strstr(proxy, "%00")) error_misuse(L, "proxy", "contains a NUL (%%00)");
    if (proxy[0] && !transport_proxy_is_known(proxy))
      error_misuse(L, "proxy", "expected a URL with http://, https://, socks4://, socks4a://, socks5:// or socks5h://");
  }
  if (out->transport.allow_http && !out->allow_insecure && transport_proxy_applies(proxy, out->base_url, &found) &&
      !found.loopback)
    error_misuse(L, "proxy",
                 "'%s' on another machine would get the key unencrypted: use an https:// base_url, or "
                 "allow_insecure = true",
                 found.name);
}

static void check_agent(lua_State *L, client_settings *out) {
  transport_options *o = &out->transport;
  transport_library library;
  if (o->user_agent) check_printable(L, "user_agent", o->user_agent, true);
  transport_about(&library);
  (void)snprintf(out->agent, sizeof out->agent, "topaz-lua/%s libcurl/%s", TOPAZ_VERSION, library.version);
  if (!o->user_agent) o->user_agent = out->agent;
}

void client_read_options(lua_State *L, int index, client_settings *out) {
  memset(out, 0, sizeof *out);
  options_read(L, index, client_options, sizeof client_options / sizeof *client_options, out);
  check_key(L, &out->transport);
  check_base_url(L, out);
  check_proxy(L, out);
  check_agent(L, out);
  out->transport.connect_timeout = out->limits.connect_timeout;
}
