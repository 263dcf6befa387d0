/* The options that are set on libcurl's handles. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

enum {
  /* Bytes that libcurl reads at once. While a transfer pauses, libcurl unpacks and keeps what it
  ** has read, perhaps a thousand times as much: with 60 kB, which a page of plain http would need,
  ** and which saves 1.5 % of the list, that is 125 MB. With 16 kB a page costs four system calls
  ** more, where one costs 1.4 us 2 % of the list; over TLS a read is one record of 16 kB anyway. */
  RECEIVE_BUFFER = 32 * 1024,
  /* CURLOPT_QUICK_EXIT, of 7.87; by its number, since the library may be newer than the headers */
  QUICK_EXIT = 322
};

static const char no_memory[] = "";

static bool copy_string(char **out, const char *s) {
  *out = s ? platform_copy(s, strlen(s)) : NULL;
  return !s || *out;
}

bool transport_keep_options(transport *t, const transport_options *o) {
  const char *file = o->ca_file, *folder = NULL;
  transport_library library;
  transport_about(&library);
  t->allow_http = o->allow_http;
  t->http2 = o->http2 && library.http2;
  t->stalls = curl_version_info(CURLVERSION_NOW)->version_num < 0x080400;
  t->counts_waiting = curl_version_info(CURLVERSION_NOW)->version_num >= 0x080800;
  t->mixes = curl_version_info(CURLVERSION_NOW)->version_num < 0x080e00;
  t->ca_given = file != NULL;
  t->connect_ms = o->connect_timeout > 0 && o->connect_timeout < 1e6 ? (long)(o->connect_timeout * 1e3) + 1 : 0;
  if (!file) file = platform_environment("CURL_CA_BUNDLE");
  if (!file) { /* as the curl program does */
    folder = platform_environment("SSL_CERT_DIR");
    file = platform_environment("SSL_CERT_FILE");
  }
  return copy_string(&t->user_agent, o->user_agent) && copy_string(&t->ca_file, file) &&
         copy_string(&t->ca_folder, folder) && copy_string(&t->proxy, o->proxy) &&
         (t->headers = transport_headers_new(o->api_key, o->headers));
}

/* Options on which correctness depends. */
#define MUST(option, value)                                                                                            \
  do {                                                                                                                 \
    CURLcode rc_ = curl_easy_setopt(e, option, value);                                                                 \
    if (rc_ != CURLE_OK) return rc_ == CURLE_OUT_OF_MEMORY ? no_memory : #option;                                      \
  } while (0)
/* Options that a libcurl may lack. Out of memory is an error: the handle would lack an option. */
#define MAY(option, value)                                                                                             \
  do {                                                                                                                 \
    if (curl_easy_setopt(e, option, value) == CURLE_OUT_OF_MEMORY) return no_memory;                                   \
  } while (0)

static const char *verify(CURL *e) {
  MUST(CURLOPT_SSL_VERIFYPEER, 1L);
  MUST(CURLOPT_SSL_VERIFYHOST, 2L);
  /* Windows' own TLS looks for a list of revoked certificates, which a private authority rarely
  ** publishes: a list that cannot be had is not an error. The other TLS libraries look for none. */
  MAY(CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
  MAY(CURLOPT_PROXY_SSL_OPTIONS, (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
  return NULL;
}

static const char *set_trust(CURL *e, const transport *t) {
  if (t->ca_given) MUST(CURLOPT_CAINFO, t->ca_file);
  else if (t->ca_file) MAY(CURLOPT_CAINFO, t->ca_file);
  if (t->ca_file) MAY(CURLOPT_PROXY_CAINFO, t->ca_file);
  if (t->ca_folder) MAY(CURLOPT_CAPATH, t->ca_folder);
  if (t->ca_folder) MAY(CURLOPT_PROXY_CAPATH, t->ca_folder);
  if (t->ca_file || t->ca_folder || !curl_version_info(CURLVERSION_NOW)->cainfo) return NULL;
  /* libcurl's own file holds what its folder holds. With a folder libcurl reads the file again for
  ** each connection, which takes 40 ms; without one it keeps what it has read. From 8.21.0 on, NULL
  ** means the default folder again (Curl_ssl_easy_config_complete), and nothing turns it off. */
  MAY(CURLOPT_CAPATH, NULL);
  MAY(CURLOPT_PROXY_CAPATH, NULL);
  return NULL;
}

static const char *set_proxy(CURL *e, const transport *t) {
  if (t->proxy && t->proxy[0]) MUST(CURLOPT_PROXY, t->proxy);
  else if (t->proxy) MAY(CURLOPT_PROXY, ""); /* a libcurl without proxies uses none */
  MAY(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  return NULL;
}

/* Options for the choice of the connection. Over HTTP/2 many requests share one, and a request
** waits for a connection that is being opened. A request that requires HTTP/1.1 from an HTTP/2
** server has a connection that nothing else uses, then or later. */
static const char *set_connection(CURL *e, const transport *t, const transfer *x) {
  bool https = strncmp(x->url, "http:", 5) != 0, shared = t->http2 && https && !x->http1,
       own = t->http2 && https && x->http1;
  if (x->fresh || own) MUST(CURLOPT_FRESH_CONNECT, 1L);
  /* from 8.16 on libcurl also remembers that a name was not found */
  if (x->fresh) MAY(CURLOPT_DNS_CACHE_TIMEOUT, 0L);
  if (own) MUST(CURLOPT_FORBID_REUSE, 1L);
  if (own) MUST(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  /* libcurl shares a connection only with transfers of the same TLS settings: this keeps others
  ** away from it */
  if (own) MAY(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
  else MAY(CURLOPT_HTTP_VERSION, shared ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  if (shared) MAY(CURLOPT_PIPEWAIT, 1L);
  if (x->connect_ms) MUST(CURLOPT_CONNECTTIMEOUT_MS, x->connect_ms);
  MAY(CURLOPT_TCP_KEEPALIVE, 1L);
  return NULL;
}

/* The path and the query of an absolute URL that has a path. */
static const char *target_of(const char *url) {
  const char *host = strstr(url, "://");
  return strchr(host ? host + 3 : url, '/');
}

static const char *set_request(CURL *e, const transport *t, const transfer *x) {
  MUST(CURLOPT_URL, x->url);
  /* Set explicitly: out of memory, libcurl drops the query from its own copy of the URL, and
  ** continues. A proxy without a tunnel, for plain http only, needs the whole URL here. */
  if (!t->allow_http || (t->proxy && !t->proxy[0])) MUST(CURLOPT_REQUEST_TARGET, target_of(x->url));
  MUST(CURLOPT_PROTOCOLS_STR, t->allow_http ? "http,https" : "https");
  MUST(CURLOPT_HTTPGET, 1L);
  if (strcmp(x->method, "GET") != 0) MUST(CURLOPT_CUSTOMREQUEST, x->method);
  MUST(CURLOPT_HTTPHEADER, x->header_list ? x->header_list : t->headers);
  MAY(CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* none to a proxy with CONNECT */
  MAY(CURLOPT_USERAGENT, t->user_agent);
  MAY(CURLOPT_ACCEPT_ENCODING, "");
  MUST(CURLOPT_PATH_AS_IS, 1L);
  MUST(CURLOPT_FOLLOWLOCATION, 0L);
  MAY(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  return NULL;
}

static const char *set_callbacks(CURL *e, transfer *x) {
  MUST(CURLOPT_NOSIGNAL, 1L);
  MUST(CURLOPT_ERRORBUFFER, x->error_buffer);
  MUST(CURLOPT_PRIVATE, x);
  MUST(CURLOPT_WRITEFUNCTION, transfer_on_body);
  MUST(CURLOPT_WRITEDATA, x);
  MUST(CURLOPT_HEADERFUNCTION, transfer_on_header_line);
  MUST(CURLOPT_HEADERDATA, x);
  MAY((CURLoption)QUICK_EXIT, 1L);
  /* Only for speed; a reused handle refuses it while its connection carries other streams
  ** (HTTP/2). */
  MAY(CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
  return NULL;
}

/* No limit for the whole transfer is set here: the owner has its own. */
const char *transport_set_options(CURL *easy, transport *t, transfer *x) {
  const char *refused = set_request(easy, t, x);
  if (!refused) refused = set_connection(easy, t, x);
  if (!refused) refused = verify(easy);
  if (!refused) refused = set_trust(easy, t);
  if (!refused) refused = set_proxy(easy, t);
  if (!refused) refused = set_callbacks(easy, x);
  if (!refused) refused = transport_set_connection_options(easy, t, x);
  return refused;
}

static const char *set_own_trust(CURL *e, const char *ca_file) {
  MUST(CURLOPT_CAINFO, ca_file);
  MAY(CURLOPT_CAPATH, NULL);
  return NULL;
}

/* The scheme says only whether TLS is used: no HTTP is sent. */
static const char *set_stream(CURL *e, const char *url, long connect_ms, char *words) {
  MUST(CURLOPT_NOSIGNAL, 1L);
  MUST(CURLOPT_ERRORBUFFER, words);
  MUST(CURLOPT_URL, url);
  MUST(CURLOPT_PROTOCOLS_STR, "http,https");
  MUST(CURLOPT_CONNECT_ONLY, 1L);
  MUST(CURLOPT_FRESH_CONNECT, 1L);
  MAY(CURLOPT_PROXY, ""); /* a libcurl without proxies uses none */
  MAY(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  MAY(CURLOPT_SSL_ENABLE_ALPN, 0L);
  MAY(CURLOPT_DNS_CACHE_TIMEOUT, 0L); /* a new connection asks where the server is now */
  MAY(CURLOPT_TCP_KEEPALIVE, 1L);
  MAY((CURLoption)QUICK_EXIT, 1L);
  if (connect_ms) MUST(CURLOPT_CONNECTTIMEOUT_MS, connect_ms);
  return NULL;
}

const char *transport_set_stream_options(CURL *easy, const transport *t, const char *url, const char *ca_file,
                                         long connect_ms, char words[CURL_ERROR_SIZE]) {
  const char *refused = set_stream(easy, url, connect_ms, words);
  if (!refused) refused = verify(easy);
  if (!refused) refused = ca_file ? set_own_trust(easy, ca_file) : set_trust(easy, t);
  return refused;
}
