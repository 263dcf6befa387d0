/*
** record: reads one record in the buffer without Lua, checks it against the rules of the shape, and
** then builds its table.
*/
#ifndef TOPAZ_JSON_RECORD_H
#define TOPAZ_JSON_RECORD_H

#include "shape.h"

/* Reads the next record, which begins with '{', and pushes its table. See json_record. */
json_result json_record_read(lua_State *L, json_reader *r, json_shape *s, int keys);
/* Reads the next record of a list on the fast path, its comma too, and pushes its table. false:
** nothing was consumed, use the slow path. */
bool json_record_quick(lua_State *L, json_reader *r, json_shape *s, int keys);

#endif
