/* Steps a client: waits for news, reports them, delivers events. See client_private.h. */
#include <assert.h>
#include <math.h>

#include <lauxlib.h>

#include "call.h"
#include "channel.h"
#include "client_private.h"
#include "platform/platform.h"
#include "transport/stream.h"

static const double SLICE = 0.2; /* seconds: the longest wait while a debug hook wants to run */

static bool has_hook(void *L) { return lua_gethookmask(L) != 0; }

/* Waits for news. A signal ends the wait at once if its handler sets a debug hook, as Lua's own
** interpreter does for Ctrl-C. While a hook is set the wait returns each SLICE, so that the hook
** runs. True: the budget ended the step, and more is left to do. */
static bool wait_for_news(lua_State *L, session *s, double timeout, double until) {
  double end = platform_now() + timeout, left = timeout;
  bool more, hooked = lua_gethookmask(L) != 0;
  transport_set_interrupt(s->net, hooked ? NULL : has_hook, L);
  do {
    more = request_step(s, hooked && left > SLICE ? SLICE : left, until);
    left = end - platform_now();
  } while (left > 0 && !more && !s->ready.head && s->gone_count == 0 && s->event_count == 0 && !lua_gethookmask(L) &&
           !transport_joined_ready(s->net) && !stream_any_news(s->net));
  transport_set_interrupt(s->net, NULL, NULL);
  return more;
}

/* Appends an id to the table at `ready` (0: no table). */
static void note_id(lua_State *L, int ready, unsigned long long id) {
  if (!ready) return;
  lua_pushinteger(L, (lua_Integer)id);
  lua_rawseti(L, ready, (lua_Integer)lua_rawlen(L, ready) + 1);
}

/* Collects the news: appends each id first and then removes it, so that a memory error loses none.
** Finalizers may run at each append. */
static void collect_news(lua_State *L, int client, session *s, int ready) {
  while (s->gone_count > 0) {
    unsigned long long id = s->gone[s->gone_count - 1];
    note_id(L, ready, id);
    if (s->gone_count > 0 && s->gone[s->gone_count - 1] == id) s->gone_count--;
  }
  lua_getiuservalue(L, client, CALL_CLIENT_OWNED);
  while (s->ready.head) {
    const request *r = s->ready.head;
    unsigned long long id = r->id;
    note_id(L, ready, id);
    if (s->ready.head != r) continue;
    (void)request_next_ready(s);
    /* a body waits for its handle alone */
    if (!request_has_settled(r) && r->state != REQUEST_BODY) continue;
    lua_pushnil(L);
    lua_rawseti(L, -2, (lua_Integer)id);
  }
  lua_pop(L, 1);
}

#ifdef TOPAZ_DEBUG
/* Asserts that the client owns exactly the started requests that have not settled: see
** CALL_CLIENT_OWNED. */
static void check_owned(lua_State *L, int client, const session *s) {
  if (s->unchecked > 0) return; /* as often as request_check looks at everything */
  lua_getiuservalue(L, client, CALL_CLIENT_OWNED);
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
    const request *r = &((const call *)lua_touserdata(L, -1))->request;
    assert(lua_tointeger(L, -2) == (lua_Integer)r->id);
    if (!r->session) continue; /* closed by hand */
    assert(r->session == s);
    assert(r->is_ready || (!request_has_settled(r) && r->state != REQUEST_BODY));
  }
  lua_pop(L, 1);
}
#else
#define check_owned(L, client, s) ((void)0)
#endif

bool client_advance(lua_State *L, int client, session *s, double timeout, int ready, double until) {
  bool more = wait_for_news(L, s, timeout, until);
  collect_news(L, client, s, ready);
  check_owned(L, client, s);
  call_deliver_events(L, client, s);
  channel_deliver(L, client, s);
  return more;
}
