/*
** percent: percent-encoding, for the query of a URL and for the parts of a list token.
*/
#ifndef TOPAZ_PERCENT_H
#define TOPAZ_PERCENT_H

#include <stddef.h>

/* Writes n bytes of text percent-encoded (RFC 3986 2.3: all but unreserved), then a zero, on which
** it returns a pointer. `out` has room for 3 * n + 1 bytes. */
char *percent_encode(char *out, const char *text, size_t n);

#endif
