/*
** sha256: SHA-256 (FIPS 180-4) and HMAC-SHA-256 (RFC 2104), for names that tell nothing of what
** they were made from. Allocates nothing, and wipes what it keeps of a key.
*/
#ifndef TOPAZ_SHA256_H
#define TOPAZ_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64, SHA256_HEX_SIZE = 2 * SHA256_SIZE + 1 };

typedef struct {
  uint32_t state[8];
  uint64_t length; /* bytes so far */
  unsigned char block[SHA256_BLOCK];
} sha256;

void sha256_begin(sha256 *h);
void sha256_add(sha256 *h, const void *bytes, size_t n);
/* Writes the digest, and wipes `h`. */
void sha256_end(sha256 *h, unsigned char digest[SHA256_SIZE]);

void sha256_hmac(const void *key, size_t key_size, const void *text, size_t n, unsigned char digest[SHA256_SIZE]);

/* Writes a digest in lower case, with a zero behind it. */
void sha256_hex(const unsigned char digest[SHA256_SIZE], char out[SHA256_HEX_SIZE]);

#endif
