/* A reader's life, bytes, error and marks. See buffer.h. */
#include "buffer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

enum { CAPACITY_MIN = 4096, SCRATCH_MIN = 256 };

/* ---- life ------------------------------------------------------------------------------------ */

void json_init(json_reader *r) { memset(r, 0, sizeof *r); }

bool json_free(json_reader *r) {
  if (r->in_use) return false;
  free(r->data);
  free(r->scratch);
  json_init(r);
  return true;
}

bool json_reset(json_reader *r) {
  json_reader fresh = {0};
  if (r->in_use) return false;
  fresh.data = r->data;
  fresh.capacity = r->capacity;
  fresh.scratch = r->scratch;
  fresh.scratch_size = r->scratch_size;
  *r = fresh;
  return true;
}

void json_release(json_reader *r) {
  r->in_use = false;
  if (r->also_in_use) *r->also_in_use = false;
  r->also_in_use = NULL;
}

void json_use(json_reader *r, bool *also) {
  r->in_use = true;
  r->also_in_use = also;
  if (also) *also = true;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

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
  assert(!r->in_use);
  if (r->in_use) return false;
  if (r->broken) return r->broken != JSON_TOO_LARGE;
  if (n == 0) return true;
  if (!make_room(r, n)) {
    (void)json_no_memory(r);
    return false;
  }
  memcpy(r->data + r->end, bytes, n);
  r->end += n;
  memset(r->data + r->end, 0, JSON_PADDING);
  return true;
}

void json_finish(json_reader *r) { r->finished = true; }

void json_fit(json_reader *r) {
  size_t n = r->end - r->start;
  char *data;
  if (r->in_use || !r->data || r->capacity < 2 * n) return;
  data = malloc(n + JSON_PADDING);
  if (!data) return;
  memcpy(data, r->data + r->start, n);
  memset(data + n, 0, JSON_PADDING);
  free(r->data);
  r->data = data;
  r->consumed += r->start;
  r->start = 0;
  r->end = r->capacity = n;
}

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

/* ---- errors ---------------------------------------------------------------------------------- */

json_result json_fail(json_reader *r, json_result result, const char *what, size_t at) {
  r->error.what = what;
  r->error.offset = r->consumed + r->start + at;
  r->broken = result;
  r->waiting = 0;
  return result;
}

json_result json_no_memory(json_reader *r) { return json_fail(r, JSON_TOO_LARGE, "out of memory", 0); }

void json_name_error(json_reader *r, const char *name, size_t n) {
  if (n > JSON_NAME_MAX) {
    n = JSON_NAME_MAX;
    while (n > 0 && ((unsigned char)name[n] & 0xC0) == 0x80) n--; /* cut no character */
  }
  memcpy(r->error.member, name, n);
  r->error.member[n] = '\0';
}

/* The value at the first unread byte is wrong where the skimmer stopped. */
static json_result refuse(json_reader *r, const char *what) {
  const json_skim *s = &r->skim;
  const char *name = r->data + r->start + s->name;
  size_t n = s->name_end - s->name;
  if (s->name_end > 0) {
    bool escaped = memchr(name, '\\', n) != NULL;
    if (!escaped) json_name_error(r, name, n);
    else if (json_reserve(r, n)) json_name_error(r, r->scratch, json_unescape(name, n, r->scratch));
  }
  return json_fail(r, JSON_MALFORMED, what, s->mark);
}

/* ---- what stands next ------------------------------------------------------------------------ */

json_result json_more(json_reader *r) {
  r->waiting = r->end - r->start;
  return JSON_MORE;
}

bool json_peek(json_reader *r) {
  r->waiting = 0;
  if (r->start < r->end) r->start = (size_t)(json_space(r->data + r->start) - r->data);
  return r->start < r->end;
}

void json_consume(json_reader *r, size_t n) {
  r->start += n;
  r->place = JSON_PLACE_BEHIND;
  if (r->skim.at > 0) r->skim = (json_skim){0};
}

json_result json_find_end(json_reader *r, size_t *n) {
  size_t unread = r->end - r->start;
  const char *what =
      json_skim_on(&r->skim, r->data + r->start, unread, JSON_VALUE_MAX, r->finished, JSON_DEPTH_MAX - r->depth);
  *n = r->skim.at;
  if (what) return refuse(r, what);
  if (json_skim_is_whole(&r->skim)) return JSON_OK;
  return *n == unread ? json_more(r) : json_fail(r, JSON_TOO_LARGE, "a value is too large", 0);
}
