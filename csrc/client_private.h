/* Inside the client room: client.c is the userdata and its methods, and calls client_step.c, which
** steps it. */
#ifndef TOPAZ_CLIENT_PRIVATE_H
#define TOPAZ_CLIENT_PRIVATE_H

#include <lua.h>

#include "client_options.h"
#include "session.h"

/* Steps the session of the client at absolute index `client`: waits at most `timeout` seconds for
** news, then works until the monotonic time `until`. Appends the ids of the requests with news to
** the table at `ready` (0: no table), and delivers events. True: the time was up, and more is left
** to do. */
bool client_advance(lua_State *L, int client, session *s, double timeout, int ready, double until);

/* Lets the Lua layer read the option `share` of the client at index `client`, or the environment
** variable in its place. Raises on misuse. */
void client_begin_sharing(lua_State *L, const client_settings *settings, int client);

#endif
