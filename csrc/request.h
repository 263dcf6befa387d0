/*
** request: one API call from method and path to outcome: attempts, back-off, deadlines.
**
** A request is plain C that its owner (a userdata) embeds. It is begun, and from then on request_step moves it along:
**
**   QUEUED -> ACTIVE -> BODY   a success whose body the owner now decodes; then request_body_done or
**                               request_body_failed
**                    -> DONE   a success without a body to decode
**                    -> DELAYED (back-off) -> QUEUED
**                    -> FAILED `error` says why
**
** Only a complete JSON document makes a read a success, and only the owner can tell, since decoding builds Lua values:
** so a BODY may still go back to DELAYED. No function here touches Lua.
*/
#ifndef TOPAZ_REQUEST_H
#define TOPAZ_REQUEST_H

#include "error.h"
#include "json.h"
#include "session.h"
#include "transport.h"

typedef struct {
  const char *name; /* as in err.operation */
  const char *method;
  retry_operation kind;
  bool streams;  /* a list: the body is decoded as it comes, and only silence ends an attempt */
  bool has_body; /* a success carries a body to decode */
} request_operation;

extern const request_operation REQUEST_GET_STATUS, REQUEST_GET_PAGE, REQUEST_STATUSES, REQUEST_DELETE_STATUS,
    REQUEST_DELETE_ALL;

typedef enum {
  REQUEST_NEW,
  REQUEST_QUEUED,
  REQUEST_DELAYED,
  REQUEST_ACTIVE,
  REQUEST_BODY,
  REQUEST_DONE,
  REQUEST_FAILED
} request_state;

typedef struct request request;
struct request {
  session *session; /* NULL: not begun, or its client is closed */
  request *prev, *next;
  int list; /* SESSION_QUEUED and so on */
  request *ready_next;
  bool is_ready;
  unsigned long long id;
  const request_operation *operation;
  char process_id[40];
  char *url; /* malloc'ed, owned */
  request_state state;
  unsigned attempts; /* sends that went out, and attempts that failed before that */
  bool sent;         /* an attempt surely went out */
  bool unknown;      /* an attempt was sent and its outcome is not known */
  bool already_gone; /* DONE: a DELETE that met 404 after an unknown outcome */
  bool too_large;
  bool spared;         /* met a 429 of a round that was paid for: its retry does not draw on the budget */
  const char *refused; /* FAILED: why there was no other attempt; a static text or NULL */
  uint64_t max_bytes;
  double begun, deadline;  /* monotonic */
  double not_before;       /* DELAYED: until then */
  double attempt_begun;    /* on the session's attended clock */
  double attempt_progress; /* likewise */
  transfer transfer;
  json_reader body;
  error_info error;
};

/* Zeroed memory becomes a request; false: no memory. `query` NULL, "" or "a=b&c=d", already encoded. max_bytes 0: no bound.
** Owner calls request_free in the end, whatever happened. */
bool request_begin(request *r, session *s, const request_operation *operation, const char *process_id,
                   const char *query, uint64_t max_bytes);
/* Another time for the whole call than the session's, counted from its beginning. */
void request_set_timeout(request *r, double seconds);
/* Ends it if it still runs, without a result, and frees what it owns. Twice is fine. */
void request_free(request *r);
/* Ends it with an error of this kind; does nothing when it has settled. */
void request_cancel(request *r, error_kind kind, const char *message);

/* Whether a 2xx status line is there, so that bytes in `body` are of the answer asked for. */
bool request_has_answer(const request *r);
/* The owner took bytes out of `body`: a paused transfer goes on when there is room. */
void request_consumed(request *r);
/* The document was complete and right. */
void request_body_done(request *r);
/* It was not: RETRY_LOST, ended too early (may be sent again), RETRY_PROTOCOL, wrong, or RETRY_TOO_LARGE. A DELETE is
** done all the same. */
void request_body_failed(request *r, retry_fault fault, const char *message);

/* Advances all requests of the session, waiting at most `timeout` seconds for something to happen. */
void request_step(session *s, double timeout);
/* Sends what may be sent, and does nothing else. */
void request_send(session *s);
/* Seconds until request_step has something to do by itself; negative: only when bytes come. */
double request_timeout(const session *s);
/* The next request with news (bytes to decode, or settled); NULL: none. */
request *request_next_ready(session *s);
/* Fails all requests with `closed` and unlinks them, so that the session can go away. */
void request_close_all(session *s);

/* Appends text percent-encoded (RFC 3986 2.3: all but unreserved); returns the end. `out` has 3 * n + 1 bytes left. */
char *request_encode(char *out, const char *text, size_t n);

#endif
