/*
** Inside the cursor room: chooses the records of a list by `where`, and their members by `fields`.
** All code that chooses statuses of a list (the cursor, delete_finished, the command line) uses
** these rules.
*/
#ifndef TOPAZ_CURSOR_FILTER_H
#define TOPAZ_CURSOR_FILTER_H

#include <lua.h>

#include "cursor_number.h"
#include "status.h"

typedef struct {
  const char *text;
  size_t length;
} cursor_text;

/* The values that a member may have. */
typedef struct {
  enum { CURSOR_TEXTS = 1, CURSOR_NUMBERS, CURSOR_BOOLEANS } kind;
  bool excludes;     /* the set has the values that it may not have */
  const void *items; /* the set: cursor_text or cursor_number, sorted */
  size_t count;
  int (*compare)(const void *, const void *);
  cursor_number min, max; /* numbers */
  bool above, below;      /* min, max itself is not among them */
  lua_Number older_than, newer_than;
  bool allowed[2]; /* booleans: false and true */
} cursor_limit;

/* The records that `where` lets pass. */
typedef struct {
  json_filter filter;
  cursor_limit limits[32]; /* by rule */
  lua_Number now;          /* Unix seconds by the server's clock; ages are relative to it */
  bool has_now;
} cursor_where;

/* Reads the table `fields` at absolute index `fields` into the shape's projection. Raises on
** misuse. */
void cursor_fields_read(lua_State *L, int fields, json_shape *shape);
/*
** Reads the table `where` at absolute index `given` into `w`. Raises on misuse. The sets stay
** valid while the table at absolute index `kept` lives; no other code may reach that table.
*/
void cursor_where_read(lua_State *L, int given, int kept, cursor_where *w);
/* Sets the time from which ages are measured, unless an earlier call has set it. To be called
** before records are read. skew: the server's clock minus this machine's. */
void cursor_where_set_now(cursor_where *w, double skew);

#endif
