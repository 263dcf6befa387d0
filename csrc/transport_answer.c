#define _GNU_SOURCE /* strncasecmp */

#include "transport_part.h"

#include <string.h>
#include <strings.h>

/* Bytes of all headers of one attempt, 1xx included; libcurl's own bound is 300 kB a response. */
enum { HEADERS_MAX = 256 * 1024 };

void transfer_clear(transfer *x) {
  x->running = x->paused = x->progressed = false;
  x->end = TRANSFER_OK;
  x->http_status = x->http_version = 0;
  x->sends = x->retry_after_count = 0;
  x->bytes = x->header_bytes = 0;
  x->detail[0] = x->retry_after[0] = x->date[0] = x->location[0] = x->request_id[0] = x->error_buffer[0] = '\0';
}

void transfer_copy_value(char *out, size_t size, const char *value, size_t n) {
  while (n > 0 && (*value == ' ' || *value == '\t')) value++, n--;
  while (n > 0 && (value[n - 1] == '\r' || value[n - 1] == '\n' || value[n - 1] == ' ' || value[n - 1] == '\t')) n--;
  if (n >= size) n = size - 1;
  memcpy(out, value, n);
  out[n] = '\0';
}

static void take_status_line(transfer *x, const char *line, size_t n) {
  const char *space = memchr(line, ' ', n);
  int status = 0;
  if (space && (size_t)(space - line) + 4 <= n)
    for (int i = 1; i <= 3 && space[i] >= '0' && space[i] <= '9'; i++) status = status * 10 + (space[i] - '0');
  x->http_status = status >= 200 ? status : 0;
  x->retry_after[0] = x->date[0] = x->location[0] = x->request_id[0] = '\0';
  x->retry_after_count = 0;
}

size_t transfer_on_header(char *line, size_t size, size_t count, void *context) {
  transfer *x = context;
  size_t n = size * count, name;
  const char *colon, *value;
  x->progressed = true;
  x->header_bytes += n;
  if (x->header_bytes > HEADERS_MAX) {
    x->end = TRANSFER_TOO_LARGE;
    return n + 1;
  }
  if (n > 5 && memcmp(line, "HTTP/", 5) == 0) take_status_line(x, line, n);
  colon = memchr(line, ':', n);
  if (!colon) return n;
  name = (size_t)(colon - line);
  value = colon + 1;
#define IS(s) (name == sizeof(s) - 1 && strncasecmp(line, s, name) == 0)
  if (IS("retry-after")) {
    x->retry_after_count++;
    transfer_copy_value(x->retry_after, sizeof x->retry_after, value, n - name - 1);
  } else if (IS("date")) transfer_copy_value(x->date, sizeof x->date, value, n - name - 1);
  else if (IS("location")) transfer_copy_value(x->location, sizeof x->location, value, n - name - 1);
  else if (!x->request_id[0] &&
           (IS("x-request-id") || IS("request-id") || IS("x-amzn-requestid") || IS("x-amzn-trace-id") || IS("cf-ray")))
    transfer_copy_value(x->request_id, sizeof x->request_id, value, n - name - 1);
#undef IS
  return n;
}

transfer_end transfer_classify(CURLcode rc, const transfer *x) {
  switch (rc) {
  case CURLE_OK: return TRANSFER_OK;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY: return TRANSFER_RESOLVE;
  case CURLE_COULDNT_CONNECT: return TRANSFER_CONNECT;
  case CURLE_OPERATION_TIMEDOUT: return TRANSFER_TIMED_OUT;
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH: return TRANSFER_TLS;
  case CURLE_FILESIZE_EXCEEDED:
  case CURLE_OUT_OF_MEMORY: return TRANSFER_TOO_LARGE; /* also a single header over libcurl's bound */
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return TRANSFER_PROTOCOL;
  case CURLE_RECV_ERROR:
    /* Broken chunks have the same code as a reset connection, so libcurl's words decide. */
    if (strstr(x->error_buffer, "hunk")) return TRANSFER_PROTOCOL;
    return strstr(x->error_buffer, "response headers") ? TRANSFER_TOO_LARGE : TRANSFER_LOST;
  default: return (int)rc == 100 ? TRANSFER_TOO_LARGE : TRANSFER_LOST; /* 100: CURLE_TOO_LARGE, from 8.6 on */
  }
}
