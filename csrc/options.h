/*
** options: one strict reader for every table of options. Unknown names are refused with the nearest known one; every
** error names the option and is raised before anything is sent.
*/
#ifndef TOPAZ_OPTIONS_H
#define TOPAZ_OPTIONS_H

#include <stddef.h>

#include <lua.h>

typedef enum {
  OPTION_STRING,  /* not empty */
  OPTION_NUMBER,  /* finite, from min to max */
  OPTION_INTEGER, /* from min to max; 3.0 is fine, "3" is not */
  OPTION_BOOLEAN,
  OPTION_TABLE,
  OPTION_FUNCTION
} option_type;

typedef struct {
  const char *name;
  option_type type;
  double fallback; /* default of numbers and booleans; OPTION_NONE: absent when not given */
  double min, max;
} option_row;

#define OPTION_NONE (-1e300)

/* Checks the table at `index` (nil or none: empty) against the rows and pushes a new table with defaults filled in. */
void options_read(lua_State *L, int index, const option_row *rows, size_t count);

/* options(table, rows): the same for Lua, rows = { {name, type, default, min, max}, … }. */
int options_lua(lua_State *L);

/* Field of the table that options_read pushed, at `index`. The string stays valid while the table is on the stack. */
double options_number(lua_State *L, int index, const char *name);
int options_boolean(lua_State *L, int index, const char *name);
const char *options_string(lua_State *L, int index, const char *name); /* NULL when absent */

/* The nearest of `count` names (by edits, case ignored), NULL when none is near. `name_at` gives the i-th. */
const char *options_nearest(const char *name, size_t count, const char *(*name_at)(const void *, size_t),
                            const void *context);

#endif
