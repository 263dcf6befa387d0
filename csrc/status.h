/*
** status: the shape of what the API sends: a status, a page, a deletion, an error body; and which members are known.
** Reads from a json_reader, pushes Lua values; knows no HTTP.
*/
#ifndef TOPAZ_STATUS_H
#define TOPAZ_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "json.h"

enum { STATUS_CURSOR_MAX = 4096 }; /* bytes of a next_cursor */

/* The members of a status that the contract names, in its order. */
extern const json_rule STATUS_RULES[];
extern const size_t STATUS_RULE_COUNT;

/* Which rule a member name is; negative: unknown. */
int status_rule(const char *name);
/* A UUID: 8-4-4-4-12 hexadecimal digits. */
bool status_is_process_id(const char *text, size_t n);

/* The place in a list response, of either shape. Zeroed: before the beginning. */
typedef struct {
  enum {
    LIST_START,
    LIST_ENVELOPE,
    LIST_DATA,
    LIST_PAGINATION,
    LIST_UNKNOWN,
    LIST_ARRAY,
    LIST_TAIL,
    LIST_COMPLETE
  } stage;
  bool is_array; /* the plain array: the one and last page */
  bool has_data, has_pagination;
  bool has_next_page;
  char next_cursor[STATUS_CURSOR_MAX + 1]; /* "" when there is none */
  char unknown[JSON_NAME_MAX + 1];         /* the member whose value is due in LIST_UNKNOWN */
  size_t unknown_length;
  const char *wrong; /* after JSON_WRONG: what, when it is not in the reader's error */
} status_list;

void status_list_init(status_list *l);

/*
** Reads on. JSON_OK: pushed the next status. JSON_SKIPPED: one was filtered out. JSON_CLOSE: the document is complete
** and right (nothing pushed). JSON_MORE, JSON_MALFORMED, JSON_WRONG, JSON_TOO_LARGE as in json.h.
** `page`: absolute index of a table that gets the unknown members of the envelope and `pagination`, or 0.
*/
json_result status_list_next(lua_State *L, status_list *l, json_reader *r, json_shape *shape, int keys, int page);

/*
** What the last bytes of a page say of the next one, before the records in front of them are read: true, and its cursor, where they
** hold a `pagination` with has_next_page and a cursor. Only a guess: the member may belong to something else.
** `spare`: a reader that is not in use. Leaves the stack as it was.
*/
bool status_peek(lua_State *L, const char *bytes, size_t n, json_reader *spare,
                 char next_cursor[STATUS_CURSOR_MAX + 1]);

/* A document that is one status: pushes it, or as above. */
json_result status_read(lua_State *L, json_reader *r, json_shape *shape, int keys);

/* The answer to a DELETE of all: JSON_OK and `*count` (negative when the member is missing). */
json_result status_read_deletion(lua_State *L, json_reader *r, long long *count);

/* An error body {code?, message}. Fills what it finds; true when `message` was a string (pushed), else nothing is
** pushed. */
bool status_read_error(lua_State *L, json_reader *r, long long *code, bool *has_code);

/* Writes "member 'x': what at byte n" for the reader's last error. */
void status_describe(const json_reader *r, const char *wrong, char *out, size_t size);

#endif
