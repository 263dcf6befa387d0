/*
** Inside the options room: headers of the caller's own, a table { name = value }.
**
** Checked headers are one text: "name: value" lines, each ended by a line feed, which no name and
** no value contains. The values may be secrets: no message shows one.
*/
#ifndef TOPAZ_OPTIONS_HEADERS_H
#define TOPAZ_OPTIONS_HEADERS_H

#include <lua.h>

enum {
  OPTIONS_HEADERS_COUNT = 32,  /* headers in one table */
  OPTIONS_HEADERS_BYTES = 8192 /* of their lines */
};

/* Checks the table at `index` and replaces it by the text; nil for an empty table. Raises on
** misuse, naming the option `name` and the line of the function at `level`. */
void options_headers_pack(lua_State *L, int index, const char *name, int level);
/* Pushes the table of a text. */
void options_headers_push(lua_State *L, const char *text);

#endif
