/*
** Job control, as a program on a terminal takes part in it, and child processes. No handler is
** installed: signals are blocked, and looked for where the program can act on them.
*/
#ifndef TOPAZ_PLATFORM_PROCESS_H
#define TOPAZ_PLATFORM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Blocks the signals of Ctrl-Z, of going on after it, and of another size of the terminal, in this
** thread and those it starts. Returns what was blocked before, malloc'ed, for the next functions;
** NULL: out of memory, or there are no such signals. */
void *platform_jobs_hold(void);
/* Returns one of the signals that has come, once: "stop", which stays until platform_jobs_stop;
** "continue"; "resize"; NULL: none. */
const char *platform_jobs_next(void);
/* Lets the signal of Ctrl-Z stop the process. Returns when it goes on, or at once where nothing
** could make it go on. */
void platform_jobs_stop(void);
/* Sets what is blocked as it was, and frees `before`. */
void platform_jobs_release(void *before);

/* Whether the process may write to its terminal and read keys: no shell has put it into the
** background. True where that is not known. */
bool platform_is_foreground(void);

/* Ends the process by the signal of Ctrl-C, which is how a shell learns of it. Returns where a
** system lacks that signal. */
void platform_die_interrupted(void);

/* Starts a program, found by PATH, that reads `input` from where it stands; its outputs go to
** `output` (NULL: where those of this process go). It inherits no other descriptor, and the signals
** that are held are free in it. Returns its id; -1: `*error` is an errno.h number, 0 where the
** system cannot do this. */
intptr_t platform_process_start(char *const arguments[], FILE *input, FILE *output, int *error);
/* Says whether a process has ended, and then its exit code (128 and the signal's number, where a
** signal has ended it). It is asked once after the end. */
bool platform_process_ended(intptr_t id, int *code);

#endif
