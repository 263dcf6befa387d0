/*
** status: the shapes that the API sends: a status, a page, a deletion, an error body; and which
** members are known. Reads from a json_reader, pushes Lua values; knows no HTTP.
**
** Finalizers may run Lua in every function that takes a lua_State. While pointers into the reader
** are held, the reader is marked as in use (see json.h). A status_list is changed only between
** allocations, but has no such mark: its owner must refuse nested calls on it. A nested call on a
** reader in use returns JSON_BUSY (status_peek, status_read_error: false) and changes nothing.
*/
#ifndef TOPAZ_STATUS_H
#define TOPAZ_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "json/json.h"

enum {
  STATUS_CURSOR_MAX = 4096, /* bytes of a next_cursor */
  STATUS_PAGE_MAX = 100     /* statuses of a page, by the contract */
};

/* The members of a status that the contract names, in its order, with their types. Only process_id
** and status are strict: any other member is passed on as it came, whatever its type. An integral
** float such as 42.0 becomes an integer where the contract says integer. */
extern const json_rule STATUS_RULES[];
extern const size_t STATUS_RULE_COUNT;

/* Pushes the members as an array of { name =, type =, required = }, in that order. */
void status_push_members(lua_State *L);
/* Returns the rule of a member name; negative: unknown. */
int status_rule(const char *name);
/* Whether the text is a UUID: 8-4-4-4-12 hexadecimal digits. */
bool status_is_process_id(const char *text, size_t n);
/* Compares two ids; 0: the same. Letters are compared without case, like the digits of a UUID (RFC
** 9562 §4). */
int status_compare_ids(const char *a, size_t na, const char *b, size_t nb);

/* A place in a list response, of either shape. null in place of the whole, or of `data`, is an
** empty list. Zeroed: before the beginning. */
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
  bool is_array; /* the plain array, or null: the only page */
  bool has_data, has_pagination;
  bool has_next_page;
  char next_cursor[STATUS_CURSOR_MAX + 1]; /* "" when there is none */
  char unknown[JSON_NAME_MAX + 1];         /* the member whose value comes next in LIST_UNKNOWN */
  size_t unknown_length;
  const char *wrong; /* after JSON_WRONG: the text, unless the reader's error has it */
} status_list;

void status_list_init(status_list *l);

/*
** Reads the next status. JSON_OK: a status was pushed. JSON_SKIPPED: a status was filtered out.
** JSON_CLOSE: the document is complete and valid (nothing pushed). JSON_MORE, JSON_MALFORMED,
** JSON_WRONG, JSON_TOO_LARGE as in json.h. `page`: absolute index of a table for the unknown
** members of the envelope and for `pagination`, or 0.
*/
json_result status_list_next(lua_State *L, status_list *l, json_reader *r, json_shape *shape, int keys, int page);

/*
** Searches the last bytes of a page for its `pagination`, before the records in front are read.
** true: a `pagination` with has_next_page and a cursor was found, and next_cursor is set. Only a
** guess: the member may belong to something else. `spare`: a reader that is not in use. Leaves the
** stack unchanged.
*/
bool status_peek(lua_State *L, const char *bytes, size_t n, json_reader *spare,
                 char next_cursor[STATUS_CURSOR_MAX + 1]);

/* Reads a document that is one status, and pushes the status; results as above. */
json_result status_read(lua_State *L, json_reader *r, json_shape *shape, int keys);

/* Reads the response to a DELETE of all: JSON_OK and `*count` (negative when the member is
** missing). */
json_result status_read_deletion(lua_State *L, json_reader *r, long long *count);

/* Reads an error body {code?, message}. Fills in what was found. True when `message` was a string
** (pushed), else nothing is pushed. */
bool status_read_error(lua_State *L, json_reader *r, long long *code, bool *has_code);

/* Writes "member 'x': what at byte n" for the reader's last error. */
void status_describe(const json_reader *r, const char *wrong, char *out, size_t size);

#endif
