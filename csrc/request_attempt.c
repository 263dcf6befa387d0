/* The part of the request room that judges an attempt which is over: done, again, or failed and why. */
#include <string.h>
#include <time.h>

#include "request_part.h"

/* ---- the end of an attempt -------------------------------------------------------------------------------------- */

static retry_fault fault_of(const request *r) {
  if (r->too_large) return RETRY_TOO_LARGE;
  switch (r->transfer.end) {
  case TRANSFER_OK:
  case TRANSFER_STOPPED: return RETRY_ANSWERED; /* stopped otherwise: an error body too long to read */
  case TRANSFER_RESOLVE: return RETRY_RESOLVE;
  case TRANSFER_CONNECT: return RETRY_CONNECT;
  case TRANSFER_TLS: return RETRY_TLS;
  case TRANSFER_TIMED_OUT: return RETRY_TIMED_OUT;
  case TRANSFER_LOST: return RETRY_LOST;
  case TRANSFER_PROTOCOL: return RETRY_PROTOCOL;
  case TRANSFER_TOO_LARGE: return RETRY_TOO_LARGE;
  }
  return RETRY_PROTOCOL;
}

static const char *reason_of(retry_fault fault, int http_status) {
  static const char *const names[] = {"answered", "resolve", "connect",  "tls",
                                      "timeout",  "lost",    "protocol", "too_large"};
  if (http_status >= 300 || (fault == RETRY_ANSWERED && http_status))
    return http_status == 429 ? "rate_limited" : "http_status";
  return names[fault];
}

static error_kind kind_of(retry_fault fault, int http_status) {
  if (http_status >= 300) return error_kind_of_http(http_status);
  switch (fault) {
  case RETRY_TLS: return ERROR_TLS;
  case RETRY_TIMED_OUT: return ERROR_TIMEOUT;
  case RETRY_TOO_LARGE: return ERROR_TOO_LARGE;
  case RETRY_ANSWERED:
  case RETRY_PROTOCOL: return ERROR_PROTOCOL;
  default: return ERROR_NETWORK;
  }
}

/* What a person reads when there is no answer of the server's to quote. */
static void describe(request *r, retry_fault fault, const char *why) {
  static const char *const texts[] = {"an answer without the body that belongs to it",
                                      "the host name does not resolve",
                                      "no connection",
                                      "no trusted TLS connection",
                                      "no answer in time",
                                      "the connection was lost",
                                      "not the HTTP that was expected",
                                      "the answer is too large"};
  const char *detail = why ? why : r->transfer.detail;
  if (r->transfer.http_status >= 300) {
    static const char advice[] = ", which is not followed, since the key would travel: check base_url";
    char origin[200];
    if (r->transfer.http_status < 400 && transport_origin(r->transfer.location, origin, sizeof origin)) {
      error_message(&r->error, "redirected to ");
      error_append(&r->error, origin, strlen(origin), sizeof origin);
      transport_hide_key(r->session->net, r->error.message);
      error_append(&r->error, advice, sizeof advice - 1, ERROR_TEXT_MAX);
    }
    return; /* else the owner adds the words of the error body */
  }
  error_message(&r->error, "%s", texts[fault]);
  if (detail[0]) {
    error_append(&r->error, ": ", 2, 2);
    error_append(&r->error, detail, strlen(detail), 200);
    transport_hide_key(r->session->net, r->error.message);
  }
}

void request_emit(request *r, const char *type, const char *reason, double delay) {
  session_event e = {0};
  e.type = type;
  e.operation = r->operation->name;
  e.reason = reason;
  memcpy(e.process_id, r->process_id, sizeof e.process_id);
  e.attempt = r->attempts;
  e.http_status = r->transfer.http_status;
  e.seconds = r->transfer.ended - r->transfer.started;
  e.delay = delay;
  e.bytes = r->transfer.bytes;
  session_emit(r->session, &e);
}

/* Asked of the server by Retry-After; negative: nothing usable. Two different headers say nothing. */
static double asked_delay(const request *r) {
  const transfer *x = &r->transfer;
  double date = -1, seconds = -1;
  if (x->retry_after_count != 1) return -1;
  (void)retry_http_date(x->date, strlen(x->date), (double)time(NULL), &date);
  (void)retry_after(x->retry_after, strlen(x->retry_after), date, (double)time(NULL), &seconds);
  return seconds;
}

/* Sends it again later if that may be done and fits; false: no. */
static bool try_again(request *r, retry_fault fault, double asked) {
  session *s = r->session;
  const session_limits *l = &s->limits;
  double now = transport_now();
  double delay = retry_backoff(r->attempts - 1, l->retry_base, l->retry_cap, session_random(s));
  if (r->attempts > l->max_retries) return false;
  if (asked > l->retry_after_max) {
    r->refused = "; the server asks to wait longer than a call may";
    return false;
  }
  if (delay < asked) delay = asked;
  if (now + delay >= r->deadline) {
    r->refused = "; another attempt does not fit the time of the call";
    return false;
  }
  if (!r->spared && !retry_budget_take(&s->budget, fault == RETRY_TIMED_OUT)) {
    r->refused = "; no more retries for now, since too many calls fail";
    return false;
  }
  request_emit(r, "retry", reason_of(fault, r->transfer.http_status), delay);
  s->stats.retries++;
  r->not_before = now + delay;
  request_move(r, SESSION_DELAYED, REQUEST_DELAYED);
  return true;
}

static void note_clock(session *s, const transfer *x) {
  double date, now = (double)time(NULL);
  if (!x->date[0] || !retry_http_date(x->date, strlen(x->date), now, &date)) return;
  s->skew = date - now;
  s->has_skew = true;
}

/* One attempt is over, by the transfer's end or by what its body turned out to be (then `why` says what is wrong with
** it). */
static void judge(request *r, retry_fault fault, const char *why) {
  retry_attempt a = {r->operation->kind, fault, r->transfer.http_status, r->transfer.sends > 0, r->unknown};
  retry_verdict verdict = retry_judge(&a);
  double asked = asked_delay(r);
  r->sent = r->sent || a.sent;
  r->unknown = r->unknown || retry_is_unknown(&a);
  if (verdict == RETRY_VERDICT_DONE || verdict == RETRY_VERDICT_GONE) {
    r->already_gone = verdict == RETRY_VERDICT_GONE;
    request_settle(r, REQUEST_DONE);
    return;
  }
  if (verdict == RETRY_VERDICT_AGAIN && try_again(r, fault, asked)) {
    request_tell(r); /* an iterator in the middle of this body has to know that it begins anew */
    return;
  }
  request_fill_error(r, kind_of(fault, r->transfer.http_status));
  r->error.retry_after = asked;
  describe(r, fault, why);
  request_settle(r, REQUEST_FAILED);
}

void request_attempt_over(request *r) {
  session *s = r->session;
  transfer *x = &r->transfer;
  retry_fault fault = fault_of(r);
  json_finish(&r->body);
  if (x->http_version >= 20) s->multiplexed = true;
  s->stats.bytes += x->bytes;
  note_clock(s, x);
  request_emit(r, "response", reason_of(fault, x->http_status), 0);
  if (x->http_status == 429) {
    s->stats.throttled++;
    r->spared = !retry_pacer_limited(&s->pacer, transport_now(), x->started, asked_delay(r));
    request_emit(r, "throttle", "rate_limited", retry_pacer_delay(&s->pacer, transport_now()));
  } else if (request_has_answer(r)) retry_pacer_succeeded(&s->pacer, x->started);
  if (fault == RETRY_ANSWERED && request_has_answer(r) && r->operation->has_body &&
      (request_is_delete(r) || x->http_status != 204)) {
    request_move(r, SESSION_SETTLED, REQUEST_BODY);
    request_tell(r);
    return;
  }
  if (fault == RETRY_ANSWERED && !request_is_delete(r) && x->http_status == 204) fault = RETRY_PROTOCOL;
  judge(r, fault, NULL);
}

void request_body_done(request *r) {
  if (r->state == REQUEST_BODY) request_settle(r, REQUEST_DONE);
}

void request_body_failed(request *r, retry_fault fault, const char *message) {
  if (r->state == REQUEST_ACTIVE) { /* wrong before the end came */
    transport_cancel(&r->transfer);
    r->transfer.ended = transport_now();
  } else if (r->state != REQUEST_BODY) return;
  judge(r, fault, message);
}
