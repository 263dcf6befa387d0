/*
** buffer: the life of a reader, its bytes, its error, and the marks that protect the reader while
** Lua may run.
**
** One bounded buffer holds the unread bytes. json_feed, json_finish, json_fit, json_full and
** json_unread never run Lua, so they may be called inside a libcurl callback.
**
** Finalizers. The pulls that build Lua values (json_value, json_record, json_next_record in json.h)
** allocate, and an allocation may run finalizers, which may call any function. Meanwhile the pulls
** hold pointers into the reader's buffer and scratch, and into the shape. Therefore the reader and
** the shape are marked `in_use`, and:
**   json_feed, json_reset, json_free, json_shape_free   return false and change nothing
**   every pull and json_check                           return JSON_BUSY and change nothing
**   json_names_push, json_names_drop                    do nothing
**   json_finish, json_full, json_unread                 touch nothing that is in use
**   json_release                                        must not be called
** All other functions run no Lua. A Lua error (out of memory) leaves the marks set: the function
** that catches the error must call json_release, and the owner's __gc before json_free too.
*/
#ifndef TOPAZ_JSON_BUFFER_H
#define TOPAZ_JSON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "skim.h"

/* The limits of the room. */
enum {
  JSON_DEPTH_MAX = 64,              /* brackets open at once, by json_enter too */
  JSON_BUFFER_FULL = 256 * 1024,    /* bytes; with this many json_full is true */
  JSON_VALUE_MAX = 4 * 1024 * 1024, /* bytes of a value, or of a name for json_member */
  JSON_NAME_MAX = 63                /* bytes of a rule's name, and of a name that is learned */
};

typedef enum {
  JSON_OK,
  JSON_CLOSE,     /* the bracket that was entered is closed and consumed */
  JSON_MORE,      /* nothing consumed: feed more; after json_finish: the text ended early */
  JSON_SKIPPED,   /* the filter refused the record; consumed, nothing pushed */
  JSON_MALFORMED, /* see error: not JSON */
  JSON_WRONG,     /* see error: JSON, but a rule of the shape is broken */
  JSON_TOO_LARGE, /* see error: over JSON_VALUE_MAX or out of memory */
  JSON_BUSY       /* nothing changed: the call came from inside a pull on this reader or shape */
} json_result;

typedef struct {
  const char *what;               /* a static text such as "expected ','"; NULL: no error yet */
  char member[JSON_NAME_MAX + 1]; /* a member of the outermost object; "": none */
  uint64_t offset;                /* bytes from the beginning of the text */
} json_error;

/* Owners read `error` and `in_use`, and set `keep_nulls`; the rest is private. */
typedef struct {
  char *data; /* malloc'ed, owned; unread: from data[start] to data[end - 1], then padding */
  size_t start, end, capacity;
  uint64_t consumed; /* bytes of the text that stood before data[0] */
  bool finished;
  bool keep_nulls;    /* set after json_init: inner null members are kept, as json_push_null */
  bool in_use;        /* a pull holds pointers into the buffer while Lua may run */
  bool *also_in_use;  /* the mark of the shape that is in use too, else NULL */
  json_result broken; /* JSON_OK, else the result of every pull */
  unsigned place;     /* between the parts of the innermost bracket, see below */
  unsigned depth;     /* brackets entered and not yet closed */
  uint64_t objects;   /* as in json_skim, of those entered */
  size_t waiting;     /* unread bytes when the last pull answered JSON_MORE, else 0 */
  json_skim skim;     /* place in the value that begins at the first unread byte */
  char *scratch;      /* malloc'ed, owned: unescaped text */
  size_t scratch_size, name_length;
  json_error error;
} json_reader;

/* A zeroed reader is ready for use, as after json_init. json_free may be called twice. json_reset
** discards all bytes and errors but keeps the memory. Both return false, and do nothing, while the
** reader is in use. */
void json_init(json_reader *r);
bool json_reset(json_reader *r);
bool json_free(json_reader *r);
/* Clears the marks that a Lua error left on the reader and its shape. */
void json_release(json_reader *r);

/* Adds a copy of the bytes. After an error bytes are dropped. false: out of memory (the reader is
** then broken with JSON_TOO_LARGE), or the reader is in use; callers must exclude that (asserted in
** debug builds). */
bool json_feed(json_reader *r, const char *bytes, size_t n);
/* Marks the end of the text: a number at the very end is now complete, and JSON_MORE final. */
void json_finish(json_reader *r);
/* Frees memory that the unread bytes do not need. For a text that waits a long time. */
void json_fit(json_reader *r);
/* Whether the feeder should pause until the next pull: JSON_BUFFER_FULL bytes or more are unread.
** Never true when the last pull returned JSON_MORE and nothing was fed since, so a value of any
** allowed length gets through. */
bool json_full(const json_reader *r);
/* Returns the unread bytes, for an excerpt in a message. */
const char *json_unread(const json_reader *r, size_t *n);

/* ---- for the files of the room --------------------------------------------------------------- */

/* json_reader.place; zero is the beginning of the text */
enum { JSON_PLACE_VALUE, JSON_PLACE_FIRST, JSON_PLACE_BEHIND, JSON_PLACE_NAME, JSON_PLACE_COLON };

/* Marks the reader as in use, and `also`, the mark of a shape (may be NULL). json_release clears
** both. */
void json_use(json_reader *r, bool *also);
/* Breaks the reader with an error at byte `at` after its first unread byte; returns `result`. */
json_result json_fail(json_reader *r, json_result result, const char *what, size_t at);
json_result json_no_memory(json_reader *r);
/* Sets the member of the error; `name` is a decoded name. */
void json_name_error(json_reader *r, const char *name, size_t n);
/* Records that a pull waits for bytes; returns JSON_MORE. */
json_result json_more(json_reader *r);
/* Skips white space. false: nothing is left. */
bool json_peek(json_reader *r);
/* Consumes a value of n bytes. */
void json_consume(json_reader *r, size_t n);
/* Makes room in the scratch for a string of n bytes. false: out of memory. */
bool json_reserve(json_reader *r, size_t n);
/* Finds the end of the value that begins at the first unread byte. JSON_OK: the value is valid and
** *n bytes long; else JSON_MORE, JSON_MALFORMED or JSON_TOO_LARGE. Keeps its place: the next call
** reads only the new bytes. */
json_result json_find_end(json_reader *r, size_t *n);

#endif
