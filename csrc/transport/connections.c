/* The transport's view of libcurl's connections: which requests may be sent on which. libcurl
** reports a socket when it opens or closes one. Right before it sends it reports the addresses, by
** which the connection is found. */
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* CURLMOPT_NETWORK_CHANGED with CURLMNWC_CLEAR_CONNS, of 8.16; by their numbers, since the library
** may be newer than the headers. */
enum { NETWORK_CHANGED = 17 };
static const long CLEAR_CONNECTIONS = 2;

static const char came_early[] = "bytes came on the connection before the request was sent";

static transport_connection *connection_of(const transport *t, platform_socket fd) {
  transport_connection *c = t->open;
  while (c && c->fd != fd) c = c->next;
  return c;
}

/* ---- sockets come and go --------------------------------------------------------------------- */

static int refuse_resend(transfer *x) {
  x->resend_refused = true;
  x->needs_http1 = x->needs_http1 || transfer_wants_http1(x);
  x->end = TRANSFER_LOST;
  return 1;
}

static void note_connecting(transfer *x) {
  if (x->connecting == 0) x->connecting = platform_now();
}

/* Notes that a name will be looked up, for which libcurl may open a pair of descriptors. */
static int on_resolve(void *state, void *reserved, void *context) {
  transfer *x = context;
  (void)state;
  (void)reserved;
  if (x->sends > 0) return refuse_resend(x);
  note_connecting(x);
  platform_expect(&x->owner->expected);
  return 0;
}

static void forget_connection(transport *t, platform_socket fd) {
  transport_connection **p = &t->open, *c;
  while (*p && (*p)->fd != fd) p = &(*p)->next;
  c = *p;
  if (!c) return;
  *p = c->next;
  for (transfer *x = t->running; x; x = x->next)
    if (x->used == c) x->used = NULL;
  if (c->opener && c->opener->sends == 0) t->stalled = t->stalls;
  free(c);
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  transfer *x = context;
  transport *t = x->owner;
  transport_connection *c;
  platform_socket fd;
  (void)purpose;
  if (x->sends > 0) {
    (void)refuse_resend(x);
    return CURL_SOCKET_BAD;
  }
  note_connecting(x);
  c = calloc(1, sizeof *c);
  if (!c) return CURL_SOCKET_BAD;
  fd = platform_socket_open(address->family, address->socktype, address->protocol);
  if (fd == PLATFORM_NO_SOCKET) {
    free(c);
    return CURL_SOCKET_BAD;
  }
  forget_connection(t, fd); /* closed unseen */
  c->fd = fd;
  c->number = ++t->last_connection;
  c->opener = x;
  c->next = t->open;
  t->open = c;
  return fd;
}

static int on_close(void *context, curl_socket_t fd) {
  forget_connection(context, fd);
  return platform_socket_close(fd);
}

void transport_connection_watched(const transport *t, platform_socket fd) {
  if (!connection_of(t, fd)) platform_socket_close_on_exec(fd);
}

void transport_connection_unwatched(transport *t, platform_socket fd) {
  if (connection_of(t, fd) && !platform_socket_is_open(fd)) forget_connection(t, fd);
}

/* Before 8.4 libcurl, driven by sockets, does not try the next address after a failed one until
** another timer is due. Pausing and resuming a transfer makes libcurl run it. */
void transport_unstall(transport *t) {
  if (!t->stalled) return;
  t->stalled = false;
  for (transfer *x = t->running; x; x = x->next) {
    if (x->sends > 0 || x->connecting == 0) continue;
    (void)curl_easy_pause(x->handle, CURLPAUSE_RECV);
    (void)curl_easy_pause(x->handle, CURLPAUSE_CONT);
  }
}

void transport_connections_free(transport *t) {
  while (t->open) {
    transport_connection *c = t->open;
    t->open = c->next;
    free(c);
  }
}

/* ---- right before a request is sent ---------------------------------------------------------- */

static transport_connection *connection_between(const transport *t, const char *ip, const char *local_ip, int port,
                                                int local_port) {
  for (transport_connection *c = t->open; c; c = c->next) {
    const platform_ends *e = &c->ends;
    if (e->local_port == 0) (void)platform_socket_ends(c->fd, &c->ends);
    if (e->local_port == local_port && e->port == port && strcmp(e->ip, ip) == 0 && strcmp(e->local_ip, local_ip) == 0)
      return c;
  }
  return NULL;
}

/* Returns NULL if a request may be sent on the connection. Newer libcurls do not check a connection
** that was used a moment ago. Bytes on an idle connection would be read as the response to the next
** request. Over HTTP/2 frames may come at any time, so only an HTTP/1 connection is checked for
** bytes: it has at most one user. */
static const char *why_unfit(transport_connection *c, const transfer *x) {
  bool idle = c->users == 0 && c->http_version != 0;
  if (c->distrusted) return "the connection was silent while a response was due";
  /* nothing unread: it has not ended either */
  if (idle && c->http_version < 20 && !platform_socket_has_unread(c->fd)) return NULL;
  c->ended = c->http_version != 0 && platform_socket_has_ended(c->fd);
  if (c->ended) return "the connection was closed"; /* of a new one: its response shows that */
  if (x->http1 && idle && c->http_version >= 20) return "the connection speaks HTTP/2";
  return idle && c->http_version < 20 ? came_early : NULL;
}

/* libcurl does not watch a connection that nothing uses. */
bool transport_has_http2(transport *t) {
  for (transport_connection *c = t->open; c; c = c->next) {
    if (c->http_version < 20) continue;
    if (c->users == 0) c->ended = platform_socket_has_ended(c->fd);
    if (!c->distrusted && !c->ended) return true;
  }
  return false;
}

/* Whether libcurl puts requests beside others, as far as is known: not before a connection to the
** host has turned out to be HTTP/2. Without TLS none ever does. */
static bool may_multiplex(const transport *t) {
  if (t->allow_http || !t->http2) return false;
  for (const transport_connection *c = t->open; c; c = c->next)
    if (c->http_version == 0) return true;
  return t->may_multiplex;
}

/* Whether libcurl puts requests beside others on this connection. */
static bool may_share(const transport *t, const transport_connection *c) {
  return c->http_version == 0 || ((c->http_version >= 20 || t->mixes) && may_multiplex(t));
}

/* The requests on it have ended, and libcurl has not said so yet: their responses came together
** with the turn of this one, in a process that had to wait for its own turn. */
static void free_connection(transport *t, transport_connection *c) {
  for (transfer *x = t->running; x; x = x->next)
    if (x->used == c) x->used = NULL;
  c->users = 0;
}

/* Whether another request is under way on the connection, and HTTP/2 is not known. A new connection
** has not announced how many streams it allows; excess streams would be refused. And libcurl 7.88
** uses any connection to a host once one was HTTP/2, even one that speaks HTTP/1.1: the responses
** would mix (t->mixes). */
static bool is_crowded(const transport_connection *c, transfer *x) {
  if (c->users == 0 || c->http_version >= 20) return false;
  /* A response that has begun may take as long as its reader needs; waiting is useful only before
  ** it begins. */
  for (const transfer *other = x->owner->running; other && !c->is_alone; other = other->next)
    if (other->used == c && other->http_status == 0 && platform_now() - other->sent < TRANSPORT_PATIENCE)
      x->crowded = true;
  return true;
}

/* Called by libcurl right before it sends a request on a connection. */
static int on_send(void *context, char *ip, char *local_ip, int port, int local_port) {
  transfer *x = context;
  transport_connection *c;
  const char *why = NULL;
  if (x->sends > 0) {
    (void)refuse_resend(x);
    return CURL_PREREQFUNC_ABORT;
  }
  c = connection_between(x->owner, ip, local_ip, port, local_port);
  if (c && c->users > 0 && !may_share(x->owner, c)) free_connection(x->owner, c);
  if (c) why = why_unfit(c, x);
  if (why) {
    x->end = TRANSFER_UNFIT;
    transfer_copy_value(x->detail, sizeof x->detail, why, strlen(why));
    return CURL_PREREQFUNC_ABORT;
  }
  if (!ip[0]) x->crowded = true; /* libcurl 7.88: the tunnel through a proxy is not ready */
  if (!ip[0] || (c && is_crowded(c, x))) {
    x->end = TRANSFER_UNFIT;
    return CURL_PREREQFUNC_ABORT;
  }
  x->sends = 1;
  x->sent = platform_now();
  x->used = c;
  if (c) c->users++;
  x->connection = c ? c->number : 0;
  /* without TLS nothing can wait between the system and libcurl, which keeps no connection with
  ** bytes left over */
  x->received = c && !x->owner->allow_http ? platform_socket_received(c->fd) : 0;
  if (c && x->http1) c->is_alone = true;
  return CURL_PREREQFUNC_OK;
}

/* ---- trust ----------------------------------------------------------------------------------- */

void transport_connection_heard(transport *t, platform_socket fd, double now) {
  transport_connection *c = connection_of(t, fd);
  if (c) c->heard = now;
}

/* The protocol of the connection is known from the first status line on, before the response has
** ended. */
static void note_version(transfer *x, bool is_http1) {
  transport_connection *c = x->used;
  c->http_version = is_http1 ? 11 : 20;
  if (!is_http1) x->owner->may_multiplex = true;
}

/* Whether the response was there before the request was sent: in a buffer of libcurl or of its TLS
** library, where the system does not show it. Where the right response comes before libcurl reads,
** the two cannot be told apart. */
static bool came_before(const transfer *x) {
  return x->received > 0 && x->used && platform_socket_received(x->used->fd) == x->received;
}

size_t transfer_on_header_line(char *line, size_t size, size_t count, void *context) {
  transfer *x = context;
  double now = platform_now();
  if (x->header_bytes == 0 && came_before(x)) {
    x->end = TRANSFER_LOST;
    transfer_copy_value(x->detail, sizeof x->detail, came_early, sizeof came_early - 1);
    return size * count + 1;
  }
  if (x->used) x->used->heard = now;
  if (x->used && !x->in_headers && !x->headers_over && size * count > 6 && memcmp(line, "HTTP/", 5) == 0)
    note_version(x, line[5] == '1');
  if (!x->headers_over) x->answered = now;
  return transfer_on_header(line, size, count, x);
}

static void drop_distrusted(const transport_connection *c) {
  /* so that libcurl sees its end */
  if (c->distrusted && c->users == 0) platform_socket_shut(c->fd);
}

/* What came soon after the request was sent may have been the response to an earlier one. A libcurl
** that can do so keeps later requests from its present connections; without that, each request that
** it puts on this one takes another connection, of its own at last. */
void transport_distrust(transfer *x) {
  transport_connection *c = x->used;
  if (!c || c->distrusted || c->heard >= (x->sent + platform_now()) / 2) return;
  c->distrusted = true;
  if (x->owner->multi) (void)curl_multi_setopt(x->owner->multi, (CURLMoption)NETWORK_CHANGED, CLEAR_CONNECTIONS);
}

void transport_connection_left(transfer *x, int http_version) {
  transport_connection *c = x->used;
  for (transport_connection *other = x->owner->open; other; other = other->next)
    if (other->opener == x) other->opener = NULL;
  x->used = NULL;
  if (!c) return;
  if (http_version) c->http_version = http_version;
  if (c->http_version == 0 || c->http_version >= 20) x->owner->may_multiplex = true;
  c->users--;
  drop_distrusted(c);
}

const char *transport_set_connection_options(CURL *easy, transport *t, transfer *x) {
  if (curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_send) != CURLE_OK) return "CURLOPT_PREREQFUNCTION";
  if (curl_easy_setopt(easy, CURLOPT_PREREQDATA, x) != CURLE_OK) return "CURLOPT_PREREQDATA";
  if (curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open) == CURLE_OK) {
    (void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    (void)curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, t);
  }
  if (curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolve) == CURLE_OK)
    (void)curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, x);
  return NULL;
}
