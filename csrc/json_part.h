/*
** What the files of the json room share. json.c: the reader and its pulls; json_scan.c: checks text that is all
** there; json_skim.c: checks text that comes in pieces, and says what is wrong; json_build.c: makes Lua values;
** json_shape.c: the names of members; json_record.c: records.
**
** The scanner knows only right and not right. Whatever it does not like, be it wrong or cut off, is given to the
** skimmer, whose word on the error holds; so the error cannot depend on how the text was cut.
**
** No scan checks for the end of the buffer: behind it stand JSON_PADDING zeros, and a zero is nowhere allowed.
*/
#ifndef TOPAZ_JSON_PART_H
#define TOPAZ_JSON_PART_H

#include <string.h>

#include "json.h"

#if defined(__SSE2__) && !defined(JSON_NO_VECTORS)
#define JSON_VECTORS 1
#include <emmintrin.h>
#else
#define JSON_VECTORS 0
#endif

enum { JSON_PADDING = 64 };

/* json_reader.place; zero is the beginning of the text */
enum { PLACE_VALUE, PLACE_FIRST, PLACE_BEHIND, PLACE_NAME, PLACE_COLON };

struct json_span {
  const char *at; /* string: its text; bracket: the bracket; boolean: the literal */
  union {
    lua_Integer integer;
    lua_Number number;
  } as;
  uint32_t length; /* string: bytes of its text; bracket: bytes up to the closing bracket and with it */
  uint32_t slot;   /* JSON_NO_SLOT: the name below */
  unsigned char type;
  bool escaped, kept, name_escaped;
  uint32_t name_length;
  const char *name;
};

#define JSON_NO_SLOT UINT32_MAX

struct json_slot {
  char text[JSON_NAME_MAX + 3]; /* "name": with its quotes and colon */
  uint32_t length;              /* of the name */
  uint32_t written;             /* length + 3, or 0 when the name looks different in JSON than here */
  uint32_t next;                /* the slot of the member that followed last time */
  uint32_t hash;
  uint32_t span; /* in the record `serial` */
  uint32_t types;
  uint32_t bit; /* of its rule; 0: none */
  bool kept;
  unsigned char luck; /* how often its strings were among the known texts; 0: so seldom that it is no use to look */
  uint64_t serial;
};

enum { JSON_TEXTS = 128, JSON_TEXT_MAX = 252 };

/* A string that came before and is kept in the table of names: the text i at [0][i + 1]. */
struct json_text {
  uint32_t length;          /* 0: none */
  char text[JSON_TEXT_MAX]; /* as it stands in the JSON, escapes and all */
};

/* ---- json.c ------------------------------------------------------------------------------------------------------ */
json_result json_fail(json_reader *r, json_result result, const char *what, size_t at); /* `at` counts from start */
void json_name_error(json_reader *r, const char *name, size_t n);                       /* decoded name */
json_result json_more(json_reader *r);
/* Skips white space. false: nothing is left. */
bool json_peek(json_reader *r);
void json_take(json_reader *r, size_t n);    /* consumes a value of n bytes */
bool json_reserve(json_reader *r, size_t n); /* room in scratch for a string of n bytes; false: no memory */

/* ---- json_skim.c ------------------------------------------------------------------------------------------------- */
/* Goes on in the value that begins at the first unread byte. JSON_OK: it is whole and right, skim.at bytes long. */
json_result json_skim_on(json_reader *r);

/* ---- json_scan.c ------------------------------------------------------------------------------------------------- */
/* All take and return positions; NULL: not right, or not all there. */
const char *json_scan_rest(const char *p, bool *escaped); /* of a string from the first byte that is not plain on */
const char *json_scan_number(const char *p, json_span *out);
const char *json_scan_literal(const char *p, json_span *out);
const char *json_scan_value(const char *p, unsigned room); /* room: how many brackets may be open */
/* Decodes the text of a string that was found right into `out`, which has room for n + JSON_PADDING bytes, so that it
** may be written in blocks; returns its length. */
size_t json_unescape(const char *text, size_t n, char *out);
/* The number that stands from p to end, which was found right. */
double json_float(const char *p, const char *end);

/* ---- json_build.c ------------------------------------------------------------------------------------------------ */
/* Pushes the value at p, which was found right; `scratch` has room for its longest string if that has escapes. */
void json_build(lua_State *L, const char *p, char *scratch);

/* ---- json_record.c and json_table.c ---- */
/* One reading of one record. */
typedef struct {
  json_reader *r;
  json_shape *s;
  unsigned room;    /* brackets that may be open inside the record */
  uint32_t before;  /* the slot of the last member, JSON_NO_SLOT at the beginning */
  uint32_t present; /* bit i: rule i's member has a right type, as far as no doubt remains */
  size_t count;     /* spans */
  size_t scratch;   /* bytes needed there to build any of the values */
  int built;        /* members of the table, unless there is doubt */
  bool doubt;       /* the spans have to be looked at one by one: a type is not the rule's, or a member came twice */
  bool no_memory;
} json_reading;
/* Pushes the table of a record that was read and found right. */
void json_table_build(lua_State *L, const json_reading *m, int keys);
/* Whether json_table_quick is worth a try behind the element before. */
bool json_table_may_be_quick(const json_reader *r, const json_shape *s);
/* A record like the one before, at p, is built while it is read, which saves the second look at each member. Pushes it and returns its
** end. NULL: something is unusual; then nothing has happened, and the careful way has the say. */
const char *json_table_quick(lua_State *L, json_reader *r, json_shape *s, const char *p, int keys);
/* After the careful way: what the next record is compared with. n: bytes of this one. */
void json_table_remember(const json_reading *m, size_t n);

/* ---- json_shape.c ------------------------------------------------------------------------------------------------ */
/* Before the first record: one slot for each rule. false: no memory. */
bool json_shape_prepare(json_shape *s);
/* The slot of a decoded name, learned if need be and possible, or JSON_NO_SLOT. */
uint32_t json_shape_slot(json_shape *s, const char *name, size_t n);
/* Puts the names of all slots into the table at `keys`. */
void json_shape_intern(lua_State *L, json_shape *s, int keys);
/* The stack index of the table of known texts; pushes it unless it is there. */
int json_shape_texts(lua_State *L, json_shape *s, int keys);
enum { JSON_RECORD_STACK = 6 }; /* what json_record needs */

/* ---- inlined: nearly all the time goes here ---------------------------------------------------------------------- */

static inline const char *json_space(const char *p) {
  if ((unsigned char)*p > ' ') return p; /* nearly always */
  while (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t') p++;
  return p;
}

#if JSON_VECTORS
/* Bit i: byte i at p is a quote, a backslash, a control byte or not ASCII. */
static inline unsigned json_special(const char *p) {
  __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
  __m128i special = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
  special = _mm_or_si128(special, _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
  special = _mm_or_si128(special, _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x));
  return (unsigned)_mm_movemask_epi8(_mm_or_si128(special, x)); /* x itself: the top bit says "not ASCII" */
}
#endif

/* The first byte that is a quote, a backslash, a control byte or not ASCII. */
static inline const char *json_plain(const char *p) {
#if JSON_VECTORS
  for (;; p += 16) {
    unsigned mask = json_special(p);
    if (mask) return p + __builtin_ctz(mask);
  }
#else
  const uint64_t ones = UINT64_MAX / 255, tops = ones * 128;
  for (;; p += 8) {
    uint64_t x, quote, backslash;
    memcpy(&x, p, sizeof x);
    quote = x ^ ones * '"';
    backslash = x ^ ones * '\\';
    /* x - n borrows into the top bit of a byte below n; a false borrow needs a true one in a byte before it */
    if ((((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((x - ones * 0x20) & ~x) | x) & tops) break;
  }
  while ((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' && *p != '\\') p++;
  return p;
#endif
}

/* Whether n bytes (1 or more) at p and at `text` are the same. Both may be read up to the next multiple of 16 bytes. */
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
  return memcmp(p, text, n) == 0;
#endif
}

/* From the first byte of a string's text to its closing quote. */
static inline const char *json_scan_string(const char *p, bool *escaped) {
  *escaped = false;
  p = json_plain(p);
  return *p == '"' ? p : json_scan_rest(p, escaped);
}

/* The digits at p, at most 8 of them: how many, and their value. */
static inline unsigned json_digits(const char *p, uint64_t *value) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(JSON_NO_VECTORS)
  const uint64_t ones = UINT64_MAX / 255;
  uint64_t x, other;
  unsigned n;
  memcpy(&x, p, sizeof x);
  x -= ones * '0';
  other = (x | (x + ones * (0x80 - 10))) & ones * 0x80; /* right up to the first byte that is no digit */
  n = other ? (unsigned)__builtin_ctzll(other) / 8 : 8;
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

/* A string, number or literal. `out` gets type, at, length, escaped, as. */
static inline const char *json_scan_scalar(const char *p, json_span *out) {
  if (*p == '"') {
    const char *end = json_scan_string(++p, &out->escaped);
    if (!end) return NULL;
    out->type = JSON_STRING;
    out->at = p;
    out->length = (uint32_t)(end - p);
    return end + 1;
  }
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
    /* anything else than a short integer, wrong ones among them, the long way */
    if (n == 16 || n == 0 || (*digit == '0' && n > 1) || *q == '.' || (*q | 32) == 'e') return json_scan_number(p, out);
    out->type = JSON_INTEGER;
    out->at = p;
    out->as.integer = negative ? -(lua_Integer)value : (lua_Integer)value;
    return q;
  }
  return json_scan_literal(p, out);
}

static inline void json_push_scalar(lua_State *L, const json_span *v, char *scratch) {
  switch (v->type) {
  case JSON_STRING:
    if (v->escaped) lua_pushlstring(L, scratch, json_unescape(v->at, v->length, scratch));
    else lua_pushlstring(L, v->at, v->length);
    break;
  case JSON_INTEGER: lua_pushinteger(L, v->as.integer); break;
  case JSON_FLOAT: lua_pushnumber(L, v->as.number); break;
  case JSON_BOOLEAN: lua_pushboolean(L, *v->at == 't'); break;
  default: json_push_null(L); break;
  }
}

#endif
