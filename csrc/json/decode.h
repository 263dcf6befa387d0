/* decode: JSON as functions for Lua. */
#ifndef TOPAZ_JSON_DECODE_H
#define TOPAZ_JSON_DECODE_H

#include <lua.h>

/* decode(text) -> value | nil, message. The text must be one value and nothing more; null members
** are kept. */
int json_decode(lua_State *L);
/* array_mt([metatable]) -> the metatable of empty arrays. An argument becomes the new one. */
int json_array_mt(lua_State *L);

#endif
