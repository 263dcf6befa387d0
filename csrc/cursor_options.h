/* Inside the cursor room: its options, and the token that a cursor can be resumed from. */
#ifndef TOPAZ_CURSOR_OPTIONS_H
#define TOPAZ_CURSOR_OPTIONS_H

#include <stdbool.h>

#include <lua.h>

#include "status.h"

enum { CURSOR_ID_MAX = 127, CURSOR_TOKEN_MAX = 3 * (STATUS_CURSOR_MAX + CURSOR_ID_MAX) + 64 };

/* Where a cursor stands: in the page of `page`, behind the status `last` ("": before its first). */
typedef struct {
  bool paginated;
  int limit;
  char page[STATUS_CURSOR_MAX + 1];
  char last[CURSOR_ID_MAX + 1];
} cursor_place;

typedef struct {
  const char *text;
  size_t length;
} cursor_text;

/* What `where` lets pass: for each rule the texts, sorted, in memory that the table pushed by cursor_read_options
** keeps. */
typedef struct {
  json_filter filter;
  struct {
    const cursor_text *texts;
    size_t count;
  } sets[32];
} cursor_where;

typedef struct {
  cursor_place place;
  int prefetch;
  double max_bytes;
} cursor_settings;

/*
** Reads the options at `options`: raises on misuse. Fills `out`, the shape's projection, and `where`; pushes one
** value, a table that keeps what `where` borrows.
*/
void cursor_read_options(lua_State *L, int options, cursor_settings *out, json_shape *shape, cursor_where *where);

/* Pushes the token of a place. */
void cursor_push_token(lua_State *L, const cursor_place *place);

#endif
