/*
** scan: reads the pieces of a JSON text that is complete in memory. No Lua, no state, no reader.
**
** Functions take and return positions. NULL: the text is wrong or cut off. scan does not tell which
** of the two; the skimmer (skim.h) does. JSON_PADDING zeros must follow the text. No function
** checks for its end: a zero is allowed nowhere in JSON, and stops each function.
*/
#ifndef TOPAZ_JSON_SCAN_H
#define TOPAZ_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <lua.h>

#include "platform/bits.h"

/* JSON_NO_VECTORS builds the code for machines without these instructions: `make novectors` tests
** it. arm64 uses that code too: what NEON would gain was measured on no such machine. */
#if PLATFORM_SSE2 && !defined(JSON_NO_VECTORS)
#define JSON_VECTORS 1
#include <emmintrin.h>
#else
#define JSON_VECTORS 0
#endif

enum { JSON_PADDING = 64 };

/* Types, as bits so that a rule can allow several. */
enum {
  JSON_STRING = 1,
  JSON_INTEGER = 2, /* as a rule: an integral float such as 42.0 becomes an integer */
  JSON_FLOAT = 4,
  JSON_BOOLEAN = 8,
  JSON_OBJECT = 16,
  JSON_ARRAY = 32,
  JSON_NULL = 64,
  JSON_ANY = 127
};

/* A value in the text. */
typedef struct {
  const char *at; /* string: its text; bracket: the bracket; boolean: the literal */
  union {
    lua_Integer integer;
    lua_Number number;
  } as;
  uint32_t length; /* string: bytes of its text; bracket: bytes, the closing one included */
  unsigned char type;
  bool escaped; /* string: it has escapes; bracket: true */
} json_span;

/* Reads a string from its first byte that is not plain; returns the closing quote. */
const char *json_scan_rest(const char *p, bool *escaped);
const char *json_scan_number(const char *p, json_span *out);
const char *json_scan_literal(const char *p, json_span *out);
/* Decodes the text of a string that was checked before into `out`; returns the length of the
** result. `out` has room for n + JSON_PADDING bytes, because blocks are written. */
size_t json_unescape(const char *text, size_t n, char *out);

/* ---- inlined: nearly all the time goes here -------------------------------------------------- */

/* Returns the value of a hexadecimal digit, or -1. */
static inline int json_hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if ((c | 32) >= 'a' && (c | 32) <= 'f') return (c | 32) - 'a' + 10;
  return -1;
}

static inline const char *json_space(const char *p) {
  if ((unsigned char)*p > ' ') return p; /* nearly always */
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  return p;
}

#if JSON_VECTORS
/* Returns a mask; bit i: byte i at p is a quote, a backslash, a control byte or not ASCII. */
static inline unsigned json_special(const char *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i special = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
  special = _mm_or_si128(special, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
  special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
  /* x itself: the top bit says "not ASCII" */
  return (unsigned)_mm_movemask_epi8(_mm_or_si128(special, x));
}
#endif

/* Returns the first byte that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *json_plain(const char *p) {
#if JSON_VECTORS
  for (;; p += 16) {
    unsigned mask = json_special(p);
    if (mask) return p + platform_low_zeros(mask);
  }
#else
  const uint64_t ones = UINT64_MAX / 255, tops = ones * 128;
  for (;; p += 8) {
    uint64_t x, quote, backslash;
    memcpy(&x, p, sizeof x);
    quote = x ^ ones * '"';
    backslash = x ^ ones * '\\';
    /* x - n borrows into the top bit of a byte below n; a false borrow follows a true one only */
    if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((x - ones * 0x20) & ~x) | x) & tops) break;
  }
  while ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\') p++;
  return p;
#endif
}

/* Whether n bytes (1 or more) at p and at `text` are the same. Both are readable up to the next
** multiple of 16. */
static inline bool json_same(const char *p, const char *text, size_t n) {
#if JSON_VECTORS
  for (;; p += 16, text += 16, n -= 16) {
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)text);
    unsigned different = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)) ^ 0xFFFF;
    if (n <= 16) return (different << (16 - n) & 0xFFFF) == 0;
    if (different) return false;
  }
#else
  return strncmp(p, text, n) == 0; /* memcmp might read behind the padding */
#endif
}

/* Reads from the first byte of a string's text to its closing quote. */
static inline const char *json_scan_string(const char *p, bool *escaped) {
  *escaped = false;
  p = json_plain(p);
  return *p == '"' ? p : json_scan_rest(p, escaped);
}

/* Reads at most 8 digits at p: returns how many, and sets their value. */
static inline unsigned json_digits(const char *p, uint64_t *value) {
#if PLATFORM_LITTLE_ENDIAN && !defined(JSON_NO_VECTORS)
  const uint64_t ones = UINT64_MAX / 255;
  uint64_t x, other;
  unsigned n;
  memcpy(&x, p, sizeof x);
  x -= ones * '0';
  other = (x | (x + ones * (0x80 - 10))) & ones * 0x80; /* right up to the first other byte */
  n = other ? platform_low_zeros64(other) / 8 : 8;
  *value = 0;
  if (n == 0) return 0;
  x <<= 8 * (8 - n); /* leading zeros; then two neighbours each become one number, three times */
  x = (x & ones * 0x0F) * (256 * 10 + 1) >> 8;
  x = (x & 0x00FF00FF00FF00FF) * (65536 * 100 + 1) >> 16;
  *value = (x & 0x0000FFFF0000FFFF) * (4294967296 * 10000 + 1) >> 32;
  return n;
#else
  unsigned n = 0;
  *value = 0;
  for (unsigned digit; n < 8 && (digit = (unsigned char)p[n] - (unsigned)'0') <= 9; n++) *value = *value * 10 + digit;
  return n;
#endif
}

/* Reads a number or literal. Sets type, at, as of `out`. */
static inline const char *json_scan_plain(const char *p, json_span *out) {
  if (*p == '-' || (*p >= '0' && *p <= '9')) {
    bool negative = *p == '-';
    const char *digit = p + negative, *q;
    uint64_t value;
    unsigned n = json_digits(digit, &value);
    if (n == 8) {
      static const uint32_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
      uint64_t more;
      unsigned m = json_digits(digit + 8, &more);
      value = value * tens[m] + more;
      n += m;
    }
    q = digit + n;
    /* all but short integers use the slow path, wrong numbers too */
    if (n == 16 || n == 0 || (*digit == '0' && n > 1) || *q == '.' || (*q | 32) == 'e') return json_scan_number(p, out);
    out->type = JSON_INTEGER;
    out->at = p;
    out->as.integer = negative ? -(lua_Integer)value : (lua_Integer)value;
    return q;
  }
  return json_scan_literal(p, out);
}

/* Reads a string, number or literal. Sets type, at, length, escaped, as of `out`. */
static inline const char *json_scan_scalar(const char *p, json_span *out) {
  const char *end;
  if (*p != '"') return json_scan_plain(p, out);
  end = json_scan_string(++p, &out->escaped);
  if (!end) return NULL;
  out->type = JSON_STRING;
  out->at = p;
  out->length = (uint32_t)(end - p);
  return end + 1;
}

#endif
