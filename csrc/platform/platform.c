#include "platform.h"

#include <stdlib.h>
#include <string.h>

const char *platform_environment(const char *name) {
  const char *value = getenv(name);
  return value && value[0] ? value : NULL;
}

char *platform_copy(const char *s, size_t n) {
  char *copy = malloc(n + 1);
  if (!copy) return NULL;
  memcpy(copy, s, n);
  copy[n] = '\0';
  return copy;
}
