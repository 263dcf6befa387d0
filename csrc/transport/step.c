/* Moves bytes: waits for descriptors and timers, and reports them to libcurl. */
#include <assert.h>
#include <math.h>

#include "private.h"

enum { EVENTS_AT_ONCE = 32 };

/* Seconds between steps that count as connecting; more do not. */
static const double ABSENCE_MAX = 0.1;

static void collect(transport *t) {
  int left;
  for (CURLMsg *m = curl_multi_info_read(t->multi, &left); m; m = curl_multi_info_read(t->multi, &left)) {
    CURL *easy = m->easy_handle;
    CURLcode rc = m->data.result; /* copied: the message dies with the handle's removal */
    char *x = NULL;
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
    if (x) transport_finish(t, (transfer *)(void *)x, rc, true);
  }
}

/* Does what follows the sockets: timers that are due, and ended transfers. */
static void after(transport *t, CURLMcode rc) {
  int running;
  if (rc == CURLM_OK && t->timer >= 0 && platform_now() >= t->timer) {
    t->timer = -1;
    rc = curl_multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  platform_settle(&t->expected);
  if (rc == CURLM_OK) collect(t);
  if (rc == CURLM_OK) transport_unstall(t);
  if (rc != CURLM_OK || t->must_start_over) transport_start_over(t);
}

/* Makes libcurl's connect limit, and those of streams, count connecting alone: not `away`, the time
** between steps, and not the wait for a turn, which libcurl counts too from 8.8 on. */
static void excuse(transport *t, double now, double away) {
  long most = t->connect_ms, missed = away > ABSENCE_MAX && away < 1e6 ? (long)((away - ABSENCE_MAX) * 1e3) : 0;
  if (missed > 0) transport_streams_excuse(t, (double)missed * 1e-3);
  if (!most) return;
  for (transfer *x = t->running; x; x = x->next) {
    long more = missed;
    if (x->sends > 0) continue;
    if (x->connecting == 0 && t->counts_waiting) more = most + (long)((now - x->started) * 1e3) - x->connect_ms;
    if (more <= most / 16) continue;
    x->connect_ms += more;
    (void)curl_easy_setopt(x->handle, CURLOPT_CONNECTTIMEOUT_MS, x->connect_ms);
  }
}

static CURLMcode act(transport *t, const poller_event *e, double now) {
  int running, mask = ((e->events & POLLER_READ) ? CURL_CSELECT_IN : 0) |
                      ((e->events & POLLER_WRITE) ? CURL_CSELECT_OUT : 0) |
                      ((e->events & POLLER_ERROR) ? CURL_CSELECT_ERR : 0);
  if (transport_is_joined(t, e->fd)) {
    t->joined_ready = true;
    return CURLM_OK;
  }
  if (transport_streams_act(t, e)) return CURLM_OK;
  if (e->events & (POLLER_READ | POLLER_ERROR)) transport_connection_heard(t, e->fd, now);
  return t->multi ? curl_multi_socket_action(t->multi, e->fd, mask, &running) : CURLM_OK;
}

#ifndef NDEBUG
/* Whether running transfers belong to this transport, and connections count theirs. */
static bool is_consistent(const transport *t) {
  const transfer *last = t->finished;
  for (const transfer *x = t->running; x; x = x->next)
    if (x->owner != t || !x->handle || !x->running || (x->next && x->next->prev != x)) return false;
  for (const transport_connection *c = t->open; c; c = c->next) {
    unsigned users = 0;
    for (const transfer *x = t->running; x; x = x->next) users += x->used == c;
    if (users != c->users) return false;
  }
  while (last && last->next) last = last->next;
  return t->last_done == (last ? &last->next : &t->finished);
}
#endif

/* With little time: one descriptor at a time, so that each has its turn. */
void transport_step(transport *t, double timeout, double until) {
  poller_event events[EVENTS_AT_ONCE];
  CURLMcode rc = CURLM_OK;
  int seen = 0, ready, most = until < HUGE_VAL ? 1 : EVENTS_AT_ONCE;
  double due, away = platform_now() - t->stepped;
  t->joined_ready = false;
  transport_streams_move(t);
  due = transport_timeout(t);
  if (t->finished) timeout = 0;
  if (due >= 0 && due < timeout) timeout = due;
  if (timeout > 0) t->wakeups++;
  do {
    double now;
    ready = poller_wait(t->poll, timeout, events, most, &t->interrupt);
    timeout = 0;
    now = platform_now();
    excuse(t, now, away);
    away = 0;
    for (int i = 0; i < ready && rc == CURLM_OK; i++) rc = act(t, &events[i], now);
    seen += ready;
  } while (ready == most && most == 1 && rc == CURLM_OK && seen < EVENTS_AT_ONCE && platform_now() < until);
  if (t->multi) after(t, rc);
  transport_streams_settle(t);
  t->stepped = platform_now();
  assert(is_consistent(t));
}

uint64_t transport_wakeups(const transport *t) { return t->wakeups; }

void transport_set_interrupt(transport *t, bool (*interrupted)(void *context), void *context) {
  t->interrupt.interrupted = interrupted;
  t->interrupt.context = context;
}

bool transport_joined_ready(const transport *t) { return t->joined_ready; }

void transport_kick(transport *t) {
  if (!t->multi) return;
  excuse(t, platform_now(), 0);
  after(t, CURLM_OK);
}

double transport_timeout(const transport *t) {
  double due = t->timer, other = transport_streams_due(t), left;
  if (t->finished) return 0;
  if (due < 0 || (other >= 0 && other < due)) due = other;
  if (due < 0) return -1;
  left = due - platform_now();
  return left > 0 ? left : 0;
}
