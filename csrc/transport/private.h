/*
** Inside the transport room: the struct transport, for the files that use it. A file calls only
** files on the lines below its own:
**
**   step
**   transport
**   watch, options
**   channel, proxy, poller
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
#include "transfers.h"
#include "transport.h"

enum { IDLE_HANDLES_MAX = 16 }; /* easy handles kept for the next attempt */

/* One TCP connection of libcurl's, from opening its socket to closing it. */
typedef struct transport_channel transport_channel;
struct transport_channel {
  transport_channel *next;
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
  bool mixes;                 /* libcurl puts requests beside others over HTTP/1.1, too */
  unsigned most, connections; /* allowed at a time; opened so far */
  unsigned long long process; /* the process that made the transport */
  bool must_start_over;       /* libcurl may keep a connection that will never be ready */
  double timer;               /* when libcurl wants to be called; negative: not at all */
  double stepped;             /* when the last step ended */
  uint64_t wakeups;
  poller_interrupt interrupt;
  platform_socket *joined; /* malloc'ed, owned: descriptors of others */
  size_t joined_count;
  bool joined_ready;           /* one of them was readable in the last step */
  bool may_multiplex;          /* one of its connections was HTTP/2, or may have been */
  transport_channel *channels; /* malloc'ed, owned */
  unsigned channel_count;      /* made so far */
  platform_expected expected;  /* descriptors that libcurl may be about to open */
  CURL *idle[IDLE_HANDLES_MAX];
  unsigned idle_count;
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
/* Whether the descriptor was joined. */
bool transport_is_joined(const transport *t, platform_socket fd);

/* ---- options.c: what libcurl is asked for ---------------------------------------------------- */

/* Reads the environment and copies the strings. false: out of memory. */
bool transport_keep_options(transport *t, const transport_options *o);
/* Sets all options on a handle that was reset: nothing of an earlier request is left. Returns NULL,
** or the name of the option that libcurl refuses; "": out of memory. */
const char *transport_set_options(CURL *easy, transport *t, transfer *x);

/* ---- channel.c: the connections, and what is sent on which ----------------------------------- */

/* Sets the options by which libcurl reports connections. As transport_set_options. */
const char *transport_set_channel_options(CURL *easy, transport *t, transfer *x);
/* As transfer_on_header; also records that the connection was heard, because libcurl reads some
** bytes without an event on the descriptor. */
size_t transfer_on_header_line(char *line, size_t size, size_t count, void *context);
/* Records that bytes, or the end, came on this descriptor, which may be any. */
void transport_channel_heard(transport *t, platform_socket fd, double now);
/* Records that a transfer has ended. `http_version` of its response, 0 when there was none. */
void transport_channel_left(transfer *x, int http_version);
/* Records that libcurl watches this descriptor. If the room did not open it, it is marked as not
** inherited by children. */
void transport_channel_watched(const transport *t, platform_socket fd);
/* Records that libcurl stopped watching it. Before 8.2 libcurl closes a socket that never connected
** without telling. */
void transport_channel_unwatched(transport *t, platform_socket fd);
void transport_channels_free(transport *t);
/* Makes libcurl continue after a failed address. */
void transport_unstall(transport *t);

/* ---- library.c, url.c ------------------------------------------------------------------------ */

/* Initializes libcurl, once per process, and pins the module in memory. */
void transport_library_init(void);
/* Whether this host, as written in a URL, is this machine. */
bool transport_is_loopback(const char *host);

#endif
