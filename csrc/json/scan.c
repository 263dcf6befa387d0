/* Reads text that is complete in memory. See scan.h. */
#include "scan.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "unicode.h"

/* ---- strings --------------------------------------------------------------------------------- */

/* Returns the value of four hexadecimal digits, or -1. */
static int hex_unit(const char *p) {
  int unit = 0;
  for (int i = 0; i < 4; i++) {
    int digit = json_hex_digit(p[i]);
    if (digit < 0) return -1; /* before the next byte is read: it may lie behind the padding */
    unit = unit << 4 | digit;
  }
  return unit;
}

/* Returns the character of the escape with this letter; 0: there is no such escape. */
static const char simple_escapes[UCHAR_MAX + 1] = {
    ['"'] = '"', ['\\'] = '\\', ['/'] = '/', ['b'] = '\b', ['f'] = '\f', ['n'] = '\n', ['r'] = '\r', ['t'] = '\t'};

/* p is at the backslash. */
static const char *scan_escape(const char *p) {
  int unit;
  if (simple_escapes[(unsigned char)p[1]]) return p + 2;
  if (p[1] != 'u' || (unit = hex_unit(p + 2)) < 0) return NULL;
  if (unit < 0xD800 || unit > 0xDFFF) return p + 6;
  if (unit > 0xDBFF || p[6] != '\\' || p[7] != 'u') return NULL;
  unit = hex_unit(p + 8);
  return unit >= 0xDC00 && unit <= 0xDFFF ? p + 12 : NULL;
}

/* Reads one character of two to four bytes. */
static const char *scan_utf8(const char *text) {
  const unsigned char *p = (const unsigned char *)text;
  unsigned char low, high;
  int more = unicode_more(*p, &low, &high);
  if (more == 0 || p[1] < low || p[1] > high) return NULL;
  for (int i = 2; i <= more; i++)
    if ((p[i] & 0xC0) != 0x80) return NULL;
  return text + more + 1;
}

/* Skips a character that is neither plain nor a quote. */
static inline const char *scan_special(const char *p, bool *escaped) {
  if ((unsigned char)*p >= 0x80) return scan_utf8(p);
  if (*p != '\\') return NULL;
  *escaped = true;
  return scan_escape(p);
}

const char *json_scan_rest(const char *p, bool *escaped) {
#if JSON_VECTORS
  /* JSON within a string has an escape every few bytes: find those of a block all at once */
  for (;;) {
    unsigned mask = json_special(p), at;
    for (; mask; mask &= ~(3u << at)) {
      at = platform_low_zeros(mask);
      if (p[at] == '"') return p + at;
      if (p[at] != '\\' || at == 15 || !simple_escapes[(unsigned char)p[at + 1]]) break;
      *escaped = true;
    }
    if (!mask) p += 16;
    else if (!(p = scan_special(p + at, escaped))) return NULL;
  }
#else
  while (*p != '"') {
    p = scan_special(p, escaped);
    if (!p) return NULL;
    p = json_plain(p);
  }
  return p;
#endif
}

static char *put_utf8(char *out, unsigned c) {
  if (c < 0x80) {
    *out++ = (char)c;
    return out;
  }
  if (c < 0x800) *out++ = (char)(0xC0 | c >> 6);
  else {
    if (c < 0x10000) *out++ = (char)(0xE0 | c >> 12);
    else {
      *out++ = (char)(0xF0 | c >> 18);
      *out++ = (char)(0x80 | (c >> 12 & 0x3F));
    }
    *out++ = (char)(0x80 | (c >> 6 & 0x3F));
  }
  *out++ = (char)(0x80 | (c & 0x3F));
  return out;
}

/* p is behind a backslash; goes behind the escape or the pair of them. */
static inline char *unescape_one(const char **p, char *out) {
  unsigned c;
  if (**p != 'u') {
    *out = simple_escapes[(unsigned char)*(*p)++];
    return out + 1;
  }
  c = (unsigned)hex_unit(*p + 1);
  *p += 5;
  if (c >= 0xD800 && c <= 0xDBFF) {
    c = 0x10000 + ((c - 0xD800) << 10) + ((unsigned)hex_unit(*p + 2) - 0xDC00);
    *p += 6;
  }
  return put_utf8(out, c);
}

#if JSON_VECTORS
static inline void copy_block(char *out, const char *p) {
  _mm_storeu_si128((__m128i *)(void *)out, _mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Decodes a block of 16 bytes, or up to the end, and the whole of an escape that begins in it. */
static inline char *unescape_block(const char **place, const char *end, char *out) {
  const char *block = *place, *p = block, *stop = end - p > 16 ? p + 16 : end;
  const __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
  unsigned mask = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))) & ((1u << (stop - p)) - 1);
  while (mask) {
    const char *backslash = block + platform_low_zeros(mask);
    copy_block(out, p); /* more than stands before the backslash; the rest is soon overwritten */
    out += backslash - p;
    p = backslash + 1;
    out = unescape_one(&p, out);
    if (p >= stop) break;
    mask &= UINT32_MAX << (p - block);
  }
  if (p < stop) {
    copy_block(out, p);
    out += stop - p;
    p = stop;
  }
  *place = p;
  return out;
}
#else
/* Decodes up to and including the first escape. */
static inline char *unescape_block(const char **place, const char *end, char *out) {
  const char *p = *place;
  while (p < end && *p != '\\') *out++ = *p++;
  if (p++ < end) out = unescape_one(&p, out);
  *place = p;
  return out;
}
#endif

size_t json_unescape(const char *text, size_t n, char *out) {
  const char *p = text, *end = text + n;
  char *begin = out;
  while (p < end) out = unescape_block(&p, end, out);
  return (size_t)(out - begin);
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum {
  DIGITS_MAX = 780,                /* 767 digits and whether others follow decide a float */
  EXPONENT_MAX = 100 * 1000 * 1000 /* far over what the digits of a value could make up for */
};

/* Reads the number after the letter e. */
static long read_exponent(const char *p, const char *end) {
  bool negative = *p == '-';
  long e = 0;
  if (!unicode_is_digit(*p)) p++;
  for (; p < end; p++)
    if (e < EXPONENT_MAX) e = e * 10 + (*p - '0');
  if (e > EXPONENT_MAX) e = EXPONENT_MAX;
  return negative ? -e : e;
}

/* Computes digits * 10^exponent without rounding twice, if both factors are exact floats; else
** returns false. */
static bool multiply(const char *digits, size_t n, long exponent, double *out) {
  static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  uint64_t whole = 0;
  if (FLT_EVAL_METHOD != 0 || n > 15 || exponent > 22 || exponent < -22) return false;
  for (size_t i = 0; i < n; i++) whole = whole * 10 + (uint64_t)(digits[i] - '0');
  *out = exponent < 0 ? (double)whole / powers[-exponent] : (double)whole * powers[exponent];
  return true;
}

/* Returns the number from p to end, which was checked before; one too large is an infinity. Moves
** the point after the last digit: strtod then gets no decimal point, the one part of a number
** in which locales differ. */
static double number_of(const char *p, const char *end) {
  char digits[DIGITS_MAX + 32];
  size_t n = 0;
  long exponent = 0;
  bool negative = *p == '-', behind_point = false, more = false;
  double value;
  for (p += negative; p < end && (*p | 32) != 'e'; p++) {
    if (*p == '.') behind_point = true;
    else if (n < DIGITS_MAX) {
      exponent -= behind_point;
      if (n > 0 || *p != '0') digits[n++] = *p;
    } else {
      exponent += !behind_point;
      more = more || *p != '0';
    }
  }
  if (more) {
    digits[n++] = '1';
    exponent--;
  }
  if (p < end) exponent += read_exponent(p + 1, end);
  if (n == 0 || exponent + (long)n < -400) value = 0;
  else if (exponent + (long)n > 400) value = HUGE_VAL;
  else if (!multiply(digits, n, exponent, &value)) {
    (void)snprintf(digits + n, sizeof digits - n, "e%ld", exponent);
    value = strtod(digits, NULL);
  }
  return negative ? -value : value;
}

/* Whether the digits make an integer of 64 bits. */
static bool read_integer(const char *p, const char *end, lua_Integer *out) {
  bool negative = *p == '-';
  uint64_t value = 0, limit = (uint64_t)LUA_MAXINTEGER + negative;
  for (p += negative; p < end; p++) {
    uint64_t digit = (uint64_t)(*p - '0');
    if (value > (limit - digit) / 10) return false;
    value = value * 10 + digit;
  }
  *out = (lua_Integer)(negative ? 0 - value : value);
  return true;
}

static const char *scan_digits(const char *p) {
  if (!unicode_is_digit(*p)) return NULL;
  while (unicode_is_digit(*p)) p++;
  return p;
}

const char *json_scan_number(const char *p, json_span *out) {
  const char *begin = p, *integer_end;
  if (*p == '-') p++;
  p = *p == '0' ? p + 1 : scan_digits(p);
  if (!p) return NULL;
  integer_end = p;
  if (*p == '.' && !(p = scan_digits(p + 1))) return NULL;
  if ((*p | 32) == 'e') {
    p++;
    if (*p == '+' || *p == '-') p++;
    if (!(p = scan_digits(p))) return NULL;
  }
  out->at = begin;
  out->type = JSON_INTEGER;
  if (p == integer_end && read_integer(begin, p, &out->as.integer)) return p;
  out->type = JSON_FLOAT;
  out->as.number = number_of(begin, p);
  return p;
}

/* ---- literals -------------------------------------------------------------------------------- */

const char *json_scan_literal(const char *p, json_span *out) {
  out->at = p;
  out->type = JSON_BOOLEAN;
  if (memcmp(p, "true", 4) == 0) return p + 4;
  if (memcmp(p, "false", 5) == 0) return p + 5;
  out->type = JSON_NULL;
  return memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
}
