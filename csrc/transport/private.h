/*
** Inside the transport room: the struct transport, for the files that use it. A file calls only
** files on the lines below its own:
**
**   step
**   transport, stream_move
**   stream
**   watch, options
**   connections, proxy, poller
**   answer, headers, library, transfers, url, poller_epoll and its likes
*/
#ifndef TOPAZ_TRANSPORT_PRIVATE_H
#define TOPAZ_TRANSPORT_PRIVATE_H

#include <curl/curl.h>

#include "platform/platform.h"
#include "platform/socket.h"

#include "answer.h"
#include "headers.h"
#include "poller.h"
#include "stream.h"
#include "transfers.h"
#include "transport.h"

enum {
  IDLE_HANDLES_MAX = 16, /* easy handles kept for the next attempt */
  /* CURLMOPT_QUICK_EXIT, of 8.20; by its number, since the library may be newer than the headers */
  MULTI_QUICK_EXIT = 21
};

/* One TCP connection of libcurl's, from opening its socket to closing it. */
typedef struct transport_connection transport_connection;
struct transport_connection {
  transport_connection *next;
  platform_socket fd;
  platform_ends ends;
  int http_version; /* of the last response; 0: there was none */
  unsigned number;  /* counts the connections of the transport */
  unsigned users;   /* transfers sent on this connection that still run */
  bool distrusted;  /* no more requests are sent on it */
  bool ended;       /* its peer has closed it, and libcurl does not know */
  bool is_alone;    /* made for one transfer that requires HTTP/1.1 */
  double heard;     /* when bytes last came */
  transfer *opener; /* the transfer that opens it; NULL: that one has ended */
};

struct stream {
  transport *owner; /* NULL: it was freed */
  stream *prev, *next;
  CURL *easy;         /* NULL: it has ended */
  platform_socket fd; /* once it is ready, and until it ends */
  unsigned events;    /* what the poller watches it for */
  unsigned long long id;
  stream_state state;
  transfer_end end;
  bool has_news;
  bool hungry;  /* there may be bytes that no event announces: TLS has them already */
  bool blocked; /* the socket takes no more bytes now */
  bool refused; /* bytes to send had no room */
  long connect_ms;
  double patience, silent_at; /* see stream_expect; silent_at 0: no limit */
  char *in, *out;             /* malloc'ed, owned */
  size_t in_count, out_first, out_count;
  size_t again; /* bytes of a write that TLS wants repeated exactly as it was */
  char words[CURL_ERROR_SIZE], detail[256];
};

/* The streams, and the multi handle that connects them. libcurl's connections for HTTP live apart
** from it. */
typedef struct {
  CURLM *multi;             /* NULL: none was needed yet, or it has failed */
  stream *first;            /* doubly linked: all that are not freed */
  double timer;             /* as in transport */
  bool stalled;             /* as in transport */
  platform_socket *watched; /* malloc'ed, owned: descriptors that libcurl watches for them */
  size_t watched_count;
} transport_streams;

struct transport {
  CURLM *multi;
  poller *poll;
  struct curl_slist *headers;
  char *user_agent, *proxy;
  char *ca_file, *ca_folder; /* given, or from the environment, as for the curl program */
  bool ca_given;             /* the caller gave them */
  bool allow_http, http2;
  long connect_ms;            /* 0: libcurl's default */
  bool stalls, stalled;       /* libcurl stops when one address fails; it has just stopped */
  bool counts_waiting;        /* libcurl's connect time includes waiting for a turn */
  unsigned most, connections; /* allowed at a time; opened so far */
  unsigned long long process; /* the process that made the transport */
  bool must_start_over;       /* libcurl may keep a connection that will never be ready */
  double timer;               /* when libcurl wants to be called; negative: not at all */
  double stepped;             /* when the last step ended */
  uint64_t wakeups;
  poller_interrupt interrupt;
  platform_socket *joined; /* malloc'ed, owned: descriptors of others */
  size_t joined_count;
  bool joined_ready;          /* one of them was readable in the last step */
  bool may_multiplex;         /* one of its connections was HTTP/2, or may have been */
  transport_connection *open; /* malloc'ed, owned */
  unsigned last_connection;   /* the number of the newest */
  platform_expected expected; /* descriptors that libcurl may be about to open */
  CURL *idle[IDLE_HANDLES_MAX];
  unsigned idle_count;
  transport_streams streams;
  transfer *running;               /* doubly linked */
  transfer *finished, **last_done; /* singly linked by `next`, in the order of their end */
};

/* ---- transport.c: life, and the transfers from start to end ---------------------------------- */

/* Ends a transfer: reported as `done` by libcurl, or abandoned. */
void transport_finish(transport *t, transfer *x, CURLcode rc, bool done);
/* Ends all transfers after an error of the multi handle ("the state of all transfers is
** uncertain"). The next start makes a new handle. */
void transport_start_over(transport *t);

/* ---- watch.c: what is waited for ------------------------------------------------------------- */

/* Makes a new multi handle report its descriptors and timers. */
bool transport_watch(transport *t);
/* Makes a new multi handle for streams report its descriptors and timers. */
bool transport_watch_streams(transport *t);
/* Whether libcurl watches the descriptor for a stream. */
bool transport_is_stream_socket(const transport *t, platform_socket fd);
/* Watches the descriptor of a stream that libcurl does not watch any more. As poller_set. */
bool transport_watch_socket(transport *t, platform_socket fd, unsigned events);
/* Whether the descriptor was joined. */
bool transport_is_joined(const transport *t, platform_socket fd);

/* ---- stream.c: life and buffers of streams --------------------------------------------------- */

/* Ends a stream unless it has ended: with these words, or as libcurl's result says. */
void stream_finish(stream *s, transfer_end end, const char *words);
void stream_fail(stream *s, CURLcode rc);
/* Ends all streams, which live on without the transport. `inherited`: in a child process after
** fork. */
void transport_streams_end(transport *t, bool inherited);

/* ---- stream_move.c: what a step does for streams --------------------------------------------- */

/* Sends what is queued, and reads what no descriptor announces. */
void transport_streams_move(transport *t);
/* Does what an event says, if its descriptor belongs to a stream; false: it does not. */
bool transport_streams_act(transport *t, const poller_event *e);
/* Does what follows: timers that are due, connections that are ready, limits. */
void transport_streams_settle(transport *t);
/* Adds seconds without a step to the limits. */
void transport_streams_excuse(transport *t, double missed);
/* Returns the time at which something has to be done; negative: none; 0: now. */
double transport_streams_due(const transport *t);

/* ---- options.c: what libcurl is asked for ---------------------------------------------------- */

/* Reads the environment and copies the strings. false: out of memory. */
bool transport_keep_options(transport *t, const transport_options *o);
/* Sets all options on a handle that was reset: nothing of an earlier request is left. Returns NULL,
** or the name of the option that libcurl refuses; "": out of memory. */
const char *transport_set_options(CURL *easy, transport *t, transfer *x);
/* The same for a stream. `ca_file`: NULL: what the transport trusts. `words`: where libcurl writes
** the text of an error. */
const char *transport_set_stream_options(CURL *easy, const transport *t, const char *url, const char *ca_file,
                                         long connect_ms, char words[CURL_ERROR_SIZE]);

/* ---- connections.c: the connections, and what is sent on which ------------------------------- */

/* Sets the options by which libcurl reports connections. As transport_set_options. */
const char *transport_set_connection_options(CURL *easy, transport *t, transfer *x);
/* As transfer_on_header; also records that the connection was heard, because libcurl reads some
** bytes without an event on the descriptor. */
size_t transfer_on_header_line(char *line, size_t size, size_t count, void *context);
/* Records that bytes, or the end, came on this descriptor, which may be any. */
void transport_connection_heard(transport *t, platform_socket fd, double now);
/* Records that a transfer has ended. `http_version` of its response, 0 when there was none. */
void transport_connection_left(transfer *x, int http_version);
/* Records that libcurl watches this descriptor. If the room did not open it, it is marked as not
** inherited by children. */
void transport_connection_watched(const transport *t, platform_socket fd);
/* Records that libcurl stopped watching it. Before 8.2 libcurl closes a socket that never connected
** without telling. */
void transport_connection_unwatched(transport *t, platform_socket fd);
void transport_connections_free(transport *t);
/* Makes libcurl continue after a failed address. */
void transport_unstall(transport *t);

/* ---- library.c, url.c ------------------------------------------------------------------------ */

/* Initializes libcurl, once per process, and pins the module in memory. */
void transport_library_init(void);
/* Whether this host, as written in a URL, is this machine. */
bool transport_is_loopback(const char *host);

#endif
