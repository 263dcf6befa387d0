/* Windows: WSAPoll stands for poll. */
#define _GNU_SOURCE /* sigset_t */

#include "poller_private.h"

#if POLLER == POLLER_WINDOWS

#include <winsock2.h>

/* WSAPoll refuses an empty set. Before Windows 10 2004 it does not report a connection that fails:
** libcurl's connect limit ends that. */
int poller_poll_windows(struct pollfd *set, size_t count, int ms) {
  if (count > 0) return WSAPoll(set, (ULONG)count, ms);
  if (ms > 0) Sleep((DWORD)ms);
  return 0;
}

#endif
