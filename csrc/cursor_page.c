/* The part of the cursor room that asks for pages and reads them. See cursor_part.h. */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "cursor_part.h"

enum {
  SPARE_MAX = 1024 * 1024, /* bytes of a buffer that is kept for the next page */
  TAIL = 16 * 1024         /* bytes at the end of a page in which its pagination is looked for */
};

/* ---- errors ------------------------------------------------------------------------------------------------------ */

int cursor_raise(lua_State *L, error_kind kind, const char *message) {
  error_info e;
  error_init(&e, kind, REQUEST_STATUSES.name);
  error_message(&e, "%s", message);
  error_push(L, &e);
  return lua_error(L);
}

void cursor_check_process(lua_State *L, const cursor *c) {
  if (session_is_inherited(c->session))
    (void)cursor_raise(L, ERROR_CLOSED, "the client belongs to the parent process: make a new one after fork");
}

/* ---- asking for pages -------------------------------------------------------------------------------------------- */

void cursor_query(char out[CURSOR_QUERY_MAX], int limit, const char *page_cursor) {
  char *end = out + sprintf(out, "paginated=true&limit=%d", limit);
  if (!page_cursor || !page_cursor[0]) return;
  end += sprintf(end, "&cursor=");
  (void)request_encode(end, page_cursor, strlen(page_cursor));
}

/* Begins the request of a page and anchors it at user value `which`. The cursor is at index 1. */
static call *ask(lua_State *L, cursor *c, int which, const char *page) {
  char query[CURSOR_QUERY_MAX];
  call *k;
  cursor_check_process(L, c);
  query[0] = '\0';
  if (c->place.paginated || page[0]) cursor_query(query, c->place.limit, page);
  if (c->idle) {
    k = c->idle;
    call_begin_again(L, k, c->session, &REQUEST_STATUSES, query, c->max_bytes);
    lua_getiuservalue(L, 1, CURSOR_IDLE);
    lua_setiuservalue(L, 1, which);
    lua_pushnil(L);
    lua_setiuservalue(L, 1, CURSOR_IDLE);
    c->idle = NULL;
  } else {
    lua_getiuservalue(L, 1, CURSOR_CLIENT);
    k = call_begin(L, lua_gettop(L), c->session, &REQUEST_STATUSES, NULL, query, c->max_bytes);
    lua_setiuservalue(L, 1, which);
    lua_pop(L, 1);
  }
  k->request.body = c->spare;
  json_init(&c->spare);
  return k;
}

void cursor_drop(lua_State *L, cursor *c, int which, call **k) {
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

/* The queue is about to be emptied: keeps the id of the status that was given out last. */
static void leave_queue(cursor *c) {
  if (c->given > 0) memcpy(c->place.last, c->ids[c->given - 1], sizeof c->place.last);
  c->queued = c->given = 0;
}

void cursor_read_again(lua_State *L, cursor *c) {
  leave_queue(c);
  cursor_drop(L, c, CURSOR_CURRENT, &c->current);
  cursor_drop(L, c, CURSOR_NEXT, &c->next);
  c->page_read = c->next_known = c->next_guessed = false;
  c->skipping = c->place.last[0] != '\0';
  c->broken_promise = NULL;
}

/* ---- the page after this one --------------------------------------------------------------------------------------- */

static void ask_next(lua_State *L, cursor *c) {
  if (c->prefetch == 0 || !c->session->open) return;
  c->next = ask(L, c, CURSOR_NEXT, c->next_page);
  request_send(c->session); /* so that it goes out now, and not when somebody next waits */
}

/* Whether an earlier page of this iteration announced the cursor in next_page. Otherwise, and if `announce`, the present one does. */
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

/* The pagination was read, before or behind the records: it alone decides. */
static void learn_next(lua_State *L, cursor *c) {
  const status_list *l = &c->current->list;
  bool follows = l->has_next_page && l->next_cursor[0];
  c->next_known = true;
  if (c->next && (!follows || strcmp(c->next_page, l->next_cursor) != 0)) cursor_drop(L, c, CURSOR_NEXT, &c->next);
  if (!follows) return;
  memcpy(c->next_page, l->next_cursor, sizeof c->next_page);
  if (was_announced(L, c, true)) {
    c->broken_promise = "the server sent a cursor that it had sent before in this iteration";
    cursor_drop(L, c, CURSOR_NEXT, &c->next);
  } else if (!c->next) ask_next(L, c);
}

/* Asks for the next page as soon as its cursor can be known. Where it stands behind records that nobody has asked for yet, the last
** bytes tell: a guess, which learn_next confirms or undoes when it gets there. */
static void look_ahead(lua_State *L, cursor *c) {
  const request *r = &c->current->request;
  const char *bytes;
  size_t n;
  if (c->next_known) return;
  if (c->current->list.has_pagination) {
    learn_next(L, c);
    return;
  }
  if (c->prefetch == 0 || c->next_guessed || r->state != REQUEST_BODY) return;
  c->next_guessed = true;
  bytes = json_unread(&r->body, &n);
  if (n > TAIL) bytes += n - TAIL, n = TAIL;
  if (status_peek(L, bytes, n, &c->spare, c->next_page) && !was_announced(L, c, false)) ask_next(L, c);
}

/* ---- reading a page ---------------------------------------------------------------------------------------------- */

/* Decodes what has arrived into the queue. */
static call_news fill(lua_State *L, cursor *c) {
  int keys = lua_gettop(L) + 1, queue = keys + 1;
  call_news news = CALL_RECORD;
  leave_queue(c);
  if (c->place.paginated && c->current->request.state == REQUEST_ACTIVE) {
    cursor_check_process(L, c);
    request_step(c->session, 0); /* the rest of the page may be there meanwhile, and with it the way to the next */
  }
  luaL_checkstack(L, 20, "cursor");
  lua_getiuservalue(L, 1, CURSOR_KEYS);
  lua_getiuservalue(L, 1, CURSOR_QUEUE);
  (void)json_names_push(L, &c->shape, keys);
  while (c->queued < CURSOR_BATCH) {
    c->shape.filter = c->skipping || !c->where.filter.rules ? NULL : &c->where.filter;
    c->shape.note = c->ids[c->queued];
    news = call_pull(L, c->current, &c->shape, keys, 0);
    if (news == CALL_RECORD && c->skipping) {
      if (strcmp(c->shape.note, c->place.last) == 0) c->skipping = false;
      lua_pop(L, 1);
    } else if (news == CALL_RECORD) {
      lua_rawseti(L, queue, ++c->queued);
    } else if (news != CALL_SKIPPED) break;
  }
  json_names_drop(&c->shape);
  lua_settop(L, keys - 1);
  if (news != CALL_FAILED && news != CALL_RESTARTED) look_ahead(L, c);
  return news;
}

/* cursor -> the error object of a page that failed, else nothing */
static int fill_protected(lua_State *L) {
  cursor *c = lua_touserdata(L, 1);
  if (!c->current) c->current = ask(L, c, CURSOR_CURRENT, c->place.page);
  c->news = fill(L, c);
  if (c->news != CALL_FAILED) return 0;
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

/* Reading makes Lua values, and thereby runs finalizers, in which anything may be called, also on this cursor: closing it then
** waits for the end. After want of memory the page is read again. Pushes one value: what fill_protected returns. */
call_news cursor_fill(lua_State *L, cursor *c) {
  int status;
  lua_pushcfunction(L, fill_protected);
  lua_pushvalue(L, 1);
  c->busy = true;
  status = lua_pcall(L, 1, 1, 0);
  c->busy = false;
  if (c->closed) cursor_release(c);
  if (status == LUA_OK) return c->news;
  c->queued = c->given = 0;
  cursor_read_again(L, c);
  (void)lua_error(L);
  return CALL_FAILED;
}
