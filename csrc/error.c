#include "error.h"

#include <stdio.h>
#include <string.h>

#include <lauxlib.h>

#include "unicode.h"
#include "userdata.h"

static const char type_name[] = "topaz.error";

/* In the order of error_kind. */
static const char *const kinds[] = {
    "none",         "bad_request",  "unauthorized",      "forbidden", "not_found", "conflict",
    "rate_limited", "server_error", "unexpected_status", "timeout",   "network",   "tls",
    "protocol",     "too_large",    "cancelled",         "closed",    NULL};

/* In the order of error_outcome. */
static const char *const outcomes[] = {NULL, "unsent", "unknown"};

void error_init(error_info *info, error_kind kind, const char *operation) {
  memset(info, 0, sizeof *info);
  info->kind = kind;
  info->operation = operation;
  info->retry_after = -1;
}

/* ---- text ------------------------------------------------------------------------------------ */

size_t error_escape(char *out, size_t size, const char *text, size_t n) {
  size_t used = 0;
  while (n > 0) {
    char escaped[sizeof "\\u{10FFFF}"];
    const char *piece = text;
    uint32_t code;
    size_t taken = unicode_character(text, n, &code), length = taken;
    if (taken == 0 || unicode_is_hidden(code)) {
      length = (size_t)snprintf(escaped, sizeof escaped, taken < 2 ? "\\x%02X" : "\\u{%X}", (unsigned)code);
      piece = escaped;
      if (taken == 0) taken = 1;
    }
    if (used + length >= size) break;
    memcpy(out + used, piece, length);
    used += length;
    text += taken;
    n -= taken;
  }
  out[used] = '\0';
  return used;
}

void error_append(error_info *info, const char *text, size_t n, size_t max) {
  size_t used = strlen(info->message), room = ERROR_TEXT_MAX - used;
  (void)error_escape(info->message + used, max < room ? max + 1 : room, text, n);
}

void error_message(error_info *info, const char *format, ...) {
  char text[ERROR_TEXT_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  (void)error_escape(info->message, sizeof info->message, text, strlen(text));
}

/* ---- kinds ----------------------------------------------------------------------------------- */

error_kind error_kind_of_http(int http_status) {
  switch (http_status) {
  case 400: return ERROR_BAD_REQUEST;
  case 401: return ERROR_UNAUTHORIZED;
  case 403: return ERROR_FORBIDDEN;
  case 404: return ERROR_NOT_FOUND;
  case 409: return ERROR_CONFLICT;
  case 429: return ERROR_RATE_LIMITED;
  default: return http_status >= 500 && http_status <= 599 ? ERROR_SERVER : ERROR_UNEXPECTED_STATUS;
  }
}

/* ---- the object ------------------------------------------------------------------------------ */

static void set_text(lua_State *L, const char *name, const char *text) {
  if (!text || !text[0]) return;
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void error_push(lua_State *L, const error_info *info) {
  char request_id[sizeof info->request_id + 1];
  luaL_checkstack(L, 4, "error");
  lua_createtable(L, 0, 8);
  set_text(L, "kind", kinds[info->kind]);
  set_text(L, "operation", info->operation);
  set_text(L, "message", info->message[0] ? info->message : kinds[info->kind]);
  set_text(L, "process_id", info->process_id);
  set_text(L, "outcome", outcomes[info->outcome]);
  (void)error_escape(request_id, sizeof request_id, info->request_id, strlen(info->request_id));
  set_text(L, "request_id", request_id);
  if (info->http_status > 0) set_integer(L, "http_status", info->http_status);
  if (info->attempts > 0) set_integer(L, "attempts", (lua_Integer)info->attempts);
  if (info->has_code) set_integer(L, "code", (lua_Integer)info->code);
  if (info->retry_after >= 0) {
    lua_pushnumber(L, info->retry_after);
    lua_setfield(L, -2, "retry_after");
  }
  luaL_setmetatable(L, type_name);
}

/* Puts the member of the table at 1, if there is one, into the object on the top of the stack. */
static void copy_member(lua_State *L, const char *name) {
  if (lua_getfield(L, 1, name) == LUA_TNIL) lua_pop(L, 1);
  else lua_setfield(L, -2, name);
}

int error_lua(lua_State *L) {
  static const char *const as_given[] = {"message", "status",      "code",      "attempts",
                                         "outcome", "retry_after", "request_id"};
  error_info info;
  const char *process_id;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  lua_getfield(L, 1, "kind");
  lua_getfield(L, 1, "operation");
  lua_getfield(L, 1, "process_id");
  lua_getfield(L, 1, "http_status");
  error_init(&info, (error_kind)luaL_checkoption(L, 2, NULL, kinds), luaL_optstring(L, 3, NULL));
  process_id = luaL_optstring(L, 4, "");
  (void)error_escape(info.process_id, sizeof info.process_id, process_id, strlen(process_id));
  info.http_status = (int)luaL_optinteger(L, 5, 0);
  error_push(L, &info);
  for (size_t i = 0; i < sizeof as_given / sizeof *as_given; i++) copy_member(L, as_given[i]);
  return 1;
}

/* Adds the member, with `before` in front, if it is a string or a number; else adds `otherwise`. */
static void add_member(lua_State *L, luaL_Buffer *b, const char *before, const char *name, const char *otherwise) {
  int type = lua_getfield(L, 1, name);
  lua_pop(L, 1); /* a buffer is added to with nothing of ours above it */
  if (type != LUA_TSTRING && type != LUA_TNUMBER) {
    luaL_addstring(b, otherwise);
    return;
  }
  luaL_addstring(b, before);
  lua_getfield(L, 1, name);
  luaL_addvalue(b);
}

/* operation process_id: message (kind, HTTP 503, attempts 3, …) */
static int error_tostring(lua_State *L) {
  static const char *const facts[] = {"attempts", "retry_after", "outcome", "request_id"};
  luaL_Buffer b;
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  luaL_buffinit(L, &b);
  add_member(L, &b, "", "operation", "topaz");
  add_member(L, &b, " ", "process_id", "");
  add_member(L, &b, ": ", "message", ": failed");
  add_member(L, &b, " (", "kind", " (error");
  add_member(L, &b, ", HTTP ", "http_status", "");
  for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
    char before[32];
    (void)snprintf(before, sizeof before, ", %s ", facts[i]);
    add_member(L, &b, before, facts[i], "");
  }
  luaL_addchar(&b, ')');
  luaL_pushresult(&b);
  return 1;
}

void error_open(lua_State *L) {
  static const luaL_Reg meta[] = {{"__tostring", error_tostring}, {NULL, NULL}};
  userdata_open(L, type_name, meta, NULL);
}

/* ---- raising --------------------------------------------------------------------------------- */

void error_throw(lua_State *L) {
  for (;;) (void)lua_error(L);
}

void error_raise(lua_State *L, error_kind kind, const char *operation, const char *message) {
  error_info e;
  error_init(&e, kind, operation);
  error_message(&e, "%s", message);
  error_push(L, &e);
  error_throw(L);
}

void error_misuse_at(lua_State *L, int level, const char *name, const char *format, ...) {
  char text[ERROR_TEXT_MAX]; /* C's own formatting: Lua's has no %.14g */
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  luaL_checkstack(L, 6, "error");
  luaL_where(L, level);
  lua_pushfstring(L, "bad argument '%s': %s", name, text);
  lua_concat(L, 2);
  error_throw(L);
}
