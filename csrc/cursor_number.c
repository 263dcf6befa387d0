#include "cursor_number.h"

/* Compares an integer with a float, exactly. */
static int compare_mixed(lua_Integer i, lua_Number n) {
  lua_Integer whole;
  lua_Number rest;
  if (n >= 0x1p63) return -1;
  if (n < -0x1p63) return 1;
  whole = (lua_Integer)n; /* towards 0 */
  rest = n - (lua_Number)whole;
  return i != whole ? (i > whole) - (i < whole) : (rest < 0) - (rest > 0);
}

int cursor_number_compare(const void *a, const void *b) {
  const cursor_number *x = a, *y = b;
  if (x->is_integer && y->is_integer) return (x->as.integer > y->as.integer) - (x->as.integer < y->as.integer);
  if (x->is_integer) return compare_mixed(x->as.integer, y->as.number);
  if (y->is_integer) return -compare_mixed(y->as.integer, x->as.number);
  return (x->as.number > y->as.number) - (x->as.number < y->as.number);
}

cursor_number cursor_number_at(lua_State *L, int index) {
  cursor_number n = {.is_integer = lua_isinteger(L, index)};
  if (n.is_integer) n.as.integer = lua_tointeger(L, index);
  else n.as.number = lua_tonumber(L, index);
  return n;
}
