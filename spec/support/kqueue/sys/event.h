/* The part of <sys/event.h> that poller_kqueue.c uses, with the values of FreeBSD, for systems that
** have no kqueue: ../../kqueue.c stands in for it. */
#ifndef TOPAZ_STAND_IN_EVENT_H
#define TOPAZ_STAND_IN_EVENT_H

#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned fflags;
  int64_t data;
  void *udata;
};

#define EV_SET(k, i, f, fl, ff, d, u) (*(k) = (struct kevent){(i), (f), (fl), (ff), (d), (void *)(u)})

int kqueue(void);
int kevent(int kq, const struct kevent *changes, int change_count, struct kevent *events, int event_count,
           const struct timespec *timeout);

#endif
