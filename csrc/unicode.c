#include "unicode.h"

#include "unicode_hidden.h"

size_t unicode_character(const char *s, size_t n, uint32_t *code) {
  const unsigned char *p = (const unsigned char *)s;
  unsigned char low = 0, high = 0;
  int more = unicode_more(*p, &low, &high);
  uint32_t c = *p & (0x3Fu >> more);
  *code = *p;
  if (*p < 0x80) return 1;
  if (more == 0 || (size_t)more >= n || p[1] < low || p[1] > high) return 0;
  for (int i = 1; i <= more; i++) {
    if ((p[i] & 0xC0) != 0x80) return 0;
    c = c << 6 | (p[i] & 0x3Fu);
  }
  *code = c;
  return (size_t)more + 1;
}

bool unicode_is_hidden(uint32_t code) {
  if (code == 0x200C || code == 0x200D) return false;
  for (size_t i = 0; i < sizeof unicode_hidden / sizeof *unicode_hidden && unicode_hidden[i].first <= code; i++)
    if (code <= unicode_hidden[i].last) return true;
  return false;
}
