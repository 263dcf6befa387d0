/* Strings that records had lately. See recent.h. */
#include "recent.h"

#include <stdlib.h>
#include <string.h>

#include "build.h"

enum { PLACES_BITS = 7, PLACES = 1 << PLACES_BITS, FINDS_MAX = 100 };

/* Returns a string's place of two (this one and its neighbour). n is not 0. */
static size_t place_of(const char *p, size_t n) {
  uint64_t a = 0, b = 0, middle = 0;
  if (n >= 8) {
    memcpy(&a, p, 8);
    memcpy(&b, p + n - 8, 8);
    memcpy(&middle, p + (n - 8) / 2, 8); /* options in JSON begin and end alike */
  } else {
    a = (unsigned char)p[0];
    b = (unsigned char)p[n - 1] | (uint64_t)(unsigned char)p[n / 2] << 8;
  }
  /* the top bits of a product depend on all bits */
  return (size_t)((a * 0x9E3779B97F4A7C15u + b * 0xC2B2AE3D27D4EB4Fu + middle * 0x165667B19E3779F9u + n) >>
                  (64 - PLACES_BITS));
}

static bool is_string(const json_recent *recent, const json_span *v) {
  return recent->length == v->length && json_same(v->at, recent->text, v->length);
}

bool json_recent_push(lua_State *L, json_shape *s, int keys) {
  if (lua_rawgeti(L, keys, 0) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, PLACES, 0);
    lua_pushvalue(L, -1);
    lua_rawseti(L, keys, 0);
  }
  /* After json_shape_free the table may still hold strings; only `recent` says which count. */
  if (!s->recent) s->recent = calloc(PLACES, sizeof *s->recent);
  if (s->recent) return true;
  lua_pop(L, 1);
  return false;
}

void json_recent_string(lua_State *L, json_shape *s, json_slot *slot, const json_span *v, char *scratch) {
  size_t place = place_of(v->at, v->length);
  json_recent *recent;
  if (!is_string(&s->recent[place], v)) place ^= 1;
  if (is_string(&s->recent[place], v)) {
    if (slot->finds < FINDS_MAX) slot->finds++;
    lua_rawgeti(L, s->recent_at, (lua_Integer)place + 1);
    return;
  }
  slot->finds--;
  if (s->recent[place].length > 0) place ^= 1;
  /* Lua may run here; the shape is in use. */
  json_push_scalar(L, v, scratch);
  lua_pushvalue(L, -1);
  lua_rawseti(L, s->recent_at, (lua_Integer)place + 1);
  recent = &s->recent[place];
  memcpy(recent->text, v->at, v->length);
  recent->length = v->length;
}
