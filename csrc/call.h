/*
** call: a request as Lua sees it: the userdata "topaz.request", its results, and waiting for them.
**
** Waiting is one function for all: the client's `wait(client, id, deadline)`, kept in the client's user value
** CALL_CLIENT_WAIT. It returns when the request `id` may have news; a string that it returns is why the call shall end
** ("cancelled"). Calls go through lua_callk, so a wait that yields makes the whole call yield.
*/
#ifndef TOPAZ_CALL_H
#define TOPAZ_CALL_H

#include <lua.h>

#include "request.h"
#include "status.h"

/* User values of a client and of a request. */
enum {
  CALL_CLIENT_WAIT = 1,
  CALL_CLIENT_EVENT,
  CALL_CLIENT_SCHEDULER,
  CALL_CLIENT_STATE,
  CALL_CLIENT_VALUES = CALL_CLIENT_STATE
};

typedef struct {
  request request;
  json_shape shape;
  status_list list;
  bool worded;           /* the error's message is complete */
  bool busy;             /* its body is being read, and finalizers may run meanwhile */
  unsigned list_attempt; /* the attempt whose body `list` reads */
} call;

/* Creates the metatable. */
void call_open(lua_State *L);

/* Begins a call of the client at absolute index `client` and pushes its userdata. */
call *call_begin(lua_State *L, int client, session *s, const request_operation *operation, const char *process_id,
                 const char *query, uint64_t max_bytes);
/* Makes a call that was dropped, and of which Lua code knows nothing, into another one of the same client. */
void call_begin_again(lua_State *L, call *c, session *s, const request_operation *operation, const char *query,
                      uint64_t max_bytes);
/* Ends a call that nobody wants any more. */
void call_drop(call *c);

/* What reading on in a list gave. */
typedef enum {
  CALL_RECORD,    /* pushed one */
  CALL_SKIPPED,   /* one was filtered out */
  CALL_WAITING,   /* nothing there yet */
  CALL_RESTARTED, /* a new attempt begins with the first record again */
  CALL_END,       /* the document is complete and right */
  CALL_FAILED     /* call_error has the error */
} call_news;
call_news call_pull(lua_State *L, call *c, json_shape *shape, int keys, int page);

/* Pushes the error object of a call that failed. */
void call_error(lua_State *L, call *c);

/* Waits for news of the call at absolute index `at` and leaves one value on the stack. Where the wait yields, this
** function does not return: Lua goes on with k(L, LUA_YIELD, context). So k is a loop that begins with call_waited. */
void call_wait(lua_State *L, int at, lua_KContext context, lua_KFunction k);
/* Takes what the wait left off the stack and ends the call if it shall end. */
void call_waited(lua_State *L, call *c);

/* Waits for the call on the top of the stack and returns its results; to be returned from a C function. */
int call_finish(lua_State *L);

#endif
