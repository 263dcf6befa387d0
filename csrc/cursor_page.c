/* Requests pages and reads them. See cursor_private.h. */
#include <math.h>
#include <string.h>

#include <lauxlib.h>

#include "cursor_private.h"
#include "platform/platform.h"

enum {
  SPARE_MAX = 1024 * 1024, /* bytes of a buffer that is kept for the next page */
  TAIL = 16 * 1024         /* bytes at the end of a page in which its pagination is searched */
};

/* ---- errors ---------------------------------------------------------------------------------- */

void cursor_raise(lua_State *L, error_kind kind, const char *message) {
  error_raise(L, kind, API_STATUSES.request.name, message);
}

void cursor_check_session(lua_State *L, const cursor *c) {
  call_check_session(L, c->session, API_STATUSES.request.name);
}

/* ---- asking for pages ------------------------------------------------------------------------ */

/* Begins the request of a page and anchors it at user value `which`. The cursor is at index 1. */
static call *ask(lua_State *L, cursor *c, int which, const char *page) {
  char query[API_QUERY_MAX];
  call *k;
  query[0] = '\0';
  if (c->place.paginated || page[0]) api_page_query(query, c->place.limit, page);
  if (c->idle) {
    k = c->idle;
    call_begin_again(L, k, c->session, &API_STATUSES, query, c->headers, c->max_bytes);
    lua_getiuservalue(L, 1, CURSOR_IDLE);
    lua_setiuservalue(L, 1, which);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, CURSOR_IDLE);
    c->idle = NULL;
  } else {
    lua_getiuservalue(L, 1, CURSOR_CLIENT);
    k = call_begin(L, lua_gettop(L), c->session, &API_STATUSES, query, c->headers, c->max_bytes);
    lua_setiuservalue(L, 1, which);
    lua_pop(L, 1);
  }
  k->request.body = c->spare;
  json_init(&c->spare);
  /* The plain array is read as slowly as the caller works. On a shared connection libcurl would
  ** buffer all that arrives meanwhile. */
  k->request.http1 = !c->place.paginated;
  return k;
}

/* Ends a request and clears its user value `which`. */
static void drop(lua_State *L, cursor *c, int which, call **k) {
  json_reader *body;
  if (!*k) return;
  body = &(*k)->request.body;
  if (!c->spare.data && body->capacity <= SPARE_MAX) {
    json_reset(body);
    c->spare = *body;
    json_init(body);
  }
  call_drop(*k);
  if (!c->idle) { /* a userdata of this size is worth keeping */
    c->idle = *k;
    lua_getiuservalue(L, 1, which);
    lua_setiuservalue(L, 1, CURSOR_IDLE);
  }
  *k = NULL;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, which);
}

/* Keeps the id of the status that was given out last, before the queue is emptied. */
static void leave_queue(cursor *c) {
  if (c->given > 0) memcpy(c->place.last, c->ids[c->given - 1], sizeof c->place.last);
  c->queued = c->given = 0;
}

/* Prepares for reading the page from its first record on. */
static void begin_reading(cursor *c) {
  c->known = c->memory->given;
  c->skipping = c->forgotten;
  c->page_read = c->next_known = c->next_guessed = false;
  c->next_page_error = NULL;
}

void cursor_read_again(lua_State *L, cursor *c) {
  leave_queue(c);
  drop(L, c, CURSOR_CURRENT, &c->current);
  drop(L, c, CURSOR_NEXT, &c->next);
  begin_reading(c);
}

void cursor_lost_place(lua_State *L, cursor *c) {
  c->forgotten = false;
  cursor_read_again(L, c);
}

void cursor_turn(lua_State *L, cursor *c) {
  if (!c->has_next_page) {
    drop(L, c, CURSOR_CURRENT, &c->current);
    c->over = true;
    return;
  }
  if (c->next_page_error) {
    const char *message = c->next_page_error;
    cursor_read_again(L, c);
    cursor_raise(L, ERROR_PROTOCOL, message);
  }
  /* 4 kB less to allocate for each page: a block so large makes malloc tidy up what Lua freed */
  if (c->next) api_reader_reuse(&c->next->reader, &c->current->reader);
  drop(L, c, CURSOR_CURRENT, &c->current);
  memcpy(c->place.page, c->next_page, sizeof c->place.page);
  c->place.last[0] = '\0';
  c->queued = c->given = 0;
  c->page_number++;
  c->page_first = c->memory->given;
  c->forgotten = false;
  begin_reading(c);
  if (!c->next) return;
  lua_getiuservalue(L, 1, CURSOR_NEXT);
  lua_setiuservalue(L, 1, CURSOR_CURRENT);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, CURSOR_NEXT);
  c->current = c->next;
  c->next = NULL;
  request_restart_clock(&c->current->request);
}

/* ---- the page after this one ----------------------------------------------------------------- */

static void ask_next(lua_State *L, cursor *c) {
  if (c->prefetch == 0 || !c->session->open) return;
  c->next = ask(L, c, CURSOR_NEXT, c->next_page);
  request_stop_clock(&c->next->request);
  request_send(c->session); /* so that it is sent now, not at the next wait */
}

/* Whether an earlier page of this iteration announced the cursor in next_page. If none did, and if
** `announce`, records that this page does. */
static bool was_announced(lua_State *L, const cursor *c, bool announce) {
  bool before;
  lua_getiuservalue(L, 1, CURSOR_SEEN);
  lua_pushstring(L, c->next_page);
  lua_pushvalue(L, -1);
  before = lua_rawget(L, -3) != LUA_TNIL && lua_tointeger(L, -1) != c->page_number;
  lua_pop(L, 1);
  if (!before && announce) {
    lua_pushinteger(L, c->page_number);
    lua_rawset(L, -3);
  }
  lua_settop(L, 1);
  return before;
}

/* Uses the pagination, which was read before or after the records: it alone decides. */
static void learn_next(lua_State *L, cursor *c) {
  const status_list *l = c->current->reader.list;
  bool follows = l->has_next_page && l->next_cursor[0];
  c->next_known = true;
  if (c->next && (!follows || strcmp(c->next_page, l->next_cursor) != 0)) drop(L, c, CURSOR_NEXT, &c->next);
  if (!follows) return;
  memcpy(c->next_page, l->next_cursor, sizeof c->next_page);
  if (was_announced(L, c, true)) {
    c->next_page_error = "the server sent a cursor that it had sent before in this iteration";
    drop(L, c, CURSOR_NEXT, &c->next);
  } else if (!c->next) ask_next(L, c);
}

/* Requests the next page as soon as its cursor can be known. If the cursor stands after records
** that were not consumed yet, it is guessed from the last bytes; learn_next later confirms or
** undoes the guess. */
static void look_ahead(lua_State *L, cursor *c) {
  const request *r = &c->current->request;
  const char *bytes;
  size_t n;
  if (c->next_known) return;
  if (c->current->reader.list && c->current->reader.list->has_pagination) {
    learn_next(L, c);
    return;
  }
  if (c->prefetch == 0 || c->next_guessed || r->state != REQUEST_BODY) return;
  c->next_guessed = true;
  bytes = json_unread(&r->body, &n);
  if (n > TAIL) bytes += n - TAIL, n = TAIL;
  if (status_peek(L, bytes, n, &c->spare, c->next_page) && !was_announced(L, c, false)) ask_next(L, c);
}

/* ---- reading a page -------------------------------------------------------------------------- */

/* Whether the record whose process_id was noted is known. Never if a note cannot hold its id. */
static bool is_known(const cursor *c, uint64_t hash) {
  return c->known > 0 && c->shape.note[0] && cursor_memory_has(c->memory, hash, c->known);
}

bool cursor_is_late(const cursor *c) { return c->session->until < HUGE_VAL && platform_now() >= c->session->until; }

/* Decodes records into the queue, until it is full, the budget of the step is used up, or no record
** is left. */
static api_news read_records(lua_State *L, cursor *c, int keys, int queue) {
  api_news news = API_RECORD;
  while (c->queued < CURSOR_BATCH) {
    uint64_t hash;
    c->shape.filter = c->skipping || !c->where.filter.rules ? NULL : &c->where.filter;
    c->shape.note = c->ids[c->queued];
    cursor_where_set_now(&c->where, c->session->has_skew ? c->session->skew : 0);
    news = api_pull(L, &c->current->request, &c->current->reader, &c->shape, keys, 0);
    c->where.has_now = c->where.has_now || news == API_SKIPPED || news == API_RECORD;
    if (news == API_SKIPPED) continue;
    if (news != API_RECORD) break;
    hash = cursor_memory_hash(c->shape.note);
    if (is_known(c, hash)) {
      c->skipping = false;
      lua_pop(L, 1);
    } else if (c->skipping) {
      lua_pop(L, 1);
    } else {
      c->hashes[c->queued] = hash;
      lua_rawseti(L, queue, ++c->queued);
      if (cursor_is_late(c)) break;
    }
  }
  return news;
}

/* Handles a new attempt, which sends the page from its first record on. It may announce another
** next page than the lost one. */
static void restart(lua_State *L, cursor *c) {
  c->queued = 0; /* no status of it was given out yet */
  drop(L, c, CURSOR_NEXT, &c->next);
  begin_reading(c);
}

static api_news fill(lua_State *L, cursor *c) {
  int keys = lua_gettop(L) + 1, queue = keys + 1;
  request *r = &c->current->request;
  api_news news;
  /* The caller has been working meanwhile. */
  if (c->queued > 0 && r->state == REQUEST_ACTIVE) request_restart_clock(r);
  leave_queue(c);
  if (c->place.paginated && r->state == REQUEST_ACTIVE) {
    cursor_check_session(L, c);
    /* Meanwhile the rest of the page may have arrived, with the cursor of the next one. */
    if (!cursor_is_late(c)) (void)request_step(c->session, 0, c->session->until);
  }
  luaL_checkstack(L, 20, "cursor");
  lua_getiuservalue(L, 1, CURSOR_KEYS);
  lua_getiuservalue(L, 1, CURSOR_QUEUE);
  (void)json_names_push(L, &c->shape, keys);
  news = read_records(L, c, keys, queue);
  json_names_drop(&c->shape);
  lua_settop(L, keys - 1);
  if (news == API_RESTARTED) restart(L, c);
  else if (news != API_FAILED) look_ahead(L, c);
  return news;
}

/* cursor -> the error object of a page that failed, else nothing */
static int fill_protected(lua_State *L) {
  cursor *c = lua_touserdata(L, 1);
  /* A hook may have closed it just now. */
  if (!c->session->open) cursor_raise(L, ERROR_CLOSED, "the client is closed");
  if (!c->current) c->current = ask(L, c, CURSOR_CURRENT, c->place.page);
  c->news = fill(L, c);
  if (c->news != API_FAILED) return 0;
  call_error(L, c->current);
  return 1;
}

void cursor_release(cursor *c) {
  if (c->current) call_drop(c->current);
  if (c->next) call_drop(c->next);
  c->current = c->next = NULL;
  leave_queue(c);
  json_free(&c->spare);
  json_shape_free(&c->shape);
}

/* While the page is read, any function may be called on this cursor: see cursor_private.h. If
** memory runs out, the page is read again. */
api_news cursor_fill(lua_State *L, cursor *c) {
  int status;
  lua_pushcfunction(L, fill_protected);
  lua_pushvalue(L, 1);
  c->busy = true;
  status = lua_pcall(L, 1, 1, 0);
  c->busy = false;
  if (c->current) json_release(&c->current->request.body);
  json_release(&c->spare);
  if (c->closed) cursor_release(c);
  if (status == LUA_OK) return c->news;
  c->queued = c->given = 0;
  cursor_read_again(L, c);
  error_throw(L);
}
