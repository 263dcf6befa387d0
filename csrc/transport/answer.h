/* The response to a transfer: its header lines, its body, and the meaning of libcurl's results. */
#ifndef TOPAZ_TRANSPORT_ANSWER_H
#define TOPAZ_TRANSPORT_ANSWER_H

#include <curl/curl.h>

#include "transport.h"

/* Clears the results of an earlier attempt. */
void transfer_clear(transfer *x);
/* Reads one line of the headers of an attempt. As libcurl's header callback: returns `size` *
** `count`, or another number to end the attempt. */
size_t transfer_on_header(char *line, size_t size, size_t count, void *context);
/* Hands body bytes to the transfer's sink. As libcurl's write callback. */
size_t transfer_on_body(char *bytes, size_t size, size_t count, void *context);
/* Copies a value without the white space around it, cut to `size`. */
void transfer_copy_value(char *out, size_t size, const char *value, size_t n);
/* Returns what libcurl's result means; sets `garbled` if only bytes after the body are wrong. */
transfer_end transfer_classify(CURLcode rc, transfer *x);
/* Whether libcurl's error text says that the server requires HTTP/1.1. */
bool transfer_wants_http1(const transfer *x);

#endif
