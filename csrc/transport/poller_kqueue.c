/* macOS and the BSDs: the kernel keeps the set, which has a descriptor of its own. Reading and
** writing are two filters of a descriptor, each set and reported by itself. */
#define _GNU_SOURCE /* sigset_t */

#include "poller_private.h"

#if POLLER == POLLER_KQUEUE

#include <errno.h>
#include <stdlib.h>
#include <sys/types.h>

#include <sys/event.h>
#include <sys/select.h>
#include <sys/time.h>
#include <unistd.h>

#include "platform/platform.h"

struct poller {
  int fd;
  unsigned long long process; /* a child made by fork has no copy of the descriptor */
};

poller *poller_new(void) {
  poller *p = malloc(sizeof *p);
  if (!p) return NULL;
  p->fd = kqueue();
  p->process = platform_process();
  if (p->fd >= 0) {
    platform_socket_close_on_exec(p->fd);
    return p;
  }
  free(p);
  return NULL;
}

void poller_free(poller *p) {
  if (!p) return;
  /* In a child the number may stand for another descriptor. */
  if (p->process == platform_process()) (void)close(p->fd);
  free(p);
}

/* Sets or removes one filter. It does not remember which ones are set: closed descriptors leave the
** set by themselves, and a new one may have the same number. */
static bool change(const poller *p, int fd, short filter, bool on) {
  struct kevent k;
  EV_SET(&k, (uintptr_t)fd, filter, on ? EV_ADD : EV_DELETE, 0, 0, 0);
  if (kevent(p->fd, &k, 1, NULL, 0, NULL) == 0) return true;
  return on ? errno == EEXIST : errno == ENOENT || errno == EBADF;
}

bool poller_set(poller *p, platform_socket fd, unsigned events) {
  bool reads = change(p, fd, EVFILT_READ, events & POLLER_READ);
  return change(p, fd, EVFILT_WRITE, events & POLLER_WRITE) && reads;
}

/* Waits until the set is ready. kevent has no mask of signals; pselect has. */
static bool wait_ready(const poller *p, int ms, const platform_signals *mask) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
  fd_set set;
  FD_ZERO(&set);
  FD_SET(p->fd, &set);
  return pselect(p->fd + 1, &set, NULL, NULL, &time, mask) > 0;
}

/* EV_EOF without an error number is an end, which is read like bytes. */
static unsigned events_of(const struct kevent *k) {
  unsigned events = k->filter == EVFILT_READ ? POLLER_READ : POLLER_WRITE;
  if ((k->flags & EV_ERROR) || ((k->flags & EV_EOF) && k->fflags != 0)) events |= POLLER_ERROR;
  return events;
}

/* Adds the event to that of the other filter, or behind the `n` so far; returns how many there
** are. */
static int merge(poller_event *out, int n, const struct kevent *k) {
  int i = 0;
  while (i < n && out[i].fd != (platform_socket)k->ident) i++;
  if (i == n) out[n++] = (poller_event){(platform_socket)k->ident, 0};
  out[i].events |= events_of(k);
  return n;
}

/* The kernel puts what it has reported last in its queue: each descriptor has its turn. */
int poller_collect(poller *p, int ms, const platform_signals *mask, poller_event *out, int max) {
  static const struct timespec at_once = {0, 0};
  struct timespec slice = {0, POLLER_SLICE_MS * 1000000L};
  const struct timespec *time = &at_once;
  struct kevent ready[64];
  int n, filled = 0;
  if (ms > 0 && p->fd < (int)FD_SETSIZE) {
    if (!wait_ready(p, ms, mask)) return 0;
  } else if (ms > 0) { /* a signal may be missed */
    if (mask) platform_let_signals(mask);
    if (ms < POLLER_SLICE_MS) slice.tv_nsec = ms * 1000000L;
    time = &slice;
  }
  n = kevent(p->fd, NULL, 0, ready, max < 64 ? max : 64, time);
  for (int i = 0; i < n; i++) filled = merge(out, filled, &ready[i]);
  return filled;
}

platform_socket poller_fd(const poller *p) { return p->fd; }

#endif
