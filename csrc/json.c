#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "json_part.h"

enum { CAPACITY_MIN = 4096, SCRATCH_MIN = 256 };

/* ---- life and bytes ---------------------------------------------------------------------------------------------- */

void json_init(json_reader *r) { memset(r, 0, sizeof *r); }

void json_free(json_reader *r) {
  free(r->data);
  free(r->scratch);
  json_init(r);
}

void json_reset(json_reader *r) {
  json_reader fresh = {0};
  fresh.data = r->data;
  fresh.capacity = r->capacity;
  fresh.scratch = r->scratch;
  fresh.scratch_size = r->scratch_size;
  *r = fresh;
}

/* Moves the unread bytes to the front of `to`, which may be the buffer itself. */
static void move_to(json_reader *r, char *to) {
  size_t n = r->end - r->start;
  if (n > 0) memmove(to, r->data + r->start, n);
  r->consumed += r->start;
  r->start = 0;
  r->end = n;
}

/* Makes room for n more bytes. */
static bool make_room(json_reader *r, size_t n) {
  size_t unread = r->end - r->start, capacity = r->capacity > 0 ? r->capacity : CAPACITY_MIN;
  char *data;
  if (n <= r->capacity - r->end) return true;
  /* no more is moved than was consumed since the last time: linear as a whole */
  if (unread <= r->start && n <= r->capacity - unread) {
    move_to(r, r->data);
    return true;
  }
  if (n > SIZE_MAX / 2 - JSON_PADDING - unread) return false;
  while (capacity < unread + n) capacity *= 2;
  data = malloc(capacity + JSON_PADDING);
  if (!data) return false;
  move_to(r, data);
  free(r->data);
  r->data = data;
  r->capacity = capacity;
  return true;
}

bool json_feed(json_reader *r, const char *bytes, size_t n) {
  if (r->broken) return r->broken != JSON_TOO_LARGE;
  if (n == 0) return true;
  if (!make_room(r, n)) {
    (void)json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
    return false;
  }
  memcpy(r->data + r->end, bytes, n);
  r->end += n;
  memset(r->data + r->end, 0, JSON_PADDING);
  return true;
}

void json_finish(json_reader *r) { r->finished = true; }

bool json_full(const json_reader *r) {
  size_t unread = r->end - r->start;
  return unread >= JSON_BUFFER_FULL && unread != r->waiting;
}

const char *json_unread(const json_reader *r, size_t *n) {
  *n = r->end - r->start;
  return r->data ? r->data + r->start : "";
}

bool json_reserve(json_reader *r, size_t n) {
  char *scratch;
  if (n == 0 || n <= r->scratch_size) return true;
  n += n / 2 + SCRATCH_MIN;
  scratch = malloc(n + JSON_PADDING);
  if (!scratch) return false;
  free(r->scratch);
  r->scratch = scratch;
  r->scratch_size = n;
  return true;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

json_result json_fail(json_reader *r, json_result result, const char *what, size_t at) {
  r->error.what = what;
  r->error.offset = r->consumed + r->start + at;
  r->broken = result;
  r->waiting = 0;
  return result;
}

void json_name_error(json_reader *r, const char *name, size_t n) {
  if (n > JSON_NAME_MAX) {
    n = JSON_NAME_MAX;
    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) n--; /* cuts no character */
  }
  memcpy(r->error.member, name, n);
  r->error.member[n] = '\0';
}

json_result json_more(json_reader *r) {
  r->waiting = r->end - r->start;
  return JSON_MORE;
}

bool json_peek(json_reader *r) {
  r->waiting = 0;
  if (r->start < r->end) r->start = (size_t)(json_space(r->data + r->start) - r->data);
  return r->start < r->end;
}

void json_take(json_reader *r, size_t n) {
  r->start += n;
  r->place = PLACE_BEHIND;
  if (r->skim.at > 0) r->skim = (json_skim){0};
}

static json_result malformed(json_reader *r, const char *what) { return json_fail(r, JSON_MALFORMED, what, 0); }

/* ---- brackets ---------------------------------------------------------------------------------------------------- */

/* Begins an answer: JSON_OK with the next byte that is not white space. */
static json_result next_byte(json_reader *r, char *c) {
  *c = '\0';
  if (r->broken) return r->broken;
  if (!json_peek(r)) return json_more(r);
  *c = r->data[r->start];
  return JSON_OK;
}

json_result json_type(json_reader *r, unsigned *type) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK) return got;
  switch (c) {
  case '"': *type = JSON_STRING; break;
  case '{': *type = JSON_OBJECT; break;
  case '[': *type = JSON_ARRAY; break;
  case 't':
  case 'f': *type = JSON_BOOLEAN; break;
  case 'n': *type = JSON_NULL; break;
  default:
    if (c != '-' && (c < '0' || c > '9')) return malformed(r, "expected a value");
    *type = JSON_INTEGER;
  }
  return JSON_OK;
}

json_result json_enter(json_reader *r) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK) return got;
  if (c != '{' && c != '[') return malformed(r, "expected a list or an object");
  if (r->depth == JSON_DEPTH_MAX) return malformed(r, "nested too deeply");
  json_take(r, 1);
  r->depth++;
  r->objects = r->objects << 1 | (c == '{');
  r->place = PLACE_FIRST;
  return JSON_OK;
}

static json_result leave(json_reader *r) {
  json_take(r, 1);
  r->depth--;
  r->objects >>= 1;
  return JSON_CLOSE;
}

json_result json_element(json_reader *r) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK || r->place == PLACE_VALUE) return got;
  if (c == ']') return leave(r);
  if (r->place == PLACE_BEHIND) {
    if (c != ',') return malformed(r, "expected ',' or ']'");
    r->start++;
  }
  r->place = PLACE_VALUE;
  return JSON_OK;
}

/* Takes a string, which stands next, and keeps its text in scratch. */
static json_result take_name(json_reader *r) {
  const char *text = r->data + r->start;
  json_result got = json_skim_on(r);
  if (got != JSON_OK) return got;
  if (!json_reserve(r, r->skim.at)) return json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
  r->name_length = json_unescape(text + 1, r->skim.at - 2, r->scratch);
  json_take(r, r->skim.at);
  r->place = PLACE_COLON;
  return JSON_OK;
}

json_result json_member(json_reader *r, const char **name, size_t *n) {
  while (r->place != PLACE_VALUE) {
    char c;
    json_result got = next_byte(r, &c);
    if (got != JSON_OK) return got;
    switch (r->place) {
    case PLACE_FIRST:
      if (c == '}') return leave(r);
      if (c != '"') return malformed(r, "expected a member's name or '}'");
      r->place = PLACE_NAME;
      break;
    case PLACE_BEHIND:
      if (c == '}') return leave(r);
      if (c != ',') return malformed(r, "expected ',' or '}'");
      r->start++;
      r->place = PLACE_NAME;
      break;
    case PLACE_NAME:
      if (c != '"') return malformed(r, "expected a member's name");
      got = take_name(r);
      if (got != JSON_OK) return got;
      break;
    default:
      if (c != ':') return malformed(r, "expected ':'");
      r->start++;
      r->place = PLACE_VALUE;
    }
  }
  *name = r->scratch;
  *n = r->name_length;
  return r->broken;
}

json_result json_end(json_reader *r) {
  char c;
  if (r->broken) return r->broken;
  if (next_byte(r, &c) == JSON_OK) return malformed(r, "expected the end of the text");
  return r->finished ? JSON_OK : JSON_MORE;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Finds the end of the value that stands next. */
static json_result find_value(json_reader *r, size_t *n) {
  char c;
  json_result got = next_byte(r, &c);
  if (got != JSON_OK) return got;
  if (r->skim.at == 0) {
    const char *text = r->data + r->start, *end = json_scan_value(text, JSON_DEPTH_MAX - r->depth);
    bool is_number = c == '-' || (c >= '0' && c <= '9');
    bool is_whole = end && !(is_number && end == r->data + r->end && !r->finished);
    *n = is_whole ? (size_t)(end - text) : 0;
    if (is_whole && *n <= JSON_VALUE_MAX) return JSON_OK;
  }
  got = json_skim_on(r);
  *n = r->skim.at;
  return got;
}

json_result json_value(lua_State *L, json_reader *r) {
  size_t n;
  json_result got = find_value(r, &n);
  const char *text;
  if (got != JSON_OK) return got;
  text = r->data + r->start;
  if (memchr(text, '\\', n) && !json_reserve(r, n)) return json_fail(r, JSON_TOO_LARGE, "not enough memory", 0);
  json_build(L, text, r->scratch);
  json_take(r, n);
  return JSON_OK;
}

json_result json_skip(json_reader *r) {
  size_t n;
  json_result got = find_value(r, &n);
  if (got == JSON_OK) json_take(r, n);
  return got;
}
