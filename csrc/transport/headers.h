/* The headers of every request, the API key among them. */
#ifndef TOPAZ_TRANSPORT_HEADERS_H
#define TOPAZ_TRANSPORT_HEADERS_H

#include <stddef.h>

#include <curl/curl.h>

/* Makes the headers, the key's first. `own`: lines of the caller, as of transport.h, or NULL. NULL:
** out of memory. */
struct curl_slist *transport_headers_new(const char *api_key, const char *own);
/* Makes a copy in which the caller's lines `own` replace those of the same names. NULL: out of
** memory. */
struct curl_slist *transport_headers_join(const struct curl_slist *headers, const char *own);
/* Frees the headers and wipes their text. NULL is allowed. */
void transport_headers_free(struct curl_slist *headers);
/* Writes the HMAC-SHA-256 of n bytes under the key: 32 bytes. */
void transport_headers_sign(const struct curl_slist *headers, const void *text, size_t n, unsigned char *digest);
/* Overwrites secrets in a text from outside; see transport_hide. */
void transport_headers_hide(const struct curl_slist *headers, const char *own, char *text);

#endif
