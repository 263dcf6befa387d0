/*
** terminal: the userdata topaz.terminal, and what the command line and topaz.terminal ask of the
** system. A terminal object undoes what it has changed when it is closed or collected.
*/
#ifndef TOPAZ_TERMINAL_H
#define TOPAZ_TERMINAL_H

#include <lua.h>

/* Creates the metatable. */
void terminal_open(lua_State *L);

/* terminal() -> a topaz.terminal: from now on the standard outputs write bytes as they are, and a
** console reads them as UTF-8. Its methods:
**   take_keys() -> whether keys now come one by one and unseen; Ctrl-Z is still a signal
**   key()       -> the byte of a key that was pressed, a string; nil: none was
**   close()     undoes all of it */
int terminal_new(lua_State *L);

/* is_terminal(descriptor) -> whether a standard one, 0 to 2 (input, output, error output), is a
** terminal that understands the usual escape sequences */
int terminal_is(lua_State *L);
/* is_tty(descriptor) -> the same for a terminal of any kind, a dumb one too */
int terminal_is_tty(lua_State *L);
/* is_utf8() -> whether what is written to a terminal is read as UTF-8 */
int terminal_is_utf8(lua_State *L);
/* terminal_size() -> columns, rows of the terminal that the process belongs to; nothing: unknown */
int terminal_size(lua_State *L);
/* file_mode(path) -> what a file is and who may do what with it, as "-rw-r--r--"; nil: there is
** none */
int terminal_file_mode(lua_State *L);

#endif
