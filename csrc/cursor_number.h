/*
** Inside the cursor room: numbers as Lua has them, compared exactly. Beyond 2^53 a float has not
** the place for every integer.
*/
#ifndef TOPAZ_CURSOR_NUMBER_H
#define TOPAZ_CURSOR_NUMBER_H

#include <stdbool.h>

#include <lua.h>

typedef struct {
  bool is_integer;
  union {
    lua_Integer integer;
    lua_Number number;
  } as;
} cursor_number;

/* Compares two cursor_number, neither of them NAN, as qsort and bsearch want it. */
int cursor_number_compare(const void *a, const void *b);
/* Returns the number at `index`. */
cursor_number cursor_number_at(lua_State *L, int index);

#endif
