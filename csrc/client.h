/*
** client: the userdata "topaz.client": options checked once, life and death, step.
** Closing it (or collecting it) fails what is still under way with `closed`, ends the connections and wipes the key.
*/
#ifndef TOPAZ_CLIENT_H
#define TOPAZ_CLIENT_H

#include <lua.h>

/* Creates the metatable. */
void client_open(lua_State *L);
/* client(options) -> client */
int client_new(lua_State *L);
/* set_wait(f): how calls of the clients made from now on wait: f(client, id), see call.h. */
int client_set_wait(lua_State *L);
/* methods() -> the table of the clients' methods, for the Lua layer to add its own. */
int client_methods(lua_State *L);

/* waiter(client) -> its wait function; state(client) -> a table for the Lua layer; scheduler(client) -> its scheduler
** or nil. */
/* is_open(client) -> whether it can be used */
int client_is_open(lua_State *L);
int client_waiter(lua_State *L);
int client_state(lua_State *L);
int client_scheduler(lua_State *L);

#endif
