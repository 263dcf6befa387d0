#define _GNU_SOURCE /* strdup, getpid */

#include "session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed(const session *s) {
  struct timespec ts;
  uint64_t x;
  clock_gettime(CLOCK_REALTIME, &ts);
  x = (uint64_t)ts.tv_nsec * 0x9E3779B97F4A7C15u ^ (uint64_t)ts.tv_sec ^ (uint64_t)(uintptr_t)s << 16 ^
      (uint64_t)getpid() << 40;
  return x ? x : 1;
}

bool session_open(session *s, const char *base_url, const session_limits *limits, double max_rate,
                  const transport_options *options, const char **why) {
  size_t n = strlen(base_url);
  s->open = true;
  s->pid = getpid();
  s->limits = *limits;
  s->ready_tail = &s->ready;
  s->first_deadline = HUGE_VAL;
  s->random = seed(s);
  retry_budget_init(&s->budget);
  retry_pacer_init(&s->pacer, max_rate);
  s->last_step = transport_now();
  while (n > 0 && base_url[n - 1] == '/') n--;
  s->base_url = strndup(base_url, n);
  *why = "not enough memory";
  if (!s->base_url) return false;
  s->net = transport_new(options, why);
  return s->net != NULL;
}

void session_close(session *s) {
  transport_free(s->net);
  free(s->base_url);
  free(s->events);
  s->net = NULL;
  s->base_url = NULL;
  s->events = NULL;
  s->event_count = s->event_capacity = 0;
  s->open = false;
}

unsigned session_pending(const session *s) { return s->unsettled; }

bool session_is_inherited(const session *s) { return s->pid != getpid(); }

double session_random(session *s) {
  uint64_t x = s->random; /* xorshift64* */
  x ^= x >> 12;
  x ^= x << 25;
  x ^= x >> 27;
  s->random = x;
  return (double)((x * 0x2545F4914F6CDD1Du) >> 11) * 0x1p-53;
}

static bool grow_events(session *s) {
  unsigned capacity = s->event_capacity ? s->event_capacity * 2 : 64;
  session_event *ring = malloc(capacity * sizeof *ring);
  if (!ring) return false;
  for (unsigned i = 0; i < s->event_count; i++) ring[i] = s->events[(s->event_first + i) % s->event_capacity];
  free(s->events);
  s->events = ring;
  s->event_first = 0;
  s->event_capacity = capacity;
  return true;
}

void session_emit(session *s, const session_event *e) {
  if (!s->want_events) return;
  if (s->event_count == s->event_capacity && (s->event_count >= SESSION_EVENTS_MAX || !grow_events(s))) {
    s->stats.events_dropped++;
    return;
  }
  s->events[(s->event_first + s->event_count++) % s->event_capacity] = *e;
}

bool session_take_event(session *s, session_event *out) {
  if (s->event_count == 0) return false;
  *out = s->events[s->event_first];
  s->event_first = (s->event_first + 1) % s->event_capacity;
  s->event_count--;
  return true;
}
