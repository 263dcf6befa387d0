/* Inside the transport room: how a transfer takes its answer in. */
#ifndef TOPAZ_TRANSPORT_PART_H
#define TOPAZ_TRANSPORT_PART_H

#include <curl/curl.h>

#include "transport.h"

/* Called by libcurl for each line of each header of an attempt. */
size_t transfer_on_header(char *line, size_t size, size_t count, void *context);
/* Copies without the white space around it, cut to `size`. */
void transfer_copy_value(char *out, size_t size, const char *value, size_t n);
/* What libcurl's result means. */
transfer_end transfer_classify(CURLcode rc, const transfer *x);

#endif
