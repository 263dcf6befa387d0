/*
** Inside the cursor room: the place of a cursor, and the list token that names this place:
**
**   topaz1.<p|a>.<limit>.<page cursor>.<last process_id>[.<recent>].<check>
**
** A watch token, which the Lua layer makes, begins with topazw1. Each kind of token is refused in
** place of the other. <recent>: 11 characters for each status given out before the last one, at
** most CURSOR_RECENT, oldest first. These find the place when the last status is gone from its
** page, and are not given again.
*/
#ifndef TOPAZ_CURSOR_TOKEN_H
#define TOPAZ_CURSOR_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "status.h"

enum {
  CURSOR_ID_MAX = 127,
  CURSOR_RECENT = 8,
  CURSOR_TOKEN_MAX = 3 * (STATUS_CURSOR_MAX + CURSOR_ID_MAX) + 11 * CURSOR_RECENT + 64
};

/* A place in the page of `page`, behind the status `last` ("": before the first status). */
typedef struct {
  bool paginated;
  int limit;
  char page[STATUS_CURSOR_MAX + 1];
  char last[CURSOR_ID_MAX + 1];
  uint64_t recent[CURSOR_RECENT]; /* see cursor_memory_hash */
  size_t recents;
} cursor_place;

/* Pushes the list token of a place. */
void cursor_token_push(lua_State *L, const cursor_place *place);
/* Reads a list token into `place`. False: the text is not a complete list token. */
bool cursor_token_read(const char *text, cursor_place *place);

#endif
