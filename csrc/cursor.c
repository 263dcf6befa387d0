#include "cursor.h"

#include <string.h>

#include <lauxlib.h>

#include "cursor_private.h"
#include "userdata.h"

static const char type_name[] = "topaz.cursor";

static cursor *check_cursor(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static void end_page(cursor *c) {
  c->page_read = true;
  c->page_told = false;
  c->has_next_page = c->current->reader.list->has_next_page;
}

/* ---- the iterator ---------------------------------------------------------------------------- */

static int give(lua_State *L, cursor *c) {
  if (cursor_memory_add(c->memory, c->hashes[c->given], c->page_first)) c->forgotten = true;
  lua_getiuservalue(L, 1, CURSOR_QUEUE);
  lua_rawgeti(L, -1, ++c->given);
  return 1;
}

/* Handles the result of fill() when no records came. True: continue; false: wait. */
static bool react(lua_State *L, cursor *c, api_news news) {
  switch (news) {
  case API_FAILED: cursor_read_again(L, c); error_throw(L); /* the error object */
  case API_END:
    if (c->skipping) cursor_lost_place(L, c);
    else end_page(c);
    return true;
  case API_MORE: return false;
  default: return true; /* it begins anew */
  }
}

static void check_open(lua_State *L, const cursor *c) {
  if (c->closed) cursor_raise(L, ERROR_CLOSED, "the cursor is closed");
  if (!c->session->open) cursor_raise(L, ERROR_CLOSED, "the client is closed");
}

/* Handles what a wait has left above the call at index 2. Raises if the wait was cancelled; the
** page continues for its other readers. */
static void end_wait(lua_State *L) {
  if (lua_gettop(L) < 3 || lua_type(L, 3) != LUA_TSTRING) return;
  if (strcmp(lua_tostring(L, 3), "closed") == 0) cursor_raise(L, ERROR_CLOSED, "the client is closed");
  cursor_raise(L, ERROR_CANCELLED, "cancelled while the cursor was waiting for the list");
}

enum { THROUGH, IN_PAGE }; /* the range of `next`: all pages, or the present one */

/* Delivers events: reading has stepped the client, even without a wait. Leaves the stack
** unchanged. */
static void tell_events(lua_State *L, const cursor *c) {
  if (!c->session->open || c->session->event_count == 0) return;
  lua_getiuservalue(L, 1, CURSOR_CLIENT);
  call_deliver_events(L, lua_gettop(L), c->session);
  lua_pop(L, 1);
}

static int next(lua_State *L, int status, lua_KContext context);

/* Ends the turn of the task that reads: its wait is over at once, so it continues in the next
** step. */
static void give_way(lua_State *L, lua_KContext context) {
  lua_pushnil(L); /* 2: no call is waited for */
  lua_getiuservalue(L, 1, CURSOR_CLIENT);
  lua_getiuservalue(L, -1, CALL_CLIENT_WAIT);
  lua_insert(L, -2);
  lua_pushnil(L);
  lua_pushnumber(L, 0); /* the deadline */
  lua_callk(L, 3, 2, context, next);
}

static int next(lua_State *L, int status, lua_KContext context) {
  cursor *c = lua_touserdata(L, 1);
  bool may_read = status == LUA_YIELD; /* its turn has just begun: it reads once at least */
  for (;;) {
    api_news news;
    end_wait(L);
    lua_settop(L, 1);
    if (c->busy) return luaL_error(L, "the cursor was called inside itself, by a finalizer");
    tell_events(L, c);
    if (c->given < c->queued) return give(L, c);
    if (c->over) return context == IN_PAGE ? lua_pushboolean(L, 0), 1 : 0;
    check_open(L, c);
    if (c->page_read) {
      if (context == IN_PAGE && !c->page_told) {
        c->page_told = true;
        return 0;
      }
      cursor_turn(L, c);
      continue;
    }
    if (!may_read && cursor_is_late(c)) {
      may_read = true;
      give_way(L, context);
      continue;
    }
    may_read = false;
    news = cursor_fill(L, c);
    if (c->closed) check_open(L, c);
    if (c->queued > 0 && news != API_END) continue;
    if (react(L, c, news)) continue;
    cursor_check_session(L, c);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, CURSOR_CURRENT); /* 2 */
    call_wait(L, 2, context, next);
  }
}

/* cursor() -> the next status, or nothing at the end. __metatable hides this function, so Lua
** itself calls it with a cursor; only the debug library may do otherwise. luaL_checkudata alone
** would cost a tenth of a status. */
static int cursor_call(lua_State *L) {
  cursor *c = lua_rawlen(L, 1) == sizeof *c ? lua_touserdata(L, 1) : check_cursor(L);
  if (c->given < c->queued && !c->busy) return give(L, c);
  lua_settop(L, 1);
  return next(L, LUA_OK, THROUGH);
}

/* cursor:in_page() -> the next status of the present page. Nothing: the page is over, the next call
** begins the next page. False: that was the last page. For the Lua layer. */
static int cursor_in_page(lua_State *L) {
  (void)check_cursor(L);
  lua_settop(L, 1);
  return next(L, LUA_OK, IN_PAGE);
}

/* cursor:token() -> a list token: plain text from which statuses{ resume = token } continues after
** the last status given out. */
static int cursor_token(lua_State *L) {
  const cursor *c = check_cursor(L);
  cursor_place place = c->place; /* making the text runs finalizers, which may read more records */
  if (c->given > 0) memcpy(place.last, c->ids[c->given - 1], sizeof place.last);
  if (c->page_read && c->given == c->queued && c->has_next_page && !c->next_page_error) {
    memcpy(place.page, c->next_page, sizeof place.page);
    place.last[0] = '\0';
  }
  place.recents = cursor_memory_last(c->memory, place.last[0] != '\0', place.recent, CURSOR_RECENT);
  cursor_token_push(L, &place);
  return 1;
}

static int cursor_close(lua_State *L) {
  cursor *c = check_cursor(L);
  c->closed = true;
  if (!c->busy) cursor_release(c);
  return 0;
}

static int cursor_tostring(lua_State *L) {
  const cursor *c = check_cursor(L);
  lua_pushfstring(L, "topaz.cursor (%s)", c->closed ? "closed" : c->over ? "at the end" : "open");
  return 1;
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Adds the statuses that the token names to the memory. */
static void remember_place(cursor *c) {
  const cursor_place *p = &c->place;
  for (size_t i = 0; i < p->recents; i++) (void)cursor_memory_add(c->memory, p->recent[i], 0);
  if (p->last[0]) (void)cursor_memory_add(c->memory, cursor_memory_hash(p->last), 0);
  c->page_first = c->known = c->memory->given;
  c->forgotten = c->skipping = p->last[0] != '\0';
}

static void keep_values(lua_State *L, int at, int client, cursor *c) {
  uint32_t capacity = c->place.paginated ? CURSOR_PAGE_MEMORY : CURSOR_ARRAY_MEMORY;
  lua_pushvalue(L, client);
  lua_setiuservalue(L, at, CURSOR_CLIENT);
  c->memory = lua_newuserdatauv(L, cursor_memory_size(capacity), 0);
  cursor_memory_init(c->memory, capacity);
  lua_setiuservalue(L, at, CURSOR_MEMORY);
  lua_createtable(L, (int)STATUS_RULE_COUNT, 0);
  lua_setiuservalue(L, at, CURSOR_KEYS);
  lua_createtable(L, CURSOR_BATCH, 0);
  lua_setiuservalue(L, at, CURSOR_QUEUE);
  lua_newtable(L);
  if (c->place.page[0]) { /* the page it begins with counts as page -1 that announced itself */
    lua_pushinteger(L, -1);
    lua_setfield(L, -2, c->place.page);
  }
  lua_setiuservalue(L, at, CURSOR_SEEN);
}

void cursor_new(lua_State *L, int client, session *s, int options) {
  cursor *c = lua_newuserdatauv(L, sizeof *c, CURSOR_VALUES);
  int at = lua_gettop(L);
  cursor_settings settings;
  memset(c, 0, sizeof *c);
  json_shape_init(&c->shape, STATUS_RULES, STATUS_RULE_COUNT);
  luaL_setmetatable(L, type_name);
  cursor_read_options(L, options, &settings, &c->shape, &c->where);
  lua_setiuservalue(L, at, CURSOR_KEPT);
  c->session = s;
  c->shape.note_size = sizeof c->ids[0];
  c->place = settings.place;
  c->prefetch = settings.prefetch;
  c->headers = settings.headers;
  c->max_bytes = settings.max_bytes > 0 ? settings.max_bytes : c->place.paginated ? s->limits.max_bytes : 0;
  keep_values(L, at, client, c);
  remember_place(c);
}

int cursor_methods(lua_State *L) {
  userdata_push_methods(L, type_name);
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
  userdata_open(L, type_name, meta, methods);
}
