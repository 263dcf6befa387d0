#define _GNU_SOURCE /* strdup, clock_gettime */

#include "transport.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "poller.h"
#include "transport_part.h"

#if LIBCURL_VERSION_NUM < 0x075500
#error "topaz needs libcurl 7.85 or newer (CURLOPT_PROTOCOLS_STR, CURLOPT_PREREQFUNCTION)"
#endif

enum {
  IDLE_HANDLES_MAX = 16, /* easy handles kept for the next attempt */
  /* Bytes libcurl reads at once. While a transfer pauses, libcurl unpacks what it has read and keeps it, which may be a thousand times
  ** as much; and a larger buffer made nothing faster. */
  RECEIVE_BUFFER = 16 * 1024,
  EVENTS_AT_ONCE = 32
};

struct transport {
  CURLM *multi;
  poller *poll;
  struct curl_slist *headers;
  char *user_agent, *ca_file, *proxy;
  bool allow_http, http2;
  unsigned max_connections, connections;
  pid_t pid;    /* of the process that made it */
  bool spoiled; /* libcurl may have been left with a connection that will never be */
  double timer; /* when libcurl wants to be called; negative: not at all */
  CURL *idle[IDLE_HANDLES_MAX];
  unsigned idle_count;
  transfer *running;               /* doubly linked */
  transfer *finished, **last_done; /* singly linked by `next`, in the order of their end */
};

double transport_now(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* ---- callbacks: they move bytes and set flags, nothing else ------------------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
  transport *t = context;
  unsigned events = 0;
  (void)easy;
  (void)unused;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= POLLER_READ;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= POLLER_WRITE;
  return poller_set(t->poll, (int)fd, events) || what == CURL_POLL_REMOVE ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *context) {
  transport *t = context;
  (void)multi;
  t->timer = milliseconds < 0 ? -1 : transport_now() + (double)milliseconds * 1e-3;
  return 0;
}

/* Called right before a request goes out on a connection. */
static int on_send(void *context, char *ip, char *local_ip, int port, int local_port) {
  transfer *x = context;
  (void)ip;
  (void)local_ip;
  (void)port;
  (void)local_port;
  x->sends++;
  return x->sends > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context) {
  transfer *x = context;
  size_t n = size * count;
  x->progressed = true;
  switch (x->sink(x->context, bytes, n)) {
  case SINK_FULL: x->paused = true; return CURL_WRITEFUNC_PAUSE;
  case SINK_STOP: x->end = TRANSFER_STOPPED; return n + 1; /* any other number makes libcurl end it */
  case SINK_TAKEN: break;
  }
  x->bytes += n;
  return n;
}

/* ---- life and death ----------------------------------------------------------------------------------------- */

void transport_hide_key(const transport *t, char *text) { transport_headers_hide(t->headers, text); }

static bool open_multi(transport *t) {
  CURLM *m = t->multi = curl_multi_init();
  bool ok;
  if (!m) return false;
  t->timer = -1;
  ok = curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_SOCKETDATA, t) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_TIMERDATA, t) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, (long)t->max_connections) == CURLM_OK &&
       curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)t->max_connections) == CURLM_OK;
#ifdef CURLMOPT_QUICK_EXIT
  ok = ok && curl_multi_setopt(m, CURLMOPT_QUICK_EXIT, 1L) == CURLM_OK;
#endif
  if (ok) return true;
  curl_multi_cleanup(m);
  t->multi = NULL;
  return false;
}

static bool copy_string(char **out, const char *s) {
  *out = s ? strdup(s) : NULL;
  return !s || *out;
}

transport *transport_new(const transport_options *o, const char **why) {
  transport *t;
  transport_library_init();
  *why = "not enough memory";
  t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->pid = getpid();
  t->last_done = &t->finished;
  t->allow_http = o->allow_http;
  t->http2 = o->http2;
  t->max_connections = o->max_connections;
  if (!copy_string(&t->user_agent, o->user_agent) || !copy_string(&t->ca_file, o->ca_file) ||
      !copy_string(&t->proxy, o->proxy) || !(t->headers = transport_headers_new(o->api_key))) {
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
  free(t->proxy);
  free(t);
}

/* Takes the easy handle off a transfer and keeps it for the next. */
static void release(transport *t, transfer *x) {
  CURL *easy = x->handle;
  long opened = 0;
  if (!easy) return;
  x->handle = NULL;
  x->running = false;
  if (x->prev) x->prev->next = x->next;
  else t->running = x->next;
  if (x->next) x->next->prev = x->prev;
  x->prev = x->next = NULL;
  if (t->pid != getpid()) return;
  curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &opened);
  t->connections += (unsigned)opened;
  curl_multi_remove_handle(t->multi, easy);
  if (t->idle_count < IDLE_HANDLES_MAX) t->idle[t->idle_count++] = easy;
  else curl_easy_cleanup(easy);
}

void transport_free(transport *t) {
  if (!t) return;
  if (t->pid != getpid()) { /* inherited by fork: the handles leak, the parent's connections live */
    forget(t);
    return;
  }
  while (t->running) release(t, t->running);
  while (t->idle_count > 0) curl_easy_cleanup(t->idle[--t->idle_count]);
  if (t->multi) curl_multi_cleanup(t->multi);
  poller_free(t->poll);
  forget(t);
}

/* ---- one attempt -------------------------------------------------------------------------------------------- */

/* The path and the query of an absolute URL that has a path. */
static const char *target_of(const char *url) {
  const char *host = strstr(url, "://");
  return strchr(host ? host + 3 : url, '/');
}

/* The full set of options, on a handle that was reset: nothing of an earlier request is left. No limit of time is set
** here; the owner has its own, which count only the time in which somebody steps the transport. libcurl's default for
** connecting (300 s) stays as a backstop. */
static bool set_options(CURL *e, const transport *t, transfer *x) {
  CURLcode rc = CURLE_OK;
#define SET(option, value) (rc = rc == CURLE_OK ? curl_easy_setopt(e, option, value) : rc)
  SET(CURLOPT_URL, x->url);
  /* Said outright: libcurl drops the query from its own reading of the URL when it has no memory for it, and goes on. A proxy
  ** without a tunnel, for plain http only, needs the whole URL there. */
  if (!t->allow_http || (t->proxy && !t->proxy[0])) SET(CURLOPT_REQUEST_TARGET, target_of(x->url));
  SET(CURLOPT_PROTOCOLS_STR, t->allow_http ? "http,https" : "https");
  SET(CURLOPT_HTTPGET, 1L);
  if (strcmp(x->method, "GET") != 0) SET(CURLOPT_CUSTOMREQUEST, x->method);
  SET(CURLOPT_HTTPHEADER, t->headers);
  SET(CURLOPT_USERAGENT, t->user_agent);
  SET(CURLOPT_ACCEPT_ENCODING, "");
  SET(CURLOPT_HTTP_VERSION, t->http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
  SET(CURLOPT_PIPEWAIT, 1L);
  SET(CURLOPT_PATH_AS_IS, 1L);
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
  SET(CURLOPT_SSL_VERIFYPEER, 1L);
  SET(CURLOPT_SSL_VERIFYHOST, 2L);
  if (t->ca_file) SET(CURLOPT_CAINFO, t->ca_file);
  if (t->proxy) SET(CURLOPT_PROXY, t->proxy);
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  SET(CURLOPT_QUICK_EXIT, 1L);
#endif
  SET(CURLOPT_ERRORBUFFER, x->error_buffer);
  SET(CURLOPT_PRIVATE, x);
  SET(CURLOPT_PREREQFUNCTION, on_send);
  SET(CURLOPT_PREREQDATA, x);
  SET(CURLOPT_WRITEFUNCTION, on_body);
  SET(CURLOPT_WRITEDATA, x);
  SET(CURLOPT_HEADERFUNCTION, transfer_on_header);
  SET(CURLOPT_HEADERDATA, x);
#undef SET
  /* Only for speed, and refused by a reused handle whose connection still carries other streams (HTTP/2). */
  (void)curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
  return rc == CURLE_OK;
}

bool transport_start(transport *t, transfer *x) {
  CURL *easy;
  transfer_clear(x);
  x->started = x->ended = transport_now();
  if (!t->multi && !open_multi(t)) return false;
  easy = t->idle_count > 0 ? t->idle[--t->idle_count] : curl_easy_init();
  if (!easy) return false;
  curl_easy_reset(easy);
  if (!set_options(easy, t, x) || curl_multi_add_handle(t->multi, easy) != CURLM_OK) {
    curl_easy_cleanup(easy);
    return false;
  }
  x->handle = easy;
  x->owner = t;
  x->running = true;
  x->prev = NULL;
  x->next = t->running;
  if (t->running) t->running->prev = x;
  t->running = x;
  return true;
}

void transport_cancel(transfer *x) {
  transport *t = x->owner;
  if (x->handle) {
    release(t, x);
    return;
  }
  if (!t) return;
  for (transfer **p = &t->finished; *p; p = &(*p)->next)
    if (*p == x) {
      *p = x->next;
      if (!*p) t->last_done = p;
      break;
    }
  x->owner = NULL;
}

/* ---- the end of an attempt ---------------------------------------------------------------------------------- */

static void finish(transport *t, transfer *x, CURLcode rc) {
  long version = 0;
  const char *words = x->error_buffer[0] ? x->error_buffer : curl_easy_strerror(rc);
  curl_easy_getinfo(x->handle, CURLINFO_HTTP_VERSION, &version);
  x->http_version = version == CURL_HTTP_VERSION_1_0   ? 10
                    : version == CURL_HTTP_VERSION_1_1 ? 11
                    : version == CURL_HTTP_VERSION_2_0 ? 20
                    : version == CURL_HTTP_VERSION_3   ? 30
                                                       : 0;
  x->ended = transport_now();
  if (x->sends > 1) {
    x->sends = 1; /* the second was refused before it went out */
    x->end = TRANSFER_LOST;
    words = "the connection was lost before an answer came";
  } else if (x->end == TRANSFER_OK) x->end = transfer_classify(rc, x);
  /* libcurl keeps a connection on which it had no memory to begin, and all later transfers wait for it. */
  if (rc == CURLE_OUT_OF_MEMORY && x->header_bytes == 0) t->spoiled = true;
  if (rc != CURLE_OK) transfer_copy_value(x->detail, sizeof x->detail, words, strlen(words));
  release(t, x);
  x->next = NULL;
  *t->last_done = x;
  t->last_done = &x->next;
}

/* In a child process nothing moves: it would speak on the parent's connection. */
void transport_resume(transfer *x) {
  CURLcode rc;
  if (!x->handle || !x->paused || x->owner->pid != getpid()) return;
  x->paused = false;
  x->progressed = true;
  rc = curl_easy_pause(x->handle, CURLPAUSE_CONT);
  /* What was held back did not get through, and libcurl would go on behind it. */
  if (rc != CURLE_OK) finish(x->owner, x, rc);
}

/* "The state of all transfers is uncertain" after such an error: all end, and the next start has a new multi handle. */
static void start_over(transport *t) {
  while (t->running) finish(t, t->running, CURLE_SEND_ERROR);
  curl_multi_cleanup(t->multi);
  t->multi = NULL;
  t->timer = -1;
  t->spoiled = false;
}

static void collect(transport *t) {
  int left;
  for (CURLMsg *m = curl_multi_info_read(t->multi, &left); m; m = curl_multi_info_read(t->multi, &left)) {
    CURL *easy = m->easy_handle;
    CURLcode rc = m->data.result; /* copied: the message dies with the handle's removal */
    char *x = NULL;
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
    if (x) finish(t, (transfer *)(void *)x, rc);
  }
}

/* What follows the sockets in any case: what is due by time, and what has ended. */
static void after(transport *t, CURLMcode rc) {
  int running;
  if (rc == CURLM_OK && t->timer >= 0 && transport_now() >= t->timer) {
    t->timer = -1;
    rc = curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  if (rc == CURLM_OK) collect(t);
  if (rc != CURLM_OK || t->spoiled) start_over(t);
}

void transport_step(transport *t, double timeout) {
  poller_event events[EVENTS_AT_ONCE];
  CURLMcode rc = CURLM_OK;
  double until = transport_timeout(t);
  int ready, running;
  if (t->finished) timeout = 0;
  if (until >= 0 && until < timeout) timeout = until;
  ready = poller_wait(t->poll, timeout, events, EVENTS_AT_ONCE);
  if (!t->multi) return;
  for (int i = 0; i < ready && rc == CURLM_OK; i++) {
    int mask = ((events[i].events & POLLER_READ) ? CURL_CSELECT_IN : 0) |
               ((events[i].events & POLLER_WRITE) ? CURL_CSELECT_OUT : 0) |
               ((events[i].events & POLLER_ERROR) ? CURL_CSELECT_ERR : 0);
    rc = curl_multi_socket_action(t->multi, events[i].fd, mask, &running);
  }
  after(t, rc);
}

void transport_kick(transport *t) {
  if (t->multi) after(t, CURLM_OK);
}

transfer *transport_finished(transport *t) {
  transfer *x = t->finished;
  if (!x) return NULL;
  t->finished = x->next;
  if (!t->finished) t->last_done = &t->finished;
  x->next = NULL;
  x->owner = NULL;
  return x;
}

int transport_pollfd(const transport *t) { return poller_fd(t->poll); }

double transport_timeout(const transport *t) {
  double left;
  if (t->finished) return 0;
  if (t->timer < 0) return -1;
  left = t->timer - transport_now();
  return left > 0 ? left : 0;
}

unsigned transport_connections(const transport *t) { return t->connections; }
