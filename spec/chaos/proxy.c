/*
** A faulty TCP proxy on loopback. Each listener has one server behind it; what happens
** to its connections is a script: rules by the connection's number and the bytes that have passed.
** It is told what to do by lines on one connection, and ends when that one does:
**   listen PORT   → port PORT     a new listener for the server at that port of 127.0.0.1
**   begin         forget all rules; connections are counted from 1 again
**   rule LISTENER CONNECTION c|s|a BYTE NAME ARG      see flow.h; of one way by their bytes
**   ready         → ready         all of this was read
**   quiesce       → lines "met LISTENER CONNECTION c|s|a BYTE NAME ARG", then "quiet CONNECTIONS
**                   RACES": all connections have ended, after what was under way to a server.
**                   RACES: how often the client sent something as a late answer went out
** proxy: prints the port of that connection and waits for it.
*/
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "flow.h"

enum { LISTENERS = 8, CONNECTIONS = 2048, RULES = 20000, LINE = 128 };
static const double RACE = 0.02; /* seconds */

typedef struct {
  int fd, port, server;
  unsigned count;                  /* connections accepted since `begin` */
  double closed_until, deaf_until; /* 0: it is open, it accepts */
} listener;

typedef struct {
  bool used, hole;
  unsigned listener, number;
  double connect_at; /* when the server is connected to; 0: it was */
  double answered_again;
  flow ways[2];
} connection;

static listener listeners[LISTENERS];
static connection connections[CONNECTIONS];
static rule rules[RULES];
static unsigned listener_of[RULES], listener_count, connection_count, races;
static size_t rule_count;
static int control = -1;

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in loopback(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

/* A listening socket; *port 0 is any. -1: the port is taken. */
static int open_port(int *port, int backlog) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
  struct sockaddr_in a = loopback(*port);
  socklen_t n = sizeof a;
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (fd < 0) exit(1);
  if (bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, backlog) < 0) {
    (void)close(fd);
    return -1;
  }
  (void)getsockname(fd, (struct sockaddr *)&a, &n);
  *port = ntohs(a.sin_port);
  return fd;
}

/* ---- connections ----------------------------------------------------------------------------- */

static void reset_next(int fd) {
  struct linger l = {1, 0};
  (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof l);
}

static void drop(connection *c, bool reset) {
  for (int i = 0; i < 2; i++) {
    int fd = c->ways[i].from;
    if (fd < 0) continue;
    if (reset) reset_next(fd);
    (void)close(fd);
  }
  for (int i = 0; i < 2; i++) flow_free(&c->ways[i]);
  memset(c, 0, sizeof *c);
  connection_count--;
}

static void drop_all_of(unsigned l, bool reset) {
  for (int i = 0; i < CONNECTIONS; i++)
    if (connections[i].used && connections[i].listener == l) drop(&connections[i], reset);
}

static void nodelay(int fd) {
  int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static bool connect_server(connection *c) {
  struct sockaddr_in a = loopback(listeners[c->listener].server);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) return false;
  nodelay(fd);
  c->ways[0].to = c->ways[1].from = fd;
  c->connect_at = 0;
  return true;
}

/* The rules of this connection and way, in order, are the flow's. */
static void give_rules(connection *c, flow *f) {
  f->rules = calloc(rule_count + 1, sizeof *f->rules);
  if (!f->rules) exit(1);
  for (size_t i = 0; i < rule_count; i++)
    if (listener_of[i] == c->listener && rules[i].connection == c->number && rules[i].way == f->way)
      f->rules[f->rule_count++] = &rules[i];
}

static void obey_on_accept(connection *c, rule *r) {
  listener *l = &listeners[c->listener];
  double until = now() + r->arg / 1000.0;
  r->done = true;
  switch (r->kind) {
  case RULE_SLOW: c->connect_at = until; return;
  case RULE_HOLE: c->hole = c->ways[0].hole = true; return;
  case RULE_DEAF:
    l->deaf_until = until;
    (void)listen(l->fd, 0);
    return;
  case RULE_RESTART:
  case RULE_REFUSE:
    l->closed_until = until;
    (void)close(l->fd);
    l->fd = -1;
    if (r->kind == RULE_RESTART) drop_all_of(c->listener, true);
    else drop(c, true);
    return;
  default: drop(c, r->kind == RULE_RESET);
  }
}

static void take_on(unsigned at, int fd) {
  listener *l = &listeners[at];
  connection *c = connections;
  while (c->used) c++; /* there is room */
  nodelay(fd);
  memset(c, 0, sizeof *c);
  c->used = true;
  c->listener = at;
  c->number = ++l->count;
  connection_count++;
  flow_init(&c->ways[0], 'c', fd, -1);
  flow_init(&c->ways[1], 's', -1, fd);
  for (int i = 0; i < 2; i++) give_rules(c, &c->ways[i]);
  for (size_t i = 0; i < rule_count; i++)
    if (listener_of[i] == at && rules[i].connection == c->number && rules[i].way == 'a') {
      obey_on_accept(c, &rules[i]);
      break;
    }
  if (c->used && !c->hole && c->connect_at <= 0 && !connect_server(c)) drop(c, true);
}

static void accept_all(unsigned at) {
  const listener *l = &listeners[at];
  while (l->fd >= 0 && l->deaf_until <= 0 && connection_count < CONNECTIONS) {
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    take_on(at, fd);
  }
}

/* Reads what has come on way `i`; false: the connection has ended. */
static bool take_in(connection *c, int i, double t) {
  flow *f = &c->ways[i];
  size_t before = f->held.size;
  if (!flow_read(f)) {
    drop(c, true);
    return false;
  }
  if (i == 0 && f->held.size > before) {
    if (c->answered_again > 0 && t - c->answered_again < RACE) races++;
    c->answered_again = 0;
    flow_asked(&c->ways[1]);
  }
  return true;
}

static void push(connection *c, double t) {
  int over = 0;
  for (int i = 0; i < 2; i++) {
    flow *f = &c->ways[i];
    bool waited = f->again != NULL;
    flow_news news = flow_push(f, t);
    if (waited && !f->again) c->answered_again = t;
    if (news == FLOW_CLOSE || news == FLOW_RESET) {
      drop(c, news == FLOW_RESET);
      return;
    }
    over += news == FLOW_OVER;
  }
  if (over == 2 || (c->ways[0].ended && (c->ways[0].hole || c->ways[1].hole))) drop(c, false);
}

/* ---- control --------------------------------------------------------------------------------- */

static void say(const char *format, const char *word, unsigned a, unsigned b) {
  char text[LINE];
  int n = snprintf(text, sizeof text, format, word, a, b);
  if (send(control, text, (size_t)n, MSG_NOSIGNAL) < 0) exit(0);
}

static void tell_rules(void) {
  for (size_t i = 0; i < rule_count; i++) {
    const rule *r = &rules[i];
    char text[LINE];
    int n;
    if (!r->done) continue;
    n = snprintf(text, sizeof text, "met %u %u %c %llu %s %u\n", listener_of[i], r->connection, r->way,
                 (unsigned long long)r->at, rule_names[r->kind], r->arg);
    if (send(control, text, (size_t)n, MSG_NOSIGNAL) < 0) exit(0);
  }
}

static void turn(double limit);

/* What is under way to a server gets there, then all connections end. */
static void quiesce(void) {
  double until = now() + 0.5;
  unsigned total = 0;
  for (unsigned i = 0; i < listener_count; i++) {
    listeners[i].closed_until = listeners[i].closed_until > 0 ? 1e-9 : 0;
    listeners[i].deaf_until = listeners[i].deaf_until > 0 ? 1e-9 : 0;
  }
  for (int i = 0; i < CONNECTIONS; i++) {
    connection *c = &connections[i];
    if (!c->used) continue;
    if (c->hole) drop(c, true);
    else
      for (int k = 0; k < 2; k++) flow_flush(&c->ways[k]);
  }
  while (connection_count > 0 && now() < until) turn(0.005);
  for (unsigned i = 0; i < listener_count; i++) {
    drop_all_of(i, false);
    total += listeners[i].count;
  }
  tell_rules();
  say("%s %u %u\n", "quiet", total, races);
}

static void add_rule(const char *line) {
  char way, name[16];
  unsigned l, number, arg;
  unsigned long long at;
  rule *r = &rules[rule_count];
  if (rule_count == RULES || sscanf(line, "rule %u %u %c %llu %15s %u", &l, &number, &way, &at, name, &arg) != 6) {
    (void)fprintf(stderr, "proxy: %s\n", line);
    exit(1);
  }
  *r = (rule){.way = way, .connection = number, .at = at, .arg = arg, .kind = RULE_KINDS};
  for (unsigned k = 0; k < RULE_KINDS; k++)
    if (strcmp(rule_names[k], name) == 0) r->kind = (rule_kind)k;
  listener_of[rule_count++] = l;
}

static void command(const char *line) {
  if (strncmp(line, "rule ", 5) == 0) add_rule(line);
  else if (strncmp(line, "quiesce", 7) == 0) quiesce();
  else if (strncmp(line, "begin", 5) == 0) {
    rule_count = races = 0;
    for (unsigned i = 0; i < listener_count; i++) listeners[i].count = 0;
  } else if (strncmp(line, "ready", 5) == 0) {
    say("%s\n", "ready", 0, 0);
  } else if (strncmp(line, "listen ", 7) == 0 && listener_count < LISTENERS) {
    listener *l = &listeners[listener_count++];
    l->server = atoi(line + 7);
    l->fd = open_port(&l->port, 512);
    say("%s %u\n", "port", (unsigned)l->port, 0);
  }
}

static void read_control(void) {
  static char text[65536];
  static size_t size;
  char *line = text, *end;
  ssize_t n = recv(control, text + size, sizeof text - size - 1, MSG_DONTWAIT);
  if (n <= 0) exit(0);
  size += (size_t)n;
  text[size] = '\0';
  while ((end = strchr(line, '\n')) != NULL) {
    *end = '\0';
    command(line);
    line = end + 1;
  }
  size -= (size_t)(line - text);
  memmove(text, line, size);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static struct pollfd polled[1 + LISTENERS + 2 * CONNECTIONS];
static int places[CONNECTIONS]; /* of a connection's two sockets in `polled`; 0: nowhere */

static void sooner(double *due, double t) {
  if (t > 0 && t < *due) *due = t;
}

/* Opens again the ports whose time is over. */
static void mind_listeners(double t, double *due) {
  for (unsigned i = 0; i < listener_count; i++) {
    listener *l = &listeners[i];
    if (l->closed_until > 0 && t >= l->closed_until) {
      l->fd = open_port(&l->port, 512);
      l->closed_until = l->fd < 0 ? t + 0.01 : 0;
    }
    if (l->deaf_until > 0 && t >= l->deaf_until) {
      if (l->fd >= 0) (void)listen(l->fd, 512);
      l->deaf_until = 0;
    }
    sooner(due, l->closed_until);
    sooner(due, l->deaf_until);
  }
}

static short wanted(const connection *c, int i) {
  const flow *in = &c->ways[i], *out = &c->ways[1 - i];
  bool full = i == 1 && in->held.size >= 256 * 1024; /* the client is always listened to */
  return (short)((in->ended || full ? 0 : POLLIN) | (out->blocked ? POLLOUT : 0));
}

static nfds_t gather(double t, double *due) {
  nfds_t n = 1;
  polled[0] = (struct pollfd){control, POLLIN, 0};
  for (unsigned i = 0; i < listener_count; i++, n++)
    polled[n] = (struct pollfd){listeners[i].deaf_until > 0 ? -1 : listeners[i].fd, POLLIN, 0};
  for (int i = 0; i < CONNECTIONS; i++) {
    connection *c = &connections[i];
    places[i] = 0;
    if (c->used && c->connect_at > 0 && t >= c->connect_at && !connect_server(c)) drop(c, true);
    if (!c->used) continue;
    places[i] = (int)n;
    for (int k = 0; k < 2; k++) {
      polled[n++] = (struct pollfd){c->ways[k].from, wanted(c, k), 0};
      sooner(due, flow_due(&c->ways[k]));
    }
    sooner(due, c->connect_at);
  }
  return n;
}

/* One that is not connected to a server (yet) only takes in what the client sends. */
static void serve(connection *c, const struct pollfd *fds, double t) {
  if (c->hole || c->connect_at > 0) {
    if (fds[0].revents && take_in(c, 0, t) && c->hole && c->ways[0].ended) drop(c, false);
    return;
  }
  for (int k = 0; k < 2; k++)
    if (fds[k].revents & (POLLIN | POLLHUP | POLLERR) && !c->ways[k].ended && !take_in(c, k, t)) return;
  push(c, t);
}

static void turn(double limit) {
  double t = now(), due = t + limit;
  nfds_t n;
  mind_listeners(t, &due);
  n = gather(t, &due);
  if (poll(polled, n, due <= t ? 0 : (int)((due - t) * 1000) + 1) < 0 && errno != EINTR) exit(1);
  t = now();
  for (int i = 0; i < CONNECTIONS; i++)
    if (places[i] && connections[i].used) serve(&connections[i], &polled[places[i]], t);
  for (unsigned i = 0; i < listener_count; i++)
    if (polled[1 + i].revents & POLLIN && listeners[i].fd == polled[1 + i].fd) accept_all(i);
}

int main(void) {
  int port = 0, fd = open_port(&port, 1);
  struct pollfd first = {fd, POLLIN, 0};
  (void)signal(SIGPIPE, SIG_IGN);
  (void)signal(SIGINT, SIG_IGN); /* it ends with the one that gives the commands */
  (void)printf("%d\n", port);
  (void)fflush(stdout);
  if (poll(&first, 1, 10000) != 1) return 1;
  control = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
  (void)close(fd);
  nodelay(control);
  for (;;) {
    turn(1.0);
    if (polled[0].revents) read_control();
  }
}
