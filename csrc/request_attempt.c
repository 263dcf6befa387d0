/* An attempt from launch to verdict: done, again, or failed. See request_private.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "request_private.h"

/* libcurl gives each address its share of connect_timeout; this is for phases without a share. */
static const double CONNECT_GRACE = 1.5;

enum {
  ERROR_BODY_SWALLOWED_MAX = 1024 * 1024, /* a longer error body ends its connection */
  UNFIT_MAX = 8                           /* useless connections in a row; more is a fault */
};

/* ---- the sink: called from inside libcurl ---------------------------------------------------- */

static sink_result take_bytes(void *context, const char *bytes, size_t n) {
  request *r = context;
  uint64_t total = r->attempt.transfer->bytes + n;
  bool fits = r->max_bytes == 0 || total <= r->max_bytes;
  if (r->body.in_use) return SINK_FULL; /* its owner is reading it, and has stepped the client */
  if (!request_has_response(r)) {
    size_t kept, room;
    (void)json_unread(&r->body, &kept);
    room = kept < SESSION_ERROR_BODY_MAX ? SESSION_ERROR_BODY_MAX - kept : 0;
    (void)json_feed(&r->body, bytes, n < room ? n : room);
    return total > ERROR_BODY_SWALLOWED_MAX ? SINK_STOP : SINK_TAKEN;
  }
  if (!r->operation->has_body) return SINK_TAKEN;
  if (fits && r->streams && json_full(&r->body)) return SINK_FULL;
  if (!fits || !json_feed(&r->body, bytes, n)) return SINK_TOO_LARGE;
  if (r->streams) request_tell(r);
  return SINK_TAKEN;
}

/* ---- what came ------------------------------------------------------------------------------- */

bool request_has_response(const request *r) {
  int status = r->attempt.transfer ? r->attempt.transfer->http_status : r->attempt.http_status;
  return status >= 200 && status < 300;
}

void request_consumed(request *r) {
  if (r->state != REQUEST_ACTIVE || !r->attempt.transfer->paused || r->body.in_use || json_full(&r->body)) return;
  r->attempt.progress = r->session->active_time;
  transport_resume(r->attempt.transfer);
}

/* ---- launch ---------------------------------------------------------------------------------- */

static transfer *new_transfer(session *s) {
  transfer *x = s->spare;
  if (!x) return calloc(1, sizeof *x);
  s->spare = x->next;
  memset(x, 0, sizeof *x);
  return x;
}

void request_drop_attempt(request *r) {
  transfer *x = r->attempt.transfer;
  session *s = r->session;
  if (!x) return;
  transport_cancel(x);
  r->attempt.transfer = NULL;
  r->attempt.ended_meanwhile = false;
  r->attempt.http_status = x->http_status;
  r->attempt.sent = x->sends > 0;
  if (x->sends == 0 && x->started > 0) gate_unsent(&s->gate, x->started);
  if (x->request_id[0]) memcpy(r->error.request_id, x->request_id, sizeof r->error.request_id);
  x->next = s->spare;
  s->spare = x;
}

bool request_launch(request *r) {
  session *s = r->session;
  transfer *x = new_transfer(s);
  char why[sizeof x->detail] = "out of memory";
  json_reset(&r->body);
  r->attempt = (request_attempt){.phase_begun = s->active_time, .progress = s->active_time};
  r->attempts++;
  s->stats.attempts++;
  request_move(r, REQUEST_ACTIVE, 0);
  if (x) {
    x->method = r->operation->method;
    x->url = r->url;
    x->headers = request_headers(r);
    x->sink = take_bytes;
    x->context = r;
    x->fresh = r->fresh;
    x->http1 = r->http1;
    r->attempt.transfer = x;
    if (transport_start(s->net, x)) return true;
    if (x->detail[0]) memcpy(why, x->detail, sizeof why);
    request_drop_attempt(r);
  }
  request_fail(r, ERROR_TOO_LARGE, why);
  return false;
}

/* ---- its end --------------------------------------------------------------------------------- */

void request_settle(request *r, request_state state) {
  request_drop_attempt(r);
  request_move(r, state, 0);
  if (state == REQUEST_FAILED) r->session->stats.failures++;
  /* a list's buffer is reused for its next page, an error body is quoted later */
  if (!r->body.in_use && !r->streams && (state == REQUEST_DONE || r->attempt.http_status < 300)) json_free(&r->body);
  request_tell(r);
}

void request_fail(request *r, error_kind kind, const char *message) {
  request_fill_error(r, kind);
  error_append(&r->error, message, strlen(message), ERROR_TEXT_MAX);
  request_settle(r, REQUEST_FAILED);
}

/* ---- what an end means ----------------------------------------------------------------------- */

static retry_fault fault_of(const request *r) {
  const transfer *x = r->attempt.transfer;
  switch (x->end) {
  case TRANSFER_OK:
  case TRANSFER_STOPPED: return RETRY_ANSWERED; /* stopped: an error body too long to read */
  case TRANSFER_RESOLVE: return RETRY_RESOLVE;
  case TRANSFER_UNFIT:
  case TRANSFER_CONNECT: return RETRY_CONNECT;
  case TRANSFER_PROXY:
    return x->proxy_status == 0 || x->proxy_status == 429 || x->proxy_status >= 500 ? RETRY_CONNECT : RETRY_PROXY;
  case TRANSFER_TLS: return RETRY_TLS;
  case TRANSFER_TIMED_OUT: return RETRY_TIMED_OUT;
  case TRANSFER_LOST: return RETRY_LOST;
  case TRANSFER_PROTOCOL: return x->garbled && request_has_response(r) ? RETRY_ANSWERED : RETRY_PROTOCOL;
  case TRANSFER_TOO_LARGE: return RETRY_TOO_LARGE;
  }
  return RETRY_PROTOCOL;
}

/* ---- verdicts -------------------------------------------------------------------------------- */

/* Returns the seconds of Retry-After; negative: none. A date is read against the response's own
** Date; without one, against the server's clock as it was learned from earlier responses. */
static double asked_delay(const session *s, const transfer *x) {
  double date = -1, seconds = -1, now = floor(session_server_time(s));
  (void)retry_http_date(x->date, strlen(x->date), now, &date);
  (void)retry_after(x->retry_after, strlen(x->retry_after), date, now, &seconds);
  return seconds;
}

/* Why an attempt ended; read from the transfer before it is given back. */
typedef struct {
  retry_fault fault;
  const char *why; /* what is wrong with the body, or libcurl's error text */
  double asked;    /* by Retry-After; negative: none */
  bool went_away;  /* the connection failed, and another one can be used at once */
} verdict_basis;

/* Whether another request has paid for the loss of this connection: one event is paid once. */
static bool is_paid(session *s, const transfer *x) {
  if (!x || x->connection == 0) return false;
  for (unsigned i = 0; i < SESSION_PAID_MAX; i++)
    if (s->paid[i] == x->connection) return true;
  s->paid[s->paid_next++ % SESSION_PAID_MAX] = x->connection;
  return false;
}

/* Whether the next attempt uses a new connection. libcurl may still hold a dead one (from 8.22 on
** it checks once a second), and a name may resolve now. Over HTTP/2 all requests lost together
** share the next connection, at first. The first connection that went away (GOAWAY) is not a
** loss. */
static bool needs_fresh(request *r, retry_fault fault, bool is_free) {
  bool was_lost = r->after_loss;
  r->after_loss = !is_free && (fault == RETRY_LOST || fault == RETRY_TIMED_OUT);
  return fault == RETRY_RESOLVE || (r->after_loss && (was_lost || !r->session->gate.multiplexed));
}

/* Schedules a retry if one is allowed and fits; false: no retry. */
static bool try_again(request *r, const verdict_basis *b) {
  session *s = r->session;
  const session_limits *l = &s->limits;
  double now = platform_now();
  double delay = retry_backoff(r->attempts - 1, l->retry_base, l->retry_cap, session_random(s));
  bool is_one; /* an event that may have met others on the same connection */
  /* without retries a DELETE that may have happened is not repeated */
  bool is_free = b->went_away && !r->resend_used && (l->max_retries > 0 || !request_is_delete(r));
  if (is_free) {
    r->resend_used = true;
    delay = 0;
  } else if (r->attempts > l->max_retries + (r->resend_used ? 1 : 0)) return false;
  if (b->asked > l->retry_after_max) {
    r->refused = "; not retried: the server's Retry-After is longer than max_retry_after";
    return false;
  }
  if (delay < b->asked) delay = b->asked;
  if (now + delay >= r->deadline) {
    r->refused = "; not retried: the next attempt would start after the timeout";
    return false;
  }
  is_one = b->fault == RETRY_LOST || b->fault == RETRY_TIMED_OUT;
  if (!is_free && !r->attempt.budget_exempt && !(is_one && is_paid(s, r->attempt.transfer)) &&
      !retry_budget_take(&s->budget, b->fault == RETRY_TIMED_OUT)) {
    r->refused = "; not retried: too many calls fail, the retry budget is used up";
    return false;
  }
  request_emit(r, "retry", b->fault, delay);
  s->stats.retries++;
  request_drop_attempt(r);
  r->fresh = needs_fresh(r, b->fault, is_free);
  if (delay > 0) request_move(r, REQUEST_DELAYED, now + delay);
  else request_move(r, REQUEST_QUEUED, r->deadline);
  return true;
}

static void note_outcome(request *r, const retry_attempt *a) {
  if (a->sent && r->outcome == ERROR_OUTCOME_UNSENT) r->outcome = ERROR_OUTCOME_KNOWN;
  if (retry_is_unknown(a)) r->outcome = ERROR_OUTCOME_UNKNOWN;
}

/* Handles the end of an attempt, after the transfer ended or its body was judged. */
static void judge(request *r, const verdict_basis *b) {
  const transfer *x = r->attempt.transfer;
  int http_status = x ? x->http_status : r->attempt.http_status;
  bool was_sent = x ? x->sends > 0 && !x->needs_http1 : r->attempt.sent; /* RFC 9113 7 */
  retry_attempt a = {r->operation->kind, b->fault, http_status, was_sent, r->outcome == ERROR_OUTCOME_UNKNOWN};
  retry_verdict verdict = retry_judge(&a);
  char why[sizeof x->detail], location[sizeof x->location];
  note_outcome(r, &a);
  if (verdict == RETRY_VERDICT_DONE || verdict == RETRY_VERDICT_GONE) {
    r->already_gone = verdict == RETRY_VERDICT_GONE;
    request_settle(r, REQUEST_DONE);
    return;
  }
  if (verdict == RETRY_VERDICT_AGAIN && try_again(r, b)) {
    request_tell(r); /* an iterator inside this body has to learn that it restarts */
    return;
  }
  (void)snprintf(why, sizeof why, "%s", b->why);
  memcpy(location, x ? x->location : "", x ? sizeof location : 1);
  request_drop_attempt(r);
  request_explain(r, b->fault, b->asked, why, location);
  request_settle(r, REQUEST_FAILED);
}

/* ---- the end of a transfer ------------------------------------------------------------------- */

/* Handles a transfer that was not sent because libcurl had chosen an unusable connection: starts at
** once on another one, without a retry. */
static bool take_another(request *r) {
  bool crowded = r->attempt.transfer->crowded;
  if (r->attempt.transfer->end != TRANSFER_UNFIT || r->unfit == UNFIT_MAX) return false;
  r->unfit++;
  r->attempts--;
  r->session->stats.attempts--;
  request_drop_attempt(r);
  if (crowded) {
    r->unfit = 1; /* its turn comes after a response */
    gate_wait(&r->session->gate, platform_now() + TRANSPORT_PATIENCE);
  } else r->fresh = r->unfit > 1; /* libcurl may choose a usable one itself */
  request_move(r, REQUEST_QUEUED, r->deadline);
  return true;
}

/* Learns the server's clock from a success only: an error may come from a balancer or a proxy with
** a clock of its own. */
static void note_clock(request *r) {
  if (request_has_response(r)) session_note_clock(r->session, r->attempt.transfer->date, &r->attempt.knows_clock);
}

/* Updates what the whole client learns from a response. */
static void learn(request *r, retry_fault fault, double asked) {
  session *s = r->session;
  const transfer *x = r->attempt.transfer;
  int version = x->http_status > 0 && !r->http1 ? x->http_version : 0;
  bool is_news;
  s->stats.bytes += x->bytes;
  note_clock(r);
  request_emit(r, "response", fault, 0);
  if (x->http_status == 0) return;
  request_learn_quota(r);
  is_news = gate_answered(&s->gate, x->http_status, version, x->started, platform_now(), asked);
  if (request_has_response(r)) retry_budget_return(&s->budget);
  if (x->http_status != 429) return;
  s->stats.throttled++;
  r->attempt.budget_exempt = !is_news;
  request_emit(r, "throttle", fault, gate_pause(&s->gate, platform_now()));
}

/* Handles a success with a body. One that does not stream is checked here: done means valid. */
static void receive_body(request *r) {
  r->attempt.garbled = r->attempt.transfer->garbled;
  if (!r->streams && !request_is_delete(r) && json_check(&r->body) == JSON_MORE) {
    verdict_basis b = {r->attempt.garbled ? RETRY_PROTOCOL : RETRY_LOST, "the body ended too early", -1, false};
    judge(r, &b);
    return;
  }
  request_drop_attempt(r);
  if (!r->streams) json_fit(&r->body);
  request_move(r, REQUEST_BODY, 0);
  request_tell(r);
}

static void attempt_over(request *r) {
  transfer *x = r->attempt.transfer;
  verdict_basis b = {fault_of(r), x->detail, asked_delay(r->session, x), x->resend_refused || x->needs_http1};
  if (take_another(r)) return;
  gate_ended(&r->session->gate);
  request_announce(r);
  r->unfit = 0;
  r->http1 = r->http1 || x->needs_http1;
  json_finish(&r->body);
  learn(r, b.fault, b.asked);
  if (b.fault == RETRY_ANSWERED && request_has_response(r) && r->operation->has_body) {
    if (request_is_delete(r) || x->http_status != 204) {
      receive_body(r);
      return;
    }
    b.fault = RETRY_PROTOCOL;
  }
  judge(r, &b);
}

bool request_abandon(request *r) {
  retry_attempt a;
  request_drop_attempt(r);
  gate_ended(&r->session->gate);
  a = (retry_attempt){r->operation->kind, RETRY_LOST, r->attempt.http_status, r->attempt.sent,
                      r->outcome == ERROR_OUTCOME_UNKNOWN};
  note_outcome(r, &a);
  if (!request_is_delete(r) || retry_judge(&a) != RETRY_VERDICT_DONE) return false;
  request_settle(r, REQUEST_DONE); /* the 2xx is there already */
  return true;
}

void request_body_done(request *r) {
  if (r->state == REQUEST_BODY) request_settle(r, REQUEST_DONE);
}

void request_body_failed(request *r, retry_fault fault, const char *message) {
  verdict_basis b = {fault == RETRY_LOST && r->attempt.garbled ? RETRY_PROTOCOL : fault, message, -1, false};
  if (r->state != REQUEST_BODY && r->state != REQUEST_ACTIVE) return;
  if (r->state == REQUEST_ACTIVE) r->attempt.transfer->ended = platform_now(); /* wrong already */
  judge(r, &b);
}

/* ---- the limits of an attempt ---------------------------------------------------------------- */

/* Updates the phase of the attempt. Waiting for a turn inside libcurl has no limit of its own. */
static void note_phase(request *r) {
  transfer *x = r->attempt.transfer;
  request_phase phase = x->sends > 0 ? REQUEST_SENT : x->connecting > 0 ? REQUEST_CONNECTING : REQUEST_WAITING;
  if (x->progressed || phase != r->attempt.phase) r->attempt.progress = r->session->active_time;
  x->progressed = false;
  if (phase == r->attempt.phase) return;
  r->attempt.phase_begun = r->session->active_time;
  if (phase == REQUEST_SENT) request_announce(r);
  else r->attempt.phase = phase;
}

double request_time_left(const request *r, double now) {
  const session_limits *l = &r->session->limits;
  const request_attempt *a = &r->attempt;
  const transfer *x = a->transfer;
  double left = HUGE_VAL, call = r->deadline - now;
  bool is_error = x->http_status != 0 && !request_has_response(r);
  bool is_list = r->operation->is_list && !is_error, flows = is_list && x->bytes > 0 && !r->hard_limit;
  if (a->ended_meanwhile && !r->body.in_use) return 0;
  if (r->body.in_use || x->paused) return HUGE_VAL; /* the server waits for us */
  if (a->phase == REQUEST_CONNECTING) left = a->phase_begun + l->connect_timeout * CONNECT_GRACE;
  if (a->phase == REQUEST_SENT) left = (is_list ? a->progress : a->phase_begun) + l->attempt_timeout;
  left -= r->session->active_time;
  return flows || left < call ? left : call;
}

static void time_out(request *r, double now) {
  transfer *x = r->attempt.transfer;
  if (x->sends > 0 && x->bytes == 0 && x->http_status == 0) transport_distrust(x);
  transport_cancel(x);
  if (x->end != TRANSFER_TOO_LARGE) x->end = TRANSFER_TIMED_OUT;
  x->ended = now;
  attempt_over(r);
}

void request_transfer_ended(request *r) {
  if (r->body.in_use) r->attempt.ended_meanwhile = true;
  else attempt_over(r);
}

void request_watch(request *r, double now) {
  if (r->body.in_use) return;
  if (r->attempt.ended_meanwhile) {
    r->attempt.ended_meanwhile = false;
    attempt_over(r);
    return;
  }
  note_phase(r);
  note_clock(r);
  if (request_time_left(r, now) <= 0) time_out(r, now);
}
