#include "retry.h"

/* ---- verdicts --------------------------------------------------------------------------------------------------- */

static bool is_success(int http_status) { return http_status >= 200 && http_status < 300; }

/* Whether the server, or one before it, may do better next time. 425 (RFC 8470) asks for just that. */
static bool is_passing_status(int http_status) {
  switch (http_status) {
  case 408:
  case 425:
  case 429:
  case 500:
  case 502:
  case 503:
  case 504: return true;
  default: return false;
  }
}

static bool is_passing_fault(retry_fault fault) {
  return fault == RETRY_RESOLVE || fault == RETRY_CONNECT || fault == RETRY_TIMED_OUT || fault == RETRY_LOST;
}

/* A status line that was seen counts, whatever broke behind it: the body of an error changes nothing. */
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

/* 408 comes from a server that may have read the request; 425 from one that surely did not act on it. Above 599 counts
** as 5xx (RFC 9110 15). */
bool retry_is_unknown(const retry_attempt *a) {
  if (a->operation == RETRY_READ || !a->sent || is_success(a->http_status)) return false;
  return a->http_status < 200 || a->http_status == 408 || a->http_status >= 500;
}

/* ---- delays ----------------------------------------------------------------------------------------------------- */

double retry_backoff(unsigned n, double base, double cap, double random) {
  double most = base;
  if (!(base > 0)) return 0;
  while (n-- > 0 && most < cap) most *= 2; /* ends soon: a double has few doublings */
  return random * (most < cap ? most : cap);
}

/* ---- the budget ------------------------------------------------------------------------------------------------- */

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

/* ---- the pacer --------------------------------------------------------------------------------------------------- */

void retry_pacer_init(retry_pacer *p, double max_rate) {
  *p = (retry_pacer){0};
  p->max_rate = max_rate > 0 ? max_rate : 0;
  p->last_cut = -1;
}

double retry_pacer_delay(const retry_pacer *p, double now) { return p->next > now ? p->next - now : 0; }

static double limit_of(const retry_pacer *p) { return p->rate > 0 ? p->rate : p->max_rate; }

void retry_pacer_sent(retry_pacer *p, double now) {
  double limit = limit_of(p);
  if (now - p->window_start >= 1) {
    p->measured = p->window_count / (now - p->window_start);
    p->window_start = now;
    p->window_count = 0;
  }
  p->window_count++;
  if (limit > 0) p->next = now + 1 / limit;
}

void retry_pacer_limited(retry_pacer *p, double now, double retry_after) {
  double used = p->window_count > p->measured ? p->window_count : p->measured;
  if (retry_after > 0 && p->next < now + retry_after) p->next = now + retry_after;
  if (p->rate > 0 && now < p->last_cut + 1) return;
  p->last_cut = now;
  p->rate = (p->rate > 0 && p->rate < used ? p->rate : used) / 2;
  if (p->rate < 0.25) p->rate = 0.25;
  if (p->next < now + 1 / p->rate) p->next = now + 1 / p->rate;
}

void retry_pacer_succeeded(retry_pacer *p, double now) {
  (void)now;
  if (p->rate <= 0) return;
  p->rate += 0.5;
  if (p->rate > 8 * p->measured || (p->max_rate > 0 && p->rate >= p->max_rate)) p->rate = 0;
}
