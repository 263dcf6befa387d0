/*
** call: a request as Lua sees it: the userdata "topaz.call", its results, and waiting for them.
** Names no operation.
**
** All waiting is one function: the client's `wait(client, id, nil, nil, request)`, kept in the
** client's user value CALL_CLIENT_WAIT. It returns when the request `id` may have news. If its
** first result is a string, "cancelled" or "closed", the caller has to stop waiting. Its second
** result is true if the caller was told so before. Calls go through lua_callk, so a wait that
** yields makes the whole call yield.
**
** A blocking call whose wait ends early (its task is cancelled, an error, its coroutine is closed)
** ends its request, so the outcome is known. A request that client:start began belongs to the
** client until it has settled: a cancelled wait leaves the request running.
*/
#ifndef TOPAZ_CALL_H
#define TOPAZ_CALL_H

#include <lua.h>

#include "api.h"

/* User values of a client. */
enum {
  CALL_CLIENT_WAIT = 1,
  CALL_CLIENT_EVENT,
  CALL_CLIENT_SCHEDULER,
  CALL_CLIENT_STATE,
  CALL_CLIENT_OWNED,    /* [id] = the userdata of a started request that has not settled */
  CALL_CLIENT_CHANNELS, /* [id] = a channel, weak; see channel.h */
  CALL_CLIENT_VALUES = CALL_CLIENT_CHANNELS
};

typedef struct {
  request request;
  const api_operation *operation;
  api_reader reader;
  bool worded; /* the error's message is complete */
  bool busy;   /* its body is being read, and finalizers may run meanwhile */
} call;

/* Creates the metatable. */
void call_open(lua_State *L);

/* Raises when the session is closed, or was inherited by fork: a child process must neither send on
** its parent's connections nor wait for their responses. */
void call_check_session(lua_State *L, const session *s, const char *operation);
/* Begins a call of the client at absolute index `client`, with the arguments from index `first` on,
** and pushes its userdata. */
void call_start(lua_State *L, int client, session *s, const api_operation *operation, int first);
/* As call_start, with a `query` that is encoded already, and the caller's headers or NULL, instead
** of Lua arguments. */
call *call_begin(lua_State *L, int client, session *s, const api_operation *operation, const char *query,
                 const char *headers, uint64_t max_bytes);
/* Reuses a call for another request of the same client. The call was dropped, and Lua code cannot
** reach it. */
void call_begin_again(lua_State *L, call *c, session *s, const api_operation *operation, const char *query,
                      const char *headers, uint64_t max_bytes);
/* Ends a call without a result. */
void call_drop(call *c);

/* Pushes the error object of a call that failed. */
void call_error(lua_State *L, call *c);

/* Waits for news of the call at absolute index `at` and leaves two values on the stack. If the wait
** yields, this function does not return: Lua continues with k(L, LUA_YIELD, context). So k is a
** loop that begins with call_waited. */
void call_wait(lua_State *L, int at, lua_KContext context, lua_KFunction k);
/* has_news(request) -> whether there is news since the owner last looked. The wait function asks
** this between parking the waiter and yielding: a hook or a finalizer may have stepped the client
** in between, and consumed the notification. */
int call_has_news(lua_State *L);
/* forget(request): a settled call keeps its results no longer; result() then gives nil, or a page
** without statuses. For who began it and has taken them. */
int call_forget(lua_State *L);
/* Pops the two values that the wait left. False: the waiter has to stop with an error of this kind.
** `*again`: the waiter was told before, so the error is raised, not returned. */
bool call_waited(lua_State *L, error_kind *kind, bool *again);

/* Calls on_event of the client at absolute index `client` for each event. Raises its errors; the
** events after the failed one are delivered next time. Code that steps a session calls this when
** its own state is consistent. */
void call_deliver_events(lua_State *L, int client, session *s);

/* Waits for the call on the top of the stack, which was begun for this wait, and returns its
** results. The caller, a C function of Lua's, returns what this function returns. */
int call_finish(lua_State *L);

#endif
