/* Linux: the kernel keeps the set, which has a descriptor of its own. */
#define _GNU_SOURCE /* epoll_pwait */

#include "poller_private.h"

#if POLLER == POLLER_EPOLL

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

struct poller {
  int fd;
  int removed; /* the descriptor that left last: an idle connection, used again next */
};

poller *poller_new(void) {
  poller *p = malloc(sizeof *p);
  if (!p) return NULL;
  p->removed = -1;
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

bool poller_set(poller *p, platform_socket fd, unsigned events) {
  struct epoll_event e = {0};
  int likely = fd == p->removed ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  e.data.fd = fd;
  p->removed = events == 0 ? fd : -1;
  if (events == 0) return epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, &e) == 0;
  if (events & POLLER_READ) e.events |= EPOLLIN;
  if (events & POLLER_WRITE) e.events |= EPOLLOUT;
  /* Closed descriptors leave the set by themselves, and a new one may have the same number. */
  if (epoll_ctl(p->fd, likely, fd, &e) == 0) return true;
  if (errno == EEXIST) return epoll_ctl(p->fd, EPOLL_CTL_MOD, fd, &e) == 0;
  return errno == ENOENT && epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &e) == 0;
}

int poller_collect(poller *p, int ms, const platform_signals *mask, poller_event *out, int max) {
  struct epoll_event ready[64];
  int n = epoll_pwait(p->fd, ready, max < 64 ? max : 64, ms, mask);
  for (int i = 0; i < n; i++) {
    out[i].fd = ready[i].data.fd;
    out[i].events = ((ready[i].events & EPOLLIN) ? POLLER_READ : 0u) |
                    ((ready[i].events & EPOLLOUT) ? POLLER_WRITE : 0u) |
                    ((ready[i].events & (EPOLLERR | EPOLLHUP)) ? POLLER_ERROR : 0u);
  }
  return n > 0 ? n : 0;
}

platform_socket poller_fd(const poller *p) { return p->fd; }

#endif
