#include "cursor_options.h"

#include <string.h>

#include "error.h"
#include "options.h"

#define AT(field) OPTION_AT(cursor_settings, field)
/* clang-format off */
static const option_row rows[] = {
  {"limit",     OPTION_INTEGER, STATUS_PAGE_MAX, 1, STATUS_PAGE_MAX, AT(place.limit)},
  {"cursor",    OPTION_STRING,  OPTION_NONE, 0, 0,       AT(cursor)},
  {"paginated", OPTION_BOOLEAN, 1,           0, 0,       AT(place.paginated)},
  {"prefetch",  OPTION_INTEGER, 1,           0, 1,       AT(prefetch)},
  {"fields",    OPTION_TABLE,   OPTION_NONE, 0, 0,       AT(fields)},
  {"where",     OPTION_TABLE,   OPTION_NONE, 0, 0,       AT(where)},
  {"resume",    OPTION_STRING,  OPTION_NONE, 0, 0,       AT(resume)},
  {"max_bytes", OPTION_INTEGER, OPTION_NONE, 1024, 1e15, AT(max_bytes)},
  OPTION_HEADERS_ROW(cursor_settings, headers),
};
/* clang-format on */
#undef AT

static void find_place(lua_State *L, const cursor_settings *given, cursor_place *place) {
  if (given->cursor) {
    size_t n = strlen(given->cursor);
    if (!place->paginated) error_misuse(L, "cursor", "cannot be combined with paginated = false");
    if (n > STATUS_CURSOR_MAX)
      error_misuse(L, "cursor", "expected at most %d bytes, got %d", STATUS_CURSOR_MAX, (int)n);
    if (given->resume) error_misuse(L, "resume", "cannot be combined with cursor");
    memcpy(place->page, given->cursor, n + 1);
  }
  if (given->resume && !cursor_token_read(given->resume, place))
    error_misuse(L, "resume", "not a valid list token: expected the whole text of cursor:token()");
}

void cursor_read_options(lua_State *L, int options, cursor_settings *out, json_shape *shape, cursor_where *where) {
  int first = lua_gettop(L) + 1, kept;
  memset(out, 0, sizeof *out);
  options_read(L, options, rows, sizeof rows / sizeof *rows, out);
  find_place(L, out, &out->place);
  lua_newtable(L);
  kept = lua_gettop(L);
  if (out->headers) {
    lua_pushstring(L, out->headers);
    out->headers = lua_tostring(L, -1);
    lua_setfield(L, kept, "headers");
  }
  if (lua_istable(L, out->fields)) cursor_fields_read(L, out->fields, shape);
  if (lua_istable(L, out->where)) cursor_where_read(L, out->where, kept, where);
  shape->filter = where->filter.rules ? &where->filter : NULL;
  lua_copy(L, kept, first);
  lua_settop(L, first);
}
