/* kqueue over epoll, as strict as the strictest of its systems: a filter that is set is not set
** again, one that is not set is not removed, and a child made by fork has no set. For
** `make test-kqueue`. */
#define _GNU_SOURCE /* epoll_wait, pthread_atfork */

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <sys/event.h>

enum { DESCRIPTORS_MAX = 4096, AT_ONCE = 64 };

/* By descriptor: its events of epoll, 0: not in the set. */
typedef uint32_t set[DESCRIPTORS_MAX];
static set *sets[DESCRIPTORS_MAX]; /* by the descriptor of the set; kept after its close */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void close_in_child(void) {
  for (int fd = 0; fd < DESCRIPTORS_MAX; fd++) {
    if (!sets[fd]) continue;
    free(sets[fd]);
    sets[fd] = NULL;
    (void)close(fd);
  }
}

int kqueue(void) {
  static bool prepared;
  int fd = epoll_create1(0);
  if (fd < 0) return -1;
  (void)pthread_mutex_lock(&lock);
  if (!prepared) (void)pthread_atfork(NULL, NULL, close_in_child);
  prepared = true;
  if (fd < DESCRIPTORS_MAX && !sets[fd]) sets[fd] = malloc(sizeof(set));
  if (fd < DESCRIPTORS_MAX && sets[fd]) memset(sets[fd], 0, sizeof(set));
  (void)pthread_mutex_unlock(&lock);
  return fd;
}

/* Brings the set in line with the kernel's, which a closed descriptor leaves by itself. */
static void forget_closed(int kq, int fd) {
  struct epoll_event e = {(*sets[kq])[fd], {.fd = fd}};
  if (e.events && epoll_ctl(kq, EPOLL_CTL_MOD, fd, &e) != 0) (*sets[kq])[fd] = 0;
}

static int change(int kq, const struct kevent *k) {
  uint32_t bit = k->filter == EVFILT_READ ? EPOLLIN | EPOLLRDHUP : EPOLLOUT, *now;
  int fd = (int)k->ident;
  struct epoll_event e = {0};
  if (fd >= DESCRIPTORS_MAX) return EBADF;
  forget_closed(kq, fd);
  now = &(*sets[kq])[fd];
  if (k->flags & EV_ADD) {
    if (*now & bit) return EEXIST;
    e.events = *now | bit;
  } else {
    if (!(*now & bit)) return ENOENT;
    e.events = *now & ~bit;
  }
  e.data.fd = fd;
  if (epoll_ctl(kq, *now == 0 ? EPOLL_CTL_ADD : e.events == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD, fd, &e) != 0)
    return errno;
  *now = e.events;
  return 0;
}

static struct kevent report(int fd, short filter, uint32_t events) {
  bool at_end = events & (filter == EVFILT_READ ? EPOLLRDHUP | EPOLLHUP : EPOLLHUP), failed = events & EPOLLERR;
  struct kevent k;
  EV_SET(&k, (uintptr_t)fd, filter, at_end || failed ? EV_EOF : 0, failed ? ECONNRESET : 0u, 0, 0);
  return k;
}

int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout) {
  struct epoll_event ready[AT_ONCE];
  int n, filled = 0, ms = timeout ? (int)(timeout->tv_sec * 1000 + timeout->tv_nsec / 1000000) : -1;
  if (kq < 0 || kq >= DESCRIPTORS_MAX || !sets[kq]) {
    errno = EBADF;
    return -1;
  }
  for (int i = 0; i < change_count; i++) {
    int error = change(kq, &changes[i]);
    if (error) {
      errno = error;
      return -1;
    }
  }
  if (event_count == 0) return 0;
  n = epoll_wait(kq, ready, event_count < AT_ONCE ? event_count : AT_ONCE, ms);
  for (int i = 0; i < n; i++) {
    int fd = ready[i].data.fd;
    uint32_t watched = (*sets[kq])[fd], got = ready[i].events, over = got & (EPOLLHUP | EPOLLERR);
    if ((watched & EPOLLIN) && (got & (EPOLLIN | EPOLLRDHUP) || over) && filled < event_count)
      events[filled++] = report(fd, EVFILT_READ, got);
    if ((watched & EPOLLOUT) && (got & EPOLLOUT || over) && filled < event_count)
      events[filled++] = report(fd, EVFILT_WRITE, got);
  }
  return n < 0 ? -1 : filled;
}
