#define _GNU_SOURCE /* sigset_t */

#include "poller.h"

#include <limits.h>
#include <math.h>

#include "poller_private.h"

/* Rounded up, so that a wait does not end just before its time and is repeated again and again. */
static int milliseconds(double seconds) {
  double ms = ceil(seconds * 1e3);
  if (!(ms > 0)) return 0;
  return ms < INT_MAX ? (int)ms : INT_MAX;
}

int poller_wait(poller *p, double timeout, poller_event *out, int max, const poller_interrupt *interrupt) {
  int ms = milliseconds(timeout), n = 0;
  platform_signals old;
  if (ms == 0) return poller_collect(p, 0, NULL, out, max);
  platform_hold_signals(&old);
  if (!interrupt || !interrupt->interrupted || !interrupt->interrupted(interrupt->context))
    n = poller_collect(p, ms, &old, out, max);
  platform_let_signals(&old);
  return n;
}
