#include "headers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sha256.h"

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

void transport_headers_sign(const struct curl_slist *headers, const void *text, size_t n, unsigned char *digest) {
  const char *key = headers->data + sizeof key_header - 1;
  sha256_hmac(key, strlen(key), text, n, digest);
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }

/* Returns how many bytes at the beginning of the text stand somewhere in the key. Lower and upper
** case are the same: a host name may lose the difference. */
static size_t longest_part(const char *key, const char *text) {
  size_t most = 0;
  for (; *key; key++) {
    size_t n = 0;
    while (key[n] && lower(key[n]) == lower(text[n])) n++;
    if (n > most) most = n;
  }
  return most;
}

void transport_headers_hide(const struct curl_slist *headers, char *text) {
  enum { SHORTEST = 8 }; /* a shorter part may be part of any word */
  const char *key = headers->data + sizeof key_header - 1;
  char *hidden = text; /* up to here; what is behind is still as it came */
  for (; *text; text++) {
    size_t n = longest_part(key, text);
    if (n >= SHORTEST && text + n > hidden) hidden = text + n;
    if (text < hidden) *text = '*';
  }
}
