/*
** table: makes the Lua tables of records: from fields that record.c has read, or, on the fast path,
** while reading.
*/
#ifndef TOPAZ_JSON_TABLE_H
#define TOPAZ_JSON_TABLE_H

#include "scan.h"
#include "shape.h"

/* A member of the record being read. */
struct json_field {
  json_span value;
  uint32_t slot; /* JSON_NO_SLOT: the name below */
  bool kept;
  const char *name; /* its opening quote */
};

/* One reading of one record. */
typedef struct {
  json_reader *r;
  json_shape *s;
  unsigned room;    /* brackets that may be open inside the record */
  uint32_t before;  /* the slot of the last member, JSON_NO_SLOT at the beginning */
  uint32_t present; /* bit i: rule i's member has a valid type; not set while must_check */
  size_t count;     /* fields */
  size_t scratch;   /* bytes needed there to build each of the values */
  int built;        /* members of the table; not valid when must_check */
  bool must_check;  /* check each field: a type breaks its rule, or a member came twice */
  bool no_memory;
} json_reading;

/* Pushes the table of a record that was read and checked, `n` bytes long. */
void json_table_build(lua_State *L, const json_reading *m, size_t n, int keys);

/* Whether json_table_quick is likely to succeed for the next element. */
bool json_table_may_be_quick(const json_reader *r, const json_shape *s);
/*
** Builds a record like the one before, at p, while reading it (the fast path): each member is read
** only once. Pushes the table and returns the record's end. NULL: something is unusual; stack and
** reader are unchanged: use the slow path.
**
** Reading a page of statuses uses 8 to 10 % less CPU time with this function (1.46 against 1.59 us
** a status; spec/bench/decode.c).
*/
const char *json_table_quick(lua_State *L, json_reader *r, json_shape *s, const char *p, int keys);

#endif
