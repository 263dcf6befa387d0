/*
** Bit scans, byte order and vector instructions: what differs between compilers and processors.
** PLATFORM_SSE2 and PLATFORM_LITTLE_ENDIAN are 1 or 0; 0 also where it is not known.
*/
#ifndef TOPAZ_PLATFORM_BITS_H
#define TOPAZ_PLATFORM_BITS_H

#include <stdint.h>

#if defined(__SSE2__) || defined(_M_X64)
#define PLATFORM_SSE2 1
#else
#define PLATFORM_SSE2 0
#endif

#if defined(_WIN32) || (defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
#define PLATFORM_LITTLE_ENDIAN 1
#else
#define PLATFORM_LITTLE_ENDIAN 0
#endif

/* Return how many zero bits stand below the lowest bit that is set; x is not 0. */
#if defined(__GNUC__)
static inline unsigned platform_low_zeros(uint32_t x) { return (unsigned)__builtin_ctz(x); }
static inline unsigned platform_low_zeros64(uint64_t x) { return (unsigned)__builtin_ctzll(x); }
#elif defined(_MSC_VER) && defined(_WIN64)
#include <intrin.h>
static inline unsigned platform_low_zeros(uint32_t x) {
  unsigned long at;
  (void)_BitScanForward(&at, x);
  return at;
}
static inline unsigned platform_low_zeros64(uint64_t x) {
  unsigned long at;
  (void)_BitScanForward64(&at, x);
  return at;
}
#else
static inline unsigned platform_low_zeros64(uint64_t x) {
  unsigned n = 0;
  for (; !(x & 1); x >>= 1) n++;
  return n;
}
static inline unsigned platform_low_zeros(uint32_t x) { return platform_low_zeros64(x); }
#endif

#endif
