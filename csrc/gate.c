#include "gate.h"

void gate_init(gate *g, unsigned max_connections, double max_rate, double hold_most) {
  *g = (gate){.max_connections = max_connections, .hold_most = hold_most};
  retry_pacer_init(&g->pacer, max_rate);
}

static bool is_used_up(const gate *g) { return g->quota_end > 0 && g->quota_left < 1; }

/* Whether the responses to come must be awaited, to know whether the quota allows another one: the
** probe's, or those of requests that the server may not have counted. */
static bool awaits_quota(const gate *g, double now) {
  if (now >= g->quota_end) return is_used_up(g);
  return g->quota_left >= 1 && g->quota_left - g->quota_others < 1;
}

bool gate_has_room(const gate *g, unsigned in_flight, bool http2, double now) {
  unsigned most = g->multiplexed && http2 ? GATE_STREAMS_MAX : g->max_connections;
  unsigned window = retry_pacer_window(&g->pacer);
  if (in_flight == 0) return true;
  return g->crowded <= now && !g->probing && !awaits_quota(g, now) && in_flight < most && in_flight < window;
}

double gate_delay(const gate *g, double now) { return retry_pacer_delay(&g->pacer, now); }

double gate_quota_delay(const gate *g, double now) {
  return is_used_up(g) && g->quota_end > now ? g->quota_end - now : 0;
}

double gate_pause(const gate *g, double now) {
  double rate = gate_delay(g, now), quota = gate_quota_delay(g, now);
  return rate > quota ? rate : quota;
}

void gate_wait(gate *g, double until) { g->crowded = until; }

double gate_wait_left(const gate *g, double now) { return g->crowded > now ? g->crowded - now : 0; }

void gate_ended(gate *g) { g->crowded = 0; }

void gate_sent(gate *g, double now, unsigned in_flight) {
  retry_pacer_sent(&g->pacer, now, in_flight);
  if (now >= g->quota_end) return;
  if (is_used_up(g)) g->quota_forced = now;
  else g->quota_left--;
}

void gate_unsent(gate *g, double sent) {
  bool was_counted = sent < g->quota_end && !(g->quota_forced > 0 && sent >= g->quota_forced);
  if (sent <= g->quota_noted) g->quota_others -= g->quota_others > 0;
  else if (was_counted) g->quota_left++;
}

static bool is_success(int http_status) { return http_status >= 200 && http_status < 300; }

/* Whether a success shows that the server had more to give than it said. */
static bool is_wrong_hint(const gate *g, double sent, const retry_quota *quota) {
  if (!is_used_up(g)) return false;
  if (g->quota_forced > 0 && sent >= g->quota_forced && sent < g->quota_end) return true;
  /* the first one of a new window is not its last one, unless a window has only one */
  return sent >= g->quota_end && quota && quota->left < 1 && quota->limit != 1;
}

/* Whether a wait has begun, which is told once. */
static bool tell_wait(gate *g, double now) {
  bool waits = gate_quota_delay(g, now) > 0, is_news = waits && !g->quota_told;
  g->quota_told = waits;
  return is_news;
}

bool gate_note_quota(gate *g, int http_status, double sent, double now, const retry_quota *quota, unsigned others) {
  bool is_probe = is_used_up(g) && sent >= g->quota_end;
  if (http_status == 429) g->quota_doubted = false;
  if (is_success(http_status) && is_wrong_hint(g, sent, quota)) g->quota_doubted = true;
  if (is_probe) g->quota_told = false;
  if (g->quota_doubted || (is_probe && !quota)) g->quota_end = 0;
  if (!quota || g->quota_doubted) return false;
  if (now < g->quota_end && sent < g->quota_sent) { /* a later one has told more */
    if (quota->left < g->quota_left) g->quota_left = quota->left;
    g->quota_others -= g->quota_others > 0; /* this one is counted in what is left now */
  } else {
    /* a wait that is too long for Retry-After is left to the server's 429 */
    g->quota_end = quota->reset > 0 && quota->reset <= g->hold_most ? now + quota->reset : 0;
    g->quota_left = quota->left;
    g->quota_sent = sent;
    g->quota_noted = now;
    g->quota_forced = 0;
    g->quota_others = others;
  }
  return tell_wait(g, now);
}

bool gate_answered(gate *g, int http_status, int http_version, double sent, double now, double retry_after) {
  if (http_version > 0) g->multiplexed = http_version >= 20;
  if (http_status == 429) {
    double hold = retry_after < g->hold_most ? retry_after : g->hold_most;
    if (hold > 0 && (!g->probing || now + hold > g->probe_from)) {
      g->probing = true;
      g->probe_from = now + hold;
    }
    return retry_pacer_limited(&g->pacer, now, sent, hold);
  }
  if (g->probing && sent >= g->probe_from) g->probing = false;
  if (is_success(http_status)) retry_pacer_succeeded(&g->pacer, sent);
  return true;
}
