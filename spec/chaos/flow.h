/*
** flow: one direction of a proxied connection. Bytes are read from one socket and written to the
** other by a script: a list of rules, each of which does something once so many bytes have passed.
** No poll, no clock: the owner gives the time and asks what to wait for.
*/
#ifndef CHAOS_FLOW_H
#define CHAOS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum {
  RULE_CLOSE,   /* end of file to both sides */
  RULE_RESET,   /* a reset to both sides */
  RULE_STALL,   /* nothing passes for `arg` ms */
  RULE_DRIP,    /* the next 64 bytes pass one by one, each `arg` ms after the last one */
  RULE_HOLE,    /* nothing passes any more; both sides stay connected */
  RULE_GARBAGE, /* `arg` bytes of garbage pass before the next byte */
  RULE_DOUBLE,  /* the next whole answer comes twice, the second `arg` ms later if all is idle */
  RULE_CRLF,    /* a line feed in place of that second answer */
  RULE_GOODBYE, /* a 408 in place of it, and the end of file */
  /* for a whole connection, when it is accepted: */
  RULE_SLOW,    /* the server is connected to after `arg` ms */
  RULE_RESTART, /* every connection is reset; the port is closed for `arg` ms */
  RULE_REFUSE,  /* this connection is reset; the port is closed for `arg` ms */
  RULE_DEAF,    /* for `arg` ms nothing is accepted, and the queue of those who wait is short */
  RULE_KINDS
} rule_kind;

extern const char *const rule_names[RULE_KINDS];

typedef struct {
  char way; /* 'c': from the client, 's': from the server, 'a': on accept */
  rule_kind kind;
  unsigned connection;
  uint64_t at; /* byte */
  unsigned arg;
  bool done;
} rule;

typedef struct {
  unsigned char *bytes;
  size_t start, size, room;
} byte_queue;

typedef enum { FLOW_ON, FLOW_OVER, FLOW_CLOSE, FLOW_RESET } flow_news;

typedef struct {
  int from, to;
  char way;
  byte_queue held;     /* read and not yet written */
  byte_queue injected; /* goes out before them, and is not counted */
  byte_queue answer;   /* from the server: all that passed since the client's last byte */
  uint64_t passed;
  double not_before, double_at; /* seconds; 0: at once, never */
  double drip_every;
  unsigned drip_left;
  const rule *again; /* the rule that waits for a whole answer */
  rule **rules;
  size_t rule_count, next_rule;
  bool hole, ended, blocked, shut, last_words;
} flow;

void flow_init(flow *f, char way, int from, int to);
void flow_free(flow *f);
/* Adds bytes at the end; false: out of memory. */
bool queue_add(byte_queue *q, const void *bytes, size_t n);
/* Reads what is there. False: the connection is broken. */
bool flow_read(flow *f);
/* Lets pass what may pass at `now`. */
flow_news flow_push(flow *f, double now);
/* Lets all that is held pass at once, whatever the rules say, except for a hole. */
void flow_flush(flow *f);
/* When flow_push has something to do even if no socket has news; 0: never. */
double flow_due(const flow *f);
/* The client has sent something: what passed before was the answer to an earlier request. */
void flow_asked(flow *answers);

#endif
