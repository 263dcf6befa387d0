#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "request_part.h"

/* clang-format off */
const request_operation REQUEST_GET_STATUS    = {"get_status",          "GET",    RETRY_READ,       false, true};
const request_operation REQUEST_GET_PAGE      = {"get_page",            "GET",    RETRY_READ,       true,  true};
const request_operation REQUEST_STATUSES      = {"statuses",            "GET",    RETRY_READ,       true,  true};
const request_operation REQUEST_DELETE_STATUS = {"delete_status",       "DELETE", RETRY_DELETE_ONE, false, false};
const request_operation REQUEST_DELETE_ALL    = {"delete_all_statuses", "DELETE", RETRY_DELETE_ALL, false, true};
/* clang-format on */

enum { ERROR_BODY_SWALLOWED_MAX = 1024 * 1024 }; /* a longer error body ends the connection instead of being read */

/* ---- lists -------------------------------------------------------------------------------------------------- */

static void unlink_request(request *r) {
  request_list *l = &r->session->lists[r->list];
  if (r->list == SESSION_ACTIVE) r->session->active--;
  if (r->list != SESSION_SETTLED) r->session->unsettled--;
  if (r->prev) r->prev->next = r->next;
  else l->head = r->next;
  if (r->next) r->next->prev = r->prev;
  else l->tail = r->prev;
  r->prev = r->next = NULL;
}

static void link_request(request *r, int list) {
  request_list *l = &r->session->lists[list];
  bool first = list == SESSION_QUEUED && r->attempts > 0; /* one that is sent again has waited already */
  r->list = list;
  r->prev = first ? NULL : l->tail;
  r->next = first ? l->head : NULL;
  if (r->prev) r->prev->next = r;
  else l->head = r;
  if (r->next) r->next->prev = r;
  else l->tail = r;
  if (list == SESSION_QUEUED && r->deadline < r->session->first_deadline) r->session->first_deadline = r->deadline;
  if (list == SESSION_ACTIVE) r->session->active++;
  if (list != SESSION_SETTLED) r->session->unsettled++;
}

void request_move(request *r, int list, request_state state) {
  unlink_request(r);
  link_request(r, list);
  r->state = state;
}

void request_tell(request *r) {
  session *s = r->session;
  if (r->is_ready) return;
  r->is_ready = true;
  r->ready_next = NULL;
  *s->ready_tail = r;
  s->ready_tail = &r->ready_next;
}

request *request_next_ready(session *s) {
  request *r = s->ready;
  if (!r) return NULL;
  s->ready = r->ready_next;
  if (!s->ready) s->ready_tail = &s->ready;
  r->is_ready = false;
  return r;
}

static void forget_news(request *r) {
  session *s = r->session;
  if (!r->is_ready) return;
  for (request **p = &s->ready; *p; p = &(*p)->ready_next)
    if (*p == r) {
      *p = r->ready_next;
      if (!*p) s->ready_tail = p;
      break;
    }
  r->is_ready = false;
}

/* ---- the sink: called from inside libcurl --------------------------------------------------------------------- */

bool request_has_answer(const request *r) { return r->transfer.http_status >= 200 && r->transfer.http_status < 300; }

static sink_answer take_bytes(void *context, const char *bytes, size_t n) {
  request *r = context;
  uint64_t total = r->transfer.bytes + n;
  if (!request_has_answer(r)) {
    size_t kept, room;
    (void)json_unread(&r->body, &kept);
    room = kept < SESSION_ERROR_BODY_MAX ? SESSION_ERROR_BODY_MAX - kept : 0;
    (void)json_feed(&r->body, bytes, n < room ? n : room);
    return total > ERROR_BODY_SWALLOWED_MAX ? SINK_STOP : SINK_TAKEN;
  }
  if (!r->operation->has_body) return SINK_TAKEN;
  if (r->max_bytes > 0 && total > r->max_bytes) {
    r->too_large = true;
    return SINK_STOP;
  }
  if (r->operation->streams && json_full(&r->body)) return SINK_FULL;
  if (!json_feed(&r->body, bytes, n)) {
    r->too_large = true;
    return SINK_STOP;
  }
  if (r->operation->streams) request_tell(r);
  return SINK_TAKEN;
}

void request_consumed(request *r) {
  if (r->state == REQUEST_ACTIVE && r->transfer.paused && !json_full(&r->body)) {
    r->attempt_progress = r->session->attended;
    transport_resume(&r->transfer);
  }
}

/* ---- the end of a request --------------------------------------------------------------------------------------- */

void request_settle(request *r, request_state state) {
  request_move(r, SESSION_SETTLED, state);
  if (state == REQUEST_DONE) retry_budget_return(&r->session->budget);
  if (state == REQUEST_FAILED) r->session->stats.failures++;
  request_tell(r);
}

bool request_is_delete(const request *r) { return r->operation->kind != RETRY_READ; }

void request_fill_error(request *r, error_kind kind) {
  error_info *e = &r->error;
  error_init(e, kind, r->operation->name);
  memcpy(e->process_id, r->process_id, sizeof e->process_id);
  memcpy(e->request_id, r->transfer.request_id, sizeof e->request_id);
  transport_hide_key(r->session->net, e->request_id);
  e->http_status = r->transfer.http_status;
  e->attempts = r->attempts;
  /* Which of the two a person has to know of: a DELETE that may have happened, and a call that surely did not. */
  if (request_is_delete(r) && r->unknown && kind != ERROR_NOT_FOUND && kind != ERROR_CONFLICT)
    e->outcome = ERROR_OUTCOME_UNKNOWN;
  else if (!r->sent) e->outcome = ERROR_OUTCOME_UNSENT;
}

static void fail(request *r, error_kind kind, const char *message) {
  request_fill_error(r, kind);
  error_append(&r->error, message, strlen(message), ERROR_TEXT_MAX);
  request_settle(r, REQUEST_FAILED);
}

/* ---- beginning and moving on ------------------------------------------------------------------------------------- */

char *request_encode(char *out, const char *text, size_t n) {
  static const char hex[] = "0123456789ABCDEF";
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)text[i];
    if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~')
      *out++ = (char)c;
    else {
      *out++ = '%';
      *out++ = hex[c >> 4];
      *out++ = hex[c & 15];
    }
  }
  *out = '\0';
  return out;
}

static char *make_url(const session *s, const char *process_id, const char *query) {
  size_t size =
      strlen(s->base_url) + sizeof "/status/" + (process_id ? strlen(process_id) : 0) + (query ? strlen(query) + 1 : 0);
  char *url = malloc(size);
  if (url)
    (void)snprintf(url, size, "%s/status%s%s%s%s", s->base_url, process_id ? "/" : "", process_id ? process_id : "",
                   query && query[0] ? "?" : "", query ? query : "");
  return url;
}

bool request_begin(request *r, session *s, const request_operation *operation, const char *process_id,
                   const char *query, uint64_t max_bytes) {
  json_init(&r->body);
  r->operation = operation;
  r->max_bytes = max_bytes;
  r->url = make_url(s, process_id, query);
  if (!r->url) return false;
  if (process_id) (void)snprintf(r->process_id, sizeof r->process_id, "%s", process_id);
  error_init(&r->error, ERROR_NONE, operation->name);
  r->begun = transport_now();
  r->deadline = r->begun + s->limits.timeout;
  r->session = s;
  r->id = ++s->last_id;
  r->state = REQUEST_QUEUED;
  link_request(r, SESSION_QUEUED);
  s->stats.calls++;
  return true;
}

static bool has_settled(const request *r) { return r->state == REQUEST_DONE || r->state == REQUEST_FAILED; }

void request_free(request *r) {
  if (r->session) {
    transport_cancel(&r->transfer);
    forget_news(r);
    unlink_request(r);
    r->session = NULL;
    if (!has_settled(r)) { /* whoever still holds it must not wait for it */
      error_init(&r->error, ERROR_CLOSED, r->operation->name);
      error_message(&r->error, "the request was closed");
      r->state = REQUEST_FAILED;
    }
  }
  json_free(&r->body);
  free(r->url);
  r->url = NULL;
}

void request_cancel(request *r, error_kind kind, const char *message) {
  retry_attempt a;
  if (!r->session || has_settled(r)) return;
  a = (retry_attempt){r->operation->kind, RETRY_LOST, r->transfer.http_status, r->transfer.sends > 0, r->unknown};
  if (r->state == REQUEST_ACTIVE || r->state == REQUEST_BODY) {
    transport_cancel(&r->transfer);
    if (request_is_delete(r) && retry_judge(&a) == RETRY_VERDICT_DONE) { /* the 2xx is there already */
      request_settle(r, REQUEST_DONE);
      return;
    }
    r->sent = r->sent || a.sent;
    r->unknown = r->unknown || retry_is_unknown(&a);
  }
  r->transfer.http_status = 0;
  fail(r, kind, message);
}

void request_close_all(session *s) {
  for (int i = 0; i < SESSION_LISTS; i++)
    while (s->lists[i].head) {
      request *r = s->lists[i].head;
      if (!has_settled(r)) request_cancel(r, ERROR_CLOSED, "the client was closed");
      forget_news(r);
      unlink_request(r);
      r->session = NULL;
    }
}

bool request_launch(request *r) {
  session *s = r->session;
  json_reset(&r->body);
  r->too_large = r->spared = false;
  r->attempts++;
  s->stats.attempts++;
  r->attempt_begun = r->attempt_progress = s->attended;
  r->transfer.method = r->operation->method;
  r->transfer.url = r->url;
  r->transfer.sink = take_bytes;
  r->transfer.context = r;
  request_move(r, SESSION_ACTIVE, REQUEST_ACTIVE);
  if (transport_start(s->net, &r->transfer)) {
    request_emit(r, "request", NULL, 0);
    return true;
  }
  fail(r, ERROR_TOO_LARGE, "not enough memory for another request");
  return false;
}

void request_set_timeout(request *r, double seconds) {
  r->deadline = r->begun + seconds;
  if (r->deadline < r->session->first_deadline) r->session->first_deadline = r->deadline;
}

void request_late(request *r) { fail(r, ERROR_TIMEOUT, "the time of the call was over before it could be sent"); }

void request_held(request *r, double delay) {
  r->transfer.http_status = 0; /* of an earlier attempt */
  fail(r, ERROR_RATE_LIMITED,
       "the next request may not be sent within the time of the call: the server has limited the rate, or max_rate "
       "does");
  r->error.retry_after = delay;
}
