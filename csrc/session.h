/*
** session: what all requests of one client share: the transport, the limits, the queue, the retry budget, the pacer,
** the counters, the events. It owns the transport and knows of a request only that it can be linked.
** No function here touches Lua.
*/
#ifndef TOPAZ_SESSION_H
#define TOPAZ_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "retry.h"
#include "transport.h"

/* All limits of a client in one place; times in seconds. */
typedef struct {
  unsigned max_retries;     /* per call, after the first attempt */
  double retry_base;        /* first back-off is random in [0, retry_base] */
  double retry_cap;         /* no back-off above it */
  double retry_after_max;   /* a longer Retry-After fails the call at once */
  double connect_timeout;   /* until the request can be sent */
  double attempt_timeout;   /* one attempt; for lists: without progress */
  double timeout;           /* the whole call */
  uint64_t max_bytes;       /* of one response after decompression */
  unsigned max_connections; /* requests at a time over HTTP/1.1 */
} session_limits;

enum {
  SESSION_STREAMS_MAX = 100,                /* requests at a time once the server speaks HTTP/2 */
  SESSION_EVENTS_MAX = 65536,               /* events waiting to be delivered; more are dropped and counted */
  SESSION_ERROR_BODY_MAX = 16384,           /* bytes of an error body that are kept */
  SESSION_RECORD_BODY_MAX = 4 * 1024 * 1024 /* bytes of a response that holds one record */
};

typedef struct {
  const char *type, *operation, *reason; /* static strings; reason may be NULL */
  char process_id[40];
  unsigned attempt;
  int http_status;
  double seconds, delay;
  uint64_t bytes;
} session_event;

typedef struct {
  uint64_t calls, attempts, retries, throttled, failures, bytes, events_dropped;
} session_stats;

struct request;
typedef struct {
  struct request *head, *tail;
} request_list;

/* Where a live request is linked: each in exactly one list. */
enum { SESSION_QUEUED, SESSION_DELAYED, SESSION_ACTIVE, SESSION_SETTLED, SESSION_LISTS };

typedef struct session {
  transport *net;
  char *base_url;
  session_limits limits;
  retry_budget budget;
  retry_pacer pacer;
  request_list lists[SESSION_LISTS];
  unsigned active;       /* length of the active list */
  double first_deadline; /* no queued request's deadline is earlier */
  unsigned unsettled;    /* length of all lists but the settled one */
  struct request *ready; /* requests with news for whoever waits for them */
  struct request **ready_tail;
  bool multiplexed; /* the server speaks HTTP/2 */
  double attended;  /* a clock that runs only while somebody steps the session */
  double last_step;
  double skew; /* server's clock minus ours, by the last Date */
  bool has_skew;
  uint64_t random;
  unsigned long long last_id;
  bool want_events;
  session_event *events; /* malloc'ed ring */
  unsigned event_first, event_count, event_capacity;
  session_stats stats;
  pid_t pid;
  bool open;
} session;

/* Fills a zeroed session. false: `*why` says what failed; session_close is then fine too. */
bool session_open(session *s, const char *base_url, const session_limits *limits, double max_rate,
                  const transport_options *options, const char **why);
/* Ends the transport and frees what the session owns; the requests must have been unlinked. Twice is fine. */
void session_close(session *s);
/* Whether this process is a child that inherited the session by fork. */
bool session_is_inherited(const session *s);
/* A number in [0, 1). */
double session_random(session *s);
/* How many requests are under way. */
unsigned session_pending(const session *s);
/* Adds an event if anybody wants events. */
void session_emit(session *s, const session_event *e);
/* Takes the oldest event; false: none. */
bool session_take_event(session *s, session_event *out);

#endif
