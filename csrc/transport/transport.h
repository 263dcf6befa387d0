/*
** transport: HTTP by libcurl. The only room that includes <curl/curl.h>; it knows nothing of the
** API.
**
** A transport owns a multi handle, its connections, timers and the pollable descriptor. A transfer
** is one attempt. It ends exactly once, with a `transfer_end`; libcurl's result codes, which differ
** by version, do not leave this room. An attempt is sent at most once: libcurl by itself sends a
** request again when a reused connection dies, so a guard counts the sends and refuses the second.
** Redirects are never followed. TLS is always verified.
**
** No function here touches Lua. Only transport_step waits.
*/
#ifndef TOPAZ_TRANSPORT_H
#define TOPAZ_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/socket.h"

typedef struct transport transport;

typedef struct {
  const char *api_key; /* sent as X-API-Key and nowhere else */
  const char *user_agent;
  const char *headers; /* "name: value\n" for each header of the caller; NULL: none */
  const char *ca_file; /* NULL: libcurl's default bundle */
  const char *proxy;   /* NULL: from the environment; "": none */
  bool allow_http;     /* plain http is allowed for the base URL of this client */
  bool http2;          /* offer HTTP/2 over TLS */
  /* Seconds for connecting, TLS included; each address of the name gets its share. Time in which
  ** the transport is not stepped does not count. 0: libcurl's default. */
  double connect_timeout;
} transport_options;

typedef enum {
  TRANSFER_OK,      /* the response is complete, as far as HTTP tells */
  TRANSFER_RESOLVE, /* the host name does not resolve */
  TRANSFER_CONNECT, /* refused, unreachable, or closed before the request was sent */
  TRANSFER_TLS,     /* a certificate, a version or a cipher: a retry does not help */
  TRANSFER_TIMED_OUT,
  TRANSFER_LOST,      /* closed or reset, or a second send was refused (`resend_refused`) */
  TRANSFER_UNFIT,     /* the connection was unusable, nothing was sent: use another one */
  TRANSFER_PROXY,     /* the proxy did not connect: nothing was sent; see proxy_status */
  TRANSFER_PROTOCOL,  /* not HTTP, broken chunks, broken content encoding */
  TRANSFER_TOO_LARGE, /* header or body too large, or out of memory */
  TRANSFER_STOPPED    /* the sink returned SINK_STOP */
} transfer_end;

typedef enum {
  SINK_TAKEN,    /* all bytes were */
  SINK_FULL,     /* none was: the transfer pauses until transport_resume */
  SINK_STOP,     /* ends the transfer: TRANSFER_STOPPED */
  SINK_TOO_LARGE /* ends the transfer: TRANSFER_TOO_LARGE */
} sink_result;

/* Headers of a response that say what the server still allows, "" where absent. */
typedef struct {
  char list[256], policy[256];                    /* RateLimit, RateLimit-Policy */
  char limit[64], remaining[32], reset[32];       /* RateLimit-Limit, -Remaining, -Reset */
  char x_limit[64], x_remaining[32], x_reset[32]; /* X-RateLimit-… */
} transfer_quota;

typedef struct transfer transfer;
struct transfer {
  /* Set by the owner before transport_start; `url` and `headers` must stay until the start
  ** returns. */
  const char *method;
  const char *url;
  const char *headers; /* as in transport_options; each replaces one of these of the same name */
  /* Receives body bytes. Called from inside libcurl: it moves bytes and sets flags, no more. */
  sink_result (*sink)(void *context, const char *bytes, size_t n);
  void *context;
  bool fresh; /* on a new connection, with a new look-up of the name */
  bool http1; /* over HTTP/1.1, on a connection of its own, whatever the server offers */

  /* Read by the owner. */
  bool running, paused;
  transfer_end end;
  int http_status;       /* the final status line; 0: none was seen (1xx does not count) */
  unsigned sends;        /* 0 proves that nothing was sent; else 1 */
  bool resend_refused;   /* TRANSFER_LOST: libcurl tried to resend on another connection */
  bool crowded;          /* TRANSFER_UNFIT: another request on the connection comes first */
  bool needs_http1;      /* nothing was processed: HTTP_1_1_REQUIRED (RFC 9113 7) */
  bool garbled;          /* TRANSFER_PROTOCOL: only bytes after the body are wrong */
  int proxy_status;      /* TRANSFER_PROXY: the one to CONNECT; 0: none; -1: its URL is wrong */
  uint64_t received;     /* bytes of its connection before it was sent; 0: unknown */
  double connecting;     /* when resolving or connecting began; 0: waiting for a turn */
  unsigned connection;   /* the number of its connection, from 1 on; 0: not known */
  int http_version;      /* 10, 11, 20, 30; 0: not known */
  uint64_t bytes;        /* body bytes after decompression */
  bool progressed;       /* bytes have come; the owner clears this */
  double started, ended; /* monotonic seconds */
  double answered;       /* likewise: when the last header line came; 0: never */
  char detail[256];      /* libcurl's words for a failure */
  /* Headers of the final response, "" where absent. Several Retry-After are one list. */
  char retry_after[256], date[64], location[512], request_id[128];
  transfer_quota quota;

  /* Private. */
  void *handle;
  transport *owner;
  transfer *prev, *next;
  char error_buffer[256];
  size_t header_bytes;
  bool in_headers, headers_over;     /* after a status line; after the final headers */
  struct transport_connection *used; /* the connection used */
  double sent;                       /* monotonic time of sending */
  long connect_ms;                   /* libcurl's limit for connecting */
  void *header_list;                 /* all headers, if `headers` are among them */
};

/* Seconds for which a transfer may be `crowded` by another one. */
#define TRANSPORT_PATIENCE 1.0

/* Makes a transport and copies all strings. NULL: `*why` says what failed. */
transport *transport_new(const transport_options *options, const char **why);
/* Ends all transfers without notifying their owners, closes the connections, wipes the key. NULL is
** allowed. In a child process after fork it only frees memory, because closing would send on the
** parent's connections; transport_cancel does likewise. */
void transport_free(transport *t);

/* Starts a transfer, whose struct must stay in place until the transfer has ended or was cancelled.
** false: nothing started; `detail` names the option that libcurl refuses, "": out of memory. */
bool transport_start(transport *t, transfer *x);
/* Ends a transfer without a response; does nothing if it is not running. */
void transport_cancel(transfer *x);
/* Continues a paused transfer; does nothing if it is not paused. */
void transport_resume(transfer *x);

/* Sets how many connections to the server may be open at a time; further transfers wait inside. */
void transport_set_connections(transport *t, unsigned most);
/* Whether a connection is open that answered over HTTP/2 and takes further requests. */
bool transport_has_http2(transport *t);
/* Distrusts the connection of a transfer that got no byte in time: if the connection has been
** silent for half of the time since the request was sent, no later request is sent on it. To be
** called before transport_cancel. */
void transport_distrust(transfer *x);

/* Waits for at most `timeout` seconds (0: not at all) for something to do. Then moves bytes until
** the monotonic time `until`, but at least those of one descriptor; the next step does the rest. A
** signal ends the wait, even if its handler ran just before the wait. */
void transport_step(transport *t, double timeout, double until);
/* Returns how often transport_step has waited and woken up. */
uint64_t transport_wakeups(const transport *t);
/* Sets a question that is asked before each wait, while signals are blocked: true ends the wait at
** once. A signal after the question ends the wait too. The function must not call the transport. */
void transport_set_interrupt(transport *t, bool (*interrupted)(void *context), void *context);
/* Makes a descriptor of another owner end a wait when it is readable; nothing is read from it.
** However often it is joined, the descriptor is watched once. false: it cannot be watched. */
bool transport_join(transport *t, platform_socket fd);
/* Undoes transport_join; does nothing for a descriptor that was not joined. */
void transport_part(transport *t, platform_socket fd);
/* Whether a joined descriptor was readable in the last step. */
bool transport_joined_ready(const transport *t);
/* Sends what was started, without checking the sockets. */
void transport_kick(transport *t);
/* Removes and returns the next transfer that has ended; NULL: none. */
transfer *transport_finished(transport *t);

/* Returns a descriptor that is readable when a step has something to do; PLATFORM_NO_SOCKET:
** this system has none. */
platform_socket transport_pollfd(const transport *t);
/* Returns the seconds until transport_step has something to do; -1: only bytes matter. */
double transport_timeout(const transport *t);
/* Returns how many connections were opened so far. */
unsigned transport_connections(const transport *t);
/* Writes stars over secrets in a text from outside, which may quote them. Of the API key: over
** every part of 8 bytes or more, in lower or upper case, because a quote may be cut or broken
** anywhere. Of the caller's headers (the transport's, and `headers` of one transfer or NULL): over
** whole words of a value, also without the quotes or brackets around them. What has fewer than 8
** bytes is not a secret and stays. */
void transport_hide(const transport *t, const char *headers, char *text);

/* Writes the HMAC-SHA-256 of n bytes under the API key: 32 bytes. It tells nothing of the key. */
void transport_sign(const transport *t, const void *text, size_t n, unsigned char *digest);

/* The parts of a base URL. */
typedef struct {
  bool https, http, loopback, has_query, has_fragment, has_user, no_memory;
} transport_url;
/* Parses a base URL. false: the text is not scheme://host…, or `no_memory`. */
bool transport_parse_url(const char *url, transport_url *out);
/* Writes scheme://host[:port] of an absolute URL; false: the URL has none. */
bool transport_origin(const char *url, char *out, size_t size);

/* The proxy that a request goes through. */
typedef struct {
  char name[300]; /* host:port, without a password */
  bool loopback;  /* the proxy runs on this machine */
} transport_proxy;
/* Whether the text is the URL of a proxy, with a scheme that libcurl supports for proxies
** (CURLOPT_PROXY), or without a scheme. */
bool transport_proxy_is_known(const char *proxy);
/* Whether a request for this URL goes through a proxy; `proxy` as in transport_options. True if
** no_proxy has a form that is not understood here. */
bool transport_proxy_applies(const char *proxy, const char *url, transport_proxy *out);

/* The libcurl in use. */
typedef struct {
  const char *version, *tls;
  bool http2, async_dns, brotli, zstd, gzip;
} transport_library;
/* Fills in `out`; the first call initializes libcurl. */
void transport_about(transport_library *out);
#endif
