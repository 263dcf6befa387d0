/*
** request: one API call from its operation to its outcome: attempts, back-off, deadlines.
**
** A request is a plain C struct that its owner (a userdata) embeds. After request_begin,
** request_step advances it:
**
**   QUEUED -> ACTIVE -> BODY   a success; the owner decodes its body, then calls
**                               request_body_done or request_body_failed
**                    -> DONE   a success without a body to decode
**                    -> DELAYED (back-off) -> QUEUED
**                    -> FAILED: see `error`
**
** A read is a success only if its JSON document is complete. A body that does not stream is checked
** for this before the state becomes BODY, so reading such a body never leads to another attempt. A
** streamed body is checked while its owner decodes it, and the request may go back to DELAYED.
**
** The owner may run Lua while it reads `body`, and Lua may call any function. While body.in_use is
** set, no function here feeds, resets or frees the body, or launches or expires the request. These
** actions wait for the next step.
** No function here touches Lua.
*/
#ifndef TOPAZ_REQUEST_H
#define TOPAZ_REQUEST_H

#include "error.h"
#include "session.h"
#include "transport/transport.h"
#include "json/json.h"

/* An operation of the API: see api.h. */
typedef struct {
  const char *name; /* as in err.operation */
  const char *method;
  const char *path; /* appended to the base URL; "{process_id}" stands for the request's */
  retry_operation kind;
  bool streams;  /* the owner decodes the body as it arrives */
  bool is_list;  /* an attempt is ended by silence, not by its duration */
  bool has_body; /* a success carries a body to decode */
} request_operation;

typedef enum {
  REQUEST_NEW,
  REQUEST_QUEUED,
  REQUEST_DELAYED,
  REQUEST_ACTIVE,
  REQUEST_BODY,
  REQUEST_DONE,
  REQUEST_FAILED
} request_state;

/* The phase of an attempt. */
typedef enum {
  REQUEST_WAITING,    /* for its turn, inside libcurl */
  REQUEST_CONNECTING, /* or resolving */
  REQUEST_SENT        /* and its event was emitted */
} request_phase;

/* One attempt. Each attempt starts with a new one of these. */
typedef struct {
  transfer *transfer; /* NULL: it has ended */
  request_phase phase;
  double phase_begun;   /* by the session's active_time */
  double progress;      /* likewise: when bytes last came, or the phase began */
  bool knows_clock;     /* the response's Date has been noted */
  bool ended_meanwhile; /* the transfer has ended while body.in_use; a later step judges it */

  /* Set when the transfer ends or is given back. */
  int http_status;    /* 0: none was seen */
  bool sent;          /* the request was sent */
  bool garbled;       /* the bytes after the decoded body are wrong */
  bool budget_exempt; /* its retry is free: the budget has paid for this round of 429s */
} request_attempt;

typedef struct request request;
struct request {
  session *session; /* NULL: not begun, or the client is closed */
  const request_operation *operation;
  char *url; /* malloc'ed, owned; behind its end the caller's headers, if has_headers */
  char process_id[40];
  uint64_t max_bytes;
  unsigned long long id;
  request_state state;

  /* Its places in the session: request_queue.c. */
  request *prev, *next;
  request *ready_prev, *ready_next;
  size_t timer;  /* place in the session's heap, from 1 on; 0: not there */
  double due;    /* what the heap is ordered by */
  bool is_ready; /* it is in the list of requests with news */
  bool has_news; /* there is news since the owner last looked; the owner clears it */
  bool waited;   /* there may be a waiter for its id */

  double begun, deadline; /* monotonic; an infinite deadline: none */
  bool has_headers;       /* see request_headers */
  bool hard_limit;        /* the deadline holds even while bytes flow */
  bool streams;           /* set by the operation, or because the owner waits for the bytes */

  /* The result of the attempts so far. */
  request_attempt attempt; /* the last one */
  unsigned attempts;       /* attempts that were sent, or failed before that */
  unsigned unfit;          /* attempts in a row whose connection was unusable */
  error_outcome outcome;   /* of all attempts; unsent: certainly none was sent */
  bool already_gone;       /* DONE: a DELETE that met 404 after an unknown outcome */
  const char *refused;     /* FAILED: why it was not retried; a static text or NULL */
  json_reader body;
  error_info error; /* before a failure: only request_id, of the last response that had one */

  /* What the next attempt does otherwise than the first. */
  bool fresh;       /* it takes a new connection */
  bool http1;       /* it uses HTTP/1.1; once set, it stays set */
  bool after_loss;  /* it follows an attempt that lost its connection or timed out */
  bool resend_used; /* it has no free retry left: a call has one, after a closed connection */
};

/* Makes a request of zeroed memory; false: out of memory. `query`: "" or "a=b&c=d", already
** encoded. `headers`: of the caller, as of transport.h, or NULL. max_bytes 0: no limit. The owner
** must call request_free in the end, after a failure too. */
bool request_begin(request *r, session *s, const request_operation *operation, const char *process_id,
                   const char *query, const char *headers, uint64_t max_bytes);
/* Returns the caller's headers; NULL: none. */
const char *request_headers(const request *r);
/* Sets a timeout for the whole call other than the session's, counted from its beginning. This
** limit holds even while bytes arrive. */
void request_set_timeout(request *r, double seconds);
/* Removes the deadline of a page that was requested ahead of its reader; request_restart_clock sets
** the deadline, counted from now. */
void request_stop_clock(request *r);
void request_restart_clock(request *r);
/* Ends the request if it still runs, without a result, and frees what it owns. Its waiters are told
** by the next step. May be called twice. The body must not be in use. */
void request_free(request *r);
/* Ends the request with an error of this kind; does nothing if it has settled. */
void request_cancel(request *r, error_kind kind, const char *message);
/* Notes that a waiter will wait for this id, so that request_free can tell the waiter. False: out
** of memory. */
bool request_await(request *r);
bool request_has_settled(const request *r);

/* Whether a 2xx status line was seen, so that `body` holds the requested response. */
bool request_has_response(const request *r);
/* Notes that the owner has consumed bytes of `body`, or has stopped using it. A paused transfer
** continues when there is room. */
void request_consumed(request *r);
/* Ends the request: the document was complete and valid. */
void request_body_done(request *r);
/* Handles a document that was not valid. RETRY_LOST: it ended too early, and may be requested
** again; RETRY_PROTOCOL: wrong; RETRY_TOO_LARGE. A DELETE is a success all the same. */
void request_body_failed(request *r, retry_fault fault, const char *message);

/* Advances all requests of the session. Waits at most `timeout` seconds for something to do, and
** works until the monotonic time `until`, which the session keeps, but does at least one action of
** each kind. True: the time was up, and more is left to do. */
bool request_step(session *s, double timeout, double until);
/* Sends the requests that may be sent, unless the budget of the step is used up, and does nothing
** else. */
void request_send(session *s);
/* Returns the seconds until request_step has something to do by itself; negative: only when bytes
** come. */
double request_timeout(const session *s);
/* Removes and returns the next request with news (bytes to decode, or settled); NULL: none. */
request *request_next_ready(session *s);
/* Fails all requests with `closed` and unlinks them, so that the session can be closed. */
void request_close_all(session *s);

#endif
