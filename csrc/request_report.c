/* Reports of a request: its events and its error. See request_private.h. */
#include <string.h>

#include "request_private.h"

bool request_is_delete(const request *r) { return r->operation->kind != RETRY_READ; }

const char *request_headers(const request *r) { return r->has_headers && r->url ? r->url + strlen(r->url) + 1 : NULL; }

/* ---- events ---------------------------------------------------------------------------------- */

static const char *reason_of(retry_fault fault, int http_status) {
  static const char *const names[] = {"answered", "resolve", "connect",  "tls",      "timeout",
                                      "lost",     "proxy",   "protocol", "too_large"};
  if (http_status >= 300 || (fault == RETRY_ANSWERED && http_status))
    return http_status == 429 ? "rate_limited" : "http_status";
  return names[fault];
}

static void emit(request *r, const char *type, const char *reason, double delay, const transfer *x) {
  session_event e = {0};
  e.type = type;
  e.operation = r->operation->name;
  e.reason = reason;
  memcpy(e.process_id, r->process_id, sizeof e.process_id);
  if (x && x->request_id[0]) {
    memcpy(e.request_id, x->request_id, sizeof e.request_id);
    transport_hide(r->session->net, request_headers(r), e.request_id);
  }
  e.call = r->id;
  e.attempt = r->attempts;
  e.http_status = x ? x->http_status : reason ? r->attempt.http_status : 0;
  e.seconds = x ? x->ended - x->started : 0;
  e.delay = delay;
  e.bytes = x ? x->bytes : 0;
  session_emit(r->session, &e);
}

void request_emit(request *r, const char *type, retry_fault fault, double delay) {
  const transfer *x = r->attempt.transfer;
  emit(r, type, reason_of(fault, x ? x->http_status : r->attempt.http_status), delay, x);
}

void request_emit_quota(request *r, double delay) { emit(r, "throttle", "quota", delay, r->attempt.transfer); }

void request_announce(request *r) {
  if (r->attempt.phase == REQUEST_SENT) return;
  r->attempt.phase = REQUEST_SENT;
  emit(r, "request", NULL, 0, NULL); /* without members of the response, which may have arrived */
}

/* ---- the error ------------------------------------------------------------------------------- */

void request_fill_error(request *r, error_kind kind) {
  error_info *e = &r->error;
  char request_id[sizeof e->request_id];
  memcpy(request_id, e->request_id, sizeof request_id);
  error_init(e, kind, r->operation->name);
  memcpy(e->process_id, r->process_id, sizeof e->process_id);
  memcpy(e->request_id, request_id, sizeof request_id);
  transport_hide(r->session->net, request_headers(r), e->request_id);
  e->http_status = r->attempt.http_status;
  e->attempts = r->attempts;
  /* The two outcomes that a user has to know of: a DELETE that may have taken effect, and a call
  ** that certainly was not sent. */
  if (request_is_delete(r) && r->outcome == ERROR_OUTCOME_UNKNOWN && kind != ERROR_NOT_FOUND && kind != ERROR_CONFLICT)
    e->outcome = ERROR_OUTCOME_UNKNOWN;
  else if (r->outcome == ERROR_OUTCOME_UNSENT) e->outcome = ERROR_OUTCOME_UNSENT;
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

/* Writes the error's message when there is no error body to quote. */
static void describe(request *r, retry_fault fault, const char *why, const char *location) {
  static const char *const texts[] = {"the response has no body",
                                      "the host name does not resolve",
                                      "cannot connect",
                                      "cannot set up a trusted TLS connection",
                                      "no response in time",
                                      "the connection was lost",
                                      "the proxy refused to connect",
                                      "the response is not valid",
                                      "the response is too large"};
  if (r->attempt.http_status >= 300) {
    static const char advice[] = "; not followed, because the key would be sent there: check base_url";
    char origin[200];
    if (r->attempt.http_status < 400 && transport_origin(location, origin, sizeof origin)) {
      error_message(&r->error, "redirected to ");
      error_append(&r->error, origin, strlen(origin), sizeof origin);
      transport_hide(r->session->net, request_headers(r), r->error.message);
      error_append(&r->error, advice, sizeof advice - 1, ERROR_TEXT_MAX);
    }
    return; /* else the owner adds the message of the error body */
  }
  error_message(&r->error, "%s", texts[fault]);
  if (why[0]) {
    error_append(&r->error, ": ", 2, 2);
    error_append(&r->error, why, strlen(why), 200);
    transport_hide(r->session->net, request_headers(r), r->error.message);
  }
}

void request_explain(request *r, retry_fault fault, double asked, const char *why, const char *location) {
  request_fill_error(r, kind_of(fault, r->attempt.http_status));
  r->error.retry_after = asked;
  describe(r, fault, why, location);
}
