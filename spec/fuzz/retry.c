/*
** Retry-After, HTTP-date and what a server says of its quota. What is accepted of a date must read
** the same when it is written again by the C library, and what the C library would write must be
** accepted. What is read of a quota is a number in its range, and delays no request for longer than
** a Retry-After may.
**
** The first byte chooses the clock and the response's Date; the rest is the header's value.
*/
#define _GNU_SOURCE /* strptime, timegm */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fuzz.h"
#include "gate.h"
#include "retry.h"

static const char *const forms[] = {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y",
                                    "%a %b %d %H:%M:%S %Y"};
enum { FORMS = sizeof forms / sizeof *forms };

/* Whether both are the same but for the weekday and a leap second, which the C library moves on. */
static bool same_date(const char *a, const char *b) {
  const char *x = strchr(a, ' '), *y = strchr(b, ' ');
  return x && y && strcmp(x, y) == 0;
}

/* Writes the time in form i. */
static void write_date(double seconds, int i, char out[128]) {
  time_t t = (time_t)seconds;
  struct tm tm;
  fuzz_check(gmtime_r(&t, &tm) != NULL && strftime(out, 128, forms[i], &tm) > 0, "the date cannot be written");
  /* strftime writes no leading zeros of a year */
  if (i == 0)
    (void)snprintf(out + strlen("Sun, 06 Nov "), 100, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900, tm.tm_hour,
                   tm.tm_min, tm.tm_sec);
  if (i >= 2) (void)snprintf(out + strlen("Sun Nov  6 08:49:37 "), 100, "%04d", tm.tm_year + 1900);
}

static void check_date(const char *text, size_t n, double now) {
  double seconds = -12345;
  char copy[128], written[128];
  bool known = false, accepted = retry_http_date(text, n, now, &seconds);
  fuzz_check(accepted || seconds == -12345, "a refused date was written");
  fuzz_check(!accepted || (isfinite(seconds) && seconds == floor(seconds)), "no date");
  while (n > 0 && (*text == ' ' || *text == '\t')) text++, n--;
  while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) n--;
  if (n >= sizeof copy || memchr(text, '\0', n)) {
    fuzz_check(!accepted, "a date of a hundred bytes");
    return;
  }
  memcpy(copy, text, n);
  copy[n] = '\0';
  for (int i = 0; accepted && !known && i < FORMS; i++) {
    write_date(seconds, i, written);
    known = same_date(copy, written);
    if (!known) { /* 23:59:60 is the next day's first second */
      write_date(seconds - 1, i, written);
      char *sixty = strstr(written, "23:59:59");
      if (sixty) sixty[6] = '6', sixty[7] = '0';
      known = sixty && same_date(copy, written);
    }
  }
  fuzz_check(!accepted || known, "the date that was read is another one");
  if (accepted) return;
  for (int i = 0; i < FORMS; i++) {
    if (i == 1) continue; /* the form whose century depends on the clock */
    struct tm tm = {0};
    const char *end = strptime(copy, forms[i], &tm);
    if (!end || *end || tm.tm_sec > 59) continue;
    write_date((double)timegm(&tm), i, written);
    fuzz_check(strcmp(copy, written) != 0, "a right date is refused");
  }
}

/* A value of a list counts as it does alone, and the longest one decides. */
static void check_list(const char *text, size_t n, double date, double now, double alone) {
  static const char *const more[] = {", 7", ",", ", soon", ", Sun, 06 Nov 1994 08:49:37 GMT"};
  for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
    size_t length = strlen(more[i]);
    char *list = malloc(n + length);
    double one = -1, both = -1;
    fuzz_check(list != NULL, "no memory");
    memcpy(list, text, n);
    memcpy(list + n, more[i], length);
    (void)retry_after(more[i] + 1, length - 1, date, now, &one);
    if (!retry_after(list, n + length, date, now, &both)) fuzz_check(alone < 0, "a value that a list hides");
    fuzz_check(both >= alone, "a list with a shorter delay than one of its values");
    fuzz_check(alone < 0 || both <= (alone > one ? alone : one), "a list with a longer delay than its values");
    free(list);
  }
}

/* As a header of each form, alone and with a policy of the same text, and what the gate makes of
** it. */
static void check_quota(const char *bytes, size_t n, double now) {
  enum { HOLD_MOST = 60, FORMS_OF_IT = 5, NOW = 1000 };
  char *text = malloc(n + 1);
  fuzz_check(text != NULL, "no memory");
  memcpy(text, bytes, n);
  text[n] = '\0';
  for (int form = 0; form < FORMS_OF_IT; form++) {
    const retry_quota untouched = {-12345, -12345, -12345};
    retry_quota q = untouched;
    gate g;
    bool read = form == 0   ? retry_quota_list(text, "", &q)
                : form == 1 ? retry_quota_list(text, text, &q)
                : form == 2 ? retry_quota_fields(text, "0", "5", now, &q)
                : form == 3 ? retry_quota_fields("", text, "5", now, &q)
                            : retry_quota_fields("", "0", text, now, &q);
    if (!read) {
      fuzz_check(memcmp(&q, &untouched, sizeof q) == 0, "a refused quota was written");
      continue;
    }
    fuzz_check(q.left >= 0 && q.left < 1e15 && q.left == floor(q.left), "not a number of requests");
    fuzz_check(q.reset >= 0 && q.reset <= 31 * 86400, "not a window");
    fuzz_check(q.limit != 0 && q.limit < 1e15, "not a limit");
    gate_init(&g, 8, 0, HOLD_MOST);
    gate_sent(&g, NOW, 1);
    (void)gate_note_quota(&g, 200, NOW, NOW + 1, &q, 0);
    fuzz_check(gate_quota_delay(&g, NOW + 1) <= HOLD_MOST, "a wait that is too long");
    fuzz_check(q.left < 1 || gate_quota_delay(&g, NOW + 1) <= 0, "a wait though requests are left");
    fuzz_check(gate_has_room(&g, 0, false, NOW + 1), "a single request that is never sent");
  }
  free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  static const double clocks[] = {0, 784111777, 1760000000, 4102444800, 253402300799, -1, 1e300, -1e300};
  const char *text = (const char *)bytes + 1;
  double now, date, seconds = -12345;
  char *copy;
  bool digits = true;
  if (n == 0) return 0;
  now = clocks[bytes[0] & 7];
  date = clocks[bytes[0] >> 3 & 7];
  copy = malloc(n); /* of its own size, so that reading past the end shows */
  fuzz_check(copy != NULL, "no memory");
  memcpy(copy, text, --n);
  check_date(copy, n, now);
  if (retry_after(copy, n, date, now, &seconds)) fuzz_check(seconds >= 0 && seconds < 1e301, "a delay that is none");
  else fuzz_check(seconds == -12345, "a refused delay was written");
  check_list(copy, n, date, now, seconds);
  check_quota(copy, n, now);
  for (size_t i = 0; i < n; i++) digits = digits && copy[i] >= '0' && copy[i] <= '9';
  if (digits && n > 0 && n <= 15) {
    char text_of_it[16] = {0};
    memcpy(text_of_it, copy, n);
    fuzz_check(seconds == strtod(text_of_it, NULL), "not the seconds that stand there");
  }
  free(copy);
  return 0;
}
