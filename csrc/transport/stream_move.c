/* Moves the bytes of streams: what a step does. */
#include <stdio.h>
#include <string.h>

#include "private.h"

/* ---- bytes ----------------------------------------------------------------------------------- */

/* While nothing is read the descriptor is not watched for errors either: that would not end. */
static void watch(stream *s) {
  unsigned events = (s->in_count < STREAM_RECEIVE_MAX ? POLLER_READ : 0u) | (s->blocked ? POLLER_WRITE : 0u);
  if (s->state != STREAM_READY || events == s->events) return;
  if (transport_watch_socket(s->owner, s->fd, events)) s->events = events;
  else stream_finish(s, TRANSFER_LOST, "the descriptor cannot be watched");
}

static void note_byte(stream *s) {
  s->has_news = true;
  if (s->silent_at > 0) s->silent_at = platform_now() + s->patience;
}

static void read_in(stream *s) {
  CURLcode rc = CURLE_OK;
  while (s->state == STREAM_READY && s->in_count < STREAM_RECEIVE_MAX) {
    size_t n = 0;
    s->words[0] = '\0';
    rc = curl_easy_recv(s->easy, s->in + s->in_count, STREAM_RECEIVE_MAX - s->in_count, &n);
    if (rc == CURLE_AGAIN) break;
    if (rc != CURLE_OK) stream_fail(s, rc);
    else if (n == 0) stream_finish(s, TRANSFER_LOST, "the server closed the connection");
    else note_byte(s);
    s->in_count += n;
  }
  s->hungry = s->state == STREAM_READY && rc != CURLE_AGAIN;
  watch(s);
}

/* What the server said before it closed the connection is read before the end is noted. */
static void write_failed(stream *s, CURLcode rc) {
  char words[CURL_ERROR_SIZE];
  memcpy(words, s->words, sizeof words);
  read_in(s);
  if (s->state != STREAM_READY) return;
  memcpy(s->words, words, sizeof words);
  stream_fail(s, rc);
}

static void write_out(stream *s) {
  s->blocked = false;
  while (s->state == STREAM_READY && s->out_count > 0 && !s->blocked) {
    size_t n = 0, most = s->again ? s->again : s->out_count;
    CURLcode rc;
    s->words[0] = '\0';
    rc = curl_easy_send(s->easy, s->out + s->out_first, most, &n);
    s->blocked = rc == CURLE_AGAIN;
    s->again = s->blocked ? most : 0;
    if (rc != CURLE_OK && !s->blocked) {
      write_failed(s, rc);
      return;
    }
    s->out_first += n;
    s->out_count -= n;
    if (s->out_count == 0) s->out_first = 0;
    if (n > 0 && s->refused) {
      s->refused = false;
      s->has_news = true;
    }
  }
  watch(s);
}

void stream_flush(stream *s) {
  if (s->state == STREAM_READY && s->out_count > 0 && !s->blocked) write_out(s);
}

/* ---- the step -------------------------------------------------------------------------------- */

/* After an error of the multi handle. */
static void give_up(transport *t) {
  for (stream *s = t->streams.first; s; s = s->next) stream_finish(s, TRANSFER_LOST, "libcurl has failed");
  curl_multi_cleanup(t->streams.multi);
  t->streams.multi = NULL;
  t->streams.timer = -1;
}

void transport_streams_move(transport *t) {
  for (stream *s = t->streams.first; s; s = s->next) {
    if (s->state != STREAM_READY) continue;
    if (s->hungry && s->in_count < STREAM_RECEIVE_MAX) read_in(s);
    if (s->out_count > 0 && !s->blocked) write_out(s);
  }
}

bool transport_streams_act(transport *t, const poller_event *e) {
  int running, mask = ((e->events & POLLER_READ) ? CURL_CSELECT_IN : 0) |
                      ((e->events & POLLER_WRITE) ? CURL_CSELECT_OUT : 0) |
                      ((e->events & POLLER_ERROR) ? CURL_CSELECT_ERR : 0);
  for (stream *s = t->streams.first; s; s = s->next) {
    if (s->fd != e->fd) continue;
    if (e->events & POLLER_WRITE) write_out(s);
    if (e->events & (POLLER_READ | POLLER_ERROR)) read_in(s);
    return true;
  }
  if (!t->streams.multi || !transport_is_stream_socket(t, e->fd)) return false;
  if (curl_multi_socket_action(t->streams.multi, e->fd, mask, &running) != CURLM_OK) give_up(t);
  return true;
}

static void connected(stream *s) {
  curl_socket_t fd = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(s->easy, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK || fd == CURL_SOCKET_BAD) {
    stream_finish(s, TRANSFER_CONNECT, "the connection was closed at once");
    return;
  }
  s->state = STREAM_READY;
  s->fd = fd;
  s->has_news = s->hungry = true;
  if (s->silent_at > 0) s->silent_at = platform_now() + s->patience;
  watch(s);
}

static void collect(transport *t) {
  int left;
  for (CURLMsg *m = curl_multi_info_read(t->streams.multi, &left); m;
       m = curl_multi_info_read(t->streams.multi, &left)) {
    CURLcode rc = m->data.result; /* copied: the message dies with the handle's removal */
    char *context = NULL;
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &context);
    if (!context) continue;
    if (rc == CURLE_OK) connected((stream *)(void *)context);
    else stream_fail((stream *)(void *)context, rc);
  }
}

/* See transport_unstall. */
static void unstall(transport *t) {
  if (!t->streams.stalled) return;
  t->streams.stalled = false;
  for (stream *s = t->streams.first; s; s = s->next) {
    if (s->state != STREAM_CONNECTING) continue;
    (void)curl_easy_pause(s->easy, CURLPAUSE_RECV);
    (void)curl_easy_pause(s->easy, CURLPAUSE_CONT);
  }
}

/* Whether a byte must come in time. While there is no room for one the server is not silent: it
** waits for the reader. */
static bool is_awaited(const stream *s) {
  return s->state == STREAM_READY && s->silent_at > 0 && s->in_count < STREAM_RECEIVE_MAX;
}

/* A last look before a stream is called silent: the process may have waited for its turn. */
static void check_silence(stream *s, double now) {
  char words[80];
  if (!is_awaited(s) || now < s->silent_at) return;
  read_in(s);
  if (!is_awaited(s) || now < s->silent_at) return;
  (void)snprintf(words, sizeof words, "no byte came for %g seconds", s->patience);
  stream_finish(s, TRANSFER_TIMED_OUT, words);
}

void transport_streams_settle(transport *t) {
  int running;
  if (!t->streams.multi) return;
  if (t->streams.timer >= 0 && platform_now() >= t->streams.timer) {
    t->streams.timer = -1;
    if (curl_multi_socket_action(t->streams.multi, CURL_SOCKET_TIMEOUT, 0, &running) != CURLM_OK) {
      give_up(t);
      return;
    }
  }
  platform_settle(&t->expected);
  collect(t);
  unstall(t);
  for (stream *s = t->streams.first; s; s = s->next) check_silence(s, platform_now());
}

void transport_streams_excuse(transport *t, double missed) {
  for (stream *s = t->streams.first; s; s = s->next) {
    if (s->silent_at > 0) s->silent_at += missed;
    if (s->state != STREAM_CONNECTING || s->connect_ms == 0) continue;
    s->connect_ms += (long)(missed * 1e3);
    (void)curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, s->connect_ms);
  }
}

double transport_streams_due(const transport *t) {
  double due = t->streams.timer;
  for (const stream *s = t->streams.first; s; s = s->next) {
    bool moves = s->state == STREAM_READY &&
                 ((s->hungry && s->in_count < STREAM_RECEIVE_MAX) || (s->out_count > 0 && !s->blocked));
    if (s->has_news || moves) return 0;
    if (is_awaited(s) && (due < 0 || s->silent_at < due)) due = s->silent_at;
  }
  return due;
}
