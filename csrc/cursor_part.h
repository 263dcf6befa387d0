/* Inside the cursor room: cursor.c is the iterator, cursor_page.c asks for pages and reads them. The cursor is always at index 1. */
#ifndef TOPAZ_CURSOR_PART_H
#define TOPAZ_CURSOR_PART_H

#include "call.h"
#include "cursor.h"
#include "cursor_options.h"
#include "error.h"

/* User values of a cursor. */
enum {
  CURSOR_CLIENT = 1,
  CURSOR_CURRENT,
  CURSOR_NEXT,
  CURSOR_IDLE,
  CURSOR_KEYS,
  CURSOR_QUEUE,
  CURSOR_SEEN,
  CURSOR_KEPT,
  CURSOR_VALUES = CURSOR_KEPT
};
enum {
  CURSOR_BATCH = 12, /* records decoded at a time: few, since the collector goes through those that wait */
};

typedef struct {
  session *session; /* valid while the client (user value) is open, session->open tells */
  cursor_place place;
  cursor_where where;
  json_shape shape;
  call *current, *next,
      *idle; /* anchored in the user values of the same names; idle: one that is over, for the next page */
  int prefetch;
  uint64_t max_bytes;
  lua_Integer queued, given; /* records in the queue, and how many of them were given out */
  char ids[CURSOR_BATCH]
          [CURSOR_ID_MAX +
           1];       /* their process_ids; once one was given out, the last of those counts, and not place.last */
  bool skipping;     /* everything up to place.last was given out before */
  bool page_read;    /* the present page's document is complete */
  bool page_told;    /* cursor_in_page has said that the present page is over */
  bool next_known;   /* the present page has told what follows it */
  bool next_guessed; /* its last bytes were looked at for that */
  bool has_next_page;
  bool over, closed;
  bool busy; /* a page is being read, and finalizers may run meanwhile */
  call_news news;
  char next_page[STATUS_CURSOR_MAX + 1];
  lua_Integer page_number;    /* counts the pages of this iteration */
  const char *broken_promise; /* why the next page must not be asked for; NULL: it may */
  json_reader spare;          /* a buffer for the next page's bytes, taken from the one before */
} cursor;

/* Raises. */
int cursor_raise(lua_State *L, error_kind kind, const char *message);
/* To be called before anything is sent or received: a process made by fork must not speak on its parent's connections. */
void cursor_check_process(lua_State *L, const cursor *c);

/* Ends a request and takes it off its user value `which`. */
void cursor_drop(lua_State *L, cursor *c, int which, call **k);
/* The page will be read from its beginning again: what was given out of it is to be skipped. */
void cursor_read_again(lua_State *L, cursor *c);
/* Reads what has arrived into the queue, asking for the page if need be. Pushes one value: after CALL_FAILED the error object. */
call_news cursor_fill(lua_State *L, cursor *c);
/* Frees all that is not Lua's. */
void cursor_release(cursor *c);

#endif
