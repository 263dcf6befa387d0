/*
** Inside the cursor room: cursor.c is the iterator, cursor_page.c asks for pages and reads them.
** The cursor is always at index 1.
**
** Where Lua can run, and what holds there. Reading makes Lua values, which runs finalizers and
** hooks. These may call any function of topaz, on this cursor too.
**   cursor_new        No other code has the cursor yet. The client may be closed meanwhile; its
**                     memory stays.
**   cursor_fill       `busy` is set: reading the cursor raises, closing it only sets `closed`.
**                     token() and tostring() read complete members only. So `current`, `next`,
**                     the queue, the shape and the buffers stay. Requests may change state: fed,
**                     failed, begun again, or cut from a closed session. Each api_pull checks the
**                     state again. A reader that is inside a value is marked as in use.
**   a wait            No state is held: what was true before may be false, so `next` checks
**                     everything again.
**   raising an error  The cursor has its old place, and can be called again, before the error
**                     object is made.
**   cursor:token()    The place is copied before the text is made.
*/
#ifndef TOPAZ_CURSOR_PRIVATE_H
#define TOPAZ_CURSOR_PRIVATE_H

#include "call.h"
#include "cursor_memory.h"
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
  CURSOR_MEMORY,
  CURSOR_VALUES = CURSOR_MEMORY
};
enum {
  CURSOR_BATCH = 12,         /* records decoded at a time; the collector visits the queued ones */
  CURSOR_PAGE_MEMORY = 256,  /* statuses remembered: those of at least two pages */
  CURSOR_ARRAY_MEMORY = 1024 /* in the plain array, which may hold any number */
};

typedef struct {
  session *session; /* valid while the client (a user value) is open: see session->open */
  cursor_place place;
  cursor_where where;
  json_shape shape;
  cursor_memory *memory; /* the statuses given out last; the user value of that name */
  /* Anchored in the user values of the same names. idle: a finished call, reused for a page. */
  call *current, *next, *idle;
  int prefetch;
  const char *headers; /* of the caller, owned by the user value CURSOR_KEPT; NULL: none */
  uint64_t max_bytes;
  lua_Integer queued, given; /* records in the queue; how many of these were given out */
  /* Their process_ids. Once one was given out, the last of those is the place, not place.last. */
  char ids[CURSOR_BATCH][CURSOR_ID_MAX + 1];
  uint64_t hashes[CURSOR_BATCH]; /* of the ids */
  uint64_t page_first;           /* the memory's number of the first status given of this page */
  uint64_t known;                /* statuses remembered below this number are not given again */
  bool forgotten;                /* the memory has lost statuses given of this page */
  bool skipping;                 /* no status is given until a known one comes */
  bool page_read;                /* the present page's document is complete */
  bool page_told;                /* cursor_in_page has reported the end of this page */
  bool next_known;               /* the present page has named the next one, or the end */
  bool next_guessed;             /* its last bytes were searched for that */
  bool has_next_page;
  bool over, closed;
  bool busy; /* a page is being read, and finalizers may run meanwhile */
  api_news news;
  char next_page[STATUS_CURSOR_MAX + 1];
  lua_Integer page_number;     /* counts the pages of this iteration */
  const char *next_page_error; /* why the next page must not be requested; NULL: it may */
  json_reader spare;           /* the buffer of the last page, reused for the next page's bytes */
} cursor;

/* Raises an error object of this kind. */
_Noreturn void cursor_raise(lua_State *L, error_kind kind, const char *message);
/* Raises as call_check_session. To be called before anything is sent or received. */
void cursor_check_session(lua_State *L, const cursor *c);

/* Whether the budget of the step is used up. */
bool cursor_is_late(const cursor *c);
/* Goes to the next page, or to the end. */
void cursor_turn(lua_State *L, cursor *c);
/* Prepares for reading the page again from its beginning: statuses given out before are then
** skipped. */
void cursor_read_again(lua_State *L, cursor *c);
/* Handles a page that was read to its end and holds no known status, so the place is lost. The page
** is read again, and statuses that are not known are given. */
void cursor_lost_place(lua_State *L, cursor *c);
/* Reads what has arrived into the queue, and requests the page if needed. Pushes one value: after
** API_FAILED the error object. */
api_news cursor_fill(lua_State *L, cursor *c);
/* Frees all memory that Lua does not own. */
void cursor_release(cursor *c);

#endif
