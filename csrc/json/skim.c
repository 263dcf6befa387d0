/* Checks a value byte by byte, and can stop anywhere. See skim.h. */
#include "skim.h"

#include <string.h>

#include "scan.h"
#include "unicode.h"

enum {
  VALUE, /* zero: at the beginning */
  FIRST_ELEMENT,
  FIRST_NAME,
  NAME,
  COLON,
  BEHIND, /* a value */
  WHOLE,
  STRING,
  ESCAPE,
  UNIT,
  LOW_BACKSLASH,
  LOW_U,
  CHARACTER,
  LITERAL,
  MINUS, /* from here on: numbers */
  ZERO,
  DIGITS,
  POINT,
  FRACTION,
  E,
  SIGN,
  EXPONENT
};

static const char lone_surrogate[] = "lone surrogate";

/* An error at byte `at` of the value. */
static const char *wrong(json_skim *s, size_t at, const char *what) {
  s->mark = at;
  return what;
}

static void after_value(json_skim *s) { s->state = s->depth == 0 ? WHOLE : BEHIND; }

/* Each function below consumes the byte c at s->at - 1. Returns NULL, or what is wrong and, in
** s->mark, where. */

static const char *take_value(json_skim *s, char c, unsigned room) {
  size_t at = s->at - 1;
  s->token = at;
  switch (c) {
  case '[':
  case '{':
    if (s->depth == room) return wrong(s, at, "nested too deeply");
    s->depth++;
    s->objects = s->objects << 1 | (c == '{');
    s->state = c == '{' ? FIRST_NAME : FIRST_ELEMENT;
    return NULL;
  case '"':
    s->state = STRING;
    s->is_name = false;
    return NULL;
  case '-': s->state = MINUS; return NULL;
  case '0': s->state = ZERO; return NULL;
  case 't':
  case 'f':
  case 'n': s->state = LITERAL; return NULL;
  default:
    if (c < '1' || c > '9') return wrong(s, at, "expected a value");
    s->state = DIGITS;
    return NULL;
  }
}

static const char *take_close(json_skim *s) {
  s->depth--;
  s->objects >>= 1;
  after_value(s);
  return NULL;
}

static const char *take_behind(json_skim *s, char c) {
  bool is_object = s->objects & 1;
  if (s->depth == 1) s->name_end = 0;
  if (c == ',') {
    s->state = is_object ? NAME : VALUE;
    return NULL;
  }
  if (c == (is_object ? '}' : ']')) return take_close(s);
  return wrong(s, s->at - 1, is_object ? "expected ',' or '}'" : "expected ',' or ']'");
}

static const char *take_name(json_skim *s, char c) {
  if (c == '}' && s->state == FIRST_NAME) return take_close(s);
  if (c != '"')
    return wrong(s, s->at - 1, s->state == NAME ? "expected a member's name" : "expected a member's name or '}'");
  s->state = STRING;
  s->is_name = true;
  if (s->depth == 1) s->name = s->at;
  return NULL;
}

static const char *take_literal(json_skim *s, const char *text, char c) {
  const char *literal = text[s->token] == 't' ? "true" : text[s->token] == 'f' ? "false" : "null";
  size_t i = s->at - 1 - s->token;
  if (c != literal[i]) return wrong(s, s->token, "expected a value");
  if (!literal[i + 1]) after_value(s);
  return NULL;
}

/* Reads the first byte of a character that is not ASCII. */
static const char *begin_character(json_skim *s, unsigned char c) {
  s->mark = s->at - 1;
  s->left = (unsigned char)unicode_more(c, &s->low, &s->high);
  if (s->left == 0) return "invalid UTF-8";
  s->state = CHARACTER;
  return NULL;
}

static const char *take_character(json_skim *s, unsigned char c) {
  if (c < s->low || c > s->high) return "invalid UTF-8";
  s->low = 0x80;
  s->high = 0xBF;
  if (--s->left == 0) s->state = STRING;
  return NULL;
}

static const char *take_string(json_skim *s, char c) {
  if (c == '"') {
    if (!s->is_name) after_value(s);
    else {
      s->state = COLON;
      if (s->depth == 1) s->name_end = s->at - 1;
    }
  } else if (c == '\\') {
    s->state = ESCAPE;
    s->mark = s->at - 1;
    s->wants_low = false;
  } else if ((unsigned char)c >= 0x80) return begin_character(s, (unsigned char)c);
  else if ((unsigned char)c < 0x20) return wrong(s, s->at - 1, "control byte in a string");
  return NULL;
}

static const char *take_escape(json_skim *s, char c) {
  if (c == 'u') {
    s->state = UNIT;
    s->left = 4;
    s->unit = 0;
  } else if (c && strchr("\"\\/bfnrt", c)) s->state = STRING;
  else return "invalid escape";
  return NULL;
}

static const char *take_unit(json_skim *s, char c) {
  int digit = json_hex_digit(c);
  if (digit < 0) return "invalid escape";
  s->unit = s->unit << 4 | (unsigned)digit;
  if (--s->left > 0) return NULL;
  if (s->wants_low != (s->unit >= 0xDC00 && s->unit <= 0xDFFF)) return lone_surrogate;
  s->state = !s->wants_low && s->unit >= 0xD800 && s->unit <= 0xDBFF ? LOW_BACKSLASH : STRING;
  return NULL;
}

/* Between the two escapes of a surrogate pair. */
static const char *take_pair(json_skim *s, char c) {
  if (c != (s->state == LOW_BACKSLASH ? '\\' : 'u')) return lone_surrogate;
  if (s->state == LOW_U) {
    s->wants_low = true;
    s->left = 4;
    s->unit = 0;
  }
  s->state = s->state == LOW_BACKSLASH ? LOW_U : UNIT;
  return NULL;
}

/* Returns the state after c continues the number; 0: c is not part of it. */
static unsigned char number_goes_on(unsigned state, char c) {
  bool digit = c >= '0' && c <= '9';
  switch (state) {
  case MINUS: return c == '0' ? ZERO : digit ? DIGITS : 0;
  case ZERO: return c == '.' ? POINT : (c | 32) == 'e' ? E : 0;
  case DIGITS: return digit ? DIGITS : c == '.' ? POINT : (c | 32) == 'e' ? E : 0;
  case POINT: return digit ? FRACTION : 0;
  case FRACTION: return digit ? FRACTION : (c | 32) == 'e' ? E : 0;
  case E: return digit ? EXPONENT : c == '+' || c == '-' ? SIGN : 0;
  default: return digit ? EXPONENT : 0;
  }
}

static bool number_may_end(unsigned state) {
  return state == ZERO || state == DIGITS || state == FRACTION || state == EXPONENT;
}

static const char *take_number(json_skim *s, char c) {
  s->state = number_goes_on(s->state, c);
  return s->state ? NULL : wrong(s, s->at - 1, "invalid number");
}

static bool is_space(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

static const char *take(json_skim *s, const char *text, unsigned room) {
  char c = text[s->at++];
  if (s->state <= BEHIND && is_space(c)) return NULL;
  switch (s->state) {
  case FIRST_ELEMENT:
    if (c == ']') return take_close(s);
    return take_value(s, c, room);
  case VALUE: return take_value(s, c, room);
  case FIRST_NAME:
  case NAME: return take_name(s, c);
  case COLON: s->state = VALUE; return c == ':' ? NULL : wrong(s, s->at - 1, "expected ':'");
  case BEHIND: return take_behind(s, c);
  case STRING: return take_string(s, c);
  case ESCAPE: return take_escape(s, c);
  case UNIT: return take_unit(s, c);
  case LOW_BACKSLASH:
  case LOW_U: return take_pair(s, c);
  case CHARACTER: return take_character(s, (unsigned char)c);
  case LITERAL: return take_literal(s, text, c);
  default: return take_number(s, c);
  }
}

bool json_skim_is_whole(const json_skim *s) { return s->state == WHOLE; }

const char *json_skim_on(json_skim *s, const char *text, size_t n, size_t limit, bool finished, unsigned room) {
  const char *what = NULL;
  size_t stop = n < limit ? n : limit;
  while (s->state != WHOLE && !what) {
    bool is_end = number_may_end(s->state) && (s->at < n ? !number_goes_on(s->state, text[s->at]) : finished);
    if (is_end) after_value(s);
    else if (s->at >= stop) break;
    else {
      if (s->state == STRING) s->at = (size_t)(json_plain(text + s->at) - text);
      if (s->at < stop) what = take(s, text, room);
      else s->at = stop;
    }
  }
  return what;
}
