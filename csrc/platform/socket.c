/* Addresses, which every system handles alike. */
#include "socket.h"

#include <string.h>

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#endif

static bool write_address(const struct sockaddr_storage *a, char *ip, int *port) {
  if (a->ss_family == AF_INET) {
    const struct sockaddr_in *v4 = (const void *)a;
    *port = ntohs(v4->sin_port);
    return inet_ntop(AF_INET, &v4->sin_addr, ip, PLATFORM_ADDRESS_MAX) != NULL;
  }
  if (a->ss_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const void *)a;
    *port = ntohs(v6->sin6_port);
    return inet_ntop(AF_INET6, &v6->sin6_addr, ip, PLATFORM_ADDRESS_MAX) != NULL;
  }
  return false;
}

bool platform_socket_ends(platform_socket fd, platform_ends *ends) {
  struct sockaddr_storage remote, local;
  socklen_t remote_size = sizeof remote, local_size = sizeof local;
  memset(&remote, 0, sizeof remote);
  memset(&local, 0, sizeof local);
  if (getpeername(fd, (struct sockaddr *)&remote, &remote_size) == 0 &&
      getsockname(fd, (struct sockaddr *)&local, &local_size) == 0 && write_address(&remote, ends->ip, &ends->port) &&
      write_address(&local, ends->local_ip, &ends->local_port))
    return true;
  ends->port = ends->local_port = 0;
  return false;
}

int platform_read_address(const char *text, unsigned char bytes[16]) {
  if (inet_pton(AF_INET, text, bytes) == 1) return 4;
  return inet_pton(AF_INET6, text, bytes) == 1 ? 16 : 0;
}
