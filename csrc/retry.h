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
** The pacer spaces the requests of a whole client. Without a 429 and without a ceiling it never holds anything back. A 429
** halves the rate (from what was really sent of late), a Retry-After holds everything until then, successes let the rate grow back; once the
** rate is well above what is used, or reaches the ceiling, the brake is off again.
*/
typedef struct {
  double max_rate;               /* requests per second; 0: none */
  double rate;                   /* the present limit; 0: none */
  double next;                   /* no request before this time */
  double last_cut;               /* when the rate was last halved: one cut per round of answers, not one per answer */
  double window_start, measured; /* what was really sent, per second */
  unsigned window_count;
} retry_pacer;
void retry_pacer_init(retry_pacer *p, double max_rate);
double retry_pacer_delay(const retry_pacer *p, double now); /* 0: may be sent now */
void retry_pacer_sent(retry_pacer *p, double now);
void retry_pacer_limited(retry_pacer *p, double now, double retry_after); /* a 429; retry_after < 0: none given */
void retry_pacer_succeeded(retry_pacer *p, double now);

#endif
