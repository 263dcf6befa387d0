/*
** poller: a set of descriptors to watch, and the wait for them. It uses one mechanism of the
** system: epoll on Linux, kqueue on macOS and the BSDs, WSAPoll on Windows, elsewhere poll. A
** mechanism may have a descriptor for the whole set, readable when one of the set is ready: an
** event loop then watches only that one. No function here touches Lua or libcurl.
*/
#ifndef TOPAZ_POLLER_H
#define TOPAZ_POLLER_H

#include <stdbool.h>

#include "platform/socket.h"

enum { POLLER_READ = 1, POLLER_WRITE = 2, POLLER_ERROR = 4 };
enum { POLLER_SLICE_MS = 200 }; /* see poller_wait */

typedef struct poller poller;
typedef struct {
  platform_socket fd;
  unsigned events;
} poller_event;

/* Returns an empty set; NULL: out of memory or of descriptors. */
poller *poller_new(void);
/* Frees the set, not the watched descriptors. NULL is allowed. */
void poller_free(poller *p);

/* Watches `fd` for these events (POLLER_READ, POLLER_WRITE); 0: stops watching. false: the
** descriptor cannot be watched. */
bool poller_set(poller *p, platform_socket fd, unsigned events);

/* A question asked before a wait, while signals are blocked; true: do not wait. */
typedef struct {
  bool (*interrupted)(void *context); /* NULL: not asked */
  void *context;
} poller_interrupt;

/* Waits for at most `timeout` seconds (0: not at all), fills in up to `max` events and returns how
** many. A signal ends the wait with 0, even if its handler runs between the question and the wait.
** Where the mechanism cannot be woken by a signal, a wait ends with 0 after POLLER_SLICE_MS at the
** latest: callers ask again. A descriptor left out for lack of room comes first the next time. */
int poller_wait(poller *p, double timeout, poller_event *out, int max, const poller_interrupt *interrupt);

/* Returns the set's own descriptor; PLATFORM_NO_SOCKET: the mechanism has none. */
platform_socket poller_fd(const poller *p);

#endif
