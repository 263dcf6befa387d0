#include "socket.h"

#ifdef _WIN32

#include <winsock2.h>

/* ---- sockets --------------------------------------------------------------------------------- */

_Static_assert(sizeof(platform_socket) == sizeof(SOCKET), "platform_socket stands for SOCKET");

void platform_socket_close_on_exec(platform_socket fd) {
  (void)SetHandleInformation((HANDLE)fd, HANDLE_FLAG_INHERIT, 0);
}

platform_socket platform_socket_open(int family, int type, int protocol) {
  return WSASocketW(family, type, protocol, NULL, 0, WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
}

int platform_socket_close(platform_socket fd) { return closesocket(fd); }

void platform_socket_shut(platform_socket fd) { (void)shutdown(fd, SD_BOTH); }

bool platform_socket_is_open(platform_socket fd) {
  int type, size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, (char *)&type, &size) == 0 || WSAGetLastError() != WSAENOTSOCK;
}

/* Reads nothing: libcurl's sockets do not block. Returns 1: there are bytes; 0: the end, or an
** error; -1: neither. */
static int peek(platform_socket fd) {
  char byte;
  int n = recv(fd, &byte, 1, MSG_PEEK);
  if (n < 0) return WSAGetLastError() == WSAEWOULDBLOCK ? -1 : 0;
  return n;
}

/* The end behind unread bytes shows as a hang-up. */
bool platform_socket_has_ended(platform_socket fd) {
  WSAPOLLFD p = {0};
  p.fd = fd;
  return (WSAPoll(&p, 1, 0) > 0 && p.revents != 0) || peek(fd) == 0;
}

uint64_t platform_socket_received(platform_socket fd) {
  (void)fd;
  return 0;
}

bool platform_socket_has_unread(platform_socket fd) { return peek(fd) >= 0; }

/* ---- descriptors that a library opens by itself ---------------------------------------------- */

/* Nothing to do: each descriptor of libcurl's passes platform_socket_close_on_exec, and a pair for
** waking threads is closed before a child could be started by the same thread. */
void platform_expect(platform_expected *e) { e->is_set = true; }

void platform_settle(platform_expected *e) { e->is_set = false; }

#endif
