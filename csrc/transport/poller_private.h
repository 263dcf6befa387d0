/*
** Inside the poller: which mechanism is used, and what each one offers. poller.c waits. One file
** per mechanism keeps the set; it is compiled to nothing unless its mechanism is chosen here. A new
** mechanism is a number, a line of the choice, and a file poller_NAME.c.
*/
#ifndef TOPAZ_POLLER_PRIVATE_H
#define TOPAZ_POLLER_PRIVATE_H

#include <stddef.h>

#include "platform/signals.h"

#include "poller.h"

#define POLLER_POLL 1
#define POLLER_EPOLL 2
#define POLLER_KQUEUE 3
#define POLLER_WINDOWS 4

/* The build may say -DPOLLER=POLLER_POLL, which every POSIX system has. */
#ifndef POLLER
#if defined(__linux__)
#define POLLER POLLER_EPOLL
#elif defined(_WIN32)
#define POLLER POLLER_WINDOWS
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) ||                     \
    defined(__DragonFly__)
#define POLLER POLLER_KQUEUE
#else
#define POLLER POLLER_POLL
#endif
#endif

/* As poller_wait, but in milliseconds. `mask`: the signals that are blocked during the wait; NULL:
** those that are blocked already. */
int poller_collect(poller *p, int ms, const platform_signals *mask, poller_event *out, int max);

/* poller_windows.c: stands for poll in poller_poll.c. */
struct pollfd;
int poller_poll_windows(struct pollfd *set, size_t count, int ms);

#endif
