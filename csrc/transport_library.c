/* The parts of the transport that need no transport: libcurl's set-up, what it is, and what a URL says. */
#define _GNU_SOURCE /* dladdr, RTLD_NODELETE */

#include <arpa/inet.h>
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "transport.h"

/* ---- once per process ------------------------------------------------------------------------------------- */

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

/* libcurl is never cleaned up globally, since the host may use it too. The module pins itself: QUICK_EXIT leaves a
** resolver thread behind, and lua_close would unmap the code that this thread still runs. */
static void global_init(void) {
  Dl_info info;
  curl_global_init(CURL_GLOBAL_DEFAULT);
#ifdef RTLD_NODELETE
  if (dladdr((void *)&global_once, &info) && info.dli_fname)
    (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#endif
}

void transport_library_init(void) { pthread_once(&global_once, global_init); }

void transport_about(transport_library *out) {
  const curl_version_info_data *v;
  transport_library_init();
  v = curl_version_info(CURLVERSION_NOW);
  out->version = v->version;
  out->tls = v->ssl_version;
  out->http2 = (v->features & CURL_VERSION_HTTP2) != 0;
  out->async_dns = (v->features & CURL_VERSION_ASYNCHDNS) != 0;
  out->brotli = (v->features & CURL_VERSION_BROTLI) != 0;
  out->zstd = (v->features & CURL_VERSION_ZSTD) != 0;
  out->gzip = (v->features & CURL_VERSION_LIBZ) != 0;
}

/* ---- URLs --------------------------------------------------------------------------------------------------- */

static bool is_loopback(const char *host) {
  struct in_addr v4;
  if (strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0) return true;
  return inet_pton(AF_INET, host, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

/* Whether the URL has this part; its text is freed unless wanted. CURLUE_OUT_OF_MEMORY is noted in *rc. */
static bool has_part(CURLU *u, CURLUPart part, char **text, CURLUcode *rc) {
  char *s = NULL;
  CURLUcode got = curl_url_get(u, part, &s, 0);
  bool ok = got == CURLUE_OK && s;
  if (got == CURLUE_OUT_OF_MEMORY) *rc = got;
  if (text) *text = s;
  else curl_free(s);
  return ok;
}

bool transport_parse_url(const char *url, transport_url *out) {
  CURLU *u = curl_url();
  char *scheme = NULL, *host = NULL;
  CURLUcode rc = u ? curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OUT_OF_MEMORY;
  bool ok = rc == CURLUE_OK;
  memset(out, 0, sizeof *out);
  ok = ok && has_part(u, CURLUPART_SCHEME, &scheme, &rc) && has_part(u, CURLUPART_HOST, &host, &rc);
  if (ok) {
    out->https = strcmp(scheme, "https") == 0;
    out->http = strcmp(scheme, "http") == 0;
    out->loopback = is_loopback(host);
    out->has_query = has_part(u, CURLUPART_QUERY, NULL, &rc) || strchr(url, '?');
    out->has_fragment = has_part(u, CURLUPART_FRAGMENT, NULL, &rc) || strchr(url, '#');
    out->has_user = has_part(u, CURLUPART_USER, NULL, &rc) || has_part(u, CURLUPART_PASSWORD, NULL, &rc);
  }
  out->no_memory = rc == CURLUE_OUT_OF_MEMORY;
  ok = ok && !out->no_memory;
  curl_free(scheme);
  curl_free(host);
  curl_url_cleanup(u);
  return ok;
}

bool transport_origin(const char *url, char *out, size_t size) {
  CURLU *u = curl_url();
  char *text = NULL;
  CURLUcode rc = CURLUE_OK;
  bool ok = u && curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK;
  if (ok) {
    (void)curl_url_set(u, CURLUPART_USER, NULL, 0);
    (void)curl_url_set(u, CURLUPART_PASSWORD, NULL, 0);
    (void)curl_url_set(u, CURLUPART_QUERY, NULL, 0);
    (void)curl_url_set(u, CURLUPART_FRAGMENT, NULL, 0);
    (void)curl_url_set(u, CURLUPART_PATH, NULL, 0);
    ok = has_part(u, CURLUPART_URL, &text, &rc) && strlen(text) < size;
  }
  if (ok) memcpy(out, text, strlen(text) + 1);
  curl_free(text);
  curl_url_cleanup(u);
  return ok;
}
