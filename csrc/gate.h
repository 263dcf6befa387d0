/*
** gate: decides which requests may be sent now. It counts nothing itself: the session passes the
** number of requests in flight.
**
** A request may be sent when all of these allow it: the protocol (streams while an HTTP/2
** connection is open and the last response came over HTTP/2, else connections), the window of
** requests in flight, the rate (max_rate, and the limit learned from 429s), and a hold by
** Retry-After. After a hold one request probes; the others follow when the probe was answered.
**
** What a server says of its limit in each response (a retry_quota) is a hint: when no request is
** left, requests wait for the window's end, and then one probes. The hint delays none that the
** server still allows. It fails none either: a request that cannot wait is sent. A hint that turns
** out wrong is not followed again until a 429 comes. No clock, no socket, no Lua.
*/
#ifndef TOPAZ_GATE_H
#define TOPAZ_GATE_H

#include <stdbool.h>

#include "retry.h"

enum { GATE_STREAMS_MAX = 100 }; /* requests in flight once the server speaks HTTP/2 */

typedef struct {
  retry_pacer pacer;
  unsigned max_connections;
  double hold_most; /* seconds; a longer Retry-After holds no longer than this */
  /* until this time requests are sent one at a time, unless a response comes: a new connection has
  ** to announce how many streams it allows */
  double crowded;
  double probe_from; /* a hold ends then; meaningful while `probing` */
  bool multiplexed;  /* the last response came over HTTP/2 */
  bool probing;      /* one request at a time until one sent after the hold was answered */

  /* The quota: what is left until its window ends. */
  double quota_end;      /* 0: not known */
  double quota_left;     /* as the server said, less the requests sent since */
  double quota_sent;     /* when the request was sent whose response said it */
  double quota_noted;    /* when that response was noted */
  double quota_forced;   /* when a request was sent though none was left; 0: never in this window */
  unsigned quota_others; /* in flight since then: the server may have counted them, or not */
  bool quota_told;       /* that requests wait for the window's end */
  bool quota_doubted;    /* the server said that none was left, and gave a success */
} gate;

void gate_init(gate *g, unsigned max_connections, double max_rate, double hold_most);

/* Whether the number of requests in flight leaves room for another one. `http2`: an HTTP/2
** connection is open. */
bool gate_has_room(const gate *g, unsigned in_flight, bool http2, double now);
/* Returns the seconds until the rate allows the next request; 0: now. */
double gate_delay(const gate *g, double now);
/* Returns the seconds until the server's quota allows the next request; 0: now. A request with less
** time than that may be sent all the same. */
double gate_quota_delay(const gate *g, double now);
/* Returns the longer one of the two. */
double gate_pause(const gate *g, double now);
/* Sends requests one at a time until then, or until a request that is in flight has ended. */
void gate_wait(gate *g, double until);
/* Returns the seconds for which gate_wait still holds. */
double gate_wait_left(const gate *g, double now);
/* Records that a request in flight has ended, with any outcome. */
void gate_ended(gate *g);
/* Records that a request was sent; `in_flight` counts it. */
void gate_sent(gate *g, double now, unsigned in_flight);
/* Records that the request recorded as sent at `sent` never left: the server did not count it. */
void gate_unsent(gate *g, double sent);

/* Records what a response said of the quota; NULL: nothing. To be called before gate_answered.
** `others`: requests in flight without this one. True: a wait for the window's end begins. */
bool gate_note_quota(gate *g, int http_status, double sent, double now, const retry_quota *quota, unsigned others);
/* Records a response to a request sent at `sent`. http_version 20: HTTP/2; 0: do not learn from
** it. `retry_after` < 0: none given. False: a 429 of a round whose first 429 has cut the rate
** already. */
bool gate_answered(gate *g, int http_status, int http_version, double sent, double now, double retry_after);

#endif
