#include "cursor_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options.h"
#include "request.h"

/* ---- tokens: topaz1.<p|a>.<limit>.<page cursor>.<last process_id>.<check> --------------------------------------- */

static const char token_head[] = "topaz1.";

/* FNV-1a; finds a token that was cut or edited, it is no signature. */
static uint32_t check_sum(const char *text, size_t n) {
  uint32_t h = 2166136261u;
  for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 16777619u;
  return h;
}

/* Percent-encodes, dots too, since they separate the parts. */
static char *encode_part(char *out, const char *text) {
  char *end = request_encode(out, text, strlen(text));
  for (char *p = out; p < end; p++)
    if (*p == '.') {
      memmove(p + 3, p + 1, (size_t)(end - p));
      memcpy(p, "%2E", 3);
      end += 2;
      p += 2;
    }
  return end;
}

void cursor_push_token(lua_State *L, const cursor_place *place) {
  /* No luaL_Buffer: Lua 5.4's leaves its own metatable half made when memory is short, and then fails for ever. */
  char *text = lua_newuserdatauv(L, CURSOR_TOKEN_MAX, 0), *end;
  end = text + sprintf(text, "%s%c.%d.", token_head, place->paginated ? 'p' : 'a', place->limit);
  end = encode_part(end, place->page);
  *end++ = '.';
  end = encode_part(end, place->last);
  end += sprintf(end, ".%08" PRIx32, check_sum(text, (size_t)(end - text)));
  lua_pushlstring(L, text, (size_t)(end - text));
  lua_remove(L, -2);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* Decodes up to the next dot or the end; the position behind it, or NULL. */
static const char *decode_part(const char *p, char *out, size_t size) {
  size_t n = 0;
  for (; *p && *p != '.'; p++) {
    char c = *p;
    if (c == '%') {
      int high = hex_digit(p[1]), low = high < 0 ? -1 : hex_digit(p[2]);
      if (low < 0 || high + low == 0) return NULL;
      c = (char)(high << 4 | low);
      p += 2;
    }
    if (n + 1 >= size) return NULL;
    out[n++] = c;
  }
  out[n] = '\0';
  return *p ? p + 1 : p;
}

static bool parse_token(const char *text, size_t n, cursor_place *place) {
  const char *p = text + sizeof token_head - 1;
  char mode[2], limit[4];
  unsigned long sum;
  char *end;
  if (n != strlen(text) || n < sizeof token_head + 9 || strncmp(text, token_head, sizeof token_head - 1) != 0)
    return false;
  sum = strtoul(text + n - 8, &end, 16);
  if (*end || text[n - 9] != '.' || sum != check_sum(text, n - 9)) return false;
  if (!(p = decode_part(p, mode, sizeof mode)) || !(p = decode_part(p, limit, sizeof limit)) ||
      !(p = decode_part(p, place->page, sizeof place->page)) || !(p = decode_part(p, place->last, sizeof place->last)))
    return false;
  place->paginated = mode[0] == 'p';
  place->limit = (int)strtol(limit, NULL, 10);
  return (mode[0] == 'p' || mode[0] == 'a') && place->limit >= 1 && place->limit <= 100 && p == text + n - 8;
}

/* ---- fields and where -------------------------------------------------------------------------------------------- */

static const char *rule_name(const void *unused, size_t i) {
  (void)unused;
  return STATUS_RULES[i].name;
}

/* The rule of the member that the string at `index` names. */
static int check_member(lua_State *L, const char *option, int index) {
  const char *name = lua_tostring(L, index);
  int rule = strlen(name) == lua_rawlen(L, index) ? status_rule(name) : -1; /* no member has a NUL in its name */
  if (rule < 0) {
    const char *near = options_nearest(name, STATUS_RULE_COUNT, rule_name, NULL);
    (void)error_misuse(L, option,
                       near ? "no status has a member '%s', did you mean '%s'?" : "no status has a member '%s'", name,
                       near);
  }
  return rule;
}

static void read_fields(lua_State *L, int fields, json_shape *shape) {
  size_t n = lua_rawlen(L, fields), pairs = 0;
  shape->keep = 1u << status_rule("process_id");
  shape->keep_unknown = false;
  for (lua_pushnil(L); lua_next(L, fields); lua_pop(L, 1)) pairs++;
  if (n == 0 || pairs != n)
    (void)error_misuse(L, "fields", "expected a list of names of members, such as { \"process_id\", \"status\" }");
  for (size_t i = 1; i <= n; i++) {
    if (lua_rawgeti(L, fields, (lua_Integer)i) != LUA_TSTRING)
      (void)error_misuse(L, "fields", "expected names of members, got a %s", luaL_typename(L, -1));
    shape->keep |= 1u << check_member(L, "fields", -1);
    lua_pop(L, 1);
  }
}

static int compare(const void *a, const void *b) {
  const cursor_text *x = a, *y = b;
  size_t n = x->length < y->length ? x->length : y->length;
  int order = memcmp(x->text, y->text, n);
  return order ? order : (x->length > y->length) - (x->length < y->length);
}

static bool accept(const void *context, size_t rule, const char *text, size_t n) {
  const cursor_where *w = context;
  cursor_text key = {text, n};
  return bsearch(&key, w->sets[rule].texts, w->sets[rule].count, sizeof key, compare) != NULL;
}

/* How a set may be given: one text, a list { "a", "b" }, or a set { a = true }. Counts, or with `out` fills. */
static size_t read_set(lua_State *L, const char *member, int value, cursor_text *out) {
  size_t n = 0;
  if (lua_type(L, value) == LUA_TSTRING) {
    if (out) out->text = lua_tolstring(L, value, &out->length);
    return 1;
  }
  if (!lua_istable(L, value))
    (void)error_misuse(L, "where", "'%s': expected a string or a table of strings, got %s", member,
                       luaL_typename(L, value));
  for (lua_pushnil(L); lua_next(L, value); lua_pop(L, 1)) {
    bool in_list = lua_type(L, -2) == LUA_TNUMBER;
    int text = in_list ? -1 : -2;
    if (!in_list && lua_isboolean(L, -1) && !lua_toboolean(L, -1)) continue;
    if (lua_type(L, text) != LUA_TSTRING)
      (void)error_misuse(L, "where", "'%s': expected strings, got a %s", member, luaL_typename(L, text));
    if (!in_list && !lua_isboolean(L, -1))
      (void)error_misuse(L, "where", "'%s': expected true or false for '%s', got a %s", member, lua_tostring(L, text),
                         luaL_typename(L, -1));
    if (out) out[n].text = lua_tolstring(L, text, &out[n].length);
    n++;
  }
  return n;
}

/* The texts themselves stay alive in `kept`, which gets each value of the caller's table, copied, so that later
** changes do not matter. */
static void read_where(lua_State *L, int given, int kept, cursor_where *w) {
  for (lua_pushnil(L); lua_next(L, given); lua_pop(L, 1)) {
    int value = lua_gettop(L), rule;
    const char *member;
    cursor_text *texts;
    size_t n;
    if (lua_type(L, -2) != LUA_TSTRING) (void)error_misuse(L, "where", "expected names of members as keys");
    member = lua_tostring(L, -2);
    rule = check_member(L, "where", -2);
    if (STATUS_RULES[rule].types != JSON_STRING)
      (void)error_misuse(L, "where", "'%s' is no text: only members that are strings can be asked for", member);
    n = read_set(L, member, value, NULL);
    texts = lua_newuserdatauv(L, (n + 1) * sizeof *texts, 0);
    (void)read_set(L, member, value, texts);
    qsort(texts, n, sizeof *texts, compare);
    lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1);
    for (size_t i = 0; i < n; i++) { /* anchors each text */
      lua_pushlstring(L, texts[i].text, texts[i].length);
      texts[i].text = lua_tostring(L, -1);
      lua_rawseti(L, kept, (lua_Integer)lua_rawlen(L, kept) + 1);
    }
    w->sets[rule].texts = texts;
    w->sets[rule].count = n;
    w->filter.rules |= 1u << rule;
  }
  w->filter.accept = accept;
  w->filter.context = w;
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

void cursor_read_options(lua_State *L, int options, cursor_settings *out, json_shape *shape, cursor_where *where) {
  static const option_row rows[] = {
      {"limit", OPTION_INTEGER, 100, 1, 100},       {"cursor", OPTION_STRING, OPTION_NONE, 0, 0},
      {"paginated", OPTION_BOOLEAN, 1, 0, 0},       {"prefetch", OPTION_INTEGER, 1, 0, 1},
      {"fields", OPTION_TABLE, OPTION_NONE, 0, 0},  {"where", OPTION_TABLE, OPTION_NONE, 0, 0},
      {"resume", OPTION_STRING, OPTION_NONE, 0, 0}, {"max_bytes", OPTION_INTEGER, OPTION_NONE, 1024, 1e15}};
  cursor_place *place = &out->place;
  int read, kept;
  const char *text;
  options_read(L, options, rows, sizeof rows / sizeof *rows);
  read = lua_gettop(L);
  lua_newtable(L);
  kept = lua_gettop(L);
  place->paginated = options_boolean(L, read, "paginated");
  place->limit = (int)options_number(L, read, "limit");
  out->prefetch = (int)options_number(L, read, "prefetch");
  out->max_bytes = options_number(L, read, "max_bytes");
  text = options_string(L, read, "cursor");
  if (text && !place->paginated) (void)error_misuse(L, "cursor", "has no meaning with paginated = false");
  if (text && strlen(text) > STATUS_CURSOR_MAX)
    (void)error_misuse(L, "cursor", "is longer than %d bytes", STATUS_CURSOR_MAX);
  if (text) memcpy(place->page, text, strlen(text) + 1);
  if (lua_getfield(L, read, "resume") == LUA_TSTRING) {
    if (text) (void)error_misuse(L, "resume", "cannot go together with cursor");
    if (!parse_token(lua_tostring(L, -1), lua_rawlen(L, -1), place))
      (void)error_misuse(L, "resume", "is no token of cursor:token()");
  }
  if (lua_getfield(L, read, "fields") == LUA_TTABLE) read_fields(L, lua_gettop(L), shape);
  if (lua_getfield(L, read, "where") == LUA_TTABLE) read_where(L, lua_gettop(L), kept, where);
  shape->filter = where->filter.rules ? &where->filter : NULL;
  lua_settop(L, kept);
  lua_remove(L, read);
}
