/* send() for LD_PRELOAD: the process has to wait for its turn after each one,
** SEND_DELAY microseconds. So an answer is there before the next thing happens,
** as on a machine that is busy. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t send(int fd, const void *bytes, size_t n, int flags) {
  union {
    void *object;
    ssize_t (*function)(int, const void *, size_t, int);
  } real = {dlsym(RTLD_NEXT, "send")};
  const char *delay = getenv("SEND_DELAY");
  ssize_t sent = real.function(fd, bytes, n, flags);
  if (delay) usleep((useconds_t)atoi(delay));
  return sent;
}
