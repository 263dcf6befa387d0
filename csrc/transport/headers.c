#include "headers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "platform/platform.h"
#include "sha256.h"
#include "unicode.h"

static const char key_header[] = "X-API-Key: ";

static void wipe(char *s) {
  volatile char *p = s;
  while (p && *p) *p++ = '\0';
}

static bool add_line(struct curl_slist **headers, const char *line) {
  struct curl_slist *longer = curl_slist_append(*headers, line);
  if (longer) *headers = longer;
  return longer != NULL;
}

static bool add(struct curl_slist **headers, const char *name, const char *value) {
  size_t size = strlen(name) + strlen(value) + 1;
  char *line = malloc(size);
  bool added;
  if (!line) return false;
  memcpy(line, name, strlen(name));
  memcpy(line + strlen(name), value, strlen(value) + 1);
  added = add_line(headers, line);
  wipe(line);
  free(line);
  return added;
}

/* Adds the caller's lines. libcurl would drop a header without a value, but for "name;". */
static bool add_own(struct curl_slist **headers, const char *own) {
  while (own && *own) {
    size_t n = strcspn(own, "\n");
    char *line = platform_copy(own, n);
    bool added;
    if (!line) return false;
    if (n > 2 && memcmp(line + n - 2, ": ", 2) == 0) memcpy(line + n - 2, ";", sizeof ";");
    added = add_line(headers, line);
    wipe(line);
    free(line);
    if (!added) return false;
    own += n + 1;
  }
  return true;
}

struct curl_slist *transport_headers_new(const char *api_key, const char *own) {
  struct curl_slist *headers = NULL;
  if (add(&headers, key_header, api_key) && add(&headers, "Accept: ", "application/json") && add_own(&headers, own))
    return headers;
  transport_headers_free(headers);
  return NULL;
}

/* Whether one of the caller's lines has the name of this header. */
static bool is_named(const char *header, const char *own) {
  size_t n = strcspn(header, ":;");
  for (; *own; own += strcspn(own, "\n") + 1)
    if (curl_strnequal(own, header, n) && own[n] == ':') return true;
  return false;
}

struct curl_slist *transport_headers_join(const struct curl_slist *headers, const char *own) {
  struct curl_slist *joined = NULL;
  bool ok = true;
  for (const struct curl_slist *h = headers; ok && h; h = h->next)
    if (!is_named(h->data, own)) ok = add_line(&joined, h->data);
  if (ok && add_own(&joined, own)) return joined;
  transport_headers_free(joined);
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

/* Returns how many bytes at the beginning of the text stand somewhere in the key. Lower and upper
** case are the same: a host name may lose the difference. */
static size_t longest_part(const char *key, const char *text) {
  size_t most = 0;
  for (; *key; key++) {
    size_t n = 0;
    while (key[n] && unicode_lower(key[n]) == unicode_lower(text[n])) n++;
    if (n > most) most = n;
  }
  return most;
}

enum { SHORTEST = 8 }; /* a shorter part may be part of any word */

static void hide_key(const char *key, char *text) {
  char *hidden = text; /* up to here; what is behind is still as it came */
  for (; *text; text++) {
    size_t n = longest_part(key, text);
    if (n >= SHORTEST && text + n > hidden) hidden = text + n;
    if (text < hidden) *text = '*';
  }
}

/* Overwrites a word wherever it stands, also where the text ends within it. */
static void hide_word(const char *word, size_t length, char *text) {
  for (; *text; text++) {
    size_t n = 0;
    while (n < length && text[n] && unicode_lower(text[n]) == unicode_lower(word[n])) n++;
    if (n >= SHORTEST && (n == length || !text[n])) memset(text, '*', n);
  }
}

/* The same without the quotes and brackets around it, which a quote may leave out. */
static void hide_inner_word(const char *word, size_t length, char *text) {
  static const char around[] = "\"'`()[]{}<>";
  size_t outside = strspn(word, around);
  if (outside > length) return;
  word += outside;
  length -= outside;
  while (length > 0 && strchr(around, word[length - 1])) length--;
  if (length >= SHORTEST) hide_word(word, length, text);
}

/* Overwrites the words of the value in the header line at `line`, which ends at a line feed or at
** its end. */
static void hide_value(const char *line, char *text) {
  const char *at = line + strcspn(line, ":;");
  while (*at && *at != '\n') {
    size_t n = strcspn(at, ":;, =\n");
    if (n >= SHORTEST) hide_word(at, n, text);
    hide_inner_word(at, n, text);
    at += n;
    at += strspn(at, ":;, =");
  }
}

void transport_headers_hide(const struct curl_slist *headers, const char *own, char *text) {
  hide_key(headers->data + sizeof key_header - 1, text);
  for (const struct curl_slist *h = headers->next->next; h; h = h->next) hide_value(h->data, text);
  for (; own && *own; own += strcspn(own, "\n") + 1) hide_value(own, text);
}
