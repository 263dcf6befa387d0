#include "stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

/* ---- what is known --------------------------------------------------------------------------- */

stream_state stream_get_state(const stream *s) { return s->state; }

transfer_end stream_get_end(const stream *s, const char **detail) {
  *detail = s->detail;
  return s->end;
}

size_t stream_unsent(const stream *s) { return s->out_count; }

bool stream_any_news(const transport *t) {
  for (const stream *s = t->streams.first; s; s = s->next)
    if (s->has_news) return true;
  return false;
}

unsigned long long stream_next_news(transport *t) {
  for (stream *s = t->streams.first; s; s = s->next)
    if (s->has_news) {
      s->has_news = false;
      return s->id;
    }
  return 0;
}

void stream_renew(stream *s) { s->has_news = true; }

/* ---- the end --------------------------------------------------------------------------------- */

/* Gives libcurl's handle back; in a child process after fork it leaks. */
static void release(transport *t, stream *s, bool inherited) {
  if (s->easy && !inherited) {
    if (s->fd != PLATFORM_NO_SOCKET) (void)transport_watch_socket(t, s->fd, 0);
    curl_multi_remove_handle(t->streams.multi, s->easy); /* closes the connection */
    curl_easy_cleanup(s->easy);
  }
  s->easy = NULL;
  s->fd = PLATFORM_NO_SOCKET;
}

void stream_finish(stream *s, transfer_end end, const char *words) {
  if (s->state == STREAM_ENDED) return;
  release(s->owner, s, false);
  s->state = STREAM_ENDED;
  s->end = end;
  s->has_news = true;
  s->out_count = 0;
  transfer_copy_value(s->detail, sizeof s->detail, words, strlen(words));
}

void stream_fail(stream *s, CURLcode rc) {
  transfer x;
  memset(&x, 0, sizeof x);
  memcpy(x.error_buffer, s->words, sizeof x.error_buffer);
  x.sends = s->state == STREAM_READY;
  stream_finish(s, transfer_classify(rc, &x), s->words[0] ? s->words : curl_easy_strerror(rc));
}

static void unlink_stream(transport *t, stream *s) {
  if (s->prev) s->prev->next = s->next;
  else t->streams.first = s->next;
  if (s->next) s->next->prev = s->prev;
  s->owner = NULL;
}

void stream_free(stream *s) {
  if (!s) return;
  if (s->owner) {
    release(s->owner, s, s->owner->process != platform_process());
    unlink_stream(s->owner, s);
  }
  free(s->in);
  free(s->out);
  free(s);
}

void transport_streams_end(transport *t, bool inherited) {
  while (t->streams.first) {
    stream *s = t->streams.first;
    release(t, s, inherited);
    stream_finish(s, TRANSFER_STOPPED, "the client was closed");
    unlink_stream(t, s);
  }
  if (t->streams.multi && !inherited) curl_multi_cleanup(t->streams.multi);
  t->streams.multi = NULL;
}

/* ---- connecting ------------------------------------------------------------------------------ */

bool stream_is_host(const char *text) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";
  unsigned char address[16];
  size_t n = strlen(text);
  if (n == 0 || n > STREAM_HOST_MAX || strspn(text, letters) != n) return false;
  return !strchr(text, ':') || platform_read_address(text, address) == 16;
}

/* Notes that a name will be looked up, for which libcurl may open a pair of descriptors. */
static int on_resolve(void *state, void *reserved, void *context) {
  transport *t = context;
  (void)state;
  (void)reserved;
  platform_expect(&t->expected);
  return 0;
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)context;
  (void)purpose;
  return platform_socket_open(address->family, address->socktype, address->protocol);
}

static bool open_multi(transport *t) {
  if (t->streams.multi) return true;
  platform_expect(&t->expected);
  t->streams.multi = curl_multi_init();
  platform_settle(&t->expected);
  if (!t->streams.multi) return false;
  (void)curl_multi_setopt(t->streams.multi, (CURLMoption)MULTI_QUICK_EXIT, 1L);
  if (transport_watch_streams(t)) return true;
  curl_multi_cleanup(t->streams.multi);
  t->streams.multi = NULL;
  return false;
}

/* Returns NULL, or the name of the option that libcurl refuses; "": out of memory. */
static const char *begin(transport *t, stream *s, const stream_options *o) {
  char url[STREAM_HOST_MAX + sizeof "https://[]:65535/"];
  bool brackets = strchr(o->host, ':') != NULL;
  const char *refused;
  (void)snprintf(url, sizeof url, "%s://%s%s%s:%u/", o->tls ? "https" : "http", brackets ? "[" : "", o->host,
                 brackets ? "]" : "", o->port);
  refused = transport_set_stream_options(s->easy, t, url, o->ca_file, s->connect_ms, s->words);
  if (refused) return refused;
  if (curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s) != CURLE_OK) return "CURLOPT_PRIVATE";
  (void)curl_easy_setopt(s->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
  if (curl_easy_setopt(s->easy, CURLOPT_RESOLVER_START_FUNCTION, on_resolve) == CURLE_OK)
    (void)curl_easy_setopt(s->easy, CURLOPT_RESOLVER_START_DATA, t);
  return curl_multi_add_handle(t->streams.multi, s->easy) == CURLM_OK ? NULL : "";
}

static stream *allocate(transport *t, unsigned long long id, double connect_timeout) {
  stream *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->fd = PLATFORM_NO_SOCKET;
  s->id = id;
  s->connect_ms = connect_timeout > 0 && connect_timeout < 1e6 ? (long)(connect_timeout * 1e3) + 1 : 0;
  s->in = malloc(STREAM_RECEIVE_MAX);
  s->out = malloc(STREAM_SEND_MAX);
  s->easy = s->in && s->out && open_multi(t) ? curl_easy_init() : NULL;
  if (s->easy) return s;
  stream_free(s);
  return NULL;
}

stream *stream_open(transport *t, const stream_options *o, unsigned long long id, const char **why) {
  stream *s = allocate(t, id, o->connect_timeout);
  const char *refused = s ? begin(t, s, o) : "";
  *why = refused && refused[0] ? refused : "out of memory";
  if (refused) {
    if (s) curl_easy_cleanup(s->easy);
    stream_free(s);
    return NULL;
  }
  s->owner = t;
  s->next = t->streams.first;
  if (s->next) s->next->prev = s;
  t->streams.first = s;
  return s;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

size_t stream_send(stream *s, const char *bytes, size_t n) {
  size_t room = STREAM_SEND_MAX - s->out_count;
  if (s->state == STREAM_ENDED) return 0;
  if (n > STREAM_SEND_MAX - s->out_first - s->out_count && s->out_first > 0 && !s->again) {
    memmove(s->out, s->out + s->out_first, s->out_count);
    s->out_first = 0;
  }
  if (room > STREAM_SEND_MAX - s->out_first - s->out_count) room = STREAM_SEND_MAX - s->out_first - s->out_count;
  if (n > room) {
    s->refused = true;
    n = room;
  }
  if (n > 0) memcpy(s->out + s->out_first + s->out_count, bytes, n);
  s->out_count += n;
  return n;
}

const char *stream_received(const stream *s, size_t *n) {
  *n = s->in_count;
  return s->in;
}

void stream_consume(stream *s, size_t n) {
  /* there is room again */
  if (n > 0 && s->in_count == STREAM_RECEIVE_MAX) stream_expect(s, s->patience);
  s->in_count -= n;
  memmove(s->in, s->in + n, s->in_count);
}

void stream_expect(stream *s, double seconds) {
  s->patience = seconds;
  s->silent_at = seconds > 0 ? platform_now() + seconds : 0;
}
