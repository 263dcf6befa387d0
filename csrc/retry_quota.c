/* What a server says of its limit in its responses: see retry.h. */
#include <string.h>

#include "retry.h"

/* One key and its value in a structured field, or one of them. */
typedef struct {
  const char *p, *end;
} text;

static const double LONGEST = 31 * 86400.0; /* seconds; a longer window is not a rate limit */
static const double UNIX_TIMES = 1e9;       /* a "reset" from here on is a time, not a duration */
enum { DIGITS_MAX = 15 };                   /* every integer of so many digits is a double */

static text trimmed(text t) {
  while (t.p < t.end && (*t.p == ' ' || *t.p == '\t')) t.p++;
  while (t.p < t.end && (t.end[-1] == ' ' || t.end[-1] == '\t')) t.end--;
  return t;
}

/* Removes and returns what stands before the next `separator`, which does not count in quotes. */
static text cut(text *rest, char separator) {
  text piece = *rest;
  bool quoted = false;
  for (; rest->p < rest->end; rest->p++) {
    if (quoted && *rest->p == '\\' && rest->p + 1 < rest->end) rest->p++;
    else if (*rest->p == '"') quoted = !quoted;
    else if (*rest->p == separator && !quoted) break;
  }
  piece.end = rest->p;
  if (rest->p < rest->end) rest->p++;
  return trimmed(piece);
}

/* Returns the number; negative: the text is not one. */
static double number(text t) {
  double value = 0;
  t = trimmed(t);
  if (t.p == t.end || t.end - t.p > DIGITS_MAX) return -1;
  for (; t.p < t.end; t.p++) {
    if (*t.p < '0' || *t.p > '9') return -1;
    value = value * 10 + (*t.p - '0');
  }
  return value;
}

static double number_in(const char *s) { return number((text){s, s + strlen(s)}); }

static bool is(text t, const char *word) {
  return (size_t)(t.end - t.p) == strlen(word) && memcmp(t.p, word, strlen(word)) == 0;
}

static bool same(text a, text b) { return a.end - a.p == b.end - b.p && memcmp(a.p, b.p, (size_t)(a.end - a.p)) == 0; }

/* Returns the number of the parameter `key` of a member; negative: it has none. */
static double parameter(text member, const char *key) {
  (void)cut(&member, ';');
  while (member.p < member.end) {
    text value = cut(&member, ';'), name = cut(&value, '=');
    if (is(name, key)) return number(value);
  }
  return -1;
}

/* Returns the parameter `key` of the member with this name; negative: there is none. */
static double look_up(const char *list, text name, const char *key) {
  text rest = {list, list + strlen(list)};
  while (rest.p < rest.end) {
    text member = cut(&rest, ','), copy = member;
    if (same(cut(&copy, ';'), name)) return parameter(member, key);
  }
  return -1;
}

/* Replaces *out if this one leaves less. True: it is usable. */
static bool note(double left, double limit, double reset, retry_quota *out, bool found) {
  if (left < 0 || limit == 0 || reset < 0 || reset > LONGEST) return false;
  if (!found || left < out->left || (left == out->left && reset > out->reset))
    *out = (retry_quota){.left = left, .limit = limit, .reset = reset};
  return true;
}

bool retry_quota_list(const char *list, const char *policy, retry_quota *out) {
  /* of the older form: limit=100, remaining=50, reset=5 */
  double left = -1, limit = -1, reset = -1;
  text rest = {list, list + strlen(list)};
  bool found = false;
  while (rest.p < rest.end) {
    text member = cut(&rest, ','), value = member, copy = member, name = cut(&copy, ';'), key = cut(&value, '=');
    double until = parameter(member, "t");
    if (until < 0) until = look_up(policy, name, "w");
    if (note(parameter(member, "r"), look_up(policy, name, "q"), until, out, found)) found = true;
    if (is(key, "limit")) limit = number(cut(&value, ';'));
    if (is(key, "remaining")) left = number(cut(&value, ';'));
    if (is(key, "reset")) reset = number(cut(&value, ';'));
  }
  return note(left, limit, reset, out, found) || found;
}

bool retry_quota_fields(const char *limit, const char *remaining, const char *reset, double now, retry_quota *out) {
  text first = {limit, limit + strlen(limit)};
  double until = number_in(reset);
  if (until >= UNIX_TIMES) until = until > now ? until - now : 0;
  first = cut(&first, ','); /* "100, 100;w=60" */
  return note(number_in(remaining), number(cut(&first, ';')), until, out, false);
}
