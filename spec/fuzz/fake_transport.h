/*
** fake_transport: what csrc/transport/transport.h promises, without a network: each attempt gets
** the next answer of a script, in pieces, on a clock of its own. Linked in place of the files
** of csrc/transport that need a network; headers go through the real csrc/transport/answer.c.
**
** A script is a row of answers separated by bytes 0x1E. An answer: one letter,
** how it ends (see `endings`; others: as it should), then header lines, an empty line and the body;
** lines end with \n. After the last one connections are refused.
*/
#ifndef TOPAZ_FAKE_TRANSPORT_H
#define TOPAZ_FAKE_TRANSPORT_H

#include <lua.h>

/*
** Sets the globals of the targets that are written in Lua:
**   core                the module topaz.core, over this transport
**   play(script, seed)  a new script; seed 0: each answer comes in one piece
**   log()               the attempts since then: { method, url, http_status, ending, sent, body }
*/
int fake_transport_open(lua_State *L);

#endif
