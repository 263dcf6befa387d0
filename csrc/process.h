/*
** process: the userdata topaz.signals and topaz.process: job control and child processes for the
** command line. All of it is for one thread, the one that has the terminal.
*/
#ifndef TOPAZ_PROCESS_H
#define TOPAZ_PROCESS_H

#include <lua.h>

/* Creates the metatables. */
void process_open(lua_State *L);

/* signals() -> a topaz.signals: until it is closed, Ctrl-Z and another size of the terminal wait
** until they are looked for. Its methods:
**   next()   -> "stop": Ctrl-Z was pressed; "continue": the process goes on after a stop; "resize":
**               the terminal has another size; nil: nothing has come
**   stop()   stops the process as Ctrl-Z would have; returns when it goes on
**   close()  sets everything as it was */
int process_signals(lua_State *L);

/* is_foreground() -> whether the process may use its terminal: no shell has put it into the
** background */
int process_is_foreground(lua_State *L);
/* die_interrupted() ends the process by the signal of Ctrl-C; returns where there is none */
int process_die_interrupted(lua_State *L);

/* start_process(arguments, input [, output]) -> a topaz.process: a program with these arguments,
** the first of which is its name. It reads the file `input`, and both its outputs go to the file
** `output`, or where those of this process go; nil and why it was not started. Its methods:
**   result() -> its exit code; nil while it runs
** A process that is collected goes on. */
int process_start(lua_State *L);

#endif
