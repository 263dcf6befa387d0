#include "cursor_part.h"

#include <string.h>

#include <lauxlib.h>

static const char type_name[] = "topaz.cursor";

static cursor *check_cursor(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static void end_page(cursor *c) {
  c->page_read = true;
  c->page_told = false;
  c->has_next_page = c->current->list.has_next_page;
}

/* ---- the iterator ------------------------------------------------------------------------------------------------ */

/* Goes to the next page, or to the end. */
static void turn(lua_State *L, cursor *c) {
  if (!c->has_next_page) {
    cursor_drop(L, c, CURSOR_CURRENT, &c->current);
    c->over = true;
    return;
  }
  if (c->broken_promise) {
    const char *message = c->broken_promise;
    cursor_read_again(L, c);
    (void)cursor_raise(L, ERROR_PROTOCOL, message);
  }
  cursor_drop(L, c, CURSOR_CURRENT, &c->current);
  memcpy(c->place.page, c->next_page, sizeof c->place.page);
  c->place.last[0] = '\0';
  c->queued = c->given = 0;
  c->page_number++;
  c->page_read = c->next_known = c->next_guessed = c->skipping = false;
  if (!c->next) return;
  lua_getiuservalue(L, 1, CURSOR_NEXT);
  lua_setiuservalue(L, 1, CURSOR_CURRENT);
  lua_pushnil(L);
  lua_setiuservalue(L, 1, CURSOR_NEXT);
  c->current = c->next;
  c->next = NULL;
}

/* The page ended without the status to resume after. */
static void lost_place(lua_State *L, cursor *c) {
  if (!c->place.paginated)
    (void)cursor_raise(L, ERROR_PROTOCOL,
                       "the list changed: the status to resume after is no longer in it; begin anew");
  c->place.last[0] = '\0';
  cursor_read_again(L, c);
}

static int give(lua_State *L, cursor *c) {
  lua_getiuservalue(L, 1, CURSOR_QUEUE);
  lua_rawgeti(L, -1, ++c->given);
  return 1;
}

/* What fill() said, when it brought no records. True: go on; false: wait. */
static bool react(lua_State *L, cursor *c, call_news news) {
  switch (news) {
  case CALL_RESTARTED: /* what the lost attempt said of the next page may be told anew */
    cursor_drop(L, c, CURSOR_NEXT, &c->next);
    c->next_known = c->next_guessed = false;
    c->skipping = c->place.last[0] != '\0';
    return true;
  case CALL_FAILED: /* the error object is on the top of the stack */
    cursor_read_again(L, c);
    (void)lua_error(L);
    return true;
  case CALL_END:
    if (c->skipping) lost_place(L, c);
    else end_page(c);
    return true;
  case CALL_WAITING: return false;
  default: return true; /* for news that may be added */
  }
}

static void check_open(lua_State *L, const cursor *c) {
  if (c->closed) (void)cursor_raise(L, ERROR_CLOSED, "the cursor is closed");
  if (!c->session->open) (void)cursor_raise(L, ERROR_CLOSED, "the client is closed");
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
    news = cursor_fill(L, c);
    if (c->closed) check_open(L, c);
    if (c->queued > 0 && news != CALL_END) continue;
    if (react(L, c, news)) continue;
    cursor_check_process(L, c);
    lua_settop(L, 1);
    lua_getiuservalue(L, 1, CURSOR_CURRENT);
    call_wait(L, 2, context, next);
  }
}

/* cursor() -> the next status, or nothing at the end. __metatable hides this function, so that Lua itself calls it, with a cursor; the
** debug library may do otherwise. luaL_checkudata alone would cost a tenth of a status. */
static int cursor_call(lua_State *L) {
  cursor *c = lua_rawlen(L, 1) == sizeof *c ? lua_touserdata(L, 1) : check_cursor(L);
  if (c->given < c->queued && !c->busy) return give(L, c);
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
  if (c->given > 0) memcpy(place.last, c->ids[c->given - 1], sizeof place.last);
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
  if (!c->busy) cursor_release(c);
  return 0;
}

static int cursor_tostring(lua_State *L) {
  const cursor *c = check_cursor(L);
  lua_pushfstring(L, "topaz.cursor (%s)", c->closed ? "closed" : c->over ? "at the end" : "open");
  return 1;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

void cursor_new(lua_State *L, int client, session *s, int options) {
  cursor *c = lua_newuserdatauv(L, sizeof *c, CURSOR_VALUES);
  int at = lua_gettop(L);
  cursor_settings settings;
  memset(c, 0, sizeof *c);
  json_shape_init(&c->shape, STATUS_RULES, STATUS_RULE_COUNT);
  luaL_setmetatable(L, type_name);
  memset(&settings, 0, sizeof settings);
  cursor_read_options(L, options, &settings, &c->shape, &c->where);
  lua_setiuservalue(L, at, CURSOR_KEPT);
  c->session = s;
  c->shape.note_size = sizeof c->ids[0];
  c->place = settings.place;
  c->prefetch = settings.prefetch;
  c->max_bytes = settings.max_bytes > 0 ? (uint64_t)settings.max_bytes : c->place.paginated ? s->limits.max_bytes : 0;
  c->skipping = c->place.last[0] != '\0';
  lua_pushvalue(L, client);
  lua_setiuservalue(L, at, CURSOR_CLIENT);
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
