/* Parses URLs. */
#include <string.h>

#include "private.h"

bool transport_is_loopback(const char *host) {
  unsigned char address[16];
  if (curl_strequal(host, "localhost") || strcmp(host, "[::1]") == 0) return true;
  return platform_read_address(host, address) == 4 && address[0] == 127;
}

/* Whether the URL has this part; its text is freed unless wanted. CURLUE_OUT_OF_MEMORY is stored in
** *rc. */
static bool has_part(CURLU *u, CURLUPart part, char **text, CURLUcode *rc) {
  char *s = NULL;
  CURLUcode got = curl_url_get(u, part, &s, 0);
  bool ok = got == CURLUE_OK && s;
  if (got == CURLUE_OUT_OF_MEMORY) *rc = got;
  if (text) *text = s;
  else curl_free(s);
  return ok;
}

/* Whether the host is in its place: libcurl accepts one slash, or three, for two. */
static bool has_authority(const char *url) {
  const char *colon = strchr(url, ':');
  return colon && colon[1] == '/' && colon[2] == '/' && colon[3] != '/';
}

bool transport_parse_url(const char *url, transport_url *out) {
  CURLU *u = curl_url();
  char *scheme = NULL, *host = NULL;
  CURLUcode rc = u ? curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) : CURLUE_OUT_OF_MEMORY;
  bool ok = rc == CURLUE_OK;
  memset(out, 0, sizeof *out);
  ok = ok && has_authority(url) && has_part(u, CURLUPART_SCHEME, &scheme, &rc) &&
       has_part(u, CURLUPART_HOST, &host, &rc);
  if (ok) {
    out->https = strcmp(scheme, "https") == 0;
    out->http = strcmp(scheme, "http") == 0;
    out->loopback = transport_is_loopback(host);
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
