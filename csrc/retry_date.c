#include "retry.h"

#include <string.h>

#include "unicode.h"

/* ---- a reader over text that is not terminated ----------------------------------------------- */

typedef struct {
  const char *p, *end;
} reader;

typedef struct {
  int year, month, day, hour, minute, second; /* month and day count from 1 */
} civil;

static bool literal(reader *r, const char *text) {
  size_t n = strlen(text);
  if ((size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0) return false;
  r->p += n;
  return true;
}

/* Exactly `n` digits. */
static bool digits(reader *r, int n, int *out) {
  int value = 0;
  for (int i = 0; i < n; i++) {
    if (r->p == r->end || !unicode_is_digit(*r->p)) return false;
    value = value * 10 + (*r->p++ - '0');
  }
  *out = value;
  return true;
}

/* One of `count` names, case-sensitive (RFC 9110 5.6.7); counts from 1, 0: none. */
static int name(reader *r, const char *const *names, int count) {
  for (int i = 0; i < count; i++)
    if (literal(r, names[i])) return i + 1;
  return 0;
}

/* OWS of RFC 9110 5.6.3. */
static reader trimmed(const char *text, size_t n) {
  reader r = {text, text + n};
  while (r.p < r.end && (*r.p == ' ' || *r.p == '\t')) r.p++;
  while (r.p < r.end && (r.end[-1] == ' ' || r.end[-1] == '\t')) r.end--;
  return r;
}

/* ---- the calendar ---------------------------------------------------------------------------- */

static bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static int days_of_month(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days of the proleptic Gregorian calendar from 1970-01-01 to the first of January. */
static int days_to_year(int year) {
  int before = year - 1;
  if (year == 0) return -719528;
  return 365 * (year - 1970) + before / 4 - before / 100 + before / 400 - 477;
}

static double seconds_of(const civil *c) {
  int days = days_to_year(c->year) + c->day - 1;
  for (int month = 1; month < c->month; month++) days += days_of_month(c->year, month);
  return days * 86400.0 + c->hour * 3600 + c->minute * 60 + c->second;
}

static bool is_real(const civil *c) {
  if (c->day < 1 || c->day > days_of_month(c->year, c->month)) return false;
  if (c->hour > 23 || c->minute > 59) return false;
  /* a leap second */
  return c->second <= 59 || (c->second == 60 && c->hour == 23 && c->minute == 59);
}

/* The day and month of a second of the year c->year; what is left is the time of day. */
static double set_day(civil *c, double second) {
  c->day = 1 + (int)(second / 86400);
  second -= (c->day - 1) * 86400.0;
  for (c->month = 1; c->day > days_of_month(c->year, c->month); c->month++) c->day -= days_of_month(c->year, c->month);
  return second;
}

/* RFC 9110 5.6.7: of the years with these last digits the latest that is not more than 50 years in
** the future. */
static void choose_century(civil *c, double now) {
  static const double last = 253402300799.0; /* the end of the year 9999 */
  civil limit = {0};
  double time_of_day;
  if (!(now > 0)) now = 0;
  if (now > last) now = last;
  /* never too many; a few too few after centuries */
  limit.year = 1970 + (int)(now / (366 * 86400.0));
  while (days_to_year(limit.year + 1) * 86400.0 <= now) limit.year++;
  time_of_day = set_day(&limit, now - days_to_year(limit.year) * 86400.0);
  limit.year += 50;
  c->year = limit.year - (limit.year - c->year) % 100;
  if (c->year == limit.year && seconds_of(c) > seconds_of(&limit) + time_of_day) c->year -= 100;
}

/* ---- HTTP-date ------------------------------------------------------------------------------- */

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const weekdays[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char *const long_weekdays[] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                            "Friday", "Saturday", "Sunday"};

static bool month_name(reader *r, civil *c) { return (c->month = name(r, months, 12)) != 0; }

static bool clock_time(reader *r, civil *c) {
  return digits(r, 2, &c->hour) && literal(r, ":") && digits(r, 2, &c->minute) && literal(r, ":") &&
         digits(r, 2, &c->second);
}

/* Sun, 06 Nov 1994 08:49:37 GMT */
static bool imf_fixdate(reader r, civil *c) {
  return name(&r, weekdays, 7) && literal(&r, ", ") && digits(&r, 2, &c->day) && literal(&r, " ") &&
         month_name(&r, c) && literal(&r, " ") && digits(&r, 4, &c->year) && literal(&r, " ") && clock_time(&r, c) &&
         literal(&r, " GMT") && r.p == r.end;
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static bool rfc850_date(reader r, civil *c) {
  return name(&r, long_weekdays, 7) && literal(&r, ", ") && digits(&r, 2, &c->day) && literal(&r, "-") &&
         month_name(&r, c) && literal(&r, "-") && digits(&r, 2, &c->year) && literal(&r, " ") && clock_time(&r, c) &&
         literal(&r, " GMT") && r.p == r.end;
}

/* Sun Nov  6 08:49:37 1994 */
static bool asctime_date(reader r, civil *c) {
  return name(&r, weekdays, 7) && literal(&r, " ") && month_name(&r, c) && literal(&r, " ") &&
         (literal(&r, " ") ? digits(&r, 1, &c->day) : digits(&r, 2, &c->day)) && literal(&r, " ") &&
         clock_time(&r, c) && literal(&r, " ") && digits(&r, 4, &c->year) && r.p == r.end;
}

/* The weekday must be one, but need not be the right one: RFC 9110 asks for no check, and the rest
** says it all. */
bool retry_http_date(const char *text, size_t n, double now, double *seconds) {
  reader r = trimmed(text, n);
  civil c;
  if (rfc850_date(r, &c)) choose_century(&c, now);
  else if (!imf_fixdate(r, &c) && !asctime_date(r, &c)) return false;
  if (!is_real(&c)) return false;
  *seconds = seconds_of(&c);
  return true;
}

/* ---- Retry-After ----------------------------------------------------------------------------- */

enum { DELAY_DIGITS_MAX = 15 }; /* every integer of so many digits is a double */

static bool delay_seconds(reader r, double *seconds) {
  double value = 0;
  if (r.p == r.end || r.end - r.p > DELAY_DIGITS_MAX) return false;
  for (; r.p < r.end; r.p++) {
    if (!unicode_is_digit(*r.p)) return false;
    value = value * 10 + (*r.p - '0');
  }
  *seconds = value;
  return true;
}

static bool is_one_of(reader r, const char *const *days) { return name(&r, days, 7) && r.p == r.end; }

static bool is_weekday(reader r) { return is_one_of(r, weekdays) || is_one_of(r, long_weekdays); }

/* Returns the end of the first value of a list: a comma after a weekday belongs to a date. */
static const char *value_end(reader r) {
  const char *comma = memchr(r.p, ',', (size_t)(r.end - r.p));
  if (comma && is_weekday(trimmed(r.p, (size_t)(comma - r.p))))
    comma = memchr(comma + 1, ',', (size_t)(r.end - comma - 1));
  return comma ? comma : r.end;
}

static bool one_delay(reader r, double date, double now, double *seconds) {
  double until, from = date >= 0 ? date : now;
  if (delay_seconds(trimmed(r.p, (size_t)(r.end - r.p)), seconds)) return true;
  if (!retry_http_date(r.p, (size_t)(r.end - r.p), now, &until)) return false;
  *seconds = until > from ? until - from : 0;
  return true;
}

bool retry_after(const char *text, size_t n, double date, double now, double *seconds) {
  reader r = {text, text + n};
  double longest = -1;
  for (const char *end; r.p < r.end; r.p = end < r.end ? end + 1 : end) {
    double one;
    end = value_end(r);
    if (one_delay((reader){r.p, end}, date, now, &one) && one > longest) longest = one;
  }
  if (longest < 0) return false;
  *seconds = longest;
  return true;
}
