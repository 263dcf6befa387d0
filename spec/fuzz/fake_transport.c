#define _GNU_SOURCE /* strdup */

#include "fake_transport.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "fuzz.h"
#include "transport/answer.h"
#include "transport/headers.h"
#include "transport/stream.h"
#include "transport/transfers.h"

enum { ATTEMPTS_MAX = 100, SEPARATOR = 0x1E };

struct transport {
  struct curl_slist *headers;
  transfer *running;               /* doubly linked */
  transfer *finished, **last_done; /* singly linked by `next` */
};

/* What is left to send to a transfer: kept apart, found by the transfer's handle. */
typedef struct {
  fuzz_input answer; /* from its headers on; at: what was delivered */
  char ending;
  bool in_body, used;
  const char *body;
  char *method, *url;
  int http_status;
  bool sent;
} attempt;

static char *script;
static const char *script_at, *script_end;
static uint32_t script_seed;
static attempt attempts[ATTEMPTS_MAX];
static size_t attempt_count;
static double now = 1000;

static const struct {
  char letter;
  transfer_end end;
  bool sent;
} endings[] = {{'l', TRANSFER_LOST, true},      {'p', TRANSFER_PROTOCOL, true}, {'t', TRANSFER_TIMED_OUT, true},
               {'b', TRANSFER_TOO_LARGE, true}, {'c', TRANSFER_CONNECT, false}, {'r', TRANSFER_RESOLVE, false},
               {'s', TRANSFER_TLS, false},      {'w', TRANSFER_OK, true} /* silence */};

/* The core's clock: the linker puts it in place of platform_now. */
double __wrap_platform_now(void);

double __wrap_platform_now(void) { return now; }

/* ---- life and death -------------------------------------------------------------------------- */

transport *transport_new(const transport_options *o, const char **why) {
  transport *t = calloc(1, sizeof *t);
  *why = "out of memory";
  if (!t) return NULL;
  t->headers = transport_headers_new(o->api_key, o->headers);
  t->last_done = &t->finished;
  return t;
}

static attempt *attempt_of(const transfer *x) { return x->handle; }

static void release(transport *t, transfer *x) {
  x->handle = NULL;
  transfers_remove(&t->running, x);
}

void transport_free(transport *t) {
  if (!t) return;
  while (t->running) release(t, t->running);
  transport_headers_free(t->headers);
  free(t);
}

void transport_sign(const transport *t, const void *text, size_t n, unsigned char *digest) {
  transport_headers_sign(t->headers, text, n, digest);
}

void transport_hide(const transport *t, const char *headers, char *text) {
  transport_headers_hide(t->headers, headers, text);
}

/* ---- streams: there are none ----------------------------------------------------------------- */

bool stream_any_news(const transport *t) {
  (void)t;
  return false;
}

unsigned long long stream_next_news(transport *t) {
  (void)t;
  return 0;
}

bool stream_is_host(const char *text) { return text[0] != '\0'; }

stream *stream_open(transport *t, const stream_options *options, unsigned long long id, const char **why) {
  (void)t;
  (void)options;
  (void)id;
  *why = "the fake transport has no streams";
  return NULL;
}

void stream_free(stream *s) { (void)s; }

stream_state stream_get_state(const stream *s) {
  (void)s;
  return STREAM_ENDED;
}

transfer_end stream_get_end(const stream *s, const char **detail) {
  (void)s;
  *detail = "";
  return TRANSFER_STOPPED;
}

size_t stream_send(stream *s, const char *bytes, size_t n) {
  (void)s;
  (void)bytes;
  (void)n;
  return 0;
}

void stream_flush(stream *s) { (void)s; }

size_t stream_unsent(const stream *s) {
  (void)s;
  return 0;
}

const char *stream_received(const stream *s, size_t *n) {
  (void)s;
  *n = 0;
  return "";
}

void stream_consume(stream *s, size_t n) {
  (void)s;
  (void)n;
}

void stream_expect(stream *s, double seconds) {
  (void)s;
  (void)seconds;
}

void stream_renew(stream *s) { (void)s; }

/* ---- one attempt ----------------------------------------------------------------------------- */

static void take_answer(attempt *a) {
  const char *end = memchr(script_at, SEPARATOR, (size_t)(script_end - script_at));
  a->ending = 'c'; /* behind the last answer */
  if (script_at == script_end) return;
  if (!end) end = script_end;
  a->ending = *script_at == SEPARATOR ? 'k' : *script_at;
  a->answer.text = script_at + (*script_at == SEPARATOR ? 0 : 1);
  a->answer.n = (size_t)(end - a->answer.text);
  a->answer.seed = script_seed;
  script_at = end < script_end ? end + 1 : end;
}

bool transport_start(transport *t, transfer *x) {
  attempt *a = &attempts[attempt_count++];
  fuzz_check(attempt_count < ATTEMPTS_MAX, "no end of requests");
  memset(a, 0, sizeof *a);
  a->method = strdup(x->method);
  a->url = strdup(x->url);
  take_answer(a);
  fuzz_check(!x->running && !x->handle, "started twice");
  transfer_clear(x);
  x->started = x->ended = now;
  x->handle = a;
  x->owner = t;
  transfers_add(&t->running, x);
  return true;
}

void transport_cancel(transfer *x) {
  transport *t = x->owner;
  if (x->handle) release(t, x);
  else if (t) transfers_withdraw(&t->finished, &t->last_done, x);
  x->owner = NULL;
}

void transport_resume(transfer *x) { x->paused = false; }

static void finish(transport *t, transfer *x, transfer_end end) {
  attempt *a = attempt_of(x);
  if (end == TRANSFER_OK && x->http_status == 0) end = TRANSFER_PROTOCOL;
  if (x->end == TRANSFER_OK) x->end = end;
  if (x->end != TRANSFER_OK) memcpy(x->detail, "a fault", sizeof "a fault");
  x->http_version = 11;
  x->ended = now;
  a->http_status = x->http_status;
  release(t, x);
  transfers_append(&t->last_done, x);
}

/* The next header line, copied so that reading past its end shows. false: that was the last one. */
static bool deliver_header(transfer *x, attempt *a) {
  const char *line = a->answer.text + a->answer.at, *end;
  size_t left = a->answer.n - a->answer.at, n;
  char *copy;
  end = memchr(line, '\n', left);
  n = end ? (size_t)(end - line) + 1 : left;
  a->answer.at += n;
  if (n <= 1) return false;
  copy = malloc(n);
  fuzz_check(copy != NULL, "no memory");
  memcpy(copy, line, n);
  (void)transfer_on_header(copy, 1, n, x);
  free(copy);
  a->http_status = x->http_status;
  return x->end == TRANSFER_OK;
}

/* false: the sink is full */
static bool deliver_body(transfer *x, attempt *a) {
  fuzz_input before = a->answer;
  size_t n;
  const char *piece = fuzz_piece(&a->answer, &n);
  char *copy = malloc(n + 1);
  sink_result answer;
  fuzz_check(copy != NULL, "no memory");
  memcpy(copy, piece, n);
  answer = x->sink(x->context, copy, n);
  free(copy);
  x->progressed = true;
  if (answer == SINK_FULL) a->answer = before;
  if (answer == SINK_STOP) x->end = TRANSFER_STOPPED;
  if (answer == SINK_TOO_LARGE) x->end = TRANSFER_TOO_LARGE;
  if (answer == SINK_TAKEN) x->bytes += n;
  return answer != SINK_FULL;
}

static void advance(transport *t, transfer *x) {
  attempt *a = attempt_of(x);
  size_t ending = 0;
  while (ending < sizeof endings / sizeof *endings && endings[ending].letter != a->ending) ending++;
  bool known = ending < sizeof endings / sizeof *endings;
  if (known && !endings[ending].sent) {
    finish(t, x, endings[ending].end);
    return;
  }
  x->sends = 1;
  a->sent = true;
  if (!a->in_body) {
    while (deliver_header(x, a)) continue;
    a->in_body = true;
    a->body = a->answer.text + a->answer.at;
    if (x->http_status == 204 || x->http_status == 0) a->answer.at = a->answer.n;
    if (script_seed) return; /* the body comes later */
  }
  if (a->answer.at < a->answer.n && x->end == TRANSFER_OK) {
    if (!deliver_body(x, a)) x->paused = true;
    if (x->paused || (x->end == TRANSFER_OK && a->answer.at < a->answer.n)) return;
    if (script_seed) return; /* the end comes later */
  }
  if (a->ending == 'w' && x->end == TRANSFER_OK) return;
  finish(t, x, known ? endings[ending].end : TRANSFER_OK);
}

void transport_kick(transport *t) { (void)t; }

void transport_set_connections(transport *t, unsigned most) {
  (void)t;
  (void)most;
}

void transport_distrust(transfer *x) { (void)x; }

bool transport_has_http2(transport *t) { return t != NULL; }

void transport_set_interrupt(transport *t, bool (*interrupted)(void *context), void *context) {
  (void)t;
  (void)interrupted;
  (void)context;
}

bool transport_joined_ready(const transport *t) {
  (void)t;
  return false;
}

bool transport_join(transport *t, platform_socket fd) { return t && fd != PLATFORM_NO_SOCKET; }

void transport_part(transport *t, platform_socket fd) {
  (void)t;
  (void)fd;
}

uint64_t transport_wakeups(const transport *t) { return t ? 0 : 1; }

void transport_step(transport *t, double timeout, double until) {
  (void)until;
  transfer *next;
  bool moved = false;
  for (transfer *x = t->running; x; x = next) {
    attempt *a = attempt_of(x);
    next = x->next;
    if (x->paused || (a->ending == 'w' && a->in_body && a->answer.at == a->answer.n)) continue;
    moved = true;
    advance(t, x);
  }
  now += moved || t->finished ? 0.001 : timeout > 0.001 ? timeout : 0.001;
}

transfer *transport_finished(transport *t) { return transfers_next(&t->finished, &t->last_done); }

platform_socket transport_pollfd(const transport *t) { return t ? PLATFORM_NO_SOCKET : 0; }
double transport_timeout(const transport *t) { return t->finished ? 0 : -1; }
unsigned transport_connections(const transport *t) { return t ? 1 : 0; }

/* ---- for the targets in Lua ------------------------------------------------------------------ */

static int play(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  for (size_t i = 0; i < attempt_count; i++) {
    free(attempts[i].method);
    free(attempts[i].url);
  }
  attempt_count = 0;
  free(script);
  script = malloc(n + 1);
  fuzz_check(script != NULL, "no memory");
  memcpy(script, text, n);
  script_at = script;
  script_end = script + n;
  script_seed = (uint32_t)luaL_checkinteger(L, 2);
  now = 1000;
  return 0;
}

static void set_text(lua_State *L, const char *name, const char *text, size_t n) {
  lua_pushlstring(L, text, n);
  lua_setfield(L, -2, name);
}

static int get_log(lua_State *L) {
  lua_createtable(L, (int)attempt_count, 0);
  for (size_t i = 0; i < attempt_count; i++) {
    const attempt *a = &attempts[i];
    lua_createtable(L, 0, 6);
    set_text(L, "method", a->method, strlen(a->method));
    set_text(L, "url", a->url, strlen(a->url));
    set_text(L, "ending", &a->ending, 1);
    if (a->body) set_text(L, "body", a->body, (size_t)(a->answer.text + a->answer.n - a->body));
    lua_pushboolean(L, a->sent);
    lua_setfield(L, -2, "sent");
    lua_pushinteger(L, a->http_status);
    lua_setfield(L, -2, "http_status");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

int luaopen_topaz_core(lua_State *L);

int fake_transport_open(lua_State *L) {
  luaL_requiref(L, "topaz.core", luaopen_topaz_core, 0);
  lua_setglobal(L, "core");
  lua_register(L, "play", play);
  lua_register(L, "log", get_log);
  return 0;
}
