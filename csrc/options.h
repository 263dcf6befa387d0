/*
** options: one strict reader for all tables of options. Unknown names are refused, and the error
** suggests the nearest known name. Every error names the option, and is raised before anything is
** sent.
*/
#ifndef TOPAZ_OPTIONS_H
#define TOPAZ_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

typedef enum {
  OPTION_STRING,  /* not empty */
  OPTION_NUMBER,  /* finite, from min to max */
  OPTION_INTEGER, /* from min to max, which are not negative; 3.0 is allowed, "3" is not */
  OPTION_BOOLEAN,
  OPTION_TABLE,
  OPTION_FUNCTION,
  OPTION_HEADERS, /* a table { name = value }; stored as a text: see options_headers.h */
  OPTION_TEXT,    /* may be empty */
  OPTION_EITHER   /* a string that is not empty, or a table */
} option_type;

/* The C type of the field in which a value is stored. */
typedef enum {
  OPTION_IN_CHARS,  /* strings */
  OPTION_IN_DOUBLE, /* numbers */
  OPTION_IN_BOOL,
  /* integers; of a table, a function or either the stack index (of nil when absent) */
  OPTION_IN_INT,
  OPTION_IN_UNSIGNED,
  OPTION_IN_UINT64
} option_field;

typedef struct {
  const char *name;
  option_type type;
  double fallback; /* default of a number or boolean; OPTION_NONE: the field stays as it is */
  double min, max;
  size_t at; /* these two by OPTION_AT; options_lua ignores them */
  option_field field;
} option_row;

#define OPTION_NONE (-1e300)

/* The last two members of a row: the place of its field in the struct. */
#define OPTION_AT(type, member)                                                                                        \
  offsetof(type, member), _Generic(&((type *)0)->member, const char **: OPTION_IN_CHARS, double *: OPTION_IN_DOUBLE, \
                                   bool *: OPTION_IN_BOOL, int *: OPTION_IN_INT, unsigned *: OPTION_IN_UNSIGNED, \
                                   uint64_t *: OPTION_IN_UINT64)

/* The row of a caller's own headers, the same in every table of options. */
#define OPTION_HEADERS_ROW(type, member)                                                                               \
  { "headers", OPTION_HEADERS, OPTION_NONE, 0, 0, OPTION_AT(type, member) }

/*
** Checks the table at `index` (nil or none: empty) against the rows, and stores each value in its
** field of the struct `out`. Pushes `count` values, one for each row: texts and stack indices in
** `out` are valid while these stay on the stack.
**
** Allocations run finalizers, which may change the caller's table. So its values are copied first,
** without allocating, and the table is not read again. Metamethods of the table are not called. A
** table that is the value of an option belongs to the caller and may change at any time: copy its
** values in the same way.
*/
void options_read(lua_State *L, int index, const option_row *rows, size_t count, void *out);
/*
** Raises unless the table at `index` has all its members itself. Those that a metatable adds, as in
** a proxy that makes a table read-only, would not be seen, and an option or a filter that is not
** seen does harm. `option` and `level`: see error_misuse_at.
*/
void options_check_plain(lua_State *L, int index, const char *option, int level);

/* options(table, rows [, level]) -> a new table, with defaults filled in: the same for Lua, rows =
** { {name, type, default, min, max}, … }. A misuse error names the line of the function at `level`:
** 1, the default, calls options(); 2 is its caller. */
int options_lua(lua_State *L);

/* Returns the nearest of `count` names (by edits, case ignored), or NULL when none is near.
** `name_at` returns the i-th name. */
const char *options_nearest(const char *name, size_t count, const char *(*name_at)(const void *, size_t),
                            const void *context);
/* nearest(name, names) -> the nearest text of the list, or nil. */
int options_nearest_lua(lua_State *L);

#endif
