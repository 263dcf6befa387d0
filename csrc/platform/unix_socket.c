#define _GNU_SOURCE /* SOCK_CLOEXEC, POLLRDHUP */

#include "socket.h"

#ifndef _WIN32

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef __linux__
#include <netinet/tcp.h>
#else
#include <sys/stat.h>
#endif

#ifdef PLATFORM_PLAIN /* for tests on Linux: what systems do that lack these */
#undef POLLRDHUP
#undef SOCK_CLOEXEC
#undef TCP_INFO
#endif

/* ---- sockets --------------------------------------------------------------------------------- */

void platform_socket_close_on_exec(platform_socket fd) {
  int flags = fcntl(fd, F_GETFD);
  if (flags >= 0 && !(flags & FD_CLOEXEC)) (void)fcntl(fd, F_SETFD, flags | FD_CLOEXEC);
}

platform_socket platform_socket_open(int family, int type, int protocol) {
#ifdef SOCK_CLOEXEC
  return socket(family, type | SOCK_CLOEXEC, protocol);
#else
  int fd = socket(family, type, protocol);
  if (fd >= 0) platform_socket_close_on_exec(fd);
  return fd;
#endif
}

int platform_socket_close(platform_socket fd) { return close(fd); }

void platform_socket_shut(platform_socket fd) { (void)shutdown(fd, SHUT_RDWR); }

bool platform_socket_is_open(platform_socket fd) { return fcntl(fd, F_GETFD) >= 0 || errno != EBADF; }

/* Reads nothing. Returns 1: there are bytes; 0: the end, or an error; -1: neither. */
static int peek(platform_socket fd) {
  char byte;
  ssize_t n = recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? -1 : 0;
  return n > 0;
}

/* Without POLLRDHUP an end behind unread bytes is not seen. */
bool platform_socket_has_ended(platform_socket fd) {
#ifdef POLLRDHUP
  struct pollfd p = {fd, POLLRDHUP, 0};
  return poll(&p, 1, 0) > 0 && p.revents != 0;
#else
  return peek(fd) == 0;
#endif
}

uint64_t platform_socket_received(platform_socket fd) {
#if defined __linux__ && defined TCP_INFO
  enum { RECEIVED = 16 }; /* tcpi_bytes_received, which the struct of some libcs lacks */
  uint64_t info[RECEIVED + 1];
  socklen_t size = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &size) == 0 && size == sizeof info) return info[RECEIVED];
#else
  (void)fd;
#endif
  return 0;
}

bool platform_socket_has_unread(platform_socket fd) { return peek(fd) >= 0; }

/* ---- descriptors that a library opens by itself ---------------------------------------------- */

/* Whether the descriptor may be one of a pair by which threads wake each other: local sockets,
** pipes, counters; not a file. A thread of the host may have opened it meanwhile. */
static bool is_for_waking(platform_socket fd) {
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
#ifdef __linux__
  char path[32], kind[64] = "";
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  if (readlink(path, kind, sizeof kind - 1) > 0 &&
      (strcmp(kind, "anon_inode:[eventfd]") == 0 || strncmp(kind, "pipe:", sizeof "pipe:" - 1) == 0))
    return true;
#else
  struct stat s;
  if (fstat(fd, &s) == 0 && S_ISFIFO(s.st_mode)) return true;
#endif
  return getsockname(fd, (struct sockaddr *)&address, &size) == 0 && address.ss_family == AF_UNIX;
}

void platform_settle(platform_expected *e) {
  if (!e->is_set) return;
  e->is_set = false;
  for (int i = 0; i < PLATFORM_EXPECTED_MAX; i++)
    if (e->fds[i] >= 0 && is_for_waking(e->fds[i])) platform_socket_close_on_exec(e->fds[i]);
}

/* The next descriptors have the lowest numbers that are free now. */
void platform_expect(platform_expected *e) {
  platform_settle(e);
  e->is_set = true;
  for (int i = 0; i < PLATFORM_EXPECTED_MAX; i++) e->fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < PLATFORM_EXPECTED_MAX; i++)
    if (e->fds[i] >= 0) (void)close(e->fds[i]);
}

#endif
