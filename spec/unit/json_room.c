/*
** json_room: the reader of csrc/json as Lua sees it, for the specs only.
**
**   r = json_room.reader()              r:feed(text) r:finish() r:full() r:unread() r:reset()
**                                       r:free() r:sizes() r:in_use()
**   r:value() r:skip() r:type() r:enter() r:element() r:member() r:finished() r:check()
**                                       -> result [, what was read]
**   s = json_room.shape { rules = { { name, types, required, lenient }, … },
**                         keep = { name = true, … }, keep_unknown = b }
**   s:filter { name = { text = true, … }, number = { min = n, max = n } }   s:sizes()
**   r:record(s)                         -> result [, table]
**   r:error()                           -> what, member, offset
**
**   r:run(s)                            -> result, list of the records up to there,
**                                       read with json_names_push
**   json_room.starve(n, f, ...)         -> as pcall, but only n more blocks of memory
**                                       are to be had from Lua
**
**   r:release()                         after an error
**
** Results are "ok", "close", "more", "skipped", "malformed", "wrong", "too_large", "busy".
*/
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>

#include "json/json.h"

enum { RULES_MAX = 32 };
enum { KEYS = 1, KEPT, FILTER, SHAPE_VALUES = FILTER };

typedef struct {
  json_shape shape;
  json_rule rules[RULES_MAX];
  json_filter filter;
  lua_State *L; /* during json_record */
  int sets;     /* stack index of the filter's table */
} room_shape;

static const char *const results[] = {"ok", "close", "more", "skipped", "malformed", "wrong", "too_large", "busy"};
static const char reader_name[] = "json_room.reader", shape_name[] = "json_room.shape";

static json_reader *check_reader(lua_State *L) { return luaL_checkudata(L, 1, reader_name); }

static int give(lua_State *L, json_result got) {
  lua_pushstring(L, results[got]);
  return 1;
}

/* The result, then the value that was on the top of the stack if there is one. */
static int give_value(lua_State *L, json_result got) {
  (void)give(L, got);
  if (got != JSON_OK) return 1;
  lua_insert(L, -2);
  return 2;
}

static int room_reader(lua_State *L) {
  json_reader *r = lua_newuserdatauv(L, sizeof *r, 0);
  json_init(r);
  luaL_setmetatable(L, reader_name);
  return 1;
}

static int reader_gc(lua_State *L) {
  json_reader *r = check_reader(L);
  json_release(r);
  (void)json_free(r);
  return 0;
}

static int reader_free(lua_State *L) {
  lua_pushboolean(L, json_free(check_reader(L)));
  return 1;
}

static int reader_reset(lua_State *L) {
  lua_pushboolean(L, json_reset(check_reader(L)));
  return 1;
}

static int reader_in_use(lua_State *L) {
  lua_pushboolean(L, check_reader(L)->in_use);
  return 1;
}

static int reader_release(lua_State *L) {
  json_release(check_reader(L));
  return 0;
}

static int reader_feed(lua_State *L) {
  json_reader *r = check_reader(L);
  size_t n;
  const char *bytes = luaL_checklstring(L, 2, &n);
  bool fed;
  char *copy = malloc(n + 1); /* of its own size, so that a sanitizer sees reading past its end */
  if (!copy) return luaL_error(L, "not enough memory");
  memcpy(copy, bytes, n);
  fed = !r->in_use && json_feed(r, copy, n); /* as its owners do */
  free(copy);
  lua_pushboolean(L, fed);
  return 1;
}

static int reader_finish(lua_State *L) {
  json_finish(check_reader(L));
  return 0;
}

static int reader_full(lua_State *L) {
  lua_pushboolean(L, json_full(check_reader(L)));
  return 1;
}

static int reader_unread(lua_State *L) {
  size_t n;
  const char *bytes = json_unread(check_reader(L), &n);
  lua_pushlstring(L, bytes, n);
  return 1;
}

static int reader_sizes(lua_State *L) {
  const json_reader *r = check_reader(L);
  lua_pushinteger(L, (lua_Integer)r->capacity);
  lua_pushinteger(L, (lua_Integer)r->scratch_size);
  return 2;
}

static int reader_error(lua_State *L) {
  const json_reader *r = check_reader(L);
  lua_pushstring(L, r->error.what);
  lua_pushstring(L, r->error.member);
  lua_pushinteger(L, (lua_Integer)r->error.offset);
  return 3;
}

static int reader_value(lua_State *L) { return give_value(L, json_value(L, check_reader(L))); }
static int reader_skip(lua_State *L) { return give(L, json_skip(check_reader(L))); }
static int reader_enter(lua_State *L) { return give(L, json_enter(check_reader(L))); }
static int reader_element(lua_State *L) { return give(L, json_element(check_reader(L))); }
static int reader_end(lua_State *L) { return give(L, json_end(check_reader(L))); }
static int reader_check(lua_State *L) { return give(L, json_check(check_reader(L))); }

static int reader_type(lua_State *L) {
  unsigned type = 0;
  json_result got = json_type(check_reader(L), &type);
  lua_pushinteger(L, (lua_Integer)type);
  return give_value(L, got);
}

static int reader_member(lua_State *L) {
  const char *name = NULL;
  size_t n = 0;
  json_result got = json_member(check_reader(L), &name, &n);
  if (got == JSON_OK) lua_pushlstring(L, name, n);
  return give_value(L, got);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static bool accept(const void *context, size_t rule, const char *text, size_t n) {
  const room_shape *s = context;
  lua_State *L = s->L;
  bool yes;
  lua_getfield(L, s->sets, s->rules[rule].name);
  lua_pushlstring(L, text, n);
  yes = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return yes;
}

/* In the filter's table, a member that is a number has { min = n, max = n }. */
static bool accept_value(const void *context, size_t rule, const json_span *v) {
  const room_shape *s = context;
  lua_State *L = s->L;
  lua_Number n = v->type == JSON_INTEGER ? (lua_Number)v->as.integer : v->as.number;
  int top = lua_gettop(L);
  bool yes;
  lua_getfield(L, s->sets, s->rules[rule].name);
  yes = v->type != JSON_BOOLEAN && lua_getfield(L, -1, "min") == LUA_TNUMBER &&
        lua_getfield(L, -2, "max") == LUA_TNUMBER && n >= lua_tonumber(L, -2) && n <= lua_tonumber(L, -1);
  lua_settop(L, top);
  return yes;
}

static void read_rule(lua_State *L, room_shape *s, size_t i, int kept, int keep) {
  (void)lua_geti(L, -1, 1);
  s->rules[i].name = luaL_checkstring(L, -1);
  lua_rawseti(L, kept, (lua_Integer)i + 1);
  (void)lua_geti(L, -1, 2);
  (void)lua_geti(L, -2, 3);
  (void)lua_geti(L, -3, 4);
  s->rules[i].types = (unsigned)luaL_checkinteger(L, -3);
  s->rules[i].required = lua_toboolean(L, -2);
  s->rules[i].lenient = lua_toboolean(L, -1);
  lua_pop(L, 3);
  if (!keep) return;
  if (lua_getfield(L, keep, s->rules[i].name) == LUA_TNIL) s->shape.keep &= ~((uint32_t)1 << i);
  lua_pop(L, 1);
}

static int room_shape_new(lua_State *L) {
  room_shape *s;
  int rules, kept, keep;
  size_t n;
  luaL_checktype(L, 1, LUA_TTABLE);
  s = lua_newuserdatauv(L, sizeof *s, SHAPE_VALUES);
  memset(s, 0, sizeof *s);
  json_shape_init(&s->shape, s->rules, 0);
  luaL_setmetatable(L, shape_name);
  lua_newtable(L);
  lua_setiuservalue(L, 2, KEYS);
  lua_newtable(L);
  kept = lua_gettop(L);
  lua_pushvalue(L, kept);
  lua_setiuservalue(L, 2, KEPT);
  if (lua_getfield(L, 1, "rules") != LUA_TTABLE) lua_newtable(L);
  rules = lua_gettop(L);
  n = (size_t)lua_rawlen(L, rules);
  luaL_argcheck(L, n <= RULES_MAX, 1, "too many rules");
  keep = lua_getfield(L, 1, "keep") == LUA_TTABLE ? lua_gettop(L) : 0;
  json_shape_init(&s->shape, s->rules, n);
  for (size_t i = 0; i < n; i++) {
    (void)lua_geti(L, rules, (lua_Integer)i + 1);
    read_rule(L, s, i, kept, keep);
    lua_pop(L, 1);
  }
  if (lua_getfield(L, 1, "keep_unknown") == LUA_TBOOLEAN) s->shape.keep_unknown = lua_toboolean(L, -1);
  lua_settop(L, 2);
  return 1;
}

static int shape_gc(lua_State *L) {
  room_shape *s = luaL_checkudata(L, 1, shape_name);
  json_shape_free(&s->shape);
  return 0;
}

static int shape_filter(lua_State *L) {
  room_shape *s = luaL_checkudata(L, 1, shape_name);
  s->shape.filter = NULL;
  memset(&s->filter, 0, sizeof s->filter);
  if (!lua_istable(L, 2)) return 0;
  for (size_t i = 0; i < s->shape.rule_count; i++) {
    if (lua_getfield(L, 2, s->rules[i].name) != LUA_TNIL) s->filter.rules |= (uint32_t)1 << i;
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 2);
  lua_setiuservalue(L, 1, FILTER);
  s->filter.accept = accept;
  s->filter.accept_value = accept_value;
  s->filter.context = s;
  s->shape.filter = &s->filter;
  return 0;
}

/* shape:sizes() -> slots, room for fields */
static int shape_sizes(lua_State *L) {
  const room_shape *s = luaL_checkudata(L, 1, shape_name);
  lua_pushinteger(L, (lua_Integer)s->shape.slot_count);
  lua_pushinteger(L, (lua_Integer)s->shape.field_capacity);
  return 2;
}

static int reader_record(lua_State *L) {
  json_reader *r = check_reader(L);
  room_shape *s = luaL_checkudata(L, 2, shape_name);
  lua_settop(L, 2);
  lua_getiuservalue(L, 2, KEYS);
  lua_getiuservalue(L, 2, FILTER);
  s->L = L;
  s->sets = 4;
  return give_value(L, json_record(L, r, &s->shape, 3));
}

/* ---- out of memory --------------------------------------------------------------------------- */

typedef struct {
  lua_Alloc alloc;
  void *context;
  lua_Integer left;
} ration;

static void *starving(void *context, void *block, size_t old_size, size_t size) {
  ration *r = context;
  if (size > 0 && (!block || size > old_size)) {
    if (r->left == 0) return NULL;
    r->left--;
  }
  return r->alloc(r->context, block, old_size, size);
}

static int room_starve(lua_State *L) {
  ration r;
  int status;
  r.left = luaL_checkinteger(L, 1);
  lua_remove(L, 1);
  luaL_checkstack(L, LUA_MINSTACK, NULL);
  r.alloc = lua_getallocf(L, &r.context);
  lua_setallocf(L, starving, &r);
  status = lua_pcall(L, lua_gettop(L) - 1, LUA_MULTRET, 0);
  lua_setallocf(L, r.alloc, r.context);
  lua_pushboolean(L, status == LUA_OK);
  lua_insert(L, 1);
  return lua_gettop(L);
}

/* ---- many records in a row ------------------------------------------------------------------- */

/* reader:run(shape) -> the last result, list of all records of the list up to there;
** with the names on the stack meanwhile */
static int reader_run(lua_State *L) {
  json_reader *r = check_reader(L);
  room_shape *s = luaL_checkudata(L, 2, shape_name);
  json_result got = JSON_OK;
  lua_Integer n = 0;
  lua_settop(L, 2);
  lua_getiuservalue(L, 2, KEYS);
  lua_getiuservalue(L, 2, FILTER);
  lua_createtable(L, 200, 0); /* so that storing a record never allocates */
  s->L = L;
  s->sets = 4;
  (void)json_names_push(L, &s->shape, 3);
  while (got == JSON_OK || got == JSON_SKIPPED) {
    got = json_next_record(L, r, &s->shape, 3);
    if (got == JSON_OK) lua_rawseti(L, 5, ++n);
  }
  json_names_drop(&s->shape);
  lua_settop(L, 5);
  (void)give(L, got);
  lua_insert(L, -2);
  return 2;
}

/* ---- the module ------------------------------------------------------------------------------ */

static void add_class(lua_State *L, const char *name, const luaL_Reg *methods, lua_CFunction gc) {
  luaL_newmetatable(L, name);
  lua_pushcfunction(L, gc);
  lua_setfield(L, -2, "__gc");
  lua_newtable(L);
  luaL_setfuncs(L, methods, 0);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

static void add_constants(lua_State *L) {
  static const struct {
    const char *name;
    lua_Integer value;
  } constants[] = {{"STRING", JSON_STRING},
                   {"INTEGER", JSON_INTEGER},
                   {"FLOAT", JSON_FLOAT},
                   {"BOOLEAN", JSON_BOOLEAN},
                   {"OBJECT", JSON_OBJECT},
                   {"ARRAY", JSON_ARRAY},
                   {"NULL", JSON_NULL},
                   {"ANY", JSON_ANY},
                   {"DEPTH_MAX", JSON_DEPTH_MAX},
                   {"VALUE_MAX", JSON_VALUE_MAX},
                   {"BUFFER_FULL", JSON_BUFFER_FULL},
                   {"NAME_MAX", JSON_NAME_MAX}};
  for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
    lua_pushinteger(L, constants[i].value);
    lua_setfield(L, -2, constants[i].name);
  }
  json_push_null(L);
  lua_setfield(L, -2, "null");
}

LUAMOD_API int luaopen_json_room(lua_State *L);

LUAMOD_API int luaopen_json_room(lua_State *L) {
  static const luaL_Reg reader_methods[] = {
      {"feed", reader_feed},     {"finish", reader_finish},   {"full", reader_full},
      {"unread", reader_unread}, {"sizes", reader_sizes},     {"error", reader_error},
      {"value", reader_value},   {"skip", reader_skip},       {"type", reader_type},
      {"enter", reader_enter},   {"element", reader_element}, {"member", reader_member},
      {"record", reader_record}, {"run", reader_run},         {"finished", reader_end},
      {"check", reader_check},   {"reset", reader_reset},     {"free", reader_free},
      {"in_use", reader_in_use}, {"release", reader_release}, {NULL, NULL}};
  static const luaL_Reg shape_methods[] = {{"filter", shape_filter}, {"sizes", shape_sizes}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"reader", room_reader}, {"shape", room_shape_new}, {"starve", room_starve}, {NULL, NULL}};
  add_class(L, reader_name, reader_methods, reader_gc);
  add_class(L, shape_name, shape_methods, shape_gc);
  luaL_newlib(L, functions);
  add_constants(L);
  return 1;
}
