/* JSON as functions for Lua. See decode.h. */
#include "decode.h"

#include <lauxlib.h>

#include "json.h"
#include "userdata.h"

static const char type_name[] = "topaz.json";

static int decode_gc(lua_State *L) {
  json_reader *r = lua_touserdata(L, 1);
  json_release(r);
  (void)json_free(r);
  return 0;
}

/* The reader is a userdata, so that the collector frees its bytes after an error. */
static json_reader *push_reader(lua_State *L) {
  static const luaL_Reg meta[] = {{"__gc", decode_gc}, {NULL, NULL}};
  json_reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  json_init(r);
  userdata_open(L, type_name, meta, NULL);
  luaL_setmetatable(L, type_name);
  return r;
}

int json_decode(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  json_reader *r = push_reader(L);
  json_result got = JSON_TOO_LARGE;
  r->keep_nulls = true;
  if (json_feed(r, text, n)) {
    json_finish(r);
    got = json_value(L, r);
    if (got == JSON_OK) got = json_end(r);
  }
  if (got != JSON_OK) {
    lua_pushnil(L);
    if (got == JSON_MORE) lua_pushliteral(L, "the text ends too early");
    else lua_pushfstring(L, "%s at byte %I", r->error.what, (LUAI_UACINT)r->error.offset);
  }
  (void)json_free(r);
  return got == JSON_OK ? 1 : 2;
}

int json_array_mt(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    json_set_array_mt(L);
  }
  json_push_array_mt(L);
  return 1;
}
