/*
** json: an incremental JSON reader (RFC 8259) that builds Lua values. It knows no HTTP and no status.
**
** Bytes go in with json_feed, in pieces of any size, and wait in one bounded buffer. The pull functions take them
** out: each either consumes one whole thing (a bracket, a member name, a value) or answers JSON_MORE and consumes
** nothing. json_feed, json_finish and json_full never touch Lua, so they may be called inside a libcurl callback.
**
** A value is first checked in the buffer, without Lua, and built only when it is whole and right. Where the bytes
** end inside a value, a skimmer that keeps its place across feeds looks for the value's end, so that the time stays
** linear however small the pieces are.
**
** An error has the same text and offset however the text was cut into pieces; it stays: every later pull gives it
** again.
**
** Numbers: an integer that fits 64 bits is a Lua integer (-0 is 0); other numbers are floats, whatever the locale;
** one too large for a float is JSON_MALFORMED.
** null: absent as a member of an object; json_null as an element of an array. Duplicate members: the last one counts.
** Refused, with the byte offset: invalid UTF-8, lone surrogates, control bytes in strings, a byte order mark, depth
** over JSON_DEPTH_MAX, and all that RFC 8259 does not allow.
*/
#ifndef TOPAZ_JSON_H
#define TOPAZ_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

enum {
  JSON_DEPTH_MAX = 64,              /* brackets open at once, those entered by json_enter included */
  JSON_BUFFER_FULL = 256 * 1024,    /* json_full says so from here on, unless one value needs more */
  JSON_VALUE_MAX = 4 * 1024 * 1024, /* bytes of one value, or of one name read by json_member; above: JSON_TOO_LARGE */
  JSON_NAME_MAX = 63                /* bytes of a rule's name, and of a name that is learned */
};

typedef enum {
  JSON_OK,
  JSON_CLOSE,     /* the bracket that was entered is closed and consumed */
  JSON_MORE,      /* nothing consumed: feed more bytes; after json_finish: the text ended too early */
  JSON_SKIPPED,   /* json_record: the record was consumed, its filter said no; nothing pushed */
  JSON_MALFORMED, /* see error: not JSON */
  JSON_WRONG,     /* see error: JSON, but against a rule of the shape */
  JSON_TOO_LARGE  /* see error: over JSON_VALUE_MAX or out of memory */
} json_result;

/* Types, as bits so that a rule can allow several. */
enum {
  JSON_STRING = 1,
  JSON_INTEGER = 2, /* as a rule: an integral float such as 42.0 is taken as an integer */
  JSON_FLOAT = 4,
  JSON_BOOLEAN = 8,
  JSON_OBJECT = 16,
  JSON_ARRAY = 32,
  JSON_NULL = 64,
  JSON_ANY = 127
};

typedef struct {
  const char *what;               /* a static text such as "expected ','"; NULL: no error yet */
  char member[JSON_NAME_MAX + 1]; /* the member of the outermost object of the value it is about, "" when none */
  uint64_t offset;                /* bytes from the beginning of the text */
} json_error;

/* Where the skimmer stands in the value that begins at the first unread byte. Private. */
typedef struct {
  size_t at;             /* bytes of the value read so far */
  size_t token, mark;    /* where the number or literal, and the escape or character within a string, began */
  size_t name, name_end; /* the member of the outermost object it is in; name_end 0: none */
  uint64_t objects;      /* a stack of bits, the innermost bracket in bit 0: it is an object */
  unsigned depth;
  unsigned unit; /* of a \u escape */
  unsigned char state, left, low, high;
  bool is_name, wants_low; /* the string is a member's name; a low surrogate must follow */
} json_skim;

typedef struct {
  char
      *data; /* malloc'ed, owned by the reader; unread bytes are data[start] to data[end - 1], padded behind by zeros */
  size_t start, end, capacity;
  uint64_t consumed; /* bytes of the text that stood before data[0] */
  bool finished;
  json_result broken; /* JSON_OK, else the answer to every pull */
  unsigned place;     /* between the parts of the innermost bracket */
  unsigned depth;     /* brackets entered and not yet closed */
  uint64_t objects;   /* as in json_skim, of those entered */
  size_t waiting;     /* unread bytes when the last pull answered JSON_MORE, else 0 */
  json_skim skim;
  char *scratch; /* malloc'ed, owned: unescaped text */
  size_t scratch_size, name_length;
  json_error error;
} json_reader;

/* A zeroed reader is ready for use; json_init only says so. json_free may be called twice; json_reset forgets all
** bytes and errors but keeps the memory. */
void json_init(json_reader *r);
void json_reset(json_reader *r);
void json_free(json_reader *r);

/* Adds bytes (copied). false: no memory (the reader is then broken with JSON_TOO_LARGE). After an error bytes are
** dropped. */
bool json_feed(json_reader *r, const char *bytes, size_t n);
/* No more bytes will come: only now is a number at the very end complete, and JSON_MORE final. */
void json_finish(json_reader *r);
/* The feeder should hold back until the next pull: JSON_BUFFER_FULL bytes or more are unread. Never true when the
** last pull answered JSON_MORE and nothing was fed since, so a value of any allowed length gets through. */
bool json_full(const json_reader *r);
/* The unread bytes, for an excerpt in a message. */
const char *json_unread(const json_reader *r, size_t *n);

/* Which type comes next, as one bit of the above (numbers: JSON_INTEGER for any number). Consumes white space only. */
json_result json_type(json_reader *r, unsigned *type);
/* Consumes '[' or '{'; what stands there must have been asked with json_type. */
json_result json_enter(json_reader *r);
/* In an array: JSON_OK when an element comes next (its comma is consumed), JSON_CLOSE when ']' was consumed. */
json_result json_element(json_reader *r);
/* In an object: JSON_OK with the decoded name (valid until the next call on r) when a value comes next, JSON_CLOSE
** when '}' was consumed. */
json_result json_member(json_reader *r, const char **name, size_t *n);
/* Reads one whole value and pushes it (null at this level: pushes json_null). Lua errors: only want of memory; the
** value is then not consumed. */
json_result json_value(lua_State *L, json_reader *r);
/* Checks and consumes one whole value without building it. */
json_result json_skip(json_reader *r);
/* After the outermost value: JSON_OK when only white space is left and the text is finished. */
json_result json_end(json_reader *r);

/* The light userdata that stands for null inside arrays (the same that lua-cjson uses: a NULL pointer). */
void json_push_null(lua_State *L);

/* ---- records: many objects of one shape -------------------------------------------------------------------------- */

/* What the caller knows of a member beforehand. A rule for JSON_FLOAT alone takes integers too, as floats. */
typedef struct {
  const char *name; /* at most JSON_NAME_MAX bytes */
  unsigned types;   /* allowed types; null always counts as absent */
  bool required;    /* absent: JSON_WRONG */
} json_rule;

/* Which records are wanted. All rules are checked before it is asked: a record that is wrong is an error, wanted or
** not. */
typedef struct json_filter {
  uint32_t rules; /* bit i: rule i must be present, a string, and pass `accept` */
  bool (*accept)(const void *context, size_t rule, const char *text, size_t n); /* decoded text */
  const void *context;
} json_filter;

typedef struct json_slot json_slot; /* one learned member */
typedef struct json_span json_span; /* one member of the record being read */
typedef struct json_text json_text;

/* What was learned from the records read so far: names and their order. Plain struct; owner calls json_shape_free.
** The interned names live in a Lua table of the owner's, `keys` below, that is the shape's alone: slot i at i + 1.
** Slot i is rule i; behind them come the names without a rule, as many as the room allows, however many a server
** invents. Whoever reads may change `keep` and `keep_unknown` before the first record only, `filter` at any time. */
typedef struct {
  const json_rule *rules; /* borrowed; at most 32 */
  size_t rule_count;
  uint32_t keep;             /* bit i: rule i's member is built */
  bool keep_unknown;         /* members without a rule are built too */
  const json_filter *filter; /* borrowed; NULL: every record passes */
  json_slot *slots;
  size_t slot_count, slot_capacity;
  size_t interned; /* slots whose names are in `keys` */
  char *note; /* borrowed: where json_record writes the string of rule 0's member, with a NUL behind; NULL: nowhere */
  size_t note_size;  /* bytes there; a longer string is cut */
  int names_at;      /* stack index of the first slot's name, while json_names_push holds */
  uint32_t names;    /* how many are there; 0: none */
  int texts_at;      /* stack index of the table of texts, meanwhile; 0: it is not there */
  uint32_t first;    /* the slot a record is expected to begin with */
  uint32_t required; /* bit i: rule i is required */
  uint16_t *index;   /* hash table: slot number + 1, 0 for none */
  size_t index_size; /* a power of two */
  size_t probes;     /* no name is further than this from its place in the hash table */
  json_span *spans;
  size_t span_capacity;
  int usual;          /* members of the last table that had nothing unusual; 0: none */
  size_t usual_bytes; /* of its text */
  unsigned doubts;    /* so many records are read the careful way before the quick way is tried again */
  uint64_t serial;    /* number of the record, marks slots seen */
  json_text *texts;   /* strings that come again and again; they themselves are in the table at index 0 of `keys` */
} json_shape;

/* keep everything, no filter */
void json_shape_init(json_shape *s, const json_rule *rules, size_t rule_count);
void json_shape_free(json_shape *s);

/*
** Reads one record (an object, else JSON_WRONG) and pushes it as a table of its final size.
** `keys` is the absolute stack index of the shape's table of names. `shape` may be shared by readers, one at a time.
*/
json_result json_record(lua_State *L, json_reader *r, json_shape *s, int keys);
/* json_element and json_record in one: the next record of a list, or JSON_CLOSE. */
json_result json_next_record(lua_State *L, json_reader *r, json_shape *s, int keys);

/* For many records in a row: pushes names known so far onto the stack, where json_record finds them quicker than in
** `keys`, and says how many. Until json_names_drop, to be called before they are popped; json_names_push itself
** forgets those of a run that an error ended. */
int json_names_push(lua_State *L, json_shape *s, int keys);
void json_names_drop(json_shape *s);

#endif
