/* The descriptors and timers that a step waits for: libcurl's, and joined descriptors. */
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

/* ---- libcurl's callbacks: they set flags, nothing else --------------------------------------- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *unused) {
  transport *t = context;
  unsigned events = 0;
  (void)easy;
  (void)unused;
  if (what == CURL_POLL_REMOVE) transport_connection_unwatched(t, fd);
  else transport_connection_watched(t, fd);
  forget_joined(t, fd); /* it was closed, and libcurl uses its number now */
  if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) events |= POLLER_READ;
  if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) events |= POLLER_WRITE;
  return poller_set(t->poll, fd, events) || events == 0 ? 0 : -1;
}

static int on_timer(CURLM *multi, long milliseconds, void *context) {
  transport *t = context;
  (void)multi;
  t->timer = milliseconds < 0 ? -1 : platform_now() + (double)milliseconds * 1e-3;
  return 0;
}

bool transport_watch(transport *t) {
  CURLM *m = t->multi;
  t->timer = -1;
  return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_SOCKETDATA, t) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERDATA, t) == CURLM_OK;
}
