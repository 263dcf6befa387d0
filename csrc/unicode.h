/*
** unicode: what UTF-8 is, and which characters are not seen, but steer what is seen. Pure
** functions.
*/
#ifndef TOPAZ_UNICODE_H
#define TOPAZ_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ASCII alone, whatever the locale is. */
static inline bool unicode_is_digit(char c) { return c >= '0' && c <= '9'; }
static inline char unicode_lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c; }

/* Returns how many bytes follow the first byte of a character that is not ASCII (RFC 3629, section
** 4); 0: no such character begins so. The second byte is from low to high, the others are from 0x80
** to 0xBF. */
static inline int unicode_more(unsigned char first, unsigned char *low, unsigned char *high) {
  if (first < 0xC2 || first > 0xF4) return 0;
  /* not overlong; neither surrogates nor past U+10FFFF */
  *low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  *high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  return first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
}

/* Returns the length of the character at `s`, which has n > 0 bytes, and stores its code point; 0:
** it is cut or not UTF-8, and what is stored is the first byte. */
size_t unicode_character(const char *s, size_t n, uint32_t *code);

/* Whether the code point is not seen, but steers what is seen: a control, or a formatting
** character, such as those that turn the direction of writing. The joiners U+200C and U+200D, which
** letters and emoji need, do not count: the command line looks at what is beside them. */
bool unicode_is_hidden(uint32_t code);

#endif
