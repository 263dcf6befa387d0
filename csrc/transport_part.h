/* Inside the transport room: what its files share. */
#ifndef TOPAZ_TRANSPORT_PART_H
#define TOPAZ_TRANSPORT_PART_H

#include <curl/curl.h>

#include "transport.h"

/* Before an attempt: nothing has come. */
void transfer_clear(transfer *x);
/* Called by libcurl for each line of each header of an attempt. */
size_t transfer_on_header(char *line, size_t size, size_t count, void *context);
/* Copies without the white space around it, cut to `size`. */
void transfer_copy_value(char *out, size_t size, const char *value, size_t n);
/* What libcurl's result means. */
transfer_end transfer_classify(CURLcode rc, const transfer *x);

/* The headers of every request, the key's first. NULL: no memory. */
struct curl_slist *transport_headers_new(const char *api_key);
/* Frees them and wipes what they said. NULL is fine. */
void transport_headers_free(struct curl_slist *headers);
/* Overwrites the key, and a piece of it at the end, in a text that came from outside. */
void transport_headers_hide(const struct curl_slist *headers, char *text);

#endif
