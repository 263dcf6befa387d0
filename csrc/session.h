/*
** session: what all requests of one client share: the transport, the limits, the queues, the retry
** budget, the gate, the counters, the events. Owns the transport. Of a request it knows only the
** links. No function here touches Lua.
*/
#ifndef TOPAZ_SESSION_H
#define TOPAZ_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"
#include "retry.h"
#include "transport/transport.h"

/* All limits of a client in one place; times in seconds. */
typedef struct {
  unsigned max_retries;     /* per call, after the first attempt */
  double retry_base;        /* first back-off is random in [0, retry_base] */
  double retry_cap;         /* no back-off above it */
  double retry_after_max;   /* a longer Retry-After fails the call at once */
  double connect_timeout;   /* from the start of connecting until the request can be sent */
  double attempt_timeout;   /* one attempt, after it was sent; for lists: without progress */
  double timeout;           /* the whole call */
  uint64_t max_bytes;       /* of one response after decompression */
  unsigned max_connections; /* requests in flight over HTTP/1.1 */
} session_limits;

enum {
  SESSION_TIMEOUT_MAX = 86400, /* seconds of one call that a caller may ask for */
  /* lost connections that are remembered */
  SESSION_PAID_MAX = 16,
  /* undelivered events; more are dropped and counted */
  SESSION_EVENTS_MAX = 65536,
  SESSION_ERROR_BODY_MAX = 16384,           /* bytes of an error body that are kept */
  SESSION_RECORD_BODY_MAX = 4 * 1024 * 1024 /* bytes of a response that holds one record */
};

typedef struct {
  const char *type, *operation, *reason; /* static strings; reason may be NULL */
  char process_id[40];
  char request_id[128]; /* of the response; "": none */
  unsigned long long call;
  unsigned attempt;
  int http_status;
  double seconds, delay;
  double time, clock; /* set by session_emit: Unix time of this machine; monotonic */
  uint64_t bytes;
} session_event;

typedef struct {
  uint64_t calls, attempts, retries, throttled, failures, bytes, events_dropped;
} session_stats;

struct request;
typedef struct {
  struct request *head, *tail;
  unsigned count;
} request_list;

/* Where a live request is linked: each in exactly one list. */
enum { SESSION_QUEUED, SESSION_DELAYED, SESSION_ACTIVE, SESSION_BODY, SESSION_SETTLED, SESSION_LISTS };

typedef struct session {
  transport *net;
  char *base_url;
  session_limits limits;
  retry_budget budget;
  gate gate;
  request_list lists[SESSION_LISTS];
  /* malloc'ed heap of the queued and delayed requests; index 0 is due first */
  struct request **timer;
  size_t timer_count, timer_capacity; /* always has room for every unsettled request */
  request_list ready;                 /* requests with news, linked by their own pointers */
  /* malloc'ed: ids of requests that were freed while they had waiters */
  unsigned long long *gone;
  size_t gone_count, gone_capacity, waited; /* always has room for all `waited` ones */
  /* a ring of lost connections whose retries the budget has paid for */
  unsigned paid[SESSION_PAID_MAX];
  unsigned paid_next;
  transfer *spare;    /* transfers not in use, linked by `next` */
  double active_time; /* a clock that runs only while the session is stepped */
  double last_step;
  double until; /* monotonic time at which the budget of the last step ends; HUGE_VAL: no budget */
  double skew;  /* server's clock minus ours, by the Date of the last success */
  bool has_skew;
  uint64_t random;
  unsigned long long last_id;
  bool want_events;
  session_event *events; /* malloc'ed ring */
  unsigned event_first, event_count, event_capacity;
  session_stats stats;
#ifdef TOPAZ_DEBUG
  unsigned unchecked; /* calls of request_check since the last full check */
#endif
  unsigned long long process; /* the process that opened the session */
  bool open;
} session;

/* Opens a zeroed session. false: `*why` says what failed; session_close may still be called. */
bool session_open(session *s, const char *base_url, const session_limits *limits, double max_rate,
                  const transport_options *options, const char **why);
/* Ends the transport and frees what the session owns. All requests must be unlinked before. May be
** called twice. */
void session_close(session *s);
/* Whether this process is a child that inherited the session by fork. */
bool session_is_inherited(const session *s);
/* Returns a number in [0, 1). */
double session_random(session *s);
/* Learns the server's clock from the Date of a success (RFC 9110 §6.6.1), once, as soon as the
** header is there: a list may be filtered by age while it arrives. "": not there yet. */
void session_note_clock(session *s, const char *date, bool *noted);
/* Returns the server's clock in Unix seconds; this machine's, as long as the server's is not
** known. */
double session_server_time(const session *s);
/* Returns how many requests are under way. */
unsigned session_pending(const session *s);
/* Returns the same, plus those whose body waits for its owner. */
unsigned session_unsettled(const session *s);
/* Adds an event if events are wanted. */
void session_emit(session *s, const session_event *e);
/* Removes the oldest event and copies it to `out`; false: there was none. */
bool session_take_event(session *s, session_event *out);

/* Makes room for n elements of `size` bytes in a malloc'ed array (or NULL). False: out of
** memory. */
bool session_reserve(void *array, size_t *capacity, size_t n, size_t size);

#endif
