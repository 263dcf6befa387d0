/*
** retry: pure policy. What may be sent again, after how long, how fast; Retry-After and HTTP dates.
** No clock, no socket, no Lua, no global: every answer depends on the arguments alone. Times are seconds.
*/
#ifndef TOPAZ_RETRY_H
#define TOPAZ_RETRY_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { RETRY_READ, RETRY_DELETE_ONE, RETRY_DELETE_ALL } retry_operation;

/* How an attempt ended below HTTP. */
typedef enum {
  RETRY_ANSWERED,  /* a final status line and a whole response */
  RETRY_RESOLVE,   /* the name does not resolve */
  RETRY_CONNECT,   /* refused, unreachable */
  RETRY_TLS,       /* certificate or handshake refused */
  RETRY_TIMED_OUT, /* connect, attempt or idle limit */
  RETRY_LOST,      /* connection closed or reset; an incomplete body */
  RETRY_PROTOCOL,  /* not HTTP, or a body that is whole and wrong */
  RETRY_TOO_LARGE
} retry_fault;

typedef struct {
  retry_operation operation;
  retry_fault fault;
  int http_status;      /* 0: no final status line was seen */
  bool sent;            /* false: surely nothing was sent (the send count is 0) */
  bool earlier_unknown; /* an earlier attempt of this call was sent and its outcome is not known */
} retry_attempt;

typedef enum {
  RETRY_VERDICT_DONE,  /* success; for a DELETE also where the status line was 2xx and the rest broke */
  RETRY_VERDICT_GONE,  /* DELETE of one: 404 after an unknown outcome, so it is gone */
  RETRY_VERDICT_AGAIN, /* may be sent again */
  RETRY_VERDICT_FAIL
} retry_verdict;

/* The table of DESIGN §4. */
retry_verdict retry_judge(const retry_attempt *a);

/* Whether the request took effect is unknown after this attempt: only for a DELETE that was sent and got no verdict of
** the server's (no status line, 408, or 5xx). */
bool retry_is_unknown(const retry_attempt *a);

/* Full jitter: random in [0, min(cap, base * 2^n)], n = 0 for the first retry; `random` in [0, 1). */
double retry_backoff(unsigned n, double base, double cap, double random);

/*
** Retry-After (RFC 9110 10.2.3): delay-seconds as 1*DIGIT, or one of the three HTTP-date forms read against `date`, the
** response's own Date in Unix seconds (negative when it had none: then `now`, the wall clock). A past date is 0. White
** space around it is allowed. false: absent or garbage ("1.5", "-5", "12abc", "soon", a list, more digits than a double
** holds exactly, a year over 9999); *seconds is untouched.
*/
bool retry_after(const char *text, size_t n, double date, double now, double *seconds);

/* An HTTP-date in any of the three forms of RFC 9110 5.6.7, strictly, but for a weekday that is not the right one; Unix
** seconds. `now` places a two-digit year. false: *seconds is untouched. */
bool retry_http_date(const char *text, size_t n, double now, double *seconds);

/* The budget (DESIGN §4): 100 tokens, a retry costs 5, after a timeout 10, a success returns 1. */
enum { RETRY_BUDGET_FULL = 100, RETRY_COST = 5, RETRY_COST_TIMEOUT = 10, RETRY_RETURN = 1 };
typedef struct {
  int tokens;
} retry_budget;
void retry_budget_init(retry_budget *b);
bool retry_budget_take(retry_budget *b, bool after_timeout); /* false: not enough, nothing taken */
void retry_budget_return(retry_budget *b);

/*
** The pacer keeps a whole client within what the server takes: by the rate, and by how many requests are in flight.
**
** Without a 429 and without a ceiling it never delays. What it always does is to widen the number in flight step by
** step, since a limit is met by everything that is in flight. A 429 halves the rate (from what was really sent of late)
** once per round: not again for requests that had been sent before the cut. A Retry-After holds everything until then.
** Successes let the rate grow back; once it is far above what is used, or reaches the ceiling, the brake is off again.
*/
typedef struct {
  double max_rate;               /* requests per second; 0: none */
  double rate;                   /* the limit that 429s have taught; 0: the brake is off */
  double growth;                 /* what a success adds to the rate */
  double next;                   /* no request before this time */
  double cut;                    /* when the rate was last halved */
  double window;                 /* requests in flight */
  bool full;                     /* the last send left no room; so widened by all answers that come before the next */
  double second_start, measured; /* what was really sent, per second */
  unsigned second_count;
} retry_pacer;
void retry_pacer_init(retry_pacer *p, double max_rate);
double retry_pacer_delay(const retry_pacer *p, double now); /* 0: may be sent now, if the window has room */
unsigned retry_pacer_window(const retry_pacer *p);          /* requests in flight at most, 1 or more */
/* `in_flight` counts this one. */
void retry_pacer_sent(retry_pacer *p, double now, unsigned in_flight);
/* A 429 to a request sent at `sent`; retry_after < 0: none given. true: it is news and cut the rate, so its retry draws
** on the budget; false: one more of a round that was paid for. */
bool retry_pacer_limited(retry_pacer *p, double now, double sent, double retry_after);
/* A 2xx to a request sent at `sent`. */
void retry_pacer_succeeded(retry_pacer *p, double sent);

#endif
