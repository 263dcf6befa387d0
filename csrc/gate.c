#include "gate.h"

void gate_init(gate *g, unsigned max_connections, double max_rate, double hold_most) {
  *g = (gate){.max_connections = max_connections, .hold_most = hold_most};
  retry_pacer_init(&g->pacer, max_rate);
}

bool gate_has_room(const gate *g, unsigned in_flight, bool http2, double now) {
  unsigned most = g->multiplexed && http2 ? GATE_STREAMS_MAX : g->max_connections;
  unsigned window = retry_pacer_window(&g->pacer);
  if (in_flight == 0) return true;
  return g->crowded <= now && !g->probing && in_flight < most && in_flight < window;
}

double gate_delay(const gate *g, double now) { return retry_pacer_delay(&g->pacer, now); }

void gate_wait(gate *g, double until) { g->crowded = until; }

double gate_wait_left(const gate *g, double now) { return g->crowded > now ? g->crowded - now : 0; }

void gate_ended(gate *g) { g->crowded = 0; }

void gate_sent(gate *g, double now, unsigned in_flight) { retry_pacer_sent(&g->pacer, now, in_flight); }

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
  if (http_status >= 200 && http_status < 300) retry_pacer_succeeded(&g->pacer, sent);
  return true;
}
