#include "cursor.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "call.h"
#include "cursor_options.h"
#include "error.h"

enum { CLIENT = 1, CURRENT, NEXT, KEYS, QUEUE, SEEN, KEPT, USER_VALUES = KEPT };
enum {
  BATCH = 16,              /* records decoded at a time: few, since the collector goes through those that wait */
  SPARE_MAX = 1024 * 1024, /* bytes of a buffer that is kept for the next page */
  TAIL = 16 * 1024         /* bytes at the end of a page in which its pagination is looked for */
};

typedef struct {
  session *session; /* valid while the client (user value) is open, session->open tells */
  cursor_place place;
  cursor_where where;
  json_shape shape;
  call *current, *next; /* anchored in the user values of the same names */
  int prefetch;
  uint64_t max_bytes;
  lua_Integer queued, given; /* records in the queue, and how many of them were given out */
  bool skipping;             /* everything up to place.last was given out before */
  bool page_read;            /* the present page's document is complete */
  bool page_told;            /* cursor_in_page has said that the present page is over */
  bool next_known;           /* the present page has told what follows it */
  bool next_guessed;         /* its last bytes were looked at for that */
  bool has_next_page;
  bool over, closed;
  bool busy; /* a page is being read, and finalizers may run meanwhile */
  call_news news;
  char next_page[STATUS_CURSOR_MAX + 1];
  lua_Integer page_number;    /* counts the pages of this iteration */
  const char *broken_promise; /* why the next page must not be asked for; NULL: it may */
  json_reader spare;          /* a buffer for the next page's bytes, taken from the one before */
} cursor;

static const char type_name[] = "topaz.cursor";

static cursor *check_cursor(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static int raise(lua_State *L, error_kind kind, const char *message) {
  error_info e;
  error_init(&e, kind, REQUEST_STATUSES.name);
  error_message(&e, "%s", message);
  error_push(L, &e);
  return lua_error(L);
}

/* To be called before anything is sent or received: a process made by fork must not speak on its parent's connections. */
static void check_process(lua_State *L, const cursor *c) {
  if (session_is_inherited(c->session))
    (void)raise(L, ERROR_CLOSED, "the client belongs to the parent process: make a new one after fork");
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
  check_process(L, c);
  if (c->place.paginated) cursor_query(query, c->place.limit, page);
  lua_getiuservalue(L, 1, CLIENT);
  k = call_begin(L, lua_gettop(L), c->session, &REQUEST_STATUSES, NULL, c->place.paginated ? query : NULL,
                 c->max_bytes);
  lua_setiuservalue(L, 1, which);
  lua_pop(L, 1);
  k->request.body = c->spare;
  json_init(&c->spare);
  return k;
}

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
  *k = NULL;
  lua_pushnil(L);
  lua_setiuservalue(L, 1, which);
}

/* The page will be read from its beginning again: what was given out of it is to be skipped. */
static void read_again(lua_State *L, cursor *c) {
  drop(L, c, CURRENT, &c->current);
  drop(L, c, NEXT, &c->next);
  c->page_read = c->next_known = c->next_guessed = false;
  c->skipping = c->place.last[0] != '\0';
  c->broken_promise = NULL;
}

/* ---- reading a page ---------------------------------------------------------------------------------------------- */

/* Whether the record on the top of the stack is the last one that was given out before. */
static bool is_last(lua_State *L, const cursor *c) {
  bool same = lua_getfield(L, -1, "process_id") == LUA_TSTRING &&
              strncmp(lua_tostring(L, -1), c->place.last, CURSOR_ID_MAX) == 0;
  lua_pop(L, 1);
  return same;
}

/* ---- the page after this one --------------------------------------------------------------------------------------- */

static void ask_next(lua_State *L, cursor *c) {
  if (c->prefetch == 0 || !c->session->open) return;
  c->next = ask(L, c, NEXT, c->next_page);
  request_step(c->session, 0); /* so that it goes out now, and not when somebody next waits */
}

/* Whether an earlier page of this iteration announced the cursor in next_page. Otherwise, and if `announce`, the present one does. */
static bool was_announced(lua_State *L, const cursor *c, bool announce) {
  bool before;
  lua_getiuservalue(L, 1, SEEN);
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
  if (c->next && (!follows || strcmp(c->next_page, l->next_cursor) != 0)) drop(L, c, NEXT, &c->next);
  if (!follows) return;
  memcpy(c->next_page, l->next_cursor, sizeof c->next_page);
  if (was_announced(L, c, true)) {
    c->broken_promise = "the server sent a cursor that it had sent before in this iteration";
    drop(L, c, NEXT, &c->next);
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

/* Decodes what has arrived into the queue. */
static call_news fill(lua_State *L, cursor *c) {
  int keys = lua_gettop(L) + 1, queue = keys + 1;
  call_news news = CALL_RECORD;
  c->queued = c->given = 0;
  if (c->place.paginated && c->current->request.state == REQUEST_ACTIVE) {
    check_process(L, c);
    request_step(c->session, 0); /* the rest of the page may be there meanwhile, and with it the way to the next */
  }
  luaL_checkstack(L, 20, "cursor");
  lua_getiuservalue(L, 1, KEYS);
  lua_getiuservalue(L, 1, QUEUE);
  (void)json_names_push(L, &c->shape, keys);
  while (c->queued < BATCH) {
    c->shape.filter = c->skipping || !c->where.filter.rules ? NULL : &c->where.filter;
    news = call_pull(L, c->current, &c->shape, keys, 0);
    if (news == CALL_RECORD && c->skipping) {
      if (is_last(L, c)) c->skipping = false;
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
  if (!c->current) c->current = ask(L, c, CURRENT, c->place.page);
  c->news = fill(L, c);
  if (c->news != CALL_FAILED) return 0;
  call_error(L, c->current);
  return 1;
}

static void release(cursor *c) {
  if (c->current) call_drop(c->current);
  if (c->next) call_drop(c->next);
  c->current = c->next = NULL;
  c->queued = c->given = 0;
  json_free(&c->spare);
  json_shape_free(&c->shape);
}

/* Reading makes Lua values, and thereby runs finalizers, in which anything may be called, also on this cursor: closing it then
** waits for the end. After want of memory the page is read again. Pushes one value: what fill_protected returns. */
static call_news fill_safely(lua_State *L, cursor *c) {
  int status;
  lua_pushcfunction(L, fill_protected);
  lua_pushvalue(L, 1);
  c->busy = true;
  status = lua_pcall(L, 1, 1, 0);
  c->busy = false;
  if (c->closed) release(c);
  if (status == LUA_OK) return c->news;
  c->queued = c->given = 0;
  read_again(L, c);
  (void)lua_error(L);
  return CALL_FAILED;
}

static void end_page(cursor *c) {
  c->page_read = true;
  c->page_told = false;
  c->has_next_page = c->current->list.has_next_page;
}

/* ---- the iterator ------------------------------------------------------------------------------------------------ */

/* Goes to the next page, or to the end. */
static void turn(lua_State *L, cursor *c) {
  if (!c->has_next_page) {
    drop(L, c, CURRENT, &c->current);
    c->over = true;
    return;
  }
  if (c->broken_promise) {
    const char *message = c->broken_promise;
    read_again(L, c);
    (void)raise(L, ERROR_PROTOCOL, message);
  }
  drop(L, c, CURRENT, &c->current);
  memcpy(c->place.page, c->next_page, sizeof c->place.page);
  c->place.last[0] = '\0';
  c->page_number++;
  c->page_read = c->next_known = c->next_guessed = c->skipping = false;
  if (!c->next) return;
  lua_getiuservalue(L, 1, NEXT);
  lua_setiuservalue(L, 1, CURRENT);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, NEXT);
  c->current = c->next;
  c->next = NULL;
}

/* The page ended without the status to resume after. */
static void lost_place(lua_State *L, cursor *c) {
  if (!c->place.paginated)
    (void)raise(L, ERROR_PROTOCOL, "the list changed: the status to resume after is no longer in it; begin anew");
  c->place.last[0] = '\0';
  read_again(L, c);
}

static int give(lua_State *L, cursor *c) {
  const char *id;
  size_t n = 0;
  lua_getiuservalue(L, 1, QUEUE);
  lua_rawgeti(L, -1, ++c->given);
  lua_getfield(L, -1, "process_id");
  id = lua_tolstring(L, -1, &n);
  if (n > CURSOR_ID_MAX) n = CURSOR_ID_MAX;
  if (id) memcpy(c->place.last, id, n);
  c->place.last[n] = '\0';
  lua_pop(L, 1);
  return 1;
}

/* What fill() said, when it brought no records. True: go on; false: wait. */
static bool react(lua_State *L, cursor *c, call_news news) {
  switch (news) {
  case CALL_RESTARTED: /* what the lost attempt said of the next page may be told anew */
    drop(L, c, NEXT, &c->next);
    c->next_known = c->next_guessed = false;
    c->skipping = c->place.last[0] != '\0';
    return true;
  case CALL_FAILED: /* the error object is on the top of the stack */
    read_again(L, c);
    (void)lua_error(L);
    return true;
  case CALL_END:
    if (c->skipping) lost_place(L, c);
    else end_page(c);
    return true;
  case CALL_WAITING: return false;
  default: return true; /* a full batch of records that were filtered out */
  }
}

static void check_open(lua_State *L, const cursor *c) {
  if (c->closed) (void)raise(L, ERROR_CLOSED, "the cursor is closed");
  if (!c->session->open) (void)raise(L, ERROR_CLOSED, "the client is closed");
}

enum { THROUGH, IN_PAGE }; /* what `next` gives: all pages as one, or the present one */

static int next(lua_State *L, int status, lua_KContext context) {
  cursor *c = lua_touserdata(L, 1);
  (void)status;
  for (;;) {
    call_news news;
    if (lua_gettop(L) > 1 && c->current) call_waited(L, c->current);
    lua_settop(L, 1);
    if (c->busy) return luaL_error(L, "the cursor is called inside itself, by a finalizer");
    if (c->given < c->queued) return give(L, c);
    if (c->over) return context == IN_PAGE ? lua_pushboolean(L, 0), 1 : 0;
    check_open(L, c);
    if (c->page_read) {
      if (context == IN_PAGE && !c->page_told) {
        c->page_told = true;
        return 0;
      }
      turn(L, c);
      continue;
    }
    news = fill_safely(L, c);
    if (c->closed) check_open(L, c);
    if (c->queued > 0 && news != CALL_END) continue;
    if (react(L, c, news)) continue;
    check_process(L, c);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, CURRENT);
    call_wait(L, 2, context, next);
  }
}

/* cursor() -> the next status, or nothing at the end. */
static int cursor_call(lua_State *L) {
  (void)check_cursor(L);
  lua_settop(L, 1);
  return next(L, LUA_OK, THROUGH);
}

/* cursor:in_page() -> the next status of the present page; nothing: the page is over, the next call begins the next one; false: that
** was the last page. For the Lua layer. */
static int cursor_in_page(lua_State *L) {
  (void)check_cursor(L);
  lua_settop(L, 1);
  return next(L, LUA_OK, IN_PAGE);
}

/* cursor:token() -> plain text from which statuses{ resume = token } goes on behind the last status given out. */
static int cursor_token(lua_State *L) {
  const cursor *c = check_cursor(L);
  cursor_place place = c->place;
  if (c->page_read && c->given == c->queued && c->has_next_page && !c->broken_promise) {
    memcpy(place.page, c->next_page, sizeof place.page);
    place.last[0] = '\0';
  }
  cursor_push_token(L, &place);
  return 1;
}

static int cursor_close(lua_State *L) {
  cursor *c = check_cursor(L);
  c->closed = true;
  if (!c->busy) release(c);
  return 0;
}

static int cursor_tostring(lua_State *L) {
  const cursor *c = check_cursor(L);
  lua_pushfstring(L, "topaz.cursor (%s)", c->closed ? "closed" : c->over ? "at the end" : "open");
  return 1;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void cursor_new(lua_State *L, int client, session *s, int options) {
  cursor *c = lua_newuserdatauv(L, sizeof *c, USER_VALUES);
  int at = lua_gettop(L);
  cursor_settings settings;
  memset(c, 0, sizeof *c);
  json_shape_init(&c->shape, STATUS_RULES, STATUS_RULE_COUNT);
  luaL_setmetatable(L, type_name);
  memset(&settings, 0, sizeof settings);
  cursor_read_options(L, options, &settings, &c->shape, &c->where);
  lua_setiuservalue(L, at, KEPT);
  c->session = s;
  c->place = settings.place;
  c->prefetch = settings.prefetch;
  c->max_bytes = settings.max_bytes > 0 ? (uint64_t)settings.max_bytes : c->place.paginated ? s->limits.max_bytes : 0;
  c->skipping = c->place.last[0] != '\0';
  lua_pushvalue(L, client);
  lua_setiuservalue(L, at, CLIENT);
  lua_createtable(L, (int)STATUS_RULE_COUNT, 0);
  lua_setiuservalue(L, at, KEYS);
  lua_createtable(L, BATCH, 0);
  lua_setiuservalue(L, at, QUEUE);
  lua_newtable(L);
  if (c->place.page[0]) { /* the page it begins with counts as page -1 that announced itself */
    lua_pushinteger(L, -1);
    lua_setfield(L, -2, c->place.page);
  }
  lua_setiuservalue(L, at, SEEN);
}

int cursor_methods(lua_State *L) {
  luaL_getmetatable(L, type_name);
  lua_getfield(L, -1, "__index");
  return 1;
}

void cursor_open(lua_State *L) {
  static const luaL_Reg methods[] = {
      {"token", cursor_token}, {"in_page", cursor_in_page}, {"close", cursor_close}, {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__call", cursor_call},
                                  {"__gc", cursor_close},
                                  {"__close", cursor_close},
                                  {"__tostring", cursor_tostring},
                                  {NULL, NULL}};
  luaL_newmetatable(L, type_name);
  luaL_setfuncs(L, meta, 0);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
}
