/* Any POSIX system, and Windows: the set is an array, and has no descriptor of its own. */
#define _GNU_SOURCE /* ppoll */

#include "poller_private.h"

#if POLLER == POLLER_POLL || POLLER == POLLER_WINDOWS

#include <stdlib.h>

#ifdef _WIN32
#include <winsock2.h>
#else
#include <poll.h>
#include <time.h>
#endif

struct poller {
  struct pollfd *set; /* malloc'ed, owned */
  size_t count, capacity;
  size_t first; /* where the next report begins, so that each has its turn */
};

/* Waits with these signals blocked; NULL: those that are blocked already. */
static int poll_masked(struct pollfd *set, size_t count, int ms, const platform_signals *mask) {
#if defined(__linux__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__)
  struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
  return ppoll(set, count, &time, mask);
#else /* a signal may be missed */
  if (ms > POLLER_SLICE_MS) ms = POLLER_SLICE_MS;
#ifdef _WIN32
  (void)mask;
  return poller_poll_windows(set, count, ms);
#else
  if (mask) platform_let_signals(mask);
  return poll(set, (nfds_t)count, ms);
#endif
#endif
}

poller *poller_new(void) { return calloc(1, sizeof(poller)); }

void poller_free(poller *p) {
  if (!p) return;
  free(p->set);
  free(p);
}

static bool append(poller *p, platform_socket fd, short events) {
  if (p->count == p->capacity) {
    size_t capacity = p->capacity ? p->capacity * 2 : 16;
    struct pollfd *set = realloc(p->set, capacity * sizeof *set);
    if (!set) return false;
    p->set = set;
    p->capacity = capacity;
  }
  p->set[p->count++] = (struct pollfd){fd, events, 0};
  return true;
}

bool poller_set(poller *p, platform_socket fd, unsigned events) {
  short wanted = (short)(((events & POLLER_READ) ? POLLIN : 0) | ((events & POLLER_WRITE) ? POLLOUT : 0));
  for (size_t i = 0; i < p->count; i++) {
    if (p->set[i].fd != fd) continue;
    if (wanted) p->set[i].events = wanted;
    else p->set[i] = p->set[--p->count];
    return true;
  }
  return !wanted || append(p, fd, wanted);
}

int poller_collect(poller *p, int ms, const platform_signals *mask, poller_event *out, int max) {
  int filled = 0, n = poll_masked(p->set, p->count, ms, mask);
  size_t begin = p->first;
  for (size_t k = 0; n > 0 && k < p->count && filled < max; k++) {
    size_t i = (begin + k) % p->count;
    short events = p->set[i].revents;
    if (!events) continue;
    p->first = i + 1;
    out[filled].fd = p->set[i].fd;
    /* Windows reports an end as a hang-up alone: reading tells what it is */
    out[filled++].events = ((events & (POLLIN | POLLHUP | POLLERR)) ? POLLER_READ : 0u) |
                           ((events & POLLOUT) ? POLLER_WRITE : 0u) |
                           ((events & (POLLERR | POLLHUP | POLLNVAL)) ? POLLER_ERROR : 0u);
  }
  return filled;
}

platform_socket poller_fd(const poller *p) {
  (void)p;
  return PLATFORM_NO_SOCKET;
}

#endif
