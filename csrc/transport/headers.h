/* The headers of every request, the API key among them. */
#ifndef TOPAZ_TRANSPORT_HEADERS_H
#define TOPAZ_TRANSPORT_HEADERS_H

#include <stddef.h>

#include <curl/curl.h>

/* Makes the headers, the key's first. NULL: out of memory. */
struct curl_slist *transport_headers_new(const char *api_key);
/* Frees the headers and wipes their text. NULL is allowed. */
void transport_headers_free(struct curl_slist *headers);
/* Writes the HMAC-SHA-256 of n bytes under the key: 32 bytes. */
void transport_headers_sign(const struct curl_slist *headers, const void *text, size_t n, unsigned char *digest);
/* Overwrites each part of the key in a text from outside; see transport_hide_key. */
void transport_headers_hide(const struct curl_slist *headers, char *text);

#endif
