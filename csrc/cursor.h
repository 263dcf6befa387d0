/*
** cursor: the iterator over statuses, userdata "topaz.cursor". Called, it gives the next status, or nil at the end;
** failures are raised as error objects, and the cursor then stands where it was and may be asked again.
**
** Records are decoded in batches as their bytes arrive. The next page is asked for as soon as its cursor is known.
** Where a page has to be read anew (a lost connection, an error, a token), what was given out is recognised by the
** process_id of the last status; when that is gone from the page, the page is given from its beginning: rather twice
** than not at all. In the plain array, which has no pages, its absence is an error.
*/
#ifndef TOPAZ_CURSOR_H
#define TOPAZ_CURSOR_H

#include <lua.h>

#include "session.h"
#include "status.h"

enum { CURSOR_QUERY_MAX = 3 * STATUS_CURSOR_MAX + 64 };

/* Creates the metatable. */
void cursor_open(lua_State *L);
/* Pushes a cursor of the client at absolute index `client`; options at `options`. Nothing is sent yet. */
void cursor_new(lua_State *L, int client, session *s, int options);
/* cursor_methods() -> the table of the cursors' methods, for the Lua layer to add its own. */
int cursor_methods(lua_State *L);
/* Writes the query of a page; `page_cursor` NULL or "" for the first. */
void cursor_query(char out[CURSOR_QUERY_MAX], int limit, const char *page_cursor);

#endif
