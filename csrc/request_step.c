/* The part of the request room that moves requests along; request.c is about one request. */
#include "request_part.h"

#include <math.h>
#include <stddef.h>

enum { ABSENCE_MAX = 1 }; /* seconds without a step that count against an attempt; more is the caller's own doing */

/* How many requests may be in flight: as many as connections or streams are allowed, and as the pacer says. */
static unsigned in_flight_most(const session *s) {
  unsigned most = s->multiplexed ? SESSION_STREAMS_MAX : s->limits.max_connections;
  unsigned window = retry_pacer_window(&s->pacer);
  return window < most ? window : most;
}

/* Starts what may be started, as fast as the pacer says. */
static void launch(session *s) {
  double now = transport_now();
  unsigned limit = in_flight_most(s);
  for (request *r = s->lists[SESSION_QUEUED].head; r; r = s->lists[SESSION_QUEUED].head) {
    double delay = retry_pacer_delay(&s->pacer, now);
    if (r->deadline <= now) {
      request_late(r);
      continue;
    }
    if (now + delay >= r->deadline) { /* not slept, since it would not help */
      request_held(r, delay);
      continue;
    }
    if (s->active >= limit || delay > 0) return;
    retry_pacer_sent(&s->pacer, now, s->active + 1);
    (void)request_launch(r);
  }
}

/* Ends the queued requests whose time is over, wherever they stand; looks for them only when there is one. */
static void expire_queued(session *s, double now) {
  request *next;
  if (now < s->first_deadline) return;
  s->first_deadline = HUGE_VAL;
  for (request *r = s->lists[SESSION_QUEUED].head; r; r = next) {
    next = r->next;
    if (r->deadline <= now) request_late(r);
    else if (r->deadline < s->first_deadline) s->first_deadline = r->deadline;
  }
}

static void wake_delayed(session *s, double now) {
  request *next;
  for (request *r = s->lists[SESSION_DELAYED].head; r; r = next) {
    next = r->next;
    if (r->not_before <= now) request_move(r, SESSION_QUEUED, REQUEST_QUEUED);
  }
}

/* Seconds left to an attempt: to connect, then to be whole (a list: to show progress). A list that flows has no other
** limit. */
static double time_left(const request *r, double now) {
  const session_limits *l = &r->session->limits;
  double attended = r->session->attended, left, call = r->deadline - now;
  bool flows = r->operation->streams && r->transfer.bytes > 0;
  if (r->transfer.paused) return 1e9; /* it waits for us */
  if (r->transfer.sends == 0) left = r->attempt_begun + l->connect_timeout - attended;
  else left = (r->operation->streams ? r->attempt_progress : r->attempt_begun) + l->attempt_timeout - attended;
  return flows || left < call ? left : call;
}

static void expire(session *s, double now) {
  request *next;
  for (request *r = s->lists[SESSION_ACTIVE].head; r; r = next) {
    next = r->next;
    if (r->transfer.progressed) r->attempt_progress = s->attended;
    r->transfer.progressed = false;
    if (time_left(r, now) > 0) continue;
    transport_cancel(&r->transfer);
    r->transfer.end = TRANSFER_TIMED_OUT;
    r->transfer.ended = now;
    request_attempt_over(r);
  }
}

void request_step(session *s, double timeout) {
  double before = transport_now(), gap = before - s->last_step, due;
  s->attended += gap < ABSENCE_MAX ? gap : ABSENCE_MAX;
  wake_delayed(s, before);
  launch(s);
  due = request_timeout(s);
  if (due >= 0 && due < timeout) timeout = due;
  transport_step(s->net, timeout);
  for (transfer *x = transport_finished(s->net); x; x = transport_finished(s->net)) request_attempt_over(x->context);
  {
    double now = transport_now();
    s->attended += now - before;
    wake_delayed(s, now);
    expire(s, now);
    expire_queued(s, now);
    s->last_step = now;
  }
  launch(s);
}

void request_send(session *s) {
  launch(s);
  transport_kick(s->net);
}

double request_timeout(const session *s) {
  double now = transport_now(), least = transport_timeout(s->net);
  unsigned limit = in_flight_most(s);
#define AT_MOST(value)                                                                                                 \
  do {                                                                                                                 \
    double v_ = (value);                                                                                               \
    if (v_ < 0) v_ = 0;                                                                                                \
    if (least < 0 || v_ < least) least = v_;                                                                           \
  } while (0)
  if (s->ready) return 0;
  for (const request *r = s->lists[SESSION_DELAYED].head; r; r = r->next) AT_MOST(r->not_before - now);
  for (const request *r = s->lists[SESSION_ACTIVE].head; r; r = r->next) {
    double left = time_left(r, now); /* attended time: who sleeps longer does not attend */
    AT_MOST(left < ABSENCE_MAX ? left : ABSENCE_MAX);
  }
  if (s->lists[SESSION_QUEUED].head) {
    AT_MOST(s->first_deadline - now);
    if (s->active < limit) AT_MOST(retry_pacer_delay(&s->pacer, now));
  }
#undef AT_MOST
  return least;
}
