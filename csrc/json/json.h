/*
** json: an incremental JSON reader (RFC 8259) that builds Lua values. It knows no HTTP and no
** status.
**
** json_feed (buffer.h) adds bytes, in pieces of any size. The pulls below read them. Each pull
** either consumes one whole thing (a bracket, a member's name, a value, a record), or returns
** JSON_MORE and consumes nothing.
**
** A value is first checked in the buffer, without Lua, and built only when it is complete and
** valid. If the bytes end inside a value, the skimmer keeps its place across feeds. So the time
** stays linear, however small the pieces are.
**
** An error has the same text and offset however the text was cut into pieces. The error stays:
** every later pull returns it again.
**
** Numbers: an integer that fits 64 bits is a Lua integer (-0 is 0). Other numbers are floats,
** whatever the locale; one too large for a float is infinity, with its sign.
**
** null: a null member of an object is left out, unless the reader keeps nulls; an element of an
** array is json_push_null's value. An empty array has the metatable of json_push_array_mt, which
** tells it from an empty object. Duplicate members: the last one counts.
**
** Refused, with the byte offset: invalid UTF-8, lone surrogates, control bytes in strings, a byte
** order mark, depth over JSON_DEPTH_MAX, and all that RFC 8259 does not allow.
**
** The files of the room, each with its header. Calls and includes go from left to right only:
**   decode > json > record > table > shape, build > buffer > skim > scan
*/
#ifndef TOPAZ_JSON_H
#define TOPAZ_JSON_H

#include "buffer.h"
#include "build.h"
#include "shape.h"

/* Sets `type` to the type of the next value, one of the bits in scan.h (JSON_INTEGER for any
** number). Consumes white space only. */
json_result json_type(json_reader *r, unsigned *type);
/* Consumes '[' or '{', which json_type has found. */
json_result json_enter(json_reader *r);
/* Moves to the next element of an array. JSON_OK: an element comes next (its comma is consumed).
** JSON_CLOSE: ']' was consumed. */
json_result json_element(json_reader *r);
/* Moves to the next member of an object. JSON_OK: its value comes next; the decoded name is valid
** until the next call on r. JSON_CLOSE: '}' was consumed. */
json_result json_member(json_reader *r, const char **name, size_t *n);
/* Reads one whole value and pushes it (null too, see json_push_null). Raises only when Lua is out
** of memory; the value is then not consumed. */
json_result json_value(lua_State *L, json_reader *r);
/* Checks and consumes one whole value without building it. */
json_result json_skip(json_reader *r);
/* Checks the end, after the outermost value. JSON_OK: only white space is left and the text is
** finished. */
json_result json_end(json_reader *r);

/* Checks the unread bytes as a whole text, before the first pull, as if json_finish had been
** called. JSON_OK, JSON_MORE (the text ends too early, or is empty) or JSON_MALFORMED. The size of
** a value is not limited. Consumes nothing, runs no Lua, and does not set the reader's error: a
** pull finds the same error, with its place. */
json_result json_check(const json_reader *r);

/*
** Reads one record (an object, else JSON_WRONG) and pushes it as a table of its final size. Records
** are many objects of one shape. `keys`: absolute stack index of the shape's table of names.
** Several readers may share the shape, one at a time. A finalizer that meanwhile uses the shape
** from another reader gets JSON_BUSY.
*/
json_result json_record(lua_State *L, json_reader *r, json_shape *s, int keys);
/* Does json_element and json_record in one: the next record of a list, or JSON_CLOSE. */
json_result json_next_record(lua_State *L, json_reader *r, json_shape *s, int keys);

#endif
