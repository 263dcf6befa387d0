/* The descriptors and timers that a step waits for: libcurl's, streams', and joined ones. */
#include <stdlib.h>

#include "private.h"

/* ---- descriptors of others ------------------------------------------------------------------- */

bool transport_is_joined(const transport *t, platform_socket fd) {
  for (size_t i = 0; i < t->joined_count; i++)
    if (t->joined[i] == fd) return true;
  return false;
}

static bool forget_joined(transport *t, platform_socket fd) {
  for (size_t i = 0; i < t->joined_count; i++)
    if (t->joined[i] == fd) {
      t->joined[i] = t->joined[--t->joined_count];
      return true;
    }
  return false;
}

bool transport_join(transport *t, platform_socket fd) {
  platform_socket *longer;
  /* its number may belong to another descriptor now */
  if (transport_is_joined(t, fd)) return poller_set(t->poll, fd, POLLER_READ);
  longer = realloc(t->joined, (t->joined_count + 1) * sizeof *longer);
  if (!longer) return false;
  t->joined = longer;
  if (!poller_set(t->poll, fd, POLLER_READ)) return false;
  t->joined[t->joined_count++] = fd;
  return true;
}

void transport_part(transport *t, platform_socket fd) {
  if (forget_joined(t, fd)) (void)poller_set(t->poll, fd, 0);
}

/* ---- descriptors of streams ------------------------------------------------------------------ */

bool transport_is_stream_socket(const transport *t, platform_socket fd) {
  for (size_t i = 0; i < t->streams.watched_count; i++)
    if (t->streams.watched[i] == fd) return true;
  return false;
}

static void forget_stream_socket(transport *t, platform_socket fd) {
  transport_streams *all = &t->streams;
  for (size_t i = 0; i < all->watched_count; i++)
    if (all->watched[i] == fd) {
      all->watched[i] = all->watched[--all->watched_count];
      return;
    }
}

static bool note_stream_socket(transport *t, platform_socket fd) {
  transport_streams *all = &t->streams;
  platform_socket *longer;
  if (transport_is_stream_socket(t, fd)) return true;
  longer = realloc(all->watched, (all->watched_count + 1) * sizeof *longer);
  if (!longer) return false;
  all->watched = longer;
  all->watched[all->watched_count++] = fd;
  return true;
}

bool transport_watch_socket(transport *t, platform_socket fd, unsigned events) {
  if (events) forget_joined(t, fd); /* as in on_socket */
  return poller_set(t->poll, fd, events);
}

/* ---- libcurl's callbacks: they set flags, nothing else --------------------------------------- */

static unsigned events_of(int what) {
  unsigned events = 0;
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= POLLER_READ;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= POLLER_WRITE;
  return events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
  transport *t = context;
  unsigned events = events_of(what);
  (void)easy;
  (void)unused;
  if (what == CURL_POLL_REMOVE) transport_connection_unwatched(t, fd);
  else transport_connection_watched(t, fd);
  forget_joined(t, fd); /* it was closed, and libcurl uses its number now */
  forget_stream_socket(t, fd);
  return poller_set(t->poll, fd, events) || events == 0 ? 0 : -1;
}

/* Before 8.2 libcurl closes a socket that never connected before it stops watching it. */
static int on_stream_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
  transport *t = context;
  unsigned events = events_of(what);
  (void)easy;
  (void)unused;
  if (what == CURL_POLL_REMOVE) {
    forget_stream_socket(t, fd);
    t->streams.stalled = t->stalls;
  } else if (!note_stream_socket(t, fd)) return -1;
  if (what != CURL_POLL_REMOVE) platform_socket_close_on_exec(fd); /* the resolver's */
  return transport_watch_socket(t, fd, events) || events == 0 ? 0 : -1;
}

/* `context`: where the time is stored. */
static int on_timer(CURLM *multi, long milliseconds, void *context) {
  double *timer = context;
  (void)multi;
  *timer = milliseconds < 0 ? -1 : platform_now() + (double)milliseconds * 1e-3;
  return 0;
}

static bool watch_multi(transport *t, CURLM *m, curl_socket_callback socket, double *timer) {
  *timer = -1;
  return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, socket) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_SOCKETDATA, t) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERDATA, timer) == CURLM_OK;
}

bool transport_watch(transport *t) { return watch_multi(t, t->multi, on_socket, &t->timer); }

bool transport_watch_streams(transport *t) {
  return watch_multi(t, t->streams.multi, on_stream_socket, &t->streams.timer);
}
