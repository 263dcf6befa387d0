#define _GNU_SOURCE /* setenv */

#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>
#include <sanitizer/asan_interface.h>

#include "json/scan.h"

static lua_State *state;
static int cjson_decode = LUA_NOREF, lua_target = LUA_NOREF;

_Noreturn void fuzz_fail(const char *why) {
  (void)fprintf(stderr, "fuzz: %s\n", why);
  abort();
}

void fuzz_check(bool ok, const char *why) {
  if (!ok) fuzz_fail(why);
}

static char *behind(const json_reader *r) { return r->data + r->end + JSON_PADDING; }

/* ---- what finalizers might do ---------------------------------------------------------------- */

/* The allocator stands in for the finalizers, which run at some of the allocations only. */
static struct {
  lua_Alloc alloc;
  json_reader *r;
  json_shape *s;
  fuzz_input *in;
  unsigned every, count;
  unsigned long fed;
} intruder;

static void try_in_use(json_reader *r, json_shape *s) {
  const char *name;
  size_t n;
  unsigned type;
  bool all = json_type(r, &type) == JSON_BUSY && json_enter(r) == JSON_BUSY && json_element(r) == JSON_BUSY &&
             json_member(r, &name, &n) == JSON_BUSY && json_skip(r) == JSON_BUSY && json_end(r) == JSON_BUSY &&
             json_check(r) == JSON_BUSY && json_value(state, r) == JSON_BUSY;
  fuzz_check(all, "a reader in use answers a pull");
  fuzz_check(!json_reset(r) && !json_free(r), "a reader in use is reset or freed");
  if (!s || !s->in_use) return;
  fuzz_check(json_record(state, r, s, 1) == JSON_BUSY && json_next_record(state, r, s, 1) == JSON_BUSY,
             "a shape in use reads a record");
  fuzz_check(!json_shape_free(s) && json_names_push(state, s, 1) == 0, "a shape in use is freed, or gives its names");
  json_names_drop(s);
}

/* The buffer gets another place, as it may with any feed. */
static void move_buffer(json_reader *r) {
  size_t size = r->capacity + JSON_PADDING;
  char *data;
  if (!r->data) return;
  data = malloc(size);
  fuzz_check(data != NULL, "no memory");
  ASAN_UNPOISON_MEMORY_REGION(r->data, size);
  memcpy(data, r->data, size);
  free(r->data);
  r->data = data;
  ASAN_POISON_MEMORY_REGION(behind(r), r->capacity - r->end);
}

static void intrude(void) {
  json_reader *r = intruder.r;
  intruder.r = NULL;
  (void)json_full(r);
  if (r->in_use) try_in_use(r, intruder.s);
  else {
    if (fuzz_feed(r, intruder.in)) intruder.fed++;
    move_buffer(r);
  }
  intruder.r = r;
}

static void *intruding(void *context, void *block, size_t old_size, size_t size) {
  if (intruder.r && size > 0 && ++intruder.count % intruder.every == 0) intrude();
  return intruder.alloc(context, block, old_size, size);
}

void fuzz_intrude(json_reader *r, json_shape *s, fuzz_input *in, unsigned n) {
  void *context;
  if (!intruder.alloc) {
    intruder.alloc = lua_getallocf(state, &context);
    lua_setallocf(state, intruding, context);
  }
  intruder.r = r;
  intruder.s = s;
  intruder.in = in;
  intruder.every = n;
}

unsigned long fuzz_intrusions(void) { return intruder.fed; }

/* ---- the state ------------------------------------------------------------------------------- */

static void open_state(void) {
  state = luaL_newstate();
  fuzz_check(state != NULL, "no Lua state");
  luaL_openlibs(state);
  fuzz_check(luaL_dostring(state, "return require('cjson').decode") == LUA_OK, "lua-cjson is not there");
  cjson_decode = luaL_ref(state, LUA_REGISTRYINDEX);
}

static void call(int arguments) {
  if (lua_pcall(state, arguments, 0, 0) != LUA_OK) fuzz_fail(luaL_tolstring(state, -1, NULL));
  lua_settop(state, 0);
}

void fuzz_run(lua_CFunction f, fuzz_input *in) {
  if (!state) open_state();
  lua_pushcfunction(state, f);
  lua_pushlightuserdata(state, in);
  call(1);
}

fuzz_input *fuzz_take(lua_State *L) {
  luaL_checkstack(L, 100, "fuzz");
  return lua_touserdata(L, 1);
}

void fuzz_run_lua(const char *file, lua_CFunction open, const uint8_t *bytes, size_t n) {
  if (!state) open_state();
  if (lua_target == LUA_NOREF) {
    lua_pushcfunction(state, open);
    lua_call(state, 0, 0);
    if (luaL_dofile(state, file) != LUA_OK) fuzz_fail(lua_tostring(state, -1));
    lua_target = luaL_ref(state, LUA_REGISTRYINDEX);
  }
  lua_rawgeti(state, LUA_REGISTRYINDEX, lua_target);
  lua_pushlstring(state, (const char *)bytes, n);
  call(1);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

const char *fuzz_piece(fuzz_input *in, size_t *n) {
  const char *piece = in->text + in->at;
  size_t left = in->n - in->at;
  *n = left;
  if (in->seed && left > 0) {
    in->seed ^= in->seed << 13; /* xorshift */
    in->seed ^= in->seed >> 17;
    in->seed ^= in->seed << 5;
    *n = in->seed % 4 == 0 ? 1 : 1 + (in->seed >> 8) % (1 + in->seed % 61);
    if (*n > left) *n = left;
  }
  in->at += *n;
  return piece;
}

bool fuzz_feed(json_reader *r, fuzz_input *in) {
  size_t n;
  const char *piece = fuzz_piece(in, &n);
  if (r->finished) return false;
  if (r->data) ASAN_UNPOISON_MEMORY_REGION(behind(r), r->capacity - r->end);
  fuzz_check(json_feed(r, piece, n), "json_feed has no memory");
  if (in->at == in->n) json_finish(r);
  if (r->data) ASAN_POISON_MEMORY_REGION(behind(r), r->capacity - r->end);
  return true;
}

void fuzz_free(json_reader *r) {
  if (r->data) ASAN_UNPOISON_MEMORY_REGION(r->data, r->capacity + JSON_PADDING);
  json_free(r);
}

void fuzz_reset(json_reader *r) {
  if (r->data) ASAN_UNPOISON_MEMORY_REGION(r->data, r->capacity + JSON_PADDING);
  json_reset(r);
}

/* ---- comparing ------------------------------------------------------------------------------- */

bool fuzz_cjson(lua_State *L, const char *text, size_t n) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, cjson_decode);
  lua_pushlstring(L, text, n);
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) return true;
  lua_pop(L, 1);
  return false;
}

static bool is_null(lua_State *L, int i) { return lua_islightuserdata(L, i) && !lua_touserdata(L, i); }

/* How many fields the table has; with `nulls` false, only those that are not null under a name. */
static size_t count_fields(lua_State *L, int table, bool nulls) {
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1))
    if (nulls || lua_type(L, -2) != LUA_TSTRING || !is_null(L, -1)) n++;
  return n;
}

typedef bool compare(lua_State *L, int a, int b);

/* Each field of b, but null members when `nulls` is false, is the same in a,
** and a has no others. */
static bool same_fields(lua_State *L, int a, int b, bool nulls, compare *same) {
  bool ok = true;
  luaL_checkstack(L, 10, "compare");
  if (count_fields(L, a, true) != count_fields(L, b, nulls)) return false;
  for (lua_pushnil(L); ok && lua_next(L, b); lua_pop(L, 1)) {
    int value = lua_gettop(L);
    if (!nulls && lua_type(L, -2) == LUA_TSTRING && is_null(L, -1)) continue;
    lua_pushvalue(L, -2);
    ok = lua_rawget(L, a) != LUA_TNIL && same(L, lua_gettop(L), value);
    lua_pop(L, 1);
    if (!ok) lua_pop(L, 1); /* the key: the loop ends here */
  }
  return ok;
}

bool fuzz_same(lua_State *L, int a, int b) {
  if (lua_type(L, a) == LUA_TTABLE && lua_type(L, b) == LUA_TTABLE) return same_fields(L, a, b, true, fuzz_same);
  return lua_rawequal(L, a, b) && lua_isinteger(L, a) == lua_isinteger(L, b);
}

bool fuzz_agree(lua_State *L, int ours, int theirs) {
  if (lua_type(L, ours) == LUA_TTABLE && lua_type(L, theirs) == LUA_TTABLE)
    return same_fields(L, ours, theirs, false, fuzz_agree);
  if (lua_isinteger(L, ours))
    return lua_type(L, theirs) == LUA_TNUMBER && (lua_Number)lua_tointeger(L, ours) == lua_tonumber(L, theirs);
  return lua_rawequal(L, ours, theirs);
}
