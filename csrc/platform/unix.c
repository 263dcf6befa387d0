#define _GNU_SOURCE /* clock_gettime, dladdr, RTLD_NODELETE, pthread_sigmask */

#include "platform.h"

#ifndef _WIN32

#include <dlfcn.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

static double seconds_of(clockid_t clock) {
  struct timespec ts;
  clock_gettime(clock, &ts);
  return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double platform_now(void) { return seconds_of(CLOCK_MONOTONIC); }

double platform_wall(void) { return seconds_of(CLOCK_REALTIME); }

unsigned long long platform_process(void) { return (unsigned long long)getpid(); }

void platform_run_once(platform_once *once, void (*setup)(void)) { (void)pthread_once(once, setup); }

void platform_pin(const void *address) {
#ifdef RTLD_NODELETE
  Dl_info info;
  if (dladdr(address, &info) && info.dli_fname) (void)dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
#else
  (void)address;
#endif
}

void platform_hold_signals(platform_signals *old) {
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) sigdelset(&all, own[i]);
  (void)pthread_sigmask(SIG_BLOCK, &all, old);
}

void platform_let_signals(const platform_signals *old) {
  int error = errno;
  (void)pthread_sigmask(SIG_SETMASK, old, NULL);
  errno = error;
}

#endif
