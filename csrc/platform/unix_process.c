#define _GNU_SOURCE /* pthread_sigmask, posix_spawn */

#include "process.h"

#ifndef _WIN32

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- job control ----------------------------------------------------------------------------- */

static void set_of(sigset_t *set, int signal) {
  sigemptyset(set);
  sigaddset(set, signal);
}

static void held(sigset_t *set) {
  set_of(set, SIGTSTP);
  sigaddset(set, SIGCONT);
  sigaddset(set, SIGWINCH);
}

void *platform_jobs_hold(void) {
  sigset_t set, *before = malloc(sizeof *before);
  held(&set);
  if (before) (void)pthread_sigmask(SIG_BLOCK, &set, before);
  return before;
}

static bool is_pending(int signal) {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, signal);
}

/* Consumes a signal that is blocked and pending. */
static bool consume(int signal) {
  sigset_t set;
  if (!is_pending(signal)) return false;
  set_of(&set, signal);
  return sigwait(&set, &signal) == 0;
}

const char *platform_jobs_next(void) {
  if (is_pending(SIGTSTP)) return "stop";
  if (consume(SIGCONT)) return "continue";
  return consume(SIGWINCH) ? "resize" : NULL;
}

void platform_jobs_stop(void) {
  sigset_t set;
  set_of(&set, SIGTSTP);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* it stops here */
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

void platform_jobs_release(void *before) {
  if (before) (void)pthread_sigmask(SIG_SETMASK, before, NULL);
  free(before);
}

bool platform_is_foreground(void) {
  int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);
  pid_t group = fd >= 0 ? tcgetpgrp(fd) : -1;
  if (fd >= 0) (void)close(fd);
  return group < 0 || group == getpgrp();
}

void platform_die_interrupted(void) {
  sigset_t set;
  set_of(&set, SIGINT);
  (void)signal(SIGINT, SIG_DFL);
  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  (void)raise(SIGINT);
}

/* ---- child processes ------------------------------------------------------------------------- */

/* Other children must not inherit it, unless it is one of the standard ones. */
static void keep_to_itself(FILE *f) {
  if (f && fileno(f) > 2) (void)fcntl(fileno(f), F_SETFD, FD_CLOEXEC);
}

intptr_t platform_process_start(char *const arguments[], FILE *input, FILE *output, int *error) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t how;
  sigset_t mask, set;
  pid_t id = -1;
  held(&set);
  (void)pthread_sigmask(SIG_UNBLOCK, NULL, &mask);
  for (int i = 1; i < NSIG; i++)
    if (sigismember(&set, i) == 1) sigdelset(&mask, i);
  keep_to_itself(input);
  keep_to_itself(output);
  *error = posix_spawn_file_actions_init(&files);
  if (*error) return -1;
  *error = posix_spawnattr_init(&how);
  if (*error == 0) {
    *error = posix_spawn_file_actions_adddup2(&files, fileno(input), 0);
    for (int fd = 1; fd <= 2 && output && !*error; fd++)
      *error = posix_spawn_file_actions_adddup2(&files, fileno(output), fd);
    if (!*error) *error = posix_spawnattr_setsigmask(&how, &mask);
    if (!*error) *error = posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
    if (!*error) *error = posix_spawnp(&id, arguments[0], &files, &how, arguments, environ);
    (void)posix_spawnattr_destroy(&how);
  }
  (void)posix_spawn_file_actions_destroy(&files);
  return *error ? -1 : id;
}

bool platform_process_ended(intptr_t id, int *code) {
  int status = 0;
  pid_t which;
  do which = waitpid((pid_t)id, &status, WNOHANG);
  while (which < 0 && errno == EINTR);
  if (which == 0) return false;
  /* Where the host ignores the end of its children nobody knows the code. */
  *code = which < 0 ? 0 : WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

#endif
