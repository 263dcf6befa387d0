#include "retry.h"

/* ---- verdicts -------------------------------------------------------------------------------- */

static bool is_success(int http_status) { return http_status >= 200 && http_status < 300; }

/* Whether the server, or a balancer before it, may succeed next time. 425 (RFC 8470) asks for a
** retry. */
static bool is_passing_status(int http_status) {
  switch (http_status) {
  case 408:
  case 425:
  case 429:
  case 500:
  case 502:
  case 503:
  case 504: return true;
  /* a balancer that did not reach its server */
  default: return http_status >= 520 && http_status <= 524;
  }
}

static bool is_passing_fault(retry_fault fault) {
  return fault == RETRY_RESOLVE || fault == RETRY_CONNECT || fault == RETRY_TIMED_OUT || fault == RETRY_LOST;
}

/* A status line counts, whatever broke after it: the body of an error changes nothing. */
static retry_verdict judge_refusal(const retry_attempt *a) {
  if (a->operation == RETRY_DELETE_ONE && a->http_status == 404 && a->earlier_unknown) return RETRY_VERDICT_GONE;
  if (a->operation == RETRY_DELETE_ALL && a->http_status != 429) return RETRY_VERDICT_FAIL;
  return is_passing_status(a->http_status) ? RETRY_VERDICT_AGAIN : RETRY_VERDICT_FAIL;
}

retry_verdict retry_judge(const retry_attempt *a) {
  if (a->http_status >= 300) return judge_refusal(a);
  if (is_success(a->http_status) && (a->operation != RETRY_READ || a->fault == RETRY_ANSWERED))
    return RETRY_VERDICT_DONE;
  if (!is_passing_fault(a->fault)) return RETRY_VERDICT_FAIL;
  return a->operation == RETRY_DELETE_ALL && a->sent ? RETRY_VERDICT_FAIL : RETRY_VERDICT_AGAIN;
}

/* 408 comes from a server that may have read the request; 425 from one that certainly did not act
** on it. Above 599 counts as 5xx (RFC 9110 15). */
bool retry_is_unknown(const retry_attempt *a) {
  if (a->operation == RETRY_READ || !a->sent || is_success(a->http_status)) return false;
  return a->http_status < 200 || a->http_status == 408 || a->http_status >= 500;
}

/* ---- delays ---------------------------------------------------------------------------------- */

double retry_backoff(unsigned n, double base, double cap, double random) {
  double most = base;
  if (!(base > 0)) return 0;
  while (n-- > 0 && most < cap) most *= 2; /* ends soon: a double has few doublings */
  return random * (most < cap ? most : cap);
}

/* ---- the budget ------------------------------------------------------------------------------ */

void retry_budget_init(retry_budget *b) { b->tokens = RETRY_BUDGET_FULL; }

bool retry_budget_take(retry_budget *b, bool after_timeout) {
  int cost = after_timeout ? RETRY_COST_TIMEOUT : RETRY_COST;
  if (b->tokens < cost) return false;
  b->tokens -= cost;
  return true;
}

void retry_budget_return(retry_budget *b) {
  b->tokens += RETRY_RETURN;
  if (b->tokens > RETRY_BUDGET_FULL) b->tokens = RETRY_BUDGET_FULL;
}

/* ---- the pacer ------------------------------------------------------------------------------- */

/* in flight at once to an unknown server */
static const double window_first = 16;
/* per success while sends fill the window: 100 after 224 of them */
static const double window_growth = 0.375;
static const double window_most = 1024;
static const double rate_least = 0.25;
/* before the first cut: one request is not a rate, its retry waits a second */
static const double used_least = 2;
/* per success: after one cut the limit may be far above what was measured */
static const double growth_first = 2;
static const double growth_later = 0.5; /* the limit was met twice and is near */
/* times what is used; while the rate is the brake it grows by less in a second */
static const double far_above = 8;

void retry_pacer_init(retry_pacer *p, double max_rate) {
  *p = (retry_pacer){0};
  p->max_rate = max_rate > 0 ? max_rate : 0;
  p->window = window_first;
}

unsigned retry_pacer_window(const retry_pacer *p) { return (unsigned)p->window; }

/* 0: none. */
static double limit_of(const retry_pacer *p) {
  return p->rate > 0 && (p->max_rate <= 0 || p->rate < p->max_rate) ? p->rate : p->max_rate;
}

/* Returns the seconds by which a request may be ahead of `next`: one less than the bucket holds. */
static double slack_of(const retry_pacer *p) {
  double limit = limit_of(p);
  double burst = p->rate > 0 && limit < p->max_rate ? RETRY_BURST_LEARNED : RETRY_BURST;
  if (p->max_rate <= 0) burst = RETRY_BURST_LEARNED;
  return limit * burst > 1 ? burst - 1 / limit : 0;
}

double retry_pacer_delay(const retry_pacer *p, double now) {
  double time = limit_of(p) > 0 ? p->next - slack_of(p) : 0;
  if (time < p->hold) time = p->hold;
  return time > now ? time - now : 0;
}

/* Returns the requests sent in the last full second, or already in this one: a burst of
** milliseconds is not a rate. */
static double used_rate(const retry_pacer *p) { return p->second_count > p->measured ? p->second_count : p->measured; }

void retry_pacer_sent(retry_pacer *p, double now, unsigned in_flight) {
  double limit = limit_of(p);
  if (now - p->second_start >= 1) {
    p->measured = p->second_count / (now - p->second_start);
    p->second_start = now;
    p->second_count = 0;
  }
  p->second_count++;
  p->full = in_flight + 1 > p->window;
  if (limit > 0) p->next = (p->next > now ? p->next : now) + 1 / limit;
}

/* Restarts the count after the hold: its silence does not measure the use. */
static void hold_until(retry_pacer *p, double time) {
  if (p->hold >= time) return;
  p->measured = used_rate(p);
  p->second_count = 0;
  p->second_start = p->hold = time;
  if (p->next < time) p->next = time;
}

bool retry_pacer_limited(retry_pacer *p, double now, double sent, double retry_after) {
  bool is_news = p->rate <= 0 || sent > p->cut;
  if (is_news) {
    double used = used_rate(p);
    if (p->rate <= 0 && used < used_least) used = used_least;
    p->growth = p->rate > 0 ? growth_later : growth_first;
    p->rate = (p->rate > 0 && p->rate < used ? p->rate : used) / 2;
    if (p->rate < rate_least) p->rate = rate_least;
    p->cut = now;
    hold_until(p, now + 1 / limit_of(p));
  }
  hold_until(p, now + retry_after); /* a negative one is in the past */
  return is_news;
}

void retry_pacer_succeeded(retry_pacer *p, double sent) {
  if (p->full && p->window < window_most) p->window += window_growth;
  if (p->rate <= 0 || sent <= p->cut) return;
  p->rate += p->growth;
  if (p->rate >= far_above * used_rate(p) || (p->max_rate > 0 && p->rate >= p->max_rate)) p->rate = 0;
}
