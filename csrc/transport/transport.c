#include "transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error "topaz needs libcurl 7.85 or newer (CURLOPT_PROTOCOLS_STR, CURLOPT_PREREQFUNCTION)"
#endif

/* ---- life and death -------------------------------------------------------------------------- */

void transport_hide_key(const transport *t, char *text) { transport_headers_hide(t->headers, text); }

void transport_sign(const transport *t, const void *text, size_t n, unsigned char *digest) {
  transport_headers_sign(t->headers, text, n, digest);
}

static bool open_multi(transport *t) {
  CURLM *m;
  platform_expect(&t->expected);
  m = t->multi = curl_multi_init();
  platform_settle(&t->expected);
  if (!m) return false;
  t->timer = -1;
  if (transport_watch(t)) {
    (void)curl_multi_setopt(m, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    (void)curl_multi_setopt(m, (CURLMoption)MULTI_QUICK_EXIT, 1L);
    transport_set_connections(t, t->most);
    return true;
  }
  curl_multi_cleanup(m);
  t->multi = NULL;
  return false;
}

transport *transport_new(const transport_options *o, const char **why) {
  transport *t;
  transport_library_init();
  *why = "out of memory";
  t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->process = platform_process();
  t->last_done = &t->finished;
  t->stepped = platform_now();
  t->streams.timer = -1;
  if (!transport_keep_options(t, o)) {
    transport_free(t);
    return NULL;
  }
  t->poll = poller_new();
  if (!t->poll || !open_multi(t)) {
    *why = "libcurl or the poller could not be started";
    transport_free(t);
    return NULL;
  }
  return t;
}

static void forget(transport *t) {
  transport_headers_free(t->headers);
  free(t->user_agent);
  free(t->ca_file);
  free(t->ca_folder);
  free(t->proxy);
  free(t->joined);
  free(t->streams.watched);
  transport_connections_free(t);
  free(t);
}

static size_t discard(char *bytes, size_t size, size_t count, void *context) {
  (void)bytes;
  (void)context;
  return size * count;
}

/* Handles an abandoned transfer, which may be paused. libcurl then keeps its bytes in the handle:
** they would go to the handle's next transfer. And libcurl does not free them if other transfers
** continue on the same connection. */
static void drain(CURL *easy) {
  (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, discard);
  (void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, discard);
  (void)curl_easy_pause(easy, CURLPAUSE_CONT);
}

/* Removes the easy handle from a transfer. If the transfer was done, the handle is kept for the
** next one. */
static void release(transport *t, transfer *x, bool done) {
  CURL *easy = x->handle;
  long opened = 0;
  if (!easy) return;
  if (t->process == platform_process()) {
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened);
    t->connections += (unsigned)opened;
    if (!done) drain(easy);
    curl_multi_remove_handle(t->multi, easy);
    transport_connection_left(x, x->http_version);
    if (done && t->idle_count < IDLE_HANDLES_MAX) t->idle[t->idle_count++] = easy;
    else curl_easy_cleanup(easy);
  }
  x->handle = NULL;
  x->used = NULL;
  transfers_remove(&t->running, x);
}

void transport_free(transport *t) {
  if (!t) return;
  transport_streams_end(t, t->process != platform_process());
  if (t->process != platform_process()) { /* the handles leak, the parent's connections live */
    forget(t);
    return;
  }
  while (t->running) release(t, t->running, false);
  while (t->idle_count > 0) curl_easy_cleanup(t->idle[--t->idle_count]);
  if (t->multi) curl_multi_cleanup(t->multi);
  poller_free(t->poll);
  forget(t);
}

/* ---- one attempt ----------------------------------------------------------------------------- */

/* Handles a failed start: `option` is refused by libcurl; "": out of memory. */
static bool refuse(transfer *x, CURL *easy, const char *option) {
  static const char words[] = "libcurl refuses ";
  if (option[0]) {
    memcpy(x->detail, words, sizeof words);
    transfer_copy_value(x->detail + sizeof words - 1, sizeof x->detail - sizeof words + 1, option, strlen(option));
  }
  curl_easy_cleanup(easy);
  return false;
}

bool transport_start(transport *t, transfer *x) {
  const char *refused;
  CURL *easy;
  transfer_clear(x);
  x->started = x->ended = platform_now();
  if (!t->multi && !open_multi(t)) return false;
  x->owner = t;
  x->connect_ms = t->connect_ms;
  easy = t->idle_count > 0 ? t->idle[--t->idle_count] : curl_easy_init();
  if (!easy) return false;
  curl_easy_reset(easy);
  refused = transport_set_options(easy, t, x);
  if (refused) return refuse(x, easy, refused);
  if (curl_multi_add_handle(t->multi, easy) != CURLM_OK) return refuse(x, easy, "");
  x->handle = easy;
  transfers_add(&t->running, x);
  return true;
}

void transport_cancel(transfer *x) {
  transport *t = x->owner;
  if (x->handle) {
    release(t, x, false);
    return;
  }
  if (!t) return;
  transfers_withdraw(&t->finished, &t->last_done, x);
  x->owner = NULL;
}

/* ---- the end of an attempt ------------------------------------------------------------------- */

static int version_of(CURL *easy) {
  long version = 0;
  curl_easy_getinfo(easy, CURLINFO_HTTP_VERSION, &version);
  switch (version) {
  case CURL_HTTP_VERSION_1_0: return 10;
  case CURL_HTTP_VERSION_1_1: return 11;
  case CURL_HTTP_VERSION_2_0: return 20;
  case CURL_HTTP_VERSION_3: return 30;
  default: return 0;
  }
}

/* Whether the transfer failed between the proxy and the server, before it was sent: CONNECT was
** refused, or the connection ended during CONNECT. */
static bool record_proxy_failure(const transport *t, transfer *x, CURLcode rc) {
  enum { PROXY = 97 }; /* CURLE_PROXY, of 7.73 */
  transport_proxy proxy;
  char *url = NULL;
  long status = 0;
  curl_easy_getinfo(x->handle, CURLINFO_HTTP_CONNECTCODE, &status);
  curl_easy_getinfo(x->handle, CURLINFO_EFFECTIVE_URL, &url);
  if (status >= 200 && status < 300) return false;
  if (status == 0 && (int)rc != PROXY && rc != CURLE_RECV_ERROR && rc != CURLE_SEND_ERROR && rc != CURLE_GOT_NOTHING &&
      rc != CURLE_WEIRD_SERVER_REPLY)
    return false;
  if (!url || !transport_proxy_applies(t->proxy, url, &proxy)) return false;
  x->proxy_status = (int)status;
  if (status)
    (void)snprintf(x->detail, sizeof x->detail, "the proxy %.100s refused CONNECT with HTTP %ld", proxy.name, status);
  else
    (void)snprintf(x->detail, sizeof x->detail, "the proxy %.100s did not connect: %.80s", proxy.name,
                   x->error_buffer[0] ? x->error_buffer : curl_easy_strerror(rc));
  return true;
}

/* Sets the end, unless a callback has done so. */
static void judge(const transport *t, transfer *x, CURLcode rc) {
  const char *words = x->error_buffer[0] ? x->error_buffer : curl_easy_strerror(rc);
  if (rc == CURLE_OK) return;
  if (x->end == TRANSFER_OK) {
    x->needs_http1 = rc == CURLE_HTTP2_STREAM && transfer_wants_http1(x);
    if (x->sends == 0 && record_proxy_failure(t, x, rc)) x->end = TRANSFER_PROXY;
    else x->end = transfer_classify(rc, x);
    if (x->sends > 0 && (x->end == TRANSFER_CONNECT || x->end == TRANSFER_RESOLVE)) { /* a resend */
      x->end = TRANSFER_LOST;
      x->resend_refused = true;
    }
  }
  if (strstr(words, "nsupported proxy")) { /* libcurl quotes the URL, which may hold a password */
    words = "the proxy's URL is not valid (percent-encode '@' and spaces in a password)";
    x->end = TRANSFER_PROXY;
    x->proxy_status = -1;
  }
  if (x->resend_refused) words = "no response had arrived";
  if (!x->detail[0]) transfer_copy_value(x->detail, sizeof x->detail, words, strlen(words));
}

void transport_finish(transport *t, transfer *x, CURLcode rc, bool done) {
  x->http_version = version_of(x->handle);
  x->ended = platform_now();
  judge(t, x, rc);
  /* libcurl keeps a connection that it had no memory to start, and all later transfers wait for
  ** this connection. */
  if (rc == CURLE_OUT_OF_MEMORY && x->header_bytes == 0) t->must_start_over = true;
  release(t, x, done);
  transfers_append(&t->last_done, x);
}

/* In a child process no bytes are moved: they would go to the parent's connection. */
void transport_resume(transfer *x) {
  CURLcode rc;
  if (!x->handle || !x->paused || x->owner->process != platform_process()) return;
  x->paused = false;
  x->progressed = true;
  rc = curl_easy_pause(x->handle, CURLPAUSE_CONT);
  /* The bytes that were held back are lost, and libcurl would continue after them. */
  if (rc != CURLE_OK) transport_finish(x->owner, x, rc, false);
}

void transport_start_over(transport *t) {
  while (t->running) transport_finish(t, t->running, CURLE_SEND_ERROR, false);
  curl_multi_cleanup(t->multi);
  t->multi = NULL;
  t->timer = -1;
  t->must_start_over = false;
}

void transport_set_connections(transport *t, unsigned most) {
  t->most = most;
  if (!t->multi) return;
  (void)curl_multi_setopt(t->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)most);
  (void)curl_multi_setopt(t->multi, CURLMOPT_MAXCONNECTS, (long)most);
}

transfer *transport_finished(transport *t) { return transfers_next(&t->finished, &t->last_done); }

platform_socket transport_pollfd(const transport *t) { return poller_fd(t->poll); }

unsigned transport_connections(const transport *t) { return t->connections; }
