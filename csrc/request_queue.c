/* The lists of the request room, and its timer: a heap, so that a step does not visit all queued
** requests. */
#include <assert.h>

#include "request_private.h"

/* ---- the timer ------------------------------------------------------------------------------- */

static void put(session *s, size_t i, request *r) {
  s->timer[i] = r;
  r->timer = i + 1;
}

/* Moves the request at place i up or down to its place in the heap. */
static void settle_in(session *s, size_t i) {
  request *r = s->timer[i];
  while (i > 0 && s->timer[(i - 1) / 2]->due > r->due) {
    put(s, i, s->timer[(i - 1) / 2]);
    i = (i - 1) / 2;
  }
  for (;;) {
    size_t child = 2 * i + 1;
    if (child + 1 < s->timer_count && s->timer[child + 1]->due < s->timer[child]->due) child++;
    if (child >= s->timer_count || s->timer[child]->due >= r->due) break;
    put(s, i, s->timer[child]);
    i = child;
  }
  put(s, i, r);
}

static void stop_timer(request *r) {
  session *s = r->session;
  size_t i = r->timer - 1;
  request *last;
  if (r->timer == 0) return;
  r->timer = 0;
  last = s->timer[--s->timer_count];
  if (last == r) return;
  put(s, i, last);
  settle_in(s, i);
}

static void start_timer(request *r, double due) {
  session *s = r->session;
  r->due = due;
  put(s, s->timer_count++, r);
  settle_in(s, s->timer_count - 1);
}

void request_set_due(request *r, double due) {
  r->due = due;
  if (r->timer > 0) settle_in(r->session, r->timer - 1);
}

request *request_first_due(const session *s) { return s->timer_count > 0 ? s->timer[0] : NULL; }

/* Visits only requests that are due until then: in a heap they stand above all others. */
request *request_first_hasty(const session *s, double until) {
  for (size_t i = 0; i < s->timer_count;) {
    bool visits = s->timer[i]->due <= until;
    if (visits && s->timer[i]->state == REQUEST_QUEUED) return s->timer[i];
    if (visits && 2 * i + 1 < s->timer_count) {
      i = 2 * i + 1;
      continue;
    }
    while (i > 0 && (i % 2 == 0 || i + 1 == s->timer_count)) i = (i - 1) / 2; /* the last child */
    if (i == 0) break;
    i++;
  }
  return NULL;
}

/* ---- lists ----------------------------------------------------------------------------------- */

static int list_of(request_state state) {
  switch (state) {
  case REQUEST_NEW:
  case REQUEST_QUEUED: return SESSION_QUEUED;
  case REQUEST_DELAYED: return SESSION_DELAYED;
  case REQUEST_ACTIVE: return SESSION_ACTIVE;
  case REQUEST_BODY: return SESSION_BODY;
  case REQUEST_DONE:
  case REQUEST_FAILED: break;
  }
  return SESSION_SETTLED;
}

/* Adds the request to the list of its state. */
static void add(request *r) {
  request_list *l = &r->session->lists[list_of(r->state)];
  /* a retry: it has waited already */
  bool first = r->state == REQUEST_QUEUED && (r->attempts > 0 || r->unfit > 0);
  r->prev = first ? NULL : l->tail;
  r->next = first ? l->head : NULL;
  if (r->prev) r->prev->next = r;
  else l->head = r;
  if (r->next) r->next->prev = r;
  else l->tail = r;
  l->count++;
}

void request_unlink(request *r) {
  request_list *l = &r->session->lists[list_of(r->state)];
  stop_timer(r);
  l->count--;
  if (r->prev) r->prev->next = r->next;
  else l->head = r->next;
  if (r->next) r->next->prev = r->prev;
  else l->tail = r->prev;
  r->prev = r->next = NULL;
}

bool request_link(request *r, double due) {
  session *s = r->session;
  /* NOLINTNEXTLINE(bugprone-sizeof-expression): it is an array of pointers */
  if (!session_reserve(&s->timer, &s->timer_capacity, session_unsettled(s) + 1, sizeof *s->timer)) return false;
  r->state = REQUEST_QUEUED;
  add(r);
  start_timer(r, due);
  return true;
}

void request_move(request *r, request_state state, double due) {
  request_unlink(r);
  r->state = state;
  add(r);
  if (state == REQUEST_QUEUED || state == REQUEST_DELAYED) start_timer(r, due);
}

/* ---- news ------------------------------------------------------------------------------------ */

void request_tell(request *r) {
  session *s = r->session;
  r->has_news = true;
  if (r->is_ready) return;
  r->is_ready = true;
  r->ready_next = NULL;
  r->ready_prev = s->ready.tail;
  if (s->ready.tail) s->ready.tail->ready_next = r;
  else s->ready.head = r;
  s->ready.tail = r;
  s->ready.count++;
}

void request_forget_news(request *r) {
  session *s = r->session;
  if (!r->is_ready) return;
  if (r->ready_prev) r->ready_prev->ready_next = r->ready_next;
  else s->ready.head = r->ready_next;
  if (r->ready_next) r->ready_next->ready_prev = r->ready_prev;
  else s->ready.tail = r->ready_prev;
  s->ready.count--;
  r->is_ready = false;
}

request *request_next_ready(session *s) {
  request *r = s->ready.head;
  if (r) request_forget_news(r);
  return r;
}

/* ---- what must hold -------------------------------------------------------------------------- */

#ifdef TOPAZ_DEBUG

/* Sums over the requests of a session. */
typedef struct {
  size_t timed, ready, waited;
} tally;

static void check_timer(const session *s, const request *r, bool timed) {
  size_t i = r->timer - 1;
  assert(timed == (r->timer > 0));
  if (!timed) return;
  assert(i < s->timer_count && s->timer[i] == r);
  assert(i == 0 || s->timer[(i - 1) / 2]->due <= r->due);
  assert(r->state == REQUEST_DELAYED || r->due == r->deadline);
}

static void check_request(const session *s, int list, const request *r, tally *sum) {
  const transfer *x = r->attempt.transfer;
  bool timed = list == SESSION_QUEUED || list == SESSION_DELAYED;
  assert(r->session == s && r->state != REQUEST_NEW && list_of(r->state) == list);
  assert(r->prev ? r->prev->next == r : s->lists[list].head == r);
  assert(r->next ? r->next->prev == r : s->lists[list].tail == r);
  check_timer(s, r, timed);
  /* an attempt belongs to one request, and only while it is active */
  assert((x != NULL) == (list == SESSION_ACTIVE));
  assert(!x || (x->context == r && x->sends <= 1));
  assert(!r->attempt.ended_meanwhile || x);
  assert(!timed || !r->body.in_use); /* no retry while its body is being read */
  assert(list == SESSION_SETTLED || r->url);
  sum->timed += timed;
  sum->ready += r->is_ready;
  sum->waited += r->waited;
}

static void check_ready(const session *s) {
  unsigned n = 0;
  for (const request *r = s->ready.head; r; r = r->ready_next, n++) {
    assert(r->is_ready && r->session == s);
    assert(r->ready_next ? r->ready_next->ready_prev == r : s->ready.tail == r);
  }
  assert(n == s->ready.count);
}

void request_check(session *s) {
  enum { CHEAP = 64 }; /* requests checked in each step; with more, only some steps check */
  tally sum = {0};
  if (s->unchecked++ < (session_unsettled(s) + s->lists[SESSION_SETTLED].count) / CHEAP) return;
  s->unchecked = 0;
  for (int i = 0; i < SESSION_LISTS; i++) {
    unsigned n = 0;
    for (const request *r = s->lists[i].head; r; r = r->next, n++) check_request(s, i, r, &sum);
    assert(n == s->lists[i].count);
  }
  check_ready(s);
  assert(sum.ready == s->ready.count);
  assert(sum.timed == s->timer_count && session_unsettled(s) <= s->timer_capacity);
  assert(sum.waited == s->waited && s->gone_count + s->waited <= s->gone_capacity);
  for (const transfer *x = s->spare; x; x = x->next) assert(!x->running);
}

#endif
