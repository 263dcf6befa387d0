/*
** client: the userdata "topaz.client": options checked once, life and death, step. Closing or
** collecting a client fails its unfinished requests with `closed`, ends the connections and wipes
** the key.
*/
#ifndef TOPAZ_CLIENT_H
#define TOPAZ_CLIENT_H

#include <lua.h>

/* Creates the metatable. */
void client_open(lua_State *L);
/* client(options) -> client */
int client_new(lua_State *L);
/* set_wait(f): sets how calls of the clients made from now on wait: f(client, id), see call.h. */
int client_set_wait(lua_State *L);
/* set_share(f): sets what reads the option `share` of the clients made from now on, and raises on
** misuse: f(client, value, whether TOPAZ_SHARE is the value, base_url, max_rate or nil). */
int client_set_share(lua_State *L);
/* methods() -> the table of the clients' methods, to which the Lua layer adds its own, and a table
** of the core's methods alone. The Lua layer may have replaced some of these if the module was
** loaded before. */
int client_methods(lua_State *L);

/* is_open(client) -> whether the client can be used */
int client_is_open(lua_State *L);
/* pending(client) -> how many requests are under way */
int client_pending(lua_State *L);
/* waiter(client) -> its wait function */
int client_waiter(lua_State *L);
/* state(client [, fresh]) -> the Lua layer's table of the client. `fresh` becomes that table if
** there was none; without `fresh`, nil. */
int client_state(lua_State *L);
/* channel(client, options, on_news) -> channel, see channel.h; end_channels(client): tells the
** channels of a closed client that they have ended */
int client_channel(lua_State *L);
int client_end_channels(lua_State *L);
/* wakeups(client) -> how often its steps have waited; for tests */
int client_wakeups(lua_State *L);
/* fingerprint(client, text) -> 16 hexadecimal digits, the same for the same key and text alone */
int client_fingerprint(lua_State *L);
/* scheduler(client) -> its scheduler or nil; on_event(client) -> its function for events or nil */
int client_scheduler(lua_State *L);
int client_on_event(lua_State *L);
/* random(client) -> a number in [0, 1). The host's math.random keeps its sequence. The client may
** be closed. */
int client_random(lua_State *L);
/* join(a, b) -> whether a's step wakes up for b too; part(a, b) ends that. */
int client_join(lua_State *L);
int client_part(lua_State *L);

#endif
