/* The oracle of what JSON is: recursive, slow, one rule of RFC 8259 a function. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

typedef struct {
  const unsigned char *p, *end;
  int depth;
} text;

static bool value(text *t);

static void space(text *t) {
  while (t->p < t->end && strchr(" \t\r\n", *t->p) && *t->p) t->p++;
}

static bool eat(text *t, unsigned char c) {
  if (t->p == t->end || *t->p != c) return false;
  t->p++;
  return true;
}

static bool word(text *t, const char *w) {
  size_t n = strlen(w);
  if ((size_t)(t->end - t->p) < n || memcmp(t->p, w, n) != 0) return false;
  t->p += n;
  return true;
}

static bool digits(text *t) {
  const unsigned char *from = t->p;
  while (t->p < t->end && *t->p >= '0' && *t->p <= '9') t->p++;
  return t->p > from;
}

static bool number(text *t) {
  (void)eat(t, '-');
  if (!eat(t, '0') && !digits(t)) return false;
  if (eat(t, '.') && !digits(t)) return false;
  if (eat(t, 'e') || eat(t, 'E')) {
    if (!eat(t, '+')) (void)eat(t, '-');
    if (!digits(t)) return false;
  }
  return true;
}

/* Four hexadecimal digits; negative: none. */
static long unit(text *t) {
  long u = 0;
  for (int i = 0; i < 4; i++, t->p++) {
    const char *hex = "0123456789abcdefABCDEF", *at = t->p < t->end && *t->p ? strchr(hex, *t->p) : NULL;
    if (!at) return -1;
    u = u * 16 + (at - hex < 16 ? at - hex : at - hex - 6);
  }
  return u;
}

static bool escape(text *t) {
  long u;
  if (t->p == t->end || !*t->p || !strchr("\"\\/bfnrtu", *t->p)) return false;
  if (*t->p++ != 'u') return true;
  u = unit(t);
  if (u < 0xD800 || u > 0xDFFF) return u >= 0;
  if (u > 0xDBFF || !word(t, "\\u")) return false;
  u = unit(t);
  return u >= 0xDC00 && u <= 0xDFFF;
}

/* One character of more than one byte (RFC 3629). */
static bool character(text *t) {
  unsigned c = *t->p++;
  int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
  unsigned point = c & (0x3Fu >> more);
  if (c < 0xC2 || c > 0xF4) return false;
  for (int i = 0; i < more; i++) {
    if (t->p == t->end || (*t->p & 0xC0) != 0x80) return false;
    point = point << 6 | (*t->p++ & 0x3F);
  }
  if (more == 2 && (point < 0x800 || (point >= 0xD800 && point <= 0xDFFF))) return false;
  return more < 3 || (point >= 0x10000 && point <= 0x10FFFF);
}

static bool string(text *t) {
  if (!eat(t, '"')) return false;
  while (t->p < t->end && *t->p != '"') {
    if (*t->p < 0x20) return false;
    if (*t->p >= 0x80 ? !character(t) : *t->p++ == '\\' && !escape(t)) return false;
  }
  return eat(t, '"');
}

static bool members(text *t, bool named, unsigned char close) {
  if (++t->depth > JSON_DEPTH_MAX) return false;
  space(t);
  if (!eat(t, close)) {
    do {
      space(t);
      if (named) {
        if (!string(t)) return false;
        space(t);
        if (!eat(t, ':')) return false;
      }
      if (!value(t)) return false;
      space(t);
    } while (eat(t, ','));
    if (!eat(t, close)) return false;
  }
  t->depth--;
  return true;
}

static bool value(text *t) {
  space(t);
  if (t->p == t->end) return false;
  switch (*t->p) {
  case '{': t->p++; return members(t, true, '}');
  case '[': t->p++; return members(t, false, ']');
  case '"': return string(t);
  case 't': return word(t, "true");
  case 'f': return word(t, "false");
  case 'n': return word(t, "null");
  default: return number(t);
  }
}

bool reference_accepts(const char *bytes, size_t n) {
  text t = {(const unsigned char *)bytes, (const unsigned char *)bytes + n, 0};
  if (!value(&t)) return false;
  space(&t);
  return t.p == t.end;
}
