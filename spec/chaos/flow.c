#define _GNU_SOURCE
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_SIZE = 65536, HELD_MAX = 512 * 1024, DRIP_BYTES = 64 };

const char *const rule_names[RULE_KINDS] = {"close", "reset",   "stall", "drip",    "hole",   "garbage", "double",
                                            "crlf",  "goodbye", "slow",  "restart", "refuse", "deaf"};

bool queue_add(byte_queue *q, const void *bytes, size_t n) {
  if (q->start + q->size + n > q->room) {
    size_t room = 2 * (q->size + n) + 1024;
    unsigned char *more = malloc(room);
    if (!more) return false;
    if (q->size > 0) memcpy(more, q->bytes + q->start, q->size);
    free(q->bytes);
    q->bytes = more;
    q->room = room;
    q->start = 0;
  }
  memcpy(q->bytes + q->start + q->size, bytes, n);
  q->size += n;
  return true;
}

static void queue_drop(byte_queue *q, size_t n) {
  q->start += n;
  q->size -= n;
  if (q->size == 0) q->start = 0;
}

void flow_init(flow *f, char way, int from, int to) {
  memset(f, 0, sizeof *f);
  f->way = way;
  f->from = from;
  f->to = to;
}

void flow_free(flow *f) {
  free(f->held.bytes);
  free(f->injected.bytes);
  free(f->answer.bytes);
  free(f->rules);
}

bool flow_read(flow *f) {
  static unsigned char bytes[READ_SIZE];
  while (f->held.size < HELD_MAX) {
    ssize_t n = recv(f->from, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0) return errno == EAGAIN || errno == EINTR;
    if (n == 0) {
      f->ended = true;
      return true;
    }
    if (!f->hole && !queue_add(&f->held, bytes, (size_t)n)) return false;
    if ((size_t)n < sizeof bytes) return true;
  }
  return true;
}

void flow_asked(flow *answers) {
  answers->answer.size = answers->answer.start = 0;
  answers->double_at = 0;
}

/* Whether `answer` is one whole answer of HTTP/1.1 with a length, or a 204. */
static bool is_whole(const byte_queue *answer) {
  const char *text = (const char *)answer->bytes + answer->start, *end, *length;
  size_t head, body = 0;
  if (answer->size < 12 || memcmp(text, "HTTP/1.1 ", 9) != 0) return false;
  end = memmem(text, answer->size, "\r\n\r\n", 4);
  if (!end) return false;
  head = (size_t)(end - text) + 4;
  length = memmem(text, head, "Content-Length: ", 16);
  if (length) body = strtoul(length + 16, NULL, 10);
  else if (memcmp(text + 9, "204", 3) != 0) return false;
  return answer->size == head + body;
}

/* The second answer, or what comes in place of it,
** unless the client has asked something meanwhile. */
static void answer_again(flow *f) {
  static const char goodbye[] = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  char peeked;
  rule_kind kind = f->again->kind;
  f->double_at = 0;
  if (recv(f->to, &peeked, 1, MSG_PEEK | MSG_DONTWAIT) > 0) return;
  f->again = NULL;
  if (kind == RULE_DOUBLE) (void)queue_add(&f->injected, f->answer.bytes + f->answer.start, f->answer.size);
  if (kind == RULE_CRLF) (void)queue_add(&f->injected, "\r\n", 2);
  if (kind == RULE_GOODBYE) (void)queue_add(&f->injected, goodbye, sizeof goodbye - 1);
  f->last_words = kind == RULE_GOODBYE;
  f->answer.size = f->answer.start = 0;
}

/* Garbage cannot be taken for anything: a server refuses a request with a NUL in it,
** and no answer or JSON text has these bytes. */
static void add_garbage(flow *f, unsigned n) {
  static const char from_server[] = "\xFF\x01#\xC0\x80!\x7F\xFE";
  for (unsigned i = 0; i < n; i++) (void)queue_add(&f->injected, f->way == 'c' ? "\0" : from_server + i % 8, 1);
}

static flow_news obey(flow *f, rule *r, double now) {
  r->done = true;
  switch (r->kind) {
  case RULE_CLOSE: return FLOW_CLOSE;
  case RULE_RESET: return FLOW_RESET;
  case RULE_STALL: f->not_before = now + r->arg / 1000.0; break;
  case RULE_DRIP:
    f->drip_every = r->arg / 1000.0;
    f->drip_left = DRIP_BYTES;
    break;
  case RULE_HOLE:
    f->hole = true;
    queue_drop(&f->held, f->held.size);
    break;
  case RULE_GARBAGE: add_garbage(f, r->arg); break;
  case RULE_DOUBLE:
  case RULE_CRLF:
  case RULE_GOODBYE: f->again = r; break;
  default: break;
  }
  return FLOW_ON;
}

/* Writes up to `n` bytes of the queue. Returns how many, or -1 when the connection is broken. */
static ssize_t put(flow *f, byte_queue *q, size_t n) {
  ssize_t sent = send(f->to, q->bytes + q->start, n, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) {
    f->blocked = errno == EAGAIN || errno == EINTR;
    return f->blocked ? 0 : -1;
  }
  f->blocked = (size_t)sent < n;
  return sent;
}

/* How many of the held bytes may pass now, up to the next rule. */
static size_t allowed(const flow *f) {
  size_t n = f->held.size;
  if (f->next_rule < f->rule_count && f->rules[f->next_rule]->at - f->passed < n)
    n = (size_t)(f->rules[f->next_rule]->at - f->passed);
  if (f->drip_left > 0 && n > 1) n = 1;
  return n;
}

static bool pass(flow *f, double now) {
  size_t n = allowed(f);
  ssize_t sent = put(f, &f->held, n);
  if (sent < 0) return false;
  if (f->way == 's' && f->again && f->answer.size < HELD_MAX)
    (void)queue_add(&f->answer, f->held.bytes + f->held.start, (size_t)sent);
  queue_drop(&f->held, (size_t)sent);
  f->passed += (uint64_t)sent;
  if (f->drip_left > 0 && sent > 0) {
    f->drip_left--;
    f->not_before = now + f->drip_every;
  }
  return true;
}

static flow_news finish(flow *f, double now) {
  if (f->again && is_whole(&f->answer)) {
    if (f->again->arg == 0) {
      answer_again(f);
      /* it waits for another answer where the client has asked already */
      return f->again ? FLOW_ON : flow_push(f, now);
    }
    if (f->double_at <= 0) f->double_at = now + f->again->arg / 1000.0;
  }
  if (f->last_words && f->injected.size == 0) return FLOW_CLOSE;
  if (!f->ended || f->hole) return FLOW_ON;
  if (!f->shut) (void)shutdown(f->to, SHUT_WR);
  f->shut = true;
  return FLOW_OVER;
}

flow_news flow_push(flow *f, double now) {
  f->blocked = false;
  if (f->double_at > 0 && now >= f->double_at) answer_again(f);
  while (!f->blocked) {
    if (now < f->not_before) return FLOW_ON;
    if (f->injected.size > 0) {
      ssize_t sent = put(f, &f->injected, f->injected.size);
      if (sent < 0) return FLOW_CLOSE;
      queue_drop(&f->injected, (size_t)sent);
    } else if (f->next_rule < f->rule_count && f->rules[f->next_rule]->at <= f->passed && !f->hole) {
      flow_news news = obey(f, f->rules[f->next_rule++], now);
      if (news != FLOW_ON) return news;
    } else if (f->held.size > 0) {
      if (!pass(f, now)) return FLOW_CLOSE;
    } else {
      return finish(f, now);
    }
  }
  return FLOW_ON;
}

void flow_flush(flow *f) {
  f->next_rule = f->rule_count;
  f->not_before = f->double_at = 0;
  f->drip_left = 0;
  f->again = NULL;
}

double flow_due(const flow *f) {
  bool waits = f->held.size > 0 || f->injected.size > 0 || (f->ended && !f->shut);
  double due = waits && !f->blocked && !f->hole ? f->not_before : 0;
  if (f->double_at > 0 && (due <= 0 || f->double_at < due)) due = f->double_at;
  return due;
}
