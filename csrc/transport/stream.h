/*
** stream: bytes to and from a server, plain or over TLS, by libcurl; it knows no protocol.
**
** A stream belongs to a transport, whose step moves its bytes. It connects without waiting, then
** carries bytes until it ends, once, with a `transfer_end` and a text. No proxy is used. With TLS
** the certificate and the host name are checked. Both buffers are bounded: where the one for
** sending is full the owner waits for news, where the other one is full nothing is read. Bytes
** that came before the end stay readable after it. No function here waits.
*/
#ifndef TOPAZ_TRANSPORT_STREAM_H
#define TOPAZ_TRANSPORT_STREAM_H

#include "transport.h"

enum {
  STREAM_SEND_MAX = 64 * 1024,    /* bytes that wait to be sent */
  STREAM_RECEIVE_MAX = 16 * 1024, /* bytes that wait for their reader: one record of TLS */
  STREAM_HOST_MAX = 255
};

typedef enum { STREAM_CONNECTING, STREAM_READY, STREAM_ENDED } stream_state;

typedef struct {
  const char *host; /* a name or an address; see stream_is_host */
  unsigned port;
  bool tls;
  const char *ca_file;    /* NULL: what the transport trusts */
  double connect_timeout; /* seconds, TLS included, as in transport_options */
} stream_options;

typedef struct stream stream;

/* Whether the text can be a host: letters, digits, '-', '_', '.', and ':' in an IPv6 address, which
** has no brackets. */
bool stream_is_host(const char *text);

/* Begins to connect. `id` is how its owner knows it, not 0. NULL: `*why` says what failed. */
stream *stream_open(transport *t, const stream_options *options, unsigned long long id, const char **why);
/* Closes the connection and frees the stream, also when its transport was freed before. NULL is
** allowed. In a child process after fork it only frees memory. */
void stream_free(stream *s);

stream_state stream_get_state(const stream *s);
/* How it has ended, and libcurl's words or ours; "" while it has not. */
transfer_end stream_get_end(const stream *s, const char **detail);

/* Queues bytes, which the next step sends. Returns how many had room; 0 after the end. */
size_t stream_send(stream *s, const char *bytes, size_t n);
/* Sends what the socket takes at once: no step may come any more. */
void stream_flush(stream *s);
/* Returns how many bytes are queued. */
size_t stream_unsent(const stream *s);
/* Returns the received bytes and sets their number; they stay until stream_consume. */
const char *stream_received(const stream *s, size_t *n);
/* Removes the first n of the received bytes. */
void stream_consume(stream *s, size_t n);
/* Ends the stream with TRANSFER_TIMED_OUT when no byte comes for so many seconds, counted anew from
** each byte and from each call; 0: no limit. Time in which the transport is not
** stepped, or has no room for a byte, does not count. */
void stream_expect(stream *s, double seconds);

/* Whether a stream of the transport has news: it is ready or has ended, bytes have come, or there
** is room again for bytes to send. */
bool stream_any_news(const transport *t);
/* Forgets the news of one stream and returns its id; 0: none has news. */
unsigned long long stream_next_news(transport *t);
/* Makes the next step report the stream once more. */
void stream_renew(stream *s);

#endif
