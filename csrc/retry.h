/*
** retry: pure policy: what may be sent again, after how long, and how fast; Retry-After and HTTP
** dates. No clock, no socket, no Lua, no global: every result depends on the arguments alone. Times
** are seconds.
*/
#ifndef TOPAZ_RETRY_H
#define TOPAZ_RETRY_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { RETRY_READ, RETRY_DELETE_ONE, RETRY_DELETE_ALL } retry_operation;

/* How an attempt ended below HTTP. */
typedef enum {
  RETRY_ANSWERED,  /* a final status line and a complete response */
  RETRY_RESOLVE,   /* the name does not resolve */
  RETRY_CONNECT,   /* refused, unreachable */
  RETRY_TLS,       /* certificate or handshake refused */
  RETRY_TIMED_OUT, /* connect, attempt or idle limit */
  RETRY_LOST,      /* connection closed or reset; an incomplete body */
  RETRY_PROXY,     /* a proxy refused to connect, and will refuse again */
  RETRY_PROTOCOL,  /* not HTTP, or a complete body that is wrong */
  RETRY_TOO_LARGE
} retry_fault;

typedef struct {
  retry_operation operation;
  retry_fault fault;
  int http_status;      /* 0: no final status line was seen */
  bool sent;            /* false: certainly nothing was sent (the send count is 0) */
  bool earlier_unknown; /* an earlier attempt was sent, with unknown outcome */
} retry_attempt;

typedef enum {
  /* success; for a DELETE also a 2xx status line with a broken rest */
  RETRY_VERDICT_DONE,
  RETRY_VERDICT_GONE,  /* DELETE of one: 404 after an unknown outcome, so the status is gone */
  RETRY_VERDICT_AGAIN, /* may be sent again */
  RETRY_VERDICT_FAIL
} retry_verdict;

/* Returns the verdict on an attempt; README has the table ("What is sent again"). */
retry_verdict retry_judge(const retry_attempt *a);

/* Whether it is unknown if the request took effect. Only for a DELETE that was sent and got no
** verdict of the server (no status line, 408, or 5xx). */
bool retry_is_unknown(const retry_attempt *a);

/* Returns a delay with full jitter: random in [0, min(cap, base * 2^n)], n = 0 for the first retry;
** `random` in [0, 1). */
double retry_backoff(unsigned n, double base, double cap, double random);

/*
** Reads Retry-After (RFC 9110 10.2.3): delay-seconds as 1*DIGIT, or one of the three HTTP-date
** forms. A date is measured from `date`, the response's own Date in Unix seconds (negative: it had
** none; then from `now`, the server's clock as far as it is known). A past date is 0. White space
** around the text is allowed.
**
** Of several values, with commas between them (RFC 9110 5.3), the longest delay counts: balancers
** add their own, and none may be undercut. Garbage among them is skipped ("1.5", "-5", "12abc",
** "soon", more digits than a double holds exactly, a year over 9999).
** false: no value can be read; *seconds is unchanged.
*/
bool retry_after(const char *text, size_t n, double date, double now, double *seconds);

/* Reads an HTTP-date in any of the three forms of RFC 9110 5.6.7 as Unix seconds. Strict, except
** that a wrong weekday is accepted. `now` places a two-digit year. false: *seconds is unchanged. */
bool retry_http_date(const char *text, size_t n, double now, double *seconds);

/*
** What a server says of its limit before it refuses. It is a hint: values that make no sense (not
** plain digits, a limit of 0, a window of more than 31 days) are skipped.
*/
typedef struct {
  double left;  /* requests that it still allows, 0 or more */
  double limit; /* requests in a window; negative: not known */
  double reset; /* seconds until the window ends, 0 or more */
} retry_quota;
/* Reads RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10; a window `w` of
** the policy stands for a missing `t`), or RateLimit's older form (limit=100, remaining=50,
** reset=5). Of several limits the one that leaves least counts. "": the header is absent. false:
** nothing can be read; *out is unchanged. */
bool retry_quota_list(const char *list, const char *policy, retry_quota *out);
/* Reads RateLimit-Limit, -Remaining and -Reset, or X-RateLimit-… of the same names. The reset is
** in seconds, or a Unix time, which is measured from `now`, the server's clock. As
** retry_quota_list. */
bool retry_quota_fields(const char *limit, const char *remaining, const char *reset, double now, retry_quota *out);

/* The budget: 100 tokens; a retry costs 5, after a timeout 10; a success returns 1. */
enum { RETRY_BUDGET_FULL = 100, RETRY_COST = 5, RETRY_COST_TIMEOUT = 10, RETRY_RETURN = 1 };
typedef struct {
  int tokens;
} retry_budget;
void retry_budget_init(retry_budget *b);
/* Pays for a retry; false: not enough tokens, and none was removed. */
bool retry_budget_take(retry_budget *b, bool after_timeout);
void retry_budget_return(retry_budget *b);

/*
** The pacer keeps a client within the server's limits: by the rate, and by the number of requests
** in flight.
**
** Without a 429 and without max_rate the pacer never delays. It always widens the number in flight
** step by step, because all requests in flight may meet a limit together. A 429 halves the measured
** rate once per round: not again for requests sent before the cut. A Retry-After holds all requests
** until its end. Successes let the rate grow back; the limit is lifted when the rate is far above
** what is used, or reaches max_rate.
**
** The rate is kept by a bucket of tokens (as GCRA). Unused slots may be used at once, up to
** RETRY_BURST of the rate, so a caller that sends in steps reaches the rate too.
*/
#define RETRY_BURST 0.05         /* seconds of max_rate, but at least one request */
#define RETRY_BURST_LEARNED 0.02 /* seconds of the rate learned from 429s, likewise */
typedef struct {
  double max_rate; /* requests per second; 0: none */
  double rate;     /* the limit learned from 429s; 0: no limit */
  double growth;   /* what a success adds to the rate */
  double hold;     /* no request before this time */
  double next;     /* when the next request would be due at an even pace */
  double cut;      /* when the rate was last halved */
  double window;   /* requests in flight */
  /* the last send left no room: each response before the next send widens the window */
  bool full;
  double second_start, measured; /* the rate of sending, measured */
  unsigned second_count;
} retry_pacer;
void retry_pacer_init(retry_pacer *p, double max_rate);
/* Returns the seconds to wait; 0: send now, if the window has room. */
double retry_pacer_delay(const retry_pacer *p, double now);
/* Returns how many requests may be in flight, 1 or more. */
unsigned retry_pacer_window(const retry_pacer *p);
/* Records that a request was sent; `in_flight` counts it. */
void retry_pacer_sent(retry_pacer *p, double now, unsigned in_flight);
/* Records a 429 to a request sent at `sent`; retry_after < 0: none given. true: the 429 cut the
** rate, so its retry draws on the budget. false: it belongs to a round that was paid for. */
bool retry_pacer_limited(retry_pacer *p, double now, double sent, double retry_after);
/* Records a 2xx to a request sent at `sent`. */
void retry_pacer_succeeded(retry_pacer *p, double sent);

#endif
