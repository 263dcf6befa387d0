/*
** measure FILE COMMAND ARGUMENT…: runs the command and writes to FILE what the system's
** accounting says of it, as one line "status=0 user=1.234567 sys=0.123456 wall=1.4 rss_kib=12345".
** The command's output goes where ours goes.
**
** A small program of its own because the peak of a process counts what it was a copy of before
** exec: forked from a large runner, every command would be at least as large as the runner.
** Processes that the command itself waited for (the parts of a pipe) are counted:
** their times are added, of their peaks the largest counts.
*/
#define _GNU_SOURCE /* wait4 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double monotonic(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fail(const char *what) {
  perror(what);
  exit(2);
}

static double seconds(struct timeval t) { return (double)t.tv_sec + (double)t.tv_usec * 1e-6; }

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: measure FILE COMMAND ARGUMENT...\n");
    return 2;
  }
  FILE *file = fopen(argv[1], "we");
  if (file == NULL) fail(argv[1]);
  double begin = monotonic();
  pid_t pid = fork();
  if (pid < 0) fail("fork");
  if (pid == 0) {
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    _exit(127);
  }
  int status = 0;
  struct rusage usage;
  while (wait4(pid, &status, 0, &usage) < 0) {
    if (errno != EINTR) fail("wait4");
  }
  double wall = monotonic() - begin;
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  fprintf(file, "status=%d user=%.6f sys=%.6f wall=%.6f rss_kib=%ld\n", code, seconds(usage.ru_utime),
          seconds(usage.ru_stime), wall, usage.ru_maxrss);
  return fclose(file) == 0 ? 0 : 2;
}
