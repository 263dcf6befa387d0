/* Preloaded: a resolver that stalls. Every name takes three seconds and then does not exist. */
#define _GNU_SOURCE

#include <netdb.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  (void)node;
  (void)service;
  (void)hints;
  (void)out;
  sleep(3);
  return EAI_NONAME;
}
