#include "api.h"

#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

#include "error.h"
#include "options.h"
#include "percent.h"

enum { EXCERPT_MAX = 200 }; /* bytes of the server's message in an error */

static api_ask ask_one, ask_page, ask_all;
static api_read read_status, read_page, read_deletion, read_count;

#define ONE "/status/{process_id}"
#define ALL "/status"

/* name, method, path, retry kind, streams, is_list, has_body */
/* clang-format off */
const api_operation API_OPERATIONS[] = {
  {{"get_status",          "GET",    ONE, RETRY_READ,       false, false, true},  ask_one,  read_status,   NULL},
  {{"get_page",            "GET",    ALL, RETRY_READ,       false, true,  true},  ask_page, read_page,     NULL},
  {{"delete_status",       "DELETE", ONE, RETRY_DELETE_ONE, false, false, false}, ask_one,  read_deletion,
   "; the status may have been deleted: call get_status, not_found means that it was"},
  {{"delete_all_statuses", "DELETE", ALL, RETRY_DELETE_ALL, false, false, true},  ask_all,  read_count,
   "; statuses may have been deleted: list them to check"},
};
const size_t API_OPERATION_COUNT = sizeof API_OPERATIONS / sizeof *API_OPERATIONS;

const api_operation API_STATUSES =
  {{"statuses",            "GET",    ALL, RETRY_READ,       true,  true,  true},  NULL,     NULL,          NULL};
/* clang-format on */

/* ---- what is sent ---------------------------------------------------------------------------- */

static const char *check_id(lua_State *L, int index) {
  size_t n;
  const char *id;
  if (lua_type(L, index) != LUA_TSTRING)
    error_misuse(L, "process_id", "expected a string, got %s", luaL_typename(L, index));
  id = lua_tolstring(L, index, &n);
  if (!status_is_process_id(id, n)) {
    char shown[61];
    (void)error_escape(shown, sizeof shown, id, n);
    error_misuse(L, "process_id", "expected a UUID, got '%s'", shown);
  }
  return id;
}

/* The options that every call has. */
static const option_row call_rows[] = {
    {"timeout", OPTION_NUMBER, OPTION_NONE, 0.001, SESSION_TIMEOUT_MAX, OPTION_AT(api_arguments, timeout)},
    OPTION_HEADERS_ROW(api_arguments, headers)};
enum { CALL_ROWS = sizeof call_rows / sizeof *call_rows };

/* client:get_status(process_id, { timeout = seconds, headers = {…} }) -> status | nil, err */
/* client:delete_status(process_id, { timeout = seconds, headers = {…} })
** -> true | true, "already_gone" | nil, err */
static void ask_one(lua_State *L, int first, const session_limits *limits, api_arguments *out) {
  (void)limits;
  out->process_id = check_id(L, first);
  options_read(L, first + 1, call_rows, CALL_ROWS, out);
}

/* client:get_page{ limit = 1..100 (50), cursor = string, timeout = seconds, headers = {…} }
** -> { data = {…}, pagination = {…} } | nil, err */
static void ask_page(lua_State *L, int first, const session_limits *limits, api_arguments *out) {
  typedef struct {
    int limit;
    const char *cursor;
    double timeout;
    const char *headers;
  } page_options;
  static const option_row rows[] = {
      {"limit", OPTION_INTEGER, 50, 1, STATUS_PAGE_MAX, OPTION_AT(page_options, limit)},
      {"cursor", OPTION_STRING, OPTION_NONE, 0, 0, OPTION_AT(page_options, cursor)},
      {"timeout", OPTION_NUMBER, OPTION_NONE, 0.001, SESSION_TIMEOUT_MAX, OPTION_AT(page_options, timeout)},
      OPTION_HEADERS_ROW(page_options, headers)};
  page_options given = {0, NULL, limits->timeout, NULL};
  options_read(L, first, rows, sizeof rows / sizeof *rows, &given);
  if (given.cursor && strlen(given.cursor) > STATUS_CURSOR_MAX)
    error_misuse(L, "cursor", "expected at most %d bytes, got %d", STATUS_CURSOR_MAX, (int)strlen(given.cursor));
  api_page_query(out->query, given.limit, given.cursor);
  out->timeout = given.timeout;
  out->headers = given.headers;
  out->max_bytes = limits->max_bytes;
}

/* Whether the key at `index` is the name of an option that every call has. */
static bool is_call_option(lua_State *L, int index) {
  for (size_t i = 0; lua_type(L, index) == LUA_TSTRING && i < CALL_ROWS; i++)
    if (strcmp(lua_tostring(L, index), call_rows[i].name) == 0) return true;
  return false;
}

/* Whether the table at `index` has options that every call has, at least one, and no others. */
static bool has_call_options_only(lua_State *L, int index) {
  bool any = false;
  for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
    any = true;
    if (is_call_option(L, -2)) continue;
    lua_pop(L, 2);
    return false;
  }
  return any;
}

/* client:delete_all_statuses{ timeout = seconds, headers = {…} }
** -> count | true, "count_unknown" | nil, err
** Strict about its argument, which may be meant as a filter: {} would delete everything. */
static void ask_all(lua_State *L, int first, const session_limits *limits, api_arguments *out) {
  (void)limits;
  if (!lua_isnoneornil(L, first) && !(lua_istable(L, first) && has_call_options_only(L, first)))
    error_misuse(L, "options",
                 "expected no argument, or one with timeout or headers, got %s: delete_all_statuses has no filter, it "
                 "deletes every status",
                 lua_istable(L, first) ? "another table" : luaL_typename(L, first));
  options_read(L, first, call_rows, CALL_ROWS, out);
}

void api_arguments_read(lua_State *L, const api_operation *operation, int first, const session_limits *limits,
                        api_arguments *out) {
  out->process_id = out->headers = NULL;
  out->query[0] = '\0';
  out->timeout = limits->timeout;
  out->max_bytes = SESSION_RECORD_BODY_MAX;
  operation->ask(L, first, limits, out);
}

void api_page_query(char out[API_QUERY_MAX], int limit, const char *page_cursor) {
  char *end = out + sprintf(out, "paginated=true&limit=%d", limit);
  if (!page_cursor || !page_cursor[0]) return;
  end += sprintf(end, "&cursor=");
  (void)percent_encode(end, page_cursor, strlen(page_cursor));
}

/* ---- what went wrong ------------------------------------------------------------------------- */

/* Hides the key and the caller's headers, which the server's message may quote. Without a session
** the key is gone, and nothing is quoted. */
static void hide_secrets(const request *r, char *text) {
  if (r->session) transport_hide(r->session->net, request_headers(r), text);
  else text[0] = '\0';
}

/* Writes n bytes, cut to an excerpt, with escapes. Secrets are hidden before, because an escape
** would break them up, and after, because bytes behind a NUL are out of sight before. */
static void write_excerpt(const request *r, char out[EXCERPT_MAX + 1], const char *bytes, size_t n) {
  char copy[EXCERPT_MAX + 1];
  if (n > EXCERPT_MAX) n = EXCERPT_MAX;
  memcpy(copy, bytes, n);
  copy[n] = '\0';
  if (r->session) transport_hide(r->session->net, request_headers(r), copy);
  (void)error_escape(out, EXCERPT_MAX + 1, copy, n);
  hide_secrets(r, out);
}

/* Makes the server's message the error's: `message` of the error body, else the beginning of the
** body. */
static void quote(lua_State *L, request *r) {
  error_info *e = &r->error;
  char excerpt[EXCERPT_MAX + 1];
  size_t n;
  const char *raw = json_unread(&r->body, &n);
  write_excerpt(r, excerpt, raw, n);
  if (n == 0) error_message(e, "the error response has no message");
  else if (status_read_error(L, &r->body, &e->code, &e->has_code)) {
    raw = lua_tolstring(L, -1, &n);
    write_excerpt(r, excerpt, raw, n);
    error_append(e, excerpt, strlen(excerpt), EXCERPT_MAX);
    lua_pop(L, 1);
  } else if (excerpt[0]) {
    error_message(e, "the server's message: ");
    error_append(e, excerpt, strlen(excerpt), EXCERPT_MAX);
  }
  if (!e->message[0])
    error_message(e, r->session ? "the error response has no message"
                                : "the client was closed before the error body was read");
}

static void advise(error_info *e, const char *text) {
  if (text) error_append(e, text, strlen(text), ERROR_TEXT_MAX);
}

void api_word_error(lua_State *L, request *r, const api_operation *operation) {
  error_info *e = &r->error;
  if (e->http_status >= 300 && !e->message[0]) quote(L, r);
  if (e->http_status == 407)
    advise(e, "; the proxy requires a user name and a password: proxy = \"http://user:password@host:port\"");
  json_free(&r->body);
  advise(e, r->refused);
  if (e->outcome == ERROR_OUTCOME_UNKNOWN) advise(e, operation->unknown_advice);
}

/* Fails the request because its body is not valid, with an excerpt when it is not JSON from the
** start. */
static void refuse(request *r, const char *wrong, json_result got) {
  static const char begins[] = "; the body begins: ";
  char text[ERROR_TEXT_MAX + sizeof begins + EXCERPT_MAX];
  status_describe(&r->body, wrong, text, ERROR_TEXT_MAX);
  if (got == JSON_MALFORMED && r->body.consumed == 0 && r->body.error.offset < EXCERPT_MAX) {
    size_t n;
    const char *raw = json_unread(&r->body, &n);
    char *end = text + strlen(text);
    memcpy(end, begins, sizeof begins);
    write_excerpt(r, end + sizeof begins - 1, raw, n);
  }
  hide_secrets(r, text);
  request_body_failed(r, got == JSON_TOO_LARGE ? RETRY_TOO_LARGE : RETRY_PROTOCOL, text);
}

/* Handles all results of a json_reader that are the same for every document. True: more bytes are
** needed. False: the request was told what is wrong. `wrong`: as of a status_list. */
static bool must_wait(request *r, const char *wrong, json_result got) {
  if (got == JSON_BUSY) return true;
  if (got == JSON_MORE && r->state == REQUEST_ACTIVE) {
    request_consumed(r);
    return true;
  }
  if (got == JSON_MORE) request_body_failed(r, RETRY_LOST, "the body ended too early");
  else refuse(r, wrong, got);
  return false;
}

/* ---- what is kept while a response is read -------------------------------------------------- */

void api_reader_init(api_reader *reader) { json_shape_init(&reader->shape, STATUS_RULES, STATUS_RULE_COUNT); }

static void forget_list(api_reader *reader) {
  free(reader->list);
  reader->list = NULL;
}

void api_reader_free(api_reader *reader) {
  json_shape_free(&reader->shape);
  forget_list(reader);
}

void api_reader_reuse(api_reader *to, api_reader *from) {
  if (to->list || !from->list) return;
  to->list = from->list;
  from->list = NULL;
  status_list_init(to->list);
}

/* Pushes the table of names that the reader's shape keeps. */
static void push_keys(lua_State *L, int at) {
  if (lua_getiuservalue(L, at, API_KEYS) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, (int)STATUS_RULE_COUNT, 0);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, at, API_KEYS);
}

/* ---- a status -------------------------------------------------------------------------------- */

/* Whether the status that was read is the requested one. A stray response has another id. */
static bool is_asked_for(request *r, const char *id) {
  const char *asked = r->process_id;
  if (status_compare_ids(id, strlen(id), asked, strlen(asked)) == 0) return true;
  request_body_failed(r, RETRY_PROTOCOL, "member 'process_id': not the requested id");
  return false;
}

static int read_status(lua_State *L, request *r, api_reader *reader, int at) {
  char id[sizeof r->process_id + 1];
  json_result got;
  if (r->state == REQUEST_DONE) return lua_getiuservalue(L, at, API_RESULT), 1;
  if (r->state != REQUEST_BODY) return API_WAITING;
  reader->shape.note = id;
  reader->shape.note_size = sizeof id;
  push_keys(L, at);
  got = status_read(L, &r->body, &reader->shape, lua_gettop(L));
  if (got != JSON_OK) return must_wait(r, NULL, got) ? API_WAITING : API_JUDGED;
  if (!is_asked_for(r, id)) return API_JUDGED;
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, at, API_RESULT);
  request_body_done(r);
  json_shape_free(&reader->shape);
  lua_pushnil(L);
  lua_setiuservalue(L, at, API_KEYS);
  return 1;
}

/* ---- lists ----------------------------------------------------------------------------------- */

api_news api_pull(lua_State *L, request *r, api_reader *reader, json_shape *shape, int keys, int page) {
  r->has_news = false;
  for (;;) {
    json_result got;
    if (r->state == REQUEST_FAILED) return API_FAILED;
    if (r->state == REQUEST_DONE) return API_END;
    if (r->state != REQUEST_BODY && !(r->state == REQUEST_ACTIVE && request_has_response(r))) return API_MORE;
    if (!reader->list && !(reader->list = malloc(sizeof *reader->list))) {
      request_body_failed(r, RETRY_TOO_LARGE, "out of memory");
      continue;
    }
    if (reader->list_attempt != r->attempts) {
      bool again = reader->list_attempt != 0;
      status_list_init(reader->list);
      reader->list_attempt = r->attempts;
      if (again) return API_RESTARTED;
    }
    got = status_list_next(L, reader->list, &r->body, shape, keys, page);
    if (got == JSON_OK || got == JSON_SKIPPED) {
      request_consumed(r);
      return got == JSON_OK ? API_RECORD : API_SKIPPED;
    }
    if (got == JSON_CLOSE && reader->list->has_next_page && !reader->list->next_cursor[0]) {
      request_body_failed(r, RETRY_PROTOCOL, "member 'pagination.next_cursor': missing, though has_next_page is true");
    } else if (got == JSON_CLOSE) {
      request_body_done(r);
      return API_END;
    } else if (must_wait(r, reader->list->wrong, got)) return API_MORE;
  }
}

static void fresh_page(lua_State *L, int at) {
  lua_createtable(L, 0, 2);
  lua_createtable(L, 50, 0);
  lua_setfield(L, -2, "data");
  lua_setiuservalue(L, at, API_RESULT);
}

static int read_page(lua_State *L, request *r, api_reader *reader, int at) {
  int top = lua_gettop(L), keys = top + 1, page = top + 2, data = top + 3;
  if (lua_getiuservalue(L, at, API_RESULT) != LUA_TTABLE) fresh_page(L, at);
  lua_settop(L, top);
  for (;;) {
    api_news news;
    push_keys(L, at);
    lua_getiuservalue(L, at, API_RESULT);
    lua_getfield(L, page, "data");
    while ((news = api_pull(L, r, reader, &reader->shape, keys, page)) == API_RECORD)
      lua_rawseti(L, data, (lua_Integer)lua_rawlen(L, data) + 1);
    lua_settop(L, page);
    if (news == API_FAILED) return API_JUDGED;
    if (news == API_MORE) return API_WAITING;
    if (news == API_END) {
      if (reader->list && reader->list->is_array) { /* the only page */
        lua_createtable(L, 0, 1);
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "has_next_page");
        lua_setfield(L, page, "pagination");
      }
      forget_list(reader);
      return 1;
    }
    lua_settop(L, top);
    fresh_page(L, at);
  }
}

/* ---- deletions ------------------------------------------------------------------------------- */

static int read_deletion(lua_State *L, request *r, api_reader *reader, int at) {
  (void)reader;
  (void)at;
  if (r->state != REQUEST_DONE) return API_WAITING;
  lua_pushboolean(L, 1);
  if (!r->already_gone) return 1;
  lua_pushliteral(L, "already_gone");
  return 2;
}

static int read_count(lua_State *L, request *r, api_reader *reader, int at) {
  long long count = -1;
  (void)reader;
  if (r->state == REQUEST_BODY && status_read_deletion(L, &r->body, &count) == JSON_OK && count >= 0) {
    lua_pushinteger(L, (lua_Integer)count);
    lua_setiuservalue(L, at, API_RESULT);
  }
  request_body_done(r);
  if (r->state != REQUEST_DONE) return API_WAITING;
  if (lua_getiuservalue(L, at, API_RESULT) == LUA_TNUMBER) return 1;
  lua_pushboolean(L, 1); /* still deleted: the status line was 2xx */
  lua_pushliteral(L, "count_unknown");
  return 2;
}
