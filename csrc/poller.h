/*
** poller: the one small interface behind which epoll stands on Linux, and poll elsewhere. A set of descriptors to watch.
** With epoll the set has a descriptor of its own, readable when one of the set is ready, so that a foreign event loop needs
** only that one. No function here touches Lua or libcurl.
*/
#ifndef TOPAZ_POLLER_H
#define TOPAZ_POLLER_H

#include <stdbool.h>

enum { POLLER_READ = 1, POLLER_WRITE = 2, POLLER_ERROR = 4 };

typedef struct poller poller;
typedef struct {
  int fd;
  unsigned events;
} poller_event;

poller *poller_new(void);    /* NULL: no memory or no descriptor left */
void poller_free(poller *p); /* NULL is fine; the watched descriptors are not closed */

/* Watches `fd` for these events (POLLER_READ, POLLER_WRITE); 0: no longer. false: it cannot be watched. */
bool poller_set(poller *p, int fd, unsigned events);

/* Waits for at most `timeout` seconds (0: not at all) and fills up to `max` events; how many. A signal ends the wait with 0. */
int poller_wait(poller *p, double timeout, poller_event *out, int max);

/* The set's own descriptor; -1: this system has none. */
int poller_fd(const poller *p);

#endif
