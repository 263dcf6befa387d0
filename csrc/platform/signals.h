/*
** Signals during a wait, for the pollers alone. A source file that includes this header defines
** _GNU_SOURCE first.
*/
#ifndef TOPAZ_PLATFORM_SIGNALS_H
#define TOPAZ_PLATFORM_SIGNALS_H

#ifdef _WIN32
/* Nothing to block: a signal's handler runs in a thread of its own, and ends no wait. */
typedef int platform_signals;
#else
#include <signal.h>
typedef sigset_t platform_signals; /* those that are blocked */
#endif

/* Blocks all signals of this thread except those of the processor; `old` gets what was blocked
** before. */
void platform_hold_signals(platform_signals *old);
/* Blocks these signals alone; keeps errno. */
void platform_let_signals(const platform_signals *old);

#endif
