#include "request.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "request_private.h"

/* seconds between steps that count against an attempt; more do not */
static const double ABSENCE_MAX = 1;

/* ---- what is known of the response ----------------------------------------------------------- */

bool request_has_settled(const request *r) { return r->state == REQUEST_DONE || r->state == REQUEST_FAILED; }

/* ---- the end of a request -------------------------------------------------------------------- */

void request_cancel(request *r, error_kind kind, const char *message) {
  if (!r->session || request_has_settled(r)) return;
  if ((r->state == REQUEST_ACTIVE || r->state == REQUEST_BODY) && request_abandon(r)) return;
  if (r->attempt.http_status < 300)
    r->attempt.http_status = 0; /* else the server has refused it, and that error is kept */
  request_fail(r, kind, message);
}

void request_close_all(session *s) {
  for (int i = 0; i < SESSION_LISTS; i++)
    while (s->lists[i].head) {
      request *r = s->lists[i].head;
      request_cancel(r, ERROR_CLOSED, "the client was closed");
      request_forget_news(r);
      request_unlink(r);
      r->session = NULL;
      /* a call that a finalizer has begun while its state is closed is not finalized itself */
      free(r->url);
      r->url = NULL;
      (void)json_free(&r->body);
    }
}

/* ---- beginning ------------------------------------------------------------------------------- */

/* Makes the URL: base URL, path with the process_id filled in, query. The headers follow behind its
** end, so that a request without any takes no memory for them. NULL: out of memory. */
static char *make_url(const session *s, const char *path, const char *process_id, const char *query,
                      const char *headers) {
  static const char slot[] = "{process_id}";
  const char *id = strstr(path, slot), *rest = id ? id + sizeof slot - 1 : "";
  int before = (int)(id ? (size_t)(id - path) : strlen(path));
  size_t size = strlen(s->base_url) + strlen(path) + strlen(process_id) + strlen(query) + sizeof "?";
  char *url = malloc(size + (headers ? strlen(headers) + 1 : 0));
  if (url)
    (void)snprintf(url, size, "%s%.*s%s%s%s%s", s->base_url, before, path, id ? process_id : "", rest,
                   query[0] ? "?" : "", query);
  if (url && headers) memcpy(url + strlen(url) + 1, headers, strlen(headers) + 1);
  return url;
}

bool request_begin(request *r, session *s, const request_operation *operation, const char *process_id,
                   const char *query, const char *headers, uint64_t max_bytes) {
  json_init(&r->body);
  r->operation = operation;
  r->max_bytes = max_bytes;
  r->streams = operation->streams;
  if (process_id) (void)snprintf(r->process_id, sizeof r->process_id, "%s", process_id);
  r->url = make_url(s, operation->path, r->process_id, query, headers);
  if (!r->url) return false;
  r->has_headers = headers != NULL;
  error_init(&r->error, ERROR_NONE, operation->name);
  r->outcome = ERROR_OUTCOME_UNSENT;
  r->begun = platform_now();
  r->deadline = r->begun + s->limits.timeout;
  r->session = s;
  if (!request_link(r, r->deadline)) {
    r->session = NULL;
    return false;
  }
  r->id = ++s->last_id;
  s->stats.calls++;
  return true;
}

static void set_deadline(request *r, double deadline) {
  r->deadline = deadline;
  if (r->state == REQUEST_QUEUED) request_set_due(r, deadline);
}

void request_set_timeout(request *r, double seconds) {
  r->hard_limit = true;
  set_deadline(r, r->begun + seconds);
}

void request_stop_clock(request *r) { set_deadline(r, HUGE_VAL); }

void request_restart_clock(request *r) {
  if (!r->session) return;
  r->begun = platform_now();
  set_deadline(r, r->begun + r->session->limits.timeout);
}

/* ---- freeing --------------------------------------------------------------------------------- */

bool request_await(request *r) {
  session *s = r->session;
  if (!s || r->waited) return true;
  if (!session_reserve(&s->gone, &s->gone_capacity, s->gone_count + s->waited + 1, sizeof *s->gone)) return false;
  r->waited = true;
  s->waited++;
  return true;
}

static void leave_session(request *r) {
  session *s = r->session;
  request_drop_attempt(r);
  gate_ended(&s->gate);
  request_forget_news(r);
  request_unlink(r);
  if (r->waited) { /* room for the id was made by request_await */
    s->waited--;
    s->gone[s->gone_count++] = r->id;
  }
  r->waited = false;
  r->session = NULL;
}

void request_free(request *r) {
  if (r->session) {
    leave_session(r);
    if (!request_has_settled(r)) { /* no wait for it may begin any more */
      error_init(&r->error, ERROR_CLOSED, r->operation->name);
      error_message(&r->error, "the request was closed");
      r->state = REQUEST_FAILED;
    }
  }
  json_free(&r->body);
  free(r->url);
  r->url = NULL;
}

/* ---- sending --------------------------------------------------------------------------------- */

/* A list that is being read does not count as in flight: its reader may be slow. */
static bool is_being_read(const request *r) { return r->streams && request_has_response(r); }

static unsigned count_in_flight(const session *s, unsigned *lists) {
  unsigned n = 0;
  *lists = 0;
  for (const request *r = s->lists[SESSION_ACTIVE].head; r; r = r->next) {
    if (r->streams) ++*lists;
    if (!is_being_read(r)) n++;
  }
  return n;
}

/* Returns the request to send next: the first one, or while the server's quota makes it wait, one
** that has no time for that. NULL: all can wait. */
static request *choose(const session *s, double now) {
  double wait = gate_quota_delay(&s->gate, now);
  if (wait <= gate_delay(&s->gate, now)) return s->lists[SESSION_QUEUED].head;
  return request_first_hasty(s, now + wait);
}

/* Starts the requests that may be sent, with `one` at least one. True: the budget ended first.
** libcurl connects and sends later, for all new requests at once. With a budget it does so after
** each start, so that the next look at the clock counts that work too. */
static bool launch(session *s, bool one) {
  unsigned lists = 0, in_flight;
  double now;
  bool http2;
  if (!s->lists[SESSION_QUEUED].head) return false;
  http2 = transport_has_http2(s->net);
  in_flight = count_in_flight(s, &lists);
  now = platform_now();
  for (request *r = choose(s, now); r; r = choose(s, now)) {
    double delay = gate_delay(&s->gate, now);
    if (r->deadline <= now) {
      request_fail(r, ERROR_TIMEOUT, "the timeout passed before the request could be sent");
      continue;
    }
    if (now + delay >= r->deadline) { /* fails now: waiting would not help */
      r->attempt.http_status = 0;     /* of an earlier attempt */
      request_fail(r, ERROR_RATE_LIMITED,
                   "the rate limit (the server's or max_rate) leaves no slot before the timeout");
      r->error.retry_after = delay;
      continue;
    }
    if (!gate_has_room(&s->gate, in_flight, http2, now) || delay > 0) return false;
    if (now >= s->until && !one) return true;
    one = false;
    gate_sent(&s->gate, now, ++in_flight);
    if (r->streams) lists++;
    transport_set_connections(s->net, s->limits.max_connections + lists);
    (void)request_launch(r);
    if (s->until < HUGE_VAL) transport_kick(s->net);
    now = platform_now();
  }
  return false;
}

/* Queues the requests whose back-off is over, and ends those whose time is over. */
static void serve_timer(session *s, double now) {
  for (request *r = request_first_due(s); r && r->due <= now; r = request_first_due(s)) {
    if (r->state == REQUEST_DELAYED) request_move(r, REQUEST_QUEUED, r->deadline);
    else request_fail(r, ERROR_TIMEOUT, "the timeout passed before the request could be sent");
  }
}

/* ---- the limits of an attempt ---------------------------------------------------------------- */

static void watch_active(session *s, double now) {
  request *next;
  for (request *r = s->lists[SESSION_ACTIVE].head; r; r = next) {
    next = r->next;
    request_watch(r, now);
  }
}

/* True: the budget ended first. */
static bool take_finished(session *s) {
  for (transfer *x = transport_finished(s->net); x; x = transport_finished(s->net)) {
    request *r = x->context;
    request_transfer_ended(r);
    if (platform_now() >= s->until) return true;
  }
  return false;
}

/* ---- stepping -------------------------------------------------------------------------------- */

/* Returns the seconds until something is due. `attending`: inside a step. A caller that sleeps
** between steps does not attend, and must step in between. */
static double due_in(const session *s, bool attending) {
  double now = platform_now(), least = transport_timeout(s->net);
  const request *first = request_first_due(s);
  unsigned lists;
#define AT_MOST(value)                                                                                                 \
  do {                                                                                                                 \
    double v_ = (value);                                                                                               \
    if (v_ < 0) v_ = 0;                                                                                                \
    if (v_ < HUGE_VAL && (least < 0 || v_ < least)) least = v_;                                                        \
  } while (0)
  if (s->ready.head || s->gone_count > 0) return 0;
  if (first) AT_MOST(first->due - now);
  for (const request *r = s->lists[SESSION_ACTIVE].head; r; r = r->next) {
    double left = request_time_left(r, now);
    AT_MOST(attending || left < ABSENCE_MAX ? left : ABSENCE_MAX);
  }
  if (s->lists[SESSION_QUEUED].head) {
    bool http2 = transport_has_http2(s->net);
    if (gate_has_room(&s->gate, count_in_flight(s, &lists), http2, now))
      AT_MOST(choose(s, now) ? gate_delay(&s->gate, now) : gate_pause(&s->gate, now));
    else if (gate_wait_left(&s->gate, now) > 0) AT_MOST(gate_wait_left(&s->gate, now));
  }
#undef AT_MOST
  return least;
}

bool request_step(session *s, double timeout, double until) {
  double before = platform_now(), gap = before - s->last_step, due, now;
  bool more;
  request_check(s);
  s->until = until;
  s->active_time += gap < ABSENCE_MAX ? gap : ABSENCE_MAX;
  serve_timer(s, before);
  more = launch(s, true);
  due = more ? 0 : due_in(s, true);
  if (due >= 0 && due < timeout) timeout = due;
  transport_step(s->net, timeout, until);
  more = take_finished(s) || more;
  now = platform_now();
  s->active_time += now - before;
  watch_active(s, now);
  serve_timer(s, now);
  s->last_step = now;
  more = launch(s, false) || more;
  request_check(s);
  return more;
}

void request_send(session *s) {
  (void)launch(s, false);
  transport_kick(s->net);
}

double request_timeout(const session *s) { return due_in(s, false); }
