#include "cursor_token.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "percent.h"
#include "json/shape.h"

static const char token_head[] = "topaz1.";

/* A check for tokens that were cut or edited. It is not a signature. */
static uint32_t check_sum(const char *text, size_t n) { return json_fnv(text, n); }

/* ---- writing --------------------------------------------------------------------------------- */

/* Percent-encodes, dots too, because dots separate the parts. */
static char *encode_part(char *out, const char *text) {
  char *end = percent_encode(out, text, strlen(text));
  for (char *p = out; p < end; p++)
    if (*p == '.') {
      memmove(p + 3, p + 1, (size_t)(end - p));
      memcpy(p, "%2E", 3);
      end += 2;
      p += 2;
    }
  return end;
}

enum { HASH_DIGITS = 11 };
static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

static char *encode_hash(char *out, uint64_t hash) {
  for (int i = HASH_DIGITS - 1; i >= 0; i--, hash >>= 6) out[i] = digits[hash & 63];
  return out + HASH_DIGITS;
}

void cursor_token_push(lua_State *L, const cursor_place *place) {
  /* No luaL_Buffer: when memory is short, Lua 5.4's leaves its own metatable half made, and
  ** all later ones fail. */
  char *text = lua_newuserdatauv(L, CURSOR_TOKEN_MAX, 0), *end;
  end = text + sprintf(text, "%s%c.%d.", token_head, place->paginated ? 'p' : 'a', place->limit);
  end = encode_part(end, place->page);
  *end++ = '.';
  end = encode_part(end, place->last);
  if (place->recents > 0) *end++ = '.';
  for (size_t i = 0; i < place->recents; i++) end = encode_hash(end, place->recent[i]);
  end += sprintf(end, ".%08" PRIx32, check_sum(text, (size_t)(end - text)));
  lua_pushlstring(L, text, (size_t)(end - text));
  lua_remove(L, -2);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Returns the value of a digit in this base, up to 64; -1: not a digit. */
static int digit(char c, size_t base) {
  const char *at = memchr(digits, c, base);
  return at ? (int)(at - digits) : -1;
}

/* Decodes up to the next dot or the end. Returns the position behind it, or NULL. */
static const char *decode_part(const char *p, char *out, size_t size) {
  size_t n = 0;
  for (; *p && *p != '.'; p++) {
    char c = *p;
    if (c == '%') {
      int high = digit(p[1], 16), low = high < 0 ? -1 : digit(p[2], 16);
      if (low < 0 || high + low == 0) return NULL;
      c = (char)(high << 4 | low);
      p += 2;
    }
    if (n + 1 >= size) return NULL;
    out[n++] = c;
  }
  out[n] = '\0';
  return *p ? p + 1 : p;
}

static bool decode_hash(const char *p, uint64_t *out) {
  *out = 0;
  for (int i = 0; i < HASH_DIGITS; i++) {
    int value = digit(p[i], i == 0 ? 16 : 64); /* 64 bits: four in the first digit */
    if (value < 0) return false;
    *out = *out << 6 | (uint64_t)value;
  }
  return true;
}

/* Reads the text from p to end: nothing, or the hashes and a dot. */
static bool decode_recent(const char *p, const char *end, cursor_place *place) {
  size_t n = (size_t)(end - p) / HASH_DIGITS;
  place->recents = 0;
  if (p == end) return true;
  if (n == 0 || n > CURSOR_RECENT || p + n * HASH_DIGITS + 1 != end || end[-1] != '.') return false;
  for (; place->recents < n; place->recents++, p += HASH_DIGITS)
    if (!decode_hash(p, &place->recent[place->recents])) return false;
  return true;
}

bool cursor_token_read(const char *text, cursor_place *place) {
  size_t n = strlen(text);
  const char *p = text + sizeof token_head - 1, *last = text + n - 8;
  char mode[2], limit[4];
  unsigned long sum;
  char *end;
  if (n < sizeof token_head + 9 || strncmp(text, token_head, sizeof token_head - 1) != 0) return false;
  sum = strtoul(last, &end, 16);
  if (*end || last[-1] != '.' || sum != check_sum(text, n - 9)) return false;
  if (!(p = decode_part(p, mode, sizeof mode)) || !(p = decode_part(p, limit, sizeof limit)) ||
      !(p = decode_part(p, place->page, sizeof place->page)) || !(p = decode_part(p, place->last, sizeof place->last)))
    return false;
  place->paginated = mode[0] == 'p';
  place->limit = (int)strtol(limit, NULL, 10);
  return (mode[0] == 'p' || mode[0] == 'a') && place->limit >= 1 && place->limit <= STATUS_PAGE_MAX && p <= last &&
         decode_recent(p, last, place);
}
