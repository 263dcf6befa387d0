/* The room `status` as Lua sees it in tests: whole documents, fed in pieces.
** Linked with status.c and json*.c alone. */
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "status.h"

typedef struct {
  json_reader reader;
  json_shape shape;
  status_list list;
} room;

static int room_gc(lua_State *L) {
  room *m = lua_touserdata(L, 1);
  json_free(&m->reader);
  json_shape_free(&m->shape);
  return 0;
}

/* Pushes a fresh room, and the table of its keys behind it. */
static room *push_room(lua_State *L) {
  room *m = lua_newuserdatauv(L, sizeof *m, 0);
  memset(m, 0, sizeof *m);
  luaL_setmetatable(L, "status_room");
  json_init(&m->reader);
  json_shape_init(&m->shape, STATUS_RULES, STATUS_RULE_COUNT);
  status_list_init(&m->list);
  lua_newtable(L);
  return m;
}

static const char *result_name(json_result got) {
  static const char *const names[] = {"ok", "close", "more", "skipped", "malformed", "wrong", "too large", "busy"};
  return names[got];
}

/* Pushes nil, the result's name, and what is wrong. */
static int push_failure(lua_State *L, const room *m, json_result got) {
  char text[256];
  status_describe(&m->reader, m->list.wrong, text, sizeof text);
  lua_pushnil(L);
  lua_pushstring(L, result_name(got));
  lua_pushstring(L, text);
  return 3;
}

/* Feeds the next piece; false when all was fed and the reader finished. */
static bool feed(room *m, const char *text, size_t n, size_t piece, size_t *at) {
  size_t left = n - *at, take = left < piece ? left : piece;
  if (m->reader.finished) return false;
  if (take > 0) (void)json_feed(&m->reader, text + *at, take);
  *at += take;
  if (*at == n) json_finish(&m->reader);
  return true;
}

/* list(text, piece) -> { statuses }, page, { is_array, has_next_page, next_cursor }
** | nil, result, what */
static int room_list(lua_State *L) {
  size_t n, at = 0, piece = (size_t)luaL_optinteger(L, 2, 1 << 20);
  const char *text = luaL_checklstring(L, 1, &n);
  lua_Integer count = 0;
  json_result got;
  room *m;
  lua_settop(L, 2);
  m = push_room(L); /* 3, 4 */
  lua_newtable(L);  /* 5: statuses */
  lua_newtable(L);  /* 6: page */
  for (;;) {
    got = status_list_next(L, &m->list, &m->reader, &m->shape, 4, 6);
    if (got == JSON_OK) lua_rawseti(L, 5, ++count);
    else if (got != JSON_MORE || !feed(m, text, n, piece, &at)) break;
  }
  if (got != JSON_CLOSE) return push_failure(L, m, got);
  lua_settop(L, 6);
  lua_createtable(L, 0, 3);
  lua_pushboolean(L, m->list.is_array);
  lua_setfield(L, -2, "is_array");
  lua_pushboolean(L, m->list.has_next_page);
  lua_setfield(L, -2, "has_next_page");
  lua_pushstring(L, m->list.next_cursor);
  lua_setfield(L, -2, "next_cursor");
  return 3;
}

static room *whole(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  room *m;
  lua_settop(L, 1);
  m = push_room(L); /* 2, 3 */
  (void)json_feed(&m->reader, text, n);
  json_finish(&m->reader);
  return m;
}

/* read(text) -> status | nil, result, what */
static int room_read(lua_State *L) {
  room *m = whole(L);
  json_result got = status_read(L, &m->reader, &m->shape, 3);
  return got == JSON_OK ? 1 : push_failure(L, m, got);
}

/* deletion(text) -> count (negative: none) | nil, result, what */
static int room_deletion(lua_State *L) {
  room *m = whole(L);
  long long count;
  json_result got = status_read_deletion(L, &m->reader, &count);
  if (got != JSON_OK) return push_failure(L, m, got);
  lua_pushinteger(L, (lua_Integer)count);
  return 1;
}

/* error_body(text) -> message or nil, code or nil */
static int room_error_body(lua_State *L) {
  room *m = whole(L);
  long long code = 0;
  bool has_code = false;
  if (!status_read_error(L, &m->reader, &code, &has_code)) lua_pushnil(L);
  if (has_code) lua_pushinteger(L, (lua_Integer)code);
  else lua_pushnil(L);
  return 2;
}

/* is_process_id(text) -> boolean */
static int room_is_process_id(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  lua_pushboolean(L, status_is_process_id(text, n));
  return 1;
}

/* same_id(a, b) -> boolean */
static int room_same_id(lua_State *L) {
  size_t na, nb;
  const char *a = luaL_checklstring(L, 1, &na), *b = luaL_checklstring(L, 2, &nb);
  lua_pushboolean(L, status_compare_ids(a, na, b, nb) == 0);
  return 1;
}

/* rules() -> { { name, types, required, lenient }, … } */
static int room_rules(lua_State *L) {
  lua_newtable(L);
  for (size_t i = 0; i < STATUS_RULE_COUNT; i++) {
    lua_newtable(L);
    lua_pushstring(L, STATUS_RULES[i].name);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, (lua_Integer)STATUS_RULES[i].types);
    lua_rawseti(L, -2, 2);
    lua_pushboolean(L, STATUS_RULES[i].required);
    lua_rawseti(L, -2, 3);
    lua_pushboolean(L, STATUS_RULES[i].lenient);
    lua_rawseti(L, -2, 4);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

int luaopen_status_room(lua_State *L);

int luaopen_status_room(lua_State *L) {
  static const luaL_Reg functions[] = {{"list", room_list},
                                       {"read", room_read},
                                       {"deletion", room_deletion},
                                       {"error_body", room_error_body},
                                       {"is_process_id", room_is_process_id},
                                       {"same_id", room_same_id},
                                       {"rules", room_rules},
                                       {NULL, NULL}};
  luaL_newmetatable(L, "status_room");
  lua_pushcfunction(L, room_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
