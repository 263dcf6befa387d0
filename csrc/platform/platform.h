/*
** platform: what differs between systems and compilers, for any room: clocks, the process, one-time
** set-up, strings. No function of the room touches Lua or libcurl, or keeps state for its caller.
**
**   socket.h    descriptors and addresses
**   signals.h   signals during a wait
**   bits.h      bit scans and vector instructions
**
** A header is the same for all systems. unix*.c and windows*.c do what it promises, and each is
** compiled to nothing on the other system.
*/
#ifndef TOPAZ_PLATFORM_H
#define TOPAZ_PLATFORM_H

#include <stddef.h>

#ifdef _WIN32
/* The same as Windows' INIT_ONCE. */
typedef struct {
  void *state;
} platform_once;
#define PLATFORM_ONCE                                                                                                  \
  { NULL }
#else
#include <pthread.h>
typedef pthread_once_t platform_once;
#define PLATFORM_ONCE PTHREAD_ONCE_INIT
#endif

/* PLATFORM_EXPORT before a declaration makes the function visible outside the module.
** PLATFORM_FORMAT after it makes the compiler check the arguments from number `first` on against
** the format, argument `format_at`. */
#if defined(_WIN32)
#define PLATFORM_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define PLATFORM_EXPORT __attribute__((visibility("default")))
#else
#define PLATFORM_EXPORT
#endif
#if defined(__MINGW32__) && !defined(__clang__)
#define PLATFORM_FORMAT(format_at, first) __attribute__((format(gnu_printf, format_at, first)))
#elif defined(__GNUC__)
#define PLATFORM_FORMAT(format_at, first) __attribute__((format(printf, format_at, first)))
#else
#define PLATFORM_FORMAT(format_at, first)
#endif

/* Returns seconds of the monotonic clock. */
double platform_now(void);
/* Returns Unix seconds of this machine's clock, which may jump. */
double platform_wall(void);

/* Returns the number of this process; a child made by fork has another number. */
unsigned long long platform_process(void);

/* Runs `setup` unless it has run for this `once`, which begins as PLATFORM_ONCE; returns when it
** has run. It runs once per process, in the first thread that asks for it. */
void platform_run_once(platform_once *once, void (*setup)(void));

/* Keeps the shared object or program that holds this address in memory until the process ends. */
void platform_pin(const void *address);

/* Returns the value of a variable of the environment; NULL: unset or empty. */
const char *platform_environment(const char *name);

/* Returns a copy of n bytes with a zero behind them, owned by the caller; NULL: out of memory. */
char *platform_copy(const char *s, size_t n);

#endif
