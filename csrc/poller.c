#define _GNU_SOURCE /* epoll_create1 and its flag */

#include "poller.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* Rounded up, so that a wait never ends just before its time and is then asked again and again. */
static int milliseconds(double seconds) {
  double ms = ceil(seconds * 1e3);
  if (!(ms > 0)) return 0;
  return ms < INT_MAX ? (int)ms : INT_MAX;
}

#if defined(__linux__) && !defined(TOPAZ_NO_EPOLL)

#include <sys/epoll.h>

struct poller {
  int fd;
};

poller *poller_new(void) {
  poller *p = malloc(sizeof *p);
  if (!p) return NULL;
  p->fd = epoll_create1(EPOLL_CLOEXEC);
  if (p->fd >= 0) return p;
  free(p);
  return NULL;
}

void poller_free(poller *p) {
  if (!p) return;
  (void)close(p->fd);
  free(p);
}

bool poller_set(poller *p, int fd, unsigned events) {
  struct epoll_event e = {0};
  e.data.fd = fd;
  if (events == 0) return epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &e) == 0;
  if (events & POLLER_READ) e.events |= EPOLLIN;
  if (events & POLLER_WRITE) e.events |= EPOLLOUT;
  /* Closed descriptors leave the set by themselves, and a new one may have the same number. */
  if (epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e) == 0) return true;
  return errno == ENOENT && epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

int poller_wait(poller *p, double timeout, poller_event *out, int max) {
  struct epoll_event ready[64];
  int n = epoll_wait(p->fd, ready, max < 64 ? max : 64, milliseconds(timeout));
  for (int i = 0; i < n; i++) {
    out[i].fd = ready[i].data.fd;
    out[i].events = ((ready[i].events & EPOLLIN) ? POLLER_READ : 0u) |
                    ((ready[i].events & EPOLLOUT) ? POLLER_WRITE : 0u) |
                    ((ready[i].events & (EPOLLERR | EPOLLHUP)) ? POLLER_ERROR : 0u);
  }
  return n > 0 ? n : 0;
}

int poller_fd(const poller *p) { return p->fd; }

#else

#include <poll.h>

struct poller {
  struct pollfd *set; /* malloc'ed, owned */
  nfds_t count, capacity;
};

poller *poller_new(void) { return calloc(1, sizeof(poller)); }

void poller_free(poller *p) {
  if (!p) return;
  free(p->set);
  free(p);
}

static bool append(poller *p, int fd, short events) {
  if (p->count == p->capacity) {
    nfds_t capacity = p->capacity ? p->capacity * 2 : 16;
    struct pollfd *set = realloc(p->set, capacity * sizeof *set);
    if (!set) return false;
    p->set = set;
    p->capacity = capacity;
  }
  p->set[p->count++] = (struct pollfd){fd, events, 0};
  return true;
}

bool poller_set(poller *p, int fd, unsigned events) {
  short wanted = (short)(((events & POLLER_READ) ? POLLIN : 0) | ((events & POLLER_WRITE) ? POLLOUT : 0));
  for (nfds_t i = 0; i < p->count; i++) {
    if (p->set[i].fd != fd) continue;
    if (wanted) p->set[i].events = wanted;
    else p->set[i] = p->set[--p->count];
    return true;
  }
  return !wanted || append(p, fd, wanted);
}

int poller_wait(poller *p, double timeout, poller_event *out, int max) {
  int n = poll(p->set, p->count, milliseconds(timeout)), filled = 0;
  for (nfds_t i = 0; n > 0 && i < p->count && filled < max; i++) {
    short events = p->set[i].revents;
    if (!events) continue;
    out[filled].fd = p->set[i].fd;
    out[filled++].events = ((events & POLLIN) ? POLLER_READ : 0u) | ((events & POLLOUT) ? POLLER_WRITE : 0u) |
                           ((events & (POLLERR | POLLHUP | POLLNVAL)) ? POLLER_ERROR : 0u);
  }
  return filled;
}

int poller_fd(const poller *p) {
  (void)p;
  return -1;
}

#endif
