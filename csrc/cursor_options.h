/* Inside the cursor room: its options. */
#ifndef TOPAZ_CURSOR_OPTIONS_H
#define TOPAZ_CURSOR_OPTIONS_H

#include <lua.h>

#include "cursor_filter.h"
#include "cursor_token.h"

typedef struct {
  cursor_place place;
  const char *cursor, *resume; /* copied into `place` */
  int fields, where;           /* stack indices, not valid later */
  int prefetch;
  const char *headers; /* owned by the table that is pushed; NULL: none */
  uint64_t max_bytes;  /* 0: not given */
} cursor_settings;

/*
** Reads the options at `options`: raises on misuse. Fills `out`, the shape's projection, and
** `where`. Pushes one value, a table that owns the texts which `where` borrows,
** and the headers.
*/
void cursor_read_options(lua_State *L, int options, cursor_settings *out, json_shape *shape, cursor_where *where);

#endif
