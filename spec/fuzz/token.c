/*
** The resume token. The first byte: '0' takes the rest as a token; '1' puts head and check
** sum around it, which no fuzzer would guess; '2' makes a token of the place whose page
** and status are the two halves of the rest, behind some statuses that were given before.
** A place that is read must make a token that reads as the same place.
*/
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "cursor_options.h"
#include "error.h"
#include "fuzz.h"

static int read_protected(lua_State *L) {
  json_shape shape;
  cursor_where where;
  cursor_settings settings;
  cursor_place *place = lua_touserdata(L, 2);
  memset(&where, 0, sizeof where);
  json_shape_init(&shape, STATUS_RULES, STATUS_RULE_COUNT);
  lua_newtable(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "resume");
  cursor_read_options(L, lua_gettop(L), &settings, &shape, &where);
  *place = settings.place;
  return 0;
}

/* Reads the token on the top of the stack and takes it off. */
static bool read_token(lua_State *L, cursor_place *place) {
  bool ok;
  lua_pushcfunction(L, read_protected);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, place);
  ok = lua_pcall(L, 2, 0, 0) == LUA_OK;
  if (!ok) fuzz_check(strstr(lua_tostring(L, -1), "resume") != NULL, "an error that does not name the option");
  if (!ok) lua_pop(L, 1);
  return ok;
}

static bool same_place(const cursor_place *a, const cursor_place *b) {
  return a->paginated == b->paginated && a->limit == b->limit && strcmp(a->page, b->page) == 0 &&
         strcmp(a->last, b->last) == 0 && a->recents == b->recents &&
         memcmp(a->recent, b->recent, a->recents * sizeof *a->recent) == 0;
}

static void push_with_sum(lua_State *L, const char *text, size_t n) {
  luaL_Buffer b;
  uint32_t h = 2166136261u;
  char sum[12];
  luaL_buffinit(L, &b);
  luaL_addstring(&b, "topaz1.");
  luaL_addlstring(&b, text, n);
  for (size_t i = 0; i < luaL_bufflen(&b); i++) h = (h ^ (unsigned char)luaL_buffaddr(&b)[i]) * 16777619u;
  (void)snprintf(sum, sizeof sum, ".%08x", h);
  luaL_addstring(&b, sum);
  luaL_pushresult(&b);
}

static void round_trip(lua_State *L, const cursor_place *place) {
  cursor_place again;
  cursor_token_push(L, place);
  for (const char *p = lua_tostring(L, -1); *p; p++)
    fuzz_check(*p > ' ' && *p < 127 && *p != '"' && *p != '\'' && *p != '\\', "a token that needs quoting");
  fuzz_check(read_token(L, &again), "a token of its own is refused");
  fuzz_check(same_place(place, &again), "a token leads to another place");
}

static int run(lua_State *L) {
  fuzz_input *in = fuzz_take(L);
  cursor_place place;
  memset(&place, 0, sizeof place);
  if (in->seed == '2') {
    size_t half = in->n / 2;
    place.paginated = in->n % 2 == 0;
    place.limit = 1 + (int)in->n % 100;
    memcpy(place.page, in->text, half < STATUS_CURSOR_MAX ? half : STATUS_CURSOR_MAX);
    memcpy(place.last, in->text + half, in->n - half < CURSOR_ID_MAX ? in->n - half : CURSOR_ID_MAX);
    place.recents = in->n % (CURSOR_RECENT + 1);
    for (size_t i = 0; i < place.recents; i++) place.recent[i] = UINT64_C(0x9E3779B97F4A7C15) * (in->n + i);
    round_trip(L, &place);
    return 0;
  }
  if (in->seed == '1') push_with_sum(L, in->text, in->n);
  else lua_pushlstring(L, in->text, in->n);
  if (read_token(L, &place)) round_trip(L, &place);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  fuzz_input in = {(const char *)bytes + 1, n - 1, 0, 0};
  if (n == 0) return 0;
  in.seed = bytes[0];
  fuzz_run(run, &in);
  return 0;
}
