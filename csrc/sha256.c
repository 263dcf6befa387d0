#include "sha256.h"

#include <string.h>

/* The first 32 bits of the fractions of the cube roots of 64 primes (FIPS 180-4 4.2.2). */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void wipe(void *memory, size_t n) {
  volatile unsigned char *p = memory;
  while (n--) *p++ = 0;
}

/* The letters are those of FIPS 180-4 6.2.2. */
static void mix(sha256 *h) {
  uint32_t w[64], s[8];
  for (size_t i = 0; i < 16; i++) {
    const unsigned char *b = h->block + 4 * i;
    w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
  }
  for (int i = 16; i < 64; i++) {
    uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[i - 7] + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
  }
  memcpy(s, h->state, sizeof s);
  for (int i = 0; i < 64; i++) {
    uint32_t a = s[0], e = s[4];
    uint32_t t1 = s[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + K[i] + w[i];
    uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += t1;
    s[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++) h->state[i] += s[i];
  wipe(w, sizeof w);
  wipe(s, sizeof s);
}

void sha256_begin(sha256 *h) {
  static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(h->state, start, sizeof start);
  h->length = 0;
}

void sha256_add(sha256 *h, const void *bytes, size_t n) {
  const unsigned char *from = bytes;
  while (n > 0) {
    size_t at = (size_t)(h->length % SHA256_BLOCK), part = SHA256_BLOCK - at < n ? SHA256_BLOCK - at : n;
    memcpy(h->block + at, from, part);
    h->length += part;
    from += part;
    n -= part;
    if (h->length % SHA256_BLOCK == 0) mix(h);
  }
}

void sha256_end(sha256 *h, unsigned char digest[SHA256_SIZE]) {
  static const unsigned char padding[SHA256_BLOCK] = {0x80};
  unsigned char bits[8];
  size_t at = (size_t)(h->length % SHA256_BLOCK);
  for (int i = 0; i < 8; i++) bits[i] = (unsigned char)(h->length << 3 >> (56 - 8 * i));
  sha256_add(h, padding, at < 56 ? 56 - at : 120 - at);
  sha256_add(h, bits, sizeof bits);
  for (int i = 0; i < SHA256_SIZE; i++) digest[i] = (unsigned char)(h->state[i / 4] >> (24 - 8 * (i % 4)));
  wipe(h, sizeof *h);
}

void sha256_hmac(const void *key, size_t key_size, const void *text, size_t n, unsigned char digest[SHA256_SIZE]) {
  unsigned char pad[SHA256_BLOCK] = {0};
  sha256 h;
  sha256_begin(&h);
  if (key_size > sizeof pad) {
    sha256_add(&h, key, key_size);
    sha256_end(&h, pad);
    sha256_begin(&h);
  } else if (key_size > 0) memcpy(pad, key, key_size);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36;
  sha256_add(&h, pad, sizeof pad);
  sha256_add(&h, text, n);
  sha256_end(&h, digest);
  for (size_t i = 0; i < sizeof pad; i++) pad[i] ^= 0x36 ^ 0x5c;
  sha256_begin(&h);
  sha256_add(&h, pad, sizeof pad);
  sha256_add(&h, digest, SHA256_SIZE);
  sha256_end(&h, digest);
  wipe(pad, sizeof pad);
}

void sha256_hex(const unsigned char digest[SHA256_SIZE], char out[SHA256_HEX_SIZE]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < SHA256_SIZE; i++) {
    out[2 * i] = digits[digest[i] >> 4];
    out[2 * i + 1] = digits[digest[i] & 15];
  }
  out[SHA256_HEX_SIZE - 1] = '\0';
}
