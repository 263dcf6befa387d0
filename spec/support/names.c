/* Preloaded: names that mean what a test wants. NAMES="name=127.0.0.2,127.0.0.1 other=127.0.0.3"
** gives each name its addresses, in this order; all other names are the system's. */
#define _GNU_SOURCE

#include <dlfcn.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

/* The list behind "name=", NULL when NAMES does not have it. */
static const char *addresses_of(const char *node, const char *names) {
  size_t n = strlen(node);
  while (names && *names) {
    if (strncmp(names, node, n) == 0 && names[n] == '=') return names + n + 1;
    names = strchr(names, ' ');
    if (names) names++;
  }
  return NULL;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  static resolver *system_resolver;
  const char *list = node ? addresses_of(node, getenv("NAMES")) : NULL;
  if (!system_resolver) *(void **)&system_resolver = dlsym(RTLD_NEXT, "getaddrinfo");
  if (!list) return system_resolver(node, service, hints, out);
  for (*out = NULL; *list && *list != ' '; list += *list == ',') {
    char address[64] = "";
    size_t n = strcspn(list, ", ");
    int rc;
    memcpy(address, list, n < sizeof address ? n : sizeof address - 1);
    list += n;
    /* one numeric address: glibc frees a chain of them as one */
    rc = system_resolver(address, service, hints, out);
    if (rc) continue;
    while (*out) out = &(*out)->ai_next;
  }
  return 0;
}
