/* Preloaded: a machine on which the name two-addresses.test has the addresses 127.0.0.2
** and 127.0.0.3, in this order, and slow.test takes two seconds not to exist, and says "resolved";
** and a libcurl that refuses the options whose numbers are in the variable REFUSED,
** separated by commas. */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out) {
  int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
  *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
  if (node && strcmp(node, "slow.test") == 0) {
    sleep(2);
    (void)!write(STDOUT_FILENO, "resolved\n", 9);
    return EAI_NONAME;
  }
  if (node && strcmp(node, "two-addresses.test") == 0) {
    struct addrinfo plain = {0}, *last;
    int rc;
    if (hints && hints->ai_family == AF_INET6) return EAI_NONAME;
    plain.ai_family = AF_INET;
    plain.ai_socktype = SOCK_STREAM;
    rc = real("127.0.0.2", service, &plain, out);
    if (rc != 0) return rc;
    for (last = *out; last->ai_next;) last = last->ai_next;
    return real("127.0.0.3", service, &plain, &last->ai_next);
  }
  return real(node, service, hints, out);
}

int curl_easy_setopt(void *easy, int option, ...) {
  int (*real)(void *, int, ...);
  const char *refused = getenv("REFUSED");
  char list[256], number[16];
  va_list arguments;
  void *argument;
  /* Lua has loaded it for itself, so it does not come next. */
  *(void **)&real = dlsym(dlopen("libcurl.so.4", RTLD_LAZY | RTLD_NOLOAD), "curl_easy_setopt");
  (void)snprintf(list, sizeof list, ",%s,", refused ? refused : "");
  (void)snprintf(number, sizeof number, ",%d,", option);
  if (strstr(list, number)) return 48; /* CURLE_UNKNOWN_OPTION */
  va_start(arguments, option);
  argument = va_arg(arguments, void *);
  va_end(arguments);
  return real(easy, option, argument);
}
