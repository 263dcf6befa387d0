/*
** transport: HTTP by libcurl. The only room that includes <curl/curl.h>; it knows nothing of the API.
**
** A transport owns a multi handle, its connections, timers and the pollable descriptor. A transfer is one attempt: it
** ends exactly once, with an `end` of its own; libcurl's result codes, which differ by version, do not leave this room.
** At most one send per attempt: libcurl by itself sends a request again when a reused connection dies, so a guard
** counts the sends and refuses the second. Redirects are never followed. TLS is always verified.
**
** No function here touches Lua. Nothing waits except transport_step.
*/
#ifndef TOPAZ_TRANSPORT_H
#define TOPAZ_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct transport transport;

typedef struct {
  const char *api_key; /* goes out as X-API-Key and nowhere else */
  const char *user_agent;
  const char *ca_file; /* NULL: libcurl's default bundle */
  const char *proxy;   /* NULL: as the environment says; "": none */
  bool allow_http;     /* plain http is allowed for the base URL of this client */
  bool http2;          /* offer HTTP/2 over TLS */
  unsigned max_connections;
} transport_options;

typedef enum {
  TRANSFER_OK,      /* the response came whole as far as HTTP can tell */
  TRANSFER_RESOLVE, /* the host name does not resolve */
  TRANSFER_CONNECT, /* refused, unreachable */
  TRANSFER_TLS,
  TRANSFER_TIMED_OUT,
  TRANSFER_LOST,      /* closed or reset, or a second send was refused */
  TRANSFER_PROTOCOL,  /* not HTTP, broken chunks, broken content encoding */
  TRANSFER_TOO_LARGE, /* header too large, or out of memory */
  TRANSFER_STOPPED    /* the sink said so */
} transfer_end;

typedef enum { SINK_TAKEN, SINK_FULL, SINK_STOP } sink_answer;

typedef struct transfer transfer;
struct transfer {
  /* Set by the owner before transport_start; `url` must stay until the start returns. */
  const char *method;
  const char *url;
  /* Takes body bytes (all of them, or SINK_FULL: none, the transfer pauses until transport_resume). Called from inside
  ** libcurl: it moves bytes and sets flags, nothing else. */
  sink_answer (*sink)(void *context, const char *bytes, size_t n);
  void *context;

  /* Read by the owner. */
  bool running, paused;
  transfer_end end;
  int http_status;       /* the final status line; 0: none was seen (1xx does not count) */
  unsigned sends;        /* 0 proves that nothing was sent */
  int http_version;      /* 10, 11, 20, 30; 0: not known */
  uint64_t bytes;        /* body bytes after decompression */
  bool progressed;       /* bytes have come; whoever has seen it clears it */
  double started, ended; /* monotonic seconds */
  char detail[256];      /* libcurl's words for a failure */
  /* Headers of the final response, "" where absent. */
  char retry_after[64], date[64], location[512], request_id[128];
  unsigned retry_after_count;

  /* Private. */
  void *handle;
  transport *owner;
  transfer *prev, *next;
  char error_buffer[256];
  size_t header_bytes;
};

/* Seconds of the monotonic clock. */
double transport_now(void);

/* NULL: `*why` says what failed. All strings are copied. */
transport *transport_new(const transport_options *options, const char **why);
/* Ends all transfers without a word to their owners, closes the connections, wipes the key. NULL is fine. In a child
** process after fork it forgets everything instead, since closing would speak on the parent's connections;
** transport_cancel does likewise. */
void transport_free(transport *t);

/* false: out of memory, nothing started. The transfer must stay where it is until it ended or was cancelled. */
bool transport_start(transport *t, transfer *x);
/* Ends it without an answer; fine for one that is not running. */
void transport_cancel(transfer *x);
void transport_resume(transfer *x);

/* Waits for at most `timeout` seconds (0: not at all) for something to do, then moves bytes. */
void transport_step(transport *t, double timeout);
/* Lets what was started go out, without a look at the sockets. */
void transport_kick(transport *t);
/* The next transfer that has ended, NULL when there is none. */
transfer *transport_finished(transport *t);

/* -1: none on this system */
int transport_pollfd(const transport *t);
/* Seconds until transport_step has something to do; -1: only bytes matter. */
double transport_timeout(const transport *t);
unsigned transport_connections(const transport *t); /* opened so far */
/* Writes stars over the API key in a text from outside, which may quote it, and over a beginning of the key at the text's
** end, where it may have been cut. A key of fewer than 8 bytes is no secret and is left. */
void transport_hide_key(const transport *t, char *text);

/* What a base URL says. */
typedef struct {
  bool https, http, loopback, has_query, has_fragment, has_user, no_memory;
} transport_url;
bool transport_parse_url(const char *url, transport_url *out); /* false: no URL, or no_memory */
/* scheme://host[:port] of an absolute URL; false: it has none. */
bool transport_origin(const char *url, char *out, size_t size);

/* What this libcurl is. */
typedef struct {
  const char *version, *tls;
  bool http2, async_dns, brotli, zstd, gzip;
} transport_library;
void transport_about(transport_library *out);
/* Sets libcurl up, once per process, and pins the module in memory. transport_new and transport_about call it. */
void transport_library_init(void);

#endif
