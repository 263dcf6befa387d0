/*
** shape: what is known of records before they are read: rules, and what was learned from the
** records so far: the names of members and their order.
**
** Slot i is rule i. Names without a rule follow, up to a limit, however many a server invents. The
** interned names are in a Lua table that the owner keeps (`keys` below) and only this room uses:
** the name of slot i at i + 1.
*/
#ifndef TOPAZ_JSON_SHAPE_H
#define TOPAZ_JSON_SHAPE_H

#include <lua.h>

#include "buffer.h"
#include "scan.h"

/* A rule for a member. A rule for JSON_FLOAT alone accepts integers too, as floats. */
typedef struct {
  const char *name; /* at most JSON_NAME_MAX bytes */
  unsigned types;   /* allowed types; null always counts as absent */
  bool required;    /* absent: JSON_WRONG */
  bool lenient;     /* a value of another type is kept as it is, instead of JSON_WRONG */
} json_rule;

/* Which records are wanted. The filter is applied after all rules were checked: a record that
** breaks a rule is an error, wanted or not. */
typedef struct json_filter {
  uint32_t rules;    /* bit i: rule i must be a value that its function accepts */
  uint32_t optional; /* bit i: rule i may also be absent, or of another type */
  /* a string, decoded; and a number or boolean */
  bool (*accept)(const void *context, size_t rule, const char *text, size_t n);
  bool (*accept_value)(const void *context, size_t rule, const json_span *v);
  const void *context;
} json_filter;

/* A learned member. */
typedef struct {
  char text[JSON_NAME_MAX + 3]; /* "name": with quotes and colon */
  uint32_t length;              /* of the name */
  uint32_t written;             /* length + 3; 0: the name looks different in JSON than here */
  uint32_t next;                /* the slot of the member that followed last time */
  uint32_t hash;
  uint32_t field; /* in the record `serial` */
  uint32_t types; /* types that need no further check */
  uint32_t bit;   /* of its rule; 0: none */
  bool kept;
  unsigned char finds; /* how often its strings were recent ones; 0: too seldom to look for them */
  uint64_t serial;
} json_slot;

typedef struct json_field json_field;   /* a member of the record being read, see table.h */
typedef struct json_recent json_recent; /* a string that came before, see recent.h */

/* A plain struct; its owner calls json_shape_free. Owners set `keep` and `keep_unknown` before the
** first record only, `filter` and `note` at any time; the rest is private. */
typedef struct {
  const json_rule *rules; /* borrowed; at most 32 */
  size_t rule_count;
  uint32_t keep;             /* bit i: rule i's member is built */
  bool keep_unknown;         /* members without a rule are built too */
  const json_filter *filter; /* borrowed; NULL: every record passes */
  char *note;                /* borrowed or NULL: gets the string of rule 0's member, and a NUL */
  size_t note_size;          /* its size in bytes; "" for a string that is longer or has a NUL */
  json_slot *slots;
  size_t slot_count, slot_capacity;
  size_t interned;     /* slots whose names are in `keys` */
  int names_at;        /* stack index of the first slot's name, until json_names_drop */
  uint32_t names;      /* how many are there; 0: none */
  int recent_at;       /* stack index of the table of recent strings; 0: not there */
  uint32_t first;      /* the slot a record is expected to begin with */
  uint32_t required;   /* bit i: rule i is required */
  uint16_t *index;     /* hash table: slot number + 1, 0 for none */
  size_t index_size;   /* a power of two */
  size_t probes;       /* longest distance of a name from its place in the hash table */
  json_recent *recent; /* NULL: none yet */
  json_field *fields;
  size_t field_capacity;
  int usual;             /* members of the last usual table; 0: none */
  size_t usual_bytes;    /* of its text */
  unsigned slow_records; /* to be read on the slow path before the fast path is tried again */
  uint64_t serial;       /* number of the record: marks the slots seen */
  bool in_use;           /* as the reader's */
} json_shape;

/* Sets up a shape that keeps all members, without a filter. */
void json_shape_init(json_shape *s, const json_rule *rules, size_t rule_count);
/* Frees what was learned. false, and nothing done: the shape is in use. */
bool json_shape_free(json_shape *s);

/* Pushes the names known so far, for a run of many records, and returns how many. json_record finds
** them faster there than in `keys`. They stay on the stack until json_names_drop, which is called
** before they are popped; json_names_push drops those of a run that an error ended. Meanwhile only
** the caller may read with the shape; its owner refuses all other reads. If the shape is in use:
** pushes nothing, returns 0. */
int json_names_push(lua_State *L, json_shape *s, int keys);
void json_names_drop(json_shape *s);

/* Returns the hash FNV-1a of the bytes. */
uint32_t json_fnv(const char *bytes, size_t n);

/* ---- for the files of the room --------------------------------------------------------------- */

enum { JSON_RECORD_STACK = 6 }; /* stack slots that json_record needs */
#define JSON_NO_SLOT UINT32_MAX

/* Makes a slot for each rule before the first record. false: out of memory. */
bool json_shape_prepare(json_shape *s);
/* Returns the slot of a decoded name, or JSON_NO_SLOT. Learns the name if needed and possible. */
uint32_t json_shape_slot(json_shape *s, const char *name, size_t n);
/* Stores the names of all slots in the table at `keys`. */
void json_shape_intern(lua_State *L, json_shape *s, int keys);

#endif
