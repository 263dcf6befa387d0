/*
** The terminal of this process, and what else the command line asks of the system. Descriptors are
** those of the C library: 1 is the standard output, 2 the standard error output.
*/
#ifndef TOPAZ_PLATFORM_TERMINAL_H
#define TOPAZ_PLATFORM_TERMINAL_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the descriptor is a terminal of any kind: somebody may read there. */
bool platform_is_tty(int descriptor);
/* Whether the descriptor is a terminal that understands the usual escape sequences. On Windows a
** console is made to understand them. */
bool platform_is_terminal(int descriptor);
/* Whether what is written to a terminal is read as UTF-8: by the locale; by a console's code
** page. */
bool platform_terminal_is_utf8(void);
/* Measures the terminal that the process belongs to. False: there is none, or it does not know. */
bool platform_terminal_size(int *columns, int *rows);

/* What was changed of a terminal, to be undone. Zeroed: nothing. */
typedef struct {
  bool has_output, has_keys;
  unsigned long output, mode; /* the console's code page, and the mode of its input */
  intptr_t keys;              /* descriptor or handle of the keyboard */
  void *was;                  /* malloc'ed: the settings of a Unix terminal */
} platform_terminal;

/* Makes the standard outputs write bytes as they are, and a console read them as UTF-8. */
void platform_terminal_output(platform_terminal *t);
/* Makes keys come one by one and unseen; Ctrl-C and Ctrl-Z work. False: there is no keyboard, or
** out of memory. */
bool platform_terminal_keys(platform_terminal *t);
/* Returns the byte of a key that was pressed, or -1; does not wait. */
int platform_terminal_key(const platform_terminal *t);
/* Undoes the changes. May be called again. */
void platform_terminal_restore(platform_terminal *t);

/* Writes what a file is and who may do what with it, as ls does: "-rw-r--r--". Windows knows no
** such modes: there only the owner may. False: there is no such file. */
bool platform_file_mode(const char *path, char mode[11]);

#endif
