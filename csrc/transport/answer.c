#include "answer.h"

#include <errno.h>
#include <string.h>

/* Bytes of all headers of one attempt, 1xx included; libcurl's own bound is 300 kB a response. */
enum { HEADERS_MAX = 256 * 1024 };
/* Bytes of a header that is a list, with its end. */
enum { LIST_MAX = sizeof((transfer *)0)->retry_after };

static void clear_headers(transfer *x) {
  x->retry_after[0] = x->date[0] = x->location[0] = x->request_id[0] = '\0';
  memset(&x->quota, 0, sizeof x->quota);
}

void transfer_clear(transfer *x) {
  x->running = x->paused = x->progressed = x->resend_refused = x->needs_http1 = x->garbled = false;
  x->crowded = x->in_headers = x->headers_over = false;
  x->end = TRANSFER_OK;
  x->http_status = x->http_version = x->proxy_status = 0;
  x->connecting = x->sent = x->answered = 0;
  x->received = 0;
  x->used = NULL;
  x->connection = 0;
  x->sends = 0;
  x->bytes = x->header_bytes = 0;
  x->detail[0] = '\0';
  clear_headers(x);
  memset(x->error_buffer, 0, sizeof x->error_buffer);
}

void transfer_copy_value(char *out, size_t size, const char *value, size_t n) {
  while (n > 0 && (*value == ' ' || *value == '\t')) value++, n--;
  while (n > 0 && (value[n - 1] == '\r' || value[n - 1] == '\n' || value[n - 1] == ' ' || value[n - 1] == '\t')) n--;
  if (n >= size) n = size - 1;
  memcpy(out, value, n);
  out[n] = '\0';
}

static void read_status_line(transfer *x, const char *line, size_t n) {
  const char *space = memchr(line, ' ', n);
  int status = 0;
  if (space && (size_t)(space - line) + 4 <= n)
    for (int i = 1; i <= 3 && space[i] >= '0' && space[i] <= '9'; i++) status = status * 10 + (space[i] - '0');
  x->http_status = status >= 200 ? status : 0;
  clear_headers(x);
}

/* Adds a value to the list, as a whole: the beginning of "3600" would be another delay. */
static void add_to_list(char list[LIST_MAX], const char *value, size_t n) {
  char one[LIST_MAX];
  size_t used = strlen(list), length;
  transfer_copy_value(one, sizeof one, value, n);
  length = strlen(one);
  if (used + length + 2 > LIST_MAX) return;
  if (used > 0) list[used++] = ',';
  memcpy(list + used, one, length + 1);
}

/* Whether the name of `n` bytes is this one, whatever its case. */
static bool is_named(const char *name, size_t n, const char *other) {
  return n == strlen(other) && curl_strnequal(name, other, n);
}

/* Keeps the header if it says what the server still allows. */
static void read_quota(transfer_quota *q, const char *name, size_t length, const char *value, size_t n) {
  const struct {
    const char *name;
    char *out;
    size_t size;
  } rows[] = {{"ratelimit-limit", q->limit, sizeof q->limit},
              {"ratelimit-remaining", q->remaining, sizeof q->remaining},
              {"ratelimit-reset", q->reset, sizeof q->reset},
              {"x-ratelimit-limit", q->x_limit, sizeof q->x_limit},
              {"x-ratelimit-remaining", q->x_remaining, sizeof q->x_remaining},
              {"x-ratelimit-reset", q->x_reset, sizeof q->x_reset}};
  if (is_named(name, length, "ratelimit")) add_to_list(q->list, value, n);
  if (is_named(name, length, "ratelimit-policy")) add_to_list(q->policy, value, n);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (!rows[i].out[0] && is_named(name, length, rows[i].name))
      transfer_copy_value(rows[i].out, rows[i].size, value, n);
}

size_t transfer_on_header(char *line, size_t size, size_t count, void *context) {
  transfer *x = context;
  size_t n = size * count, name;
  const char *colon, *value;
  if (x->sends == 0) return n; /* a proxy's, in response to CONNECT */
  x->progressed = true;
  x->header_bytes += n;
  if (x->header_bytes > HEADERS_MAX) {
    x->end = TRANSFER_TOO_LARGE;
    return n + 1;
  }
  if (x->headers_over) return n; /* trailers */
  if (*line == '\r' || *line == '\n') {
    x->in_headers = false;
    x->headers_over = x->http_status != 0;
    return n;
  }
  if (!x->in_headers) {
    x->in_headers = true; /* only the first line is a status line, however others begin */
    if (n > 5 && memcmp(line, "HTTP/", 5) == 0) read_status_line(x, line, n);
    return n;
  }
  colon = memchr(line, ':', n);
  if (!colon) return n;
  name = (size_t)(colon - line);
  value = colon + 1;
#define IS(s) is_named(line, name, s)
  if (IS("retry-after")) add_to_list(x->retry_after, value, n - name - 1);
  else if (IS("date")) transfer_copy_value(x->date, sizeof x->date, value, n - name - 1);
  else if (IS("location")) transfer_copy_value(x->location, sizeof x->location, value, n - name - 1);
  else if (!x->request_id[0] &&
           (IS("x-request-id") || IS("request-id") || IS("x-amzn-requestid") || IS("x-amzn-trace-id") || IS("cf-ray")))
    transfer_copy_value(x->request_id, sizeof x->request_id, value, n - name - 1);
  else read_quota(&x->quota, line, name, value, n - name - 1);
#undef IS
  return n;
}

size_t transfer_on_body(char *bytes, size_t size, size_t count, void *context) {
  transfer *x = context;
  size_t n = size * count;
  x->progressed = true;
  switch (x->sink(x->context, bytes, n)) {
  case SINK_TAKEN: x->bytes += n; return n;
  case SINK_FULL: x->paused = true; return CURL_WRITEFUNC_PAUSE;
  case SINK_STOP: x->end = TRANSFER_STOPPED; break;
  case SINK_TOO_LARGE: x->end = TRANSFER_TOO_LARGE; break;
  }
  return n + 1; /* another number than n ends it */
}

/* libcurl itself asks again over HTTP/1.1, and for that removes its error text. "Empty reply from
** server" then overwrites only the beginning of the longer text that named the error. */
bool transfer_wants_http1(const transfer *x) {
  static const char name[] = "HTTP_1_1_REQUIRED";
  const char *at = x->error_buffer, *end = x->error_buffer + sizeof x->error_buffer;
  for (; at; at = memchr(at + 1, name[0], (size_t)(end - at - 1)))
    if ((size_t)(end - at) > sizeof name - 1 && memcmp(at, name, sizeof name - 1) == 0) return x->http_status == 0;
  return false;
}

/* Whether the text of a failed TLS handshake says that the connection was closed, not that the two
** sides disagree. */
static bool was_cut(const char *words) {
  static const char *const signs[] = {
      /* OpenSSL and GnuTLS */
      "SYSCALL", "ZERO_RETURN", "eof while reading", "bad write retry", "pull function", "push function",
      "non-properly terminated", "closed", "error:00000000",
      /* Schannel; what libcurl says of Windows' sockets, and of any socket that was reset */
      "receive handshake", "handshake data", "Connection was", "getpeername()"};
  static const int errors[] = {ECONNRESET, EPIPE, ECONNABORTED, ETIMEDOUT, ENETDOWN, ENETUNREACH, EHOSTUNREACH};
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strstr(words, signs[i])) return true;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    const char *text = strerror(errors[i]); /* in the language of the process */
    /* Windows has no words for these, and libcurl says "Unknown error" of certificates as well */
    if (strncmp(text, "Unknown", 7) != 0 && strstr(words, text)) return true;
  }
  return false;
}

/* Broken chunks have the same code as a reset connection, so libcurl's text decides. */
static transfer_end of_reading(const transfer *x) {
  if (strstr(x->error_buffer, "hunk")) return TRANSFER_PROTOCOL;
  if (strstr(x->error_buffer, "response headers")) return TRANSFER_TOO_LARGE;
  return x->sends > 0 ? TRANSFER_LOST : TRANSFER_CONNECT;
}

transfer_end transfer_classify(CURLcode rc, transfer *x) {
  transfer_end cut = x->sends > 0 ? TRANSFER_LOST : TRANSFER_CONNECT;
  switch ((int)rc) {
  case CURLE_OK: return TRANSFER_OK;
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY: return TRANSFER_RESOLVE;
  case CURLE_COULDNT_CONNECT: return TRANSFER_CONNECT;
  case CURLE_OPERATION_TIMEDOUT: return TRANSFER_TIMED_OUT;
  case CURLE_SSL_CONNECT_ERROR: return was_cut(x->error_buffer) ? cut : TRANSFER_TLS;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case 98 /* CURLE_SSL_CLIENTCERT */: return TRANSFER_TLS;
  case CURLE_FILESIZE_EXCEEDED:
  case CURLE_OUT_OF_MEMORY: /* also a single header over libcurl's bound */
  case 100 /* CURLE_TOO_LARGE, from 8.6 on */: return TRANSFER_TOO_LARGE;
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_WEIRD_SERVER_REPLY:
  case CURLE_BAD_CONTENT_ENCODING: return TRANSFER_PROTOCOL;
  case CURLE_WRITE_ERROR: /* our own callbacks set `end`: bytes follow the end of compressed data */
    x->garbled = true;
    return TRANSFER_PROTOCOL;
  case CURLE_RECV_ERROR: return of_reading(x);
  default: return cut;
  }
}
