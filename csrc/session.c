#include "session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "retry.h"

static uint64_t seed(const session *s) {
  uint64_t x = (uint64_t)(platform_now() * 1e9) * 0x9E3779B97F4A7C15u ^ (uint64_t)platform_wall() ^
               (uint64_t)(uintptr_t)s << 16 ^ (uint64_t)platform_process() << 40;
  return x ? x : 1;
}

bool session_open(session *s, const char *base_url, const session_limits *limits, double max_rate,
                  const transport_options *options, const char **why) {
  size_t n = strlen(base_url);
  s->open = true;
  s->process = platform_process();
  s->limits = *limits;
  s->random = seed(s);
  retry_budget_init(&s->budget);
  gate_init(&s->gate, limits->max_connections, max_rate, limits->retry_after_max);
  s->last_step = platform_now();
  s->until = HUGE_VAL;
  while (n > 0 && base_url[n - 1] == '/') n--;
  s->base_url = platform_copy(base_url, n);
  *why = "out of memory";
  if (!s->base_url) return false;
  s->net = transport_new(options, why);
  if (s->net) transport_set_connections(s->net, limits->max_connections);
  return s->net != NULL;
}

void session_close(session *s) {
  transport_free(s->net);
  free(s->base_url);
  free(s->events);
  free(s->timer);
  free(s->gone);
  for (transfer *x = s->spare, *next; x; x = next) {
    next = x->next;
    free(x);
  }
  s->net = NULL;
  s->base_url = NULL;
  s->events = NULL;
  s->timer = NULL;
  s->gone = NULL;
  s->spare = NULL;
  s->event_count = s->event_capacity = 0;
  s->timer_count = s->timer_capacity = s->gone_count = s->gone_capacity = 0;
  s->open = false;
}

bool session_reserve(void *array, size_t *capacity, size_t n, size_t size) {
  void **memory = array;
  size_t wanted = *capacity ? *capacity : 16;
  void *grown;
  if (n <= *capacity) return true;
  while (wanted < n) wanted *= 2;
  grown = wanted <= SIZE_MAX / size ? realloc(*memory, wanted * size) : NULL;
  if (!grown) return false;
  *memory = grown;
  *capacity = wanted;
  return true;
}

unsigned session_pending(const session *s) { return session_unsettled(s) - s->lists[SESSION_BODY].count; }

unsigned session_unsettled(const session *s) {
  unsigned n = 0;
  for (int i = 0; i < SESSION_SETTLED; i++) n += s->lists[i].count;
  return n;
}

bool session_is_inherited(const session *s) { return s->process != platform_process(); }

void session_note_clock(session *s, const char *date, bool *noted) {
  double at, now = platform_wall();
  if (*noted || !date[0]) return;
  *noted = true;
  if (!retry_http_date(date, strlen(date), floor(now), &at)) return;
  /* A Date is up to a second old, and so is what is known of the server's clock, and never ahead of
  ** it: nothing is deleted before its time. */
  s->skew = at - now;
  s->has_skew = true;
}

double session_server_time(const session *s) { return platform_wall() + (s->has_skew ? s->skew : 0); }

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
  session_event *event;
  if (!s->want_events) return;
  if (s->event_count == s->event_capacity && (s->event_count >= SESSION_EVENTS_MAX || !grow_events(s))) {
    s->stats.events_dropped++;
    return;
  }
  event = &s->events[(s->event_first + s->event_count++) % s->event_capacity];
  *event = *e;
  event->time = platform_wall();
  event->clock = platform_now();
}

bool session_take_event(session *s, session_event *out) {
  if (s->event_count == 0) return false;
  *out = s->events[s->event_first];
  s->event_first = (s->event_first + 1) % s->event_capacity;
  s->event_count--;
  return true;
}
