#include "process.h"

#ifdef _WIN32

#include <stddef.h>

/* Windows has no job control, and Ctrl-C ends a process by its exit code. */

void *platform_jobs_hold(void) { return NULL; }

const char *platform_jobs_next(void) { return NULL; }

void platform_jobs_stop(void) {}

void platform_jobs_release(void *before) { (void)before; }

bool platform_is_foreground(void) { return true; }

void platform_die_interrupted(void) {}

intptr_t platform_process_start(char *const arguments[], FILE *input, FILE *output, int *error) {
  (void)arguments, (void)input, (void)output;
  *error = 0;
  return -1;
}

bool platform_process_ended(intptr_t id, int *code) {
  (void)id;
  *code = 0;
  return true;
}

#endif
