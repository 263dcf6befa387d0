/*
** cursor: the iterator over statuses, userdata "topaz.cursor". A call returns the next status, or
** nil at the end. Failures are raised as error objects; the cursor keeps its place, and may be
** called again.
**
** Records are decoded in batches as their bytes arrive. The next page is requested as soon as its
** cursor is known.
**
** A list may change while it is read, and a page may be read again (after a lost connection, an
** error, or from a token). Statuses that were given out are recognised by process_id: those of this
** page and of the one before, so none is given twice within two neighbouring pages. Of the plain
** array the last 1,024 are remembered; what stands before the first of them still in the array
** counts as given. If none of them is left, reading begins anew: a status may come twice, but none
** is lost. A list token remembers the last nine statuses.
*/
#ifndef TOPAZ_CURSOR_H
#define TOPAZ_CURSOR_H

#include <lua.h>

#include "session.h"

/* Creates the metatable. */
void cursor_open(lua_State *L);
/* Pushes a cursor of the client at absolute index `client`; options at `options`. Sends nothing
** yet. */
void cursor_new(lua_State *L, int client, session *s, int options);
/* cursor_methods() -> the table of the cursors' methods, for the Lua layer to add its own. */
int cursor_methods(lua_State *L);

#endif
