/*
** api: one row for each operation of the API: method, path and retry kind, what is sent, how the
** response is read. Knows no userdata and does not wait. A new operation is a row and its reader in
** api.c, with a shape in status.c.
*/
#ifndef TOPAZ_API_H
#define TOPAZ_API_H

#include <lua.h>

#include "request.h"
#include "status.h"

enum { API_QUERY_MAX = 3 * STATUS_CURSOR_MAX + 64 };

/* The arguments of a call. */
typedef struct {
  const char *process_id; /* NULL: the path has none */
  const char *headers;    /* of the caller: see options_headers.h; NULL: none */
  double timeout;         /* seconds of the whole call */
  uint64_t max_bytes;     /* of the response */
  char query[API_QUERY_MAX];
} api_arguments;

/* The state of a reader while the response arrives. Zero it, then call api_reader_init. */
typedef struct {
  json_shape shape;
  status_list *list;     /* malloc'ed, owned: while a list is being read */
  unsigned list_attempt; /* the attempt whose body `list` reads */
} api_reader;

/* Numbers of the user values in which a reader keeps its Lua values. They are those of the userdata
** at the index that the reader is given. */
enum { API_KEYS = 1, API_RESULT, API_USER_VALUES = API_RESULT };

/* What a reader returns instead of a number of results. */
enum {
  API_WAITING = -1, /* the rest of the response has not arrived yet */
  /* the body is not valid, and the request was told: check its state */
  API_JUDGED = 0
};

/* Reads the arguments from stack index `first` on; raises on misuse. The strings of `out` belong to
** values on the stack. */
typedef void api_ask(lua_State *L, int first, const session_limits *limits, api_arguments *out);
/* Reads as much of the response as has arrived; the request has not failed. Pushes the results and
** returns how many, or one of the values above. Lua may run. `at`: absolute index of the userdata
** that keeps the reader's values. */
typedef int api_read(lua_State *L, request *r, api_reader *reader, int at);

typedef struct {
  request_operation request;
  api_ask *ask;
  api_read *read;
  /* appended to an error with an unknown outcome; NULL: the outcome is always known */
  const char *unknown_advice;
} api_operation;

/* The operations that are methods of the client and can be started. */
extern const api_operation API_OPERATIONS[];
extern const size_t API_OPERATION_COUNT;
/* A page of the iterator. The cursor begins this request by itself, and reads the page with
** api_pull. */
extern const api_operation API_STATUSES;

/* Reads the arguments of the operation, from stack index `first` on: see api_ask. */
void api_arguments_read(lua_State *L, const api_operation *operation, int first, const session_limits *limits,
                        api_arguments *out);

/* Completes the error of a request that failed: appends the server's message, and advice. To be
** called once. */
void api_word_error(lua_State *L, request *r, const api_operation *operation);

void api_reader_init(api_reader *reader);
/* Frees what the reader owns. May be called twice. */
void api_reader_free(api_reader *reader);
/* Gives what `from` owns, whose list is complete, to `to`, which has read nothing yet. */
void api_reader_reuse(api_reader *to, api_reader *from);

/* Writes the query of a page; `page_cursor` NULL or "" for the first. */
void api_page_query(char out[API_QUERY_MAX], int limit, const char *page_cursor);

/* What api_pull found. */
typedef enum {
  API_RECORD,    /* pushed one */
  API_SKIPPED,   /* one was filtered out */
  API_MORE,      /* the bytes of the next record have not arrived */
  API_RESTARTED, /* a new attempt begins with the first record again */
  API_END,       /* the document is complete and valid */
  API_FAILED     /* the request has failed */
} api_news;
/* Reads the next record of the list that the request answers with. Arguments as of
** status_list_next. */
api_news api_pull(lua_State *L, request *r, api_reader *reader, json_shape *shape, int keys, int page);

#endif
