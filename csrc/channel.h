/*
** channel: the userdata "topaz.channel": bytes to and from a server, moved by the steps of a
** client. For the Lua layer alone; it knows no protocol.
**
** A channel connects without waiting. When it has news, a step of its client calls its function,
** which must not wait but may call anything else. A channel that is closed or dropped has no news.
** The client does not keep its channels alive.
*/
#ifndef TOPAZ_CHANNEL_H
#define TOPAZ_CHANNEL_H

#include <lua.h>

#include "session.h"

/* Creates the metatable. */
void channel_open(lua_State *L);

/* Pushes the table that a client keeps as CALL_CLIENT_CHANNELS. */
void channel_push_table(lua_State *L);

/* Pushes a new channel of the client at absolute index `client`, with the options and the function
** for news at these absolute indices. Options: host, port, tls, ca_file (default: what the client
** trusts), connect_timeout (default: the client's). */
void channel_new(lua_State *L, int client, session *s, int options, int on_news);

/* is_host(text) -> whether it can be the host of a channel */
int channel_is_host(lua_State *L);

/* Calls the functions of the client's channels that have news. Raises their errors: that news, and
** those after it, are told by the next step. */
void channel_deliver(lua_State *L, int client, session *s);
/* Calls the functions of all channels of the client, which was closed, once. Raises the first
** error. */
void channel_deliver_end(lua_State *L, int client);

#endif
