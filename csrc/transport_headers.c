/* The headers that every request carries, and with them the key. */
#include "transport_part.h"

#include <stdlib.h>
#include <string.h>

static const char key_header[] = "X-API-Key: ";

static void wipe(char *s) {
  volatile char *p = s;
  while (p && *p) *p++ = '\0';
}

static bool add(struct curl_slist **headers, const char *name, const char *value) {
  size_t size = strlen(name) + strlen(value) + 1;
  char *line = malloc(size);
  struct curl_slist *longer;
  if (!line) return false;
  memcpy(line, name, strlen(name));
  memcpy(line + strlen(name), value, strlen(value) + 1);
  longer = curl_slist_append(*headers, line);
  wipe(line);
  free(line);
  if (longer) *headers = longer;
  return longer != NULL;
}

struct curl_slist *transport_headers_new(const char *api_key) {
  struct curl_slist *headers = NULL;
  if (add(&headers, key_header, api_key) && add(&headers, "Accept: ", "application/json")) return headers;
  transport_headers_free(headers);
  return NULL;
}

void transport_headers_free(struct curl_slist *headers) {
  for (struct curl_slist *h = headers; h; h = h->next) wipe(h->data);
  curl_slist_free_all(headers);
}

void transport_headers_hide(const struct curl_slist *headers, char *text) {
  enum { SHORTEST = 8 }; /* a shorter key may be part of any word */
  const char *key = headers->data + sizeof key_header - 1;
  size_t n = strlen(key), length = strlen(text);
  if (n < SHORTEST) return;
  for (char *at = strstr(text, key); at; at = strstr(at + n, key)) memset(at, '*', n);
  for (size_t part = n - 1 < length ? n - 1 : length; part >= SHORTEST; part--)
    if (memcmp(text + length - part, key, part) == 0) memset(text + length - part, '*', part);
}
