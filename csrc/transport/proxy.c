/* Finds the proxy of a request, by libcurl's rules. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum { HOST_MAX = 256, PART_MAX = 16 };

/* HTTP_PROXY is ignored: a web server sets it for its scripts from a header of the visitor. */
static const char *from_environment(bool https) {
  const char *proxy = platform_environment(https ? "https_proxy" : "http_proxy");
  if (!proxy && https) proxy = platform_environment("HTTPS_PROXY");
  if (!proxy) proxy = platform_environment("all_proxy");
  return proxy ? proxy : platform_environment("ALL_PROXY");
}

/* Whether `host` equals the `n` bytes of `name`, or ends in them after a dot. */
static bool host_matches(const char *host, const char *name, size_t n) {
  size_t length = strlen(host);
  unsigned char address[16];
  if (platform_read_address(host, address) > 0)
    return n == length && curl_strnequal(host, name, n); /* only as a whole */
  if (n > 0 && name[0] == '.') name++, n--;
  if (n > 0 && name[n - 1] == '.') n--;
  if (n == 0 || length < n || !curl_strnequal(host + length - n, name, n)) return false;
  return length == n || host[length - n - 1] == '.';
}

static bool is_excepted(const char *host) {
  static const char separators[] = ", \t";
  const char *list = platform_environment("no_proxy");
  if (!list) list = platform_environment("NO_PROXY");
  if (!list) return false;
  if (strcmp(list, "*") == 0) return true;
  for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
    size_t n = strcspn(list, separators);
    if (host_matches(host, list, n)) return true;
    list += n;
  }
  return false;
}

/* false: the part is missing, out of memory, or too long. */
static bool copy_part(CURLU *u, CURLUPart part, char *out, size_t size) {
  char *text = NULL;
  bool ok = curl_url_get(u, part, &text, 0) == CURLUE_OK && text && strlen(text) < size;
  if (ok) memcpy(out, text, strlen(text) + 1);
  curl_free(text);
  return ok;
}

/* Parses the URL; `scheme`, `host`, `port` become "" where the URL has none. false: the URL is not
** valid. */
static bool read_parts(const char *url, unsigned flags, char *scheme, char *host, char *port) {
  CURLU *u = curl_url(); /* a new one each time: a second URL could be relative to the first */
  bool ok = u && curl_url_set(u, CURLUPART_URL, url, flags | CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  scheme[0] = host[0] = port[0] = '\0';
  ok = ok && copy_part(u, CURLUPART_HOST, host, HOST_MAX) && copy_part(u, CURLUPART_SCHEME, scheme, PART_MAX);
  if (ok) (void)copy_part(u, CURLUPART_PORT, port, PART_MAX);
  curl_url_cleanup(u);
  return ok;
}

bool transport_proxy_is_known(const char *proxy) {
  static const char *const schemes[] = {"http", "https", "socks4", "socks4a", "socks5", "socks5h"};
  char scheme[PART_MAX], host[HOST_MAX], port[PART_MAX];
  if (!read_parts(proxy, CURLU_GUESS_SCHEME, scheme, host, port)) return false;
  for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
    if (curl_strequal(scheme, schemes[i])) return true;
  return false;
}

bool transport_proxy_applies(const char *proxy, const char *url, transport_proxy *out) {
  char scheme[PART_MAX], host[HOST_MAX], port[PART_MAX];
  bool ok = read_parts(url, 0, scheme, host, port);
  size_t n = strlen(host);
  memset(out, 0, sizeof *out);
  if (!proxy) proxy = from_environment(!ok || strcmp(scheme, "http") != 0);
  if (n > 2 && host[0] == '[') { /* an IPv6 address, which no_proxy has without brackets */
    memmove(host, host + 1, n - 2);
    host[n - 2] = '\0';
  }
  if (!proxy || !proxy[0] || is_excepted(host)) return false;
  if (!read_parts(proxy, CURLU_GUESS_SCHEME, scheme, host, port)) return true;
  /* as libcurl does */
  if (!port[0]) (void)snprintf(port, sizeof port, strcmp(scheme, "https") == 0 ? "443" : "1080");
  (void)snprintf(out->name, sizeof out->name, "%s:%s", host, port);
  out->loopback = transport_is_loopback(host);
  return true;
}
