#define _GNU_SOURCE /* TIOCGWINSZ, S_ISVTX */

#include "terminal.h"

#ifndef _WIN32

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "platform.h"

bool platform_is_tty(int descriptor) { return isatty(descriptor); }

bool platform_is_terminal(int descriptor) {
  const char *name = platform_environment("TERM");
  return name && strcmp(name, "dumb") != 0 && platform_is_tty(descriptor);
}

/* Whether the name of a locale ends in UTF-8, utf8, … */
static bool is_utf8(const char *locale) {
  for (; *locale; locale++)
    if (tolower((unsigned char)locale[0]) == 'u' && tolower((unsigned char)locale[1]) == 't' &&
        tolower((unsigned char)locale[2]) == 'f' && locale[3 + (locale[3] == '-')] == '8')
      return true;
  return false;
}

bool platform_terminal_is_utf8(void) {
  const char *locale = platform_environment("LC_ALL");
  if (!locale) locale = platform_environment("LC_CTYPE");
  if (!locale) locale = platform_environment("LANG");
  return locale && is_utf8(locale);
}

static int open_terminal(void) { return open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC); }

bool platform_terminal_size(int *columns, int *rows) {
  struct winsize size = {0};
  int fd = open_terminal();
  bool ok = fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  if (fd >= 0) (void)close(fd);
  *columns = size.ws_col;
  *rows = size.ws_row;
  return ok;
}

void platform_terminal_output(platform_terminal *t) { (void)t; }

bool platform_terminal_keys(platform_terminal *t) {
  struct termios raw, *was = malloc(sizeof *was);
  int fd = open_terminal();
  if (!was || fd < 0 || tcgetattr(fd, was) != 0) {
    free(was);
    if (fd >= 0) (void)close(fd);
    return false;
  }
  raw = *was;
  raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
  raw.c_cc[VMIN] = raw.c_cc[VTIME] = 0;
  t->was = was;
  t->keys = fd;
  t->has_keys = true;
  (void)tcsetattr(fd, TCSADRAIN, &raw);
  return true;
}

int platform_terminal_key(const platform_terminal *t) {
  unsigned char byte;
  return t->has_keys && read((int)t->keys, &byte, 1) == 1 ? byte : -1;
}

void platform_terminal_restore(platform_terminal *t) {
  if (!t->has_keys) return;
  t->has_keys = false;
  (void)tcsetattr((int)t->keys, TCSADRAIN, t->was);
  (void)close((int)t->keys);
  free(t->was);
  t->was = NULL;
}

bool platform_file_mode(const char *path, char mode[11]) {
  static const char letters[] = "rwxrwxrwx";
  struct stat s;
  if (stat(path, &s) != 0) return false;
  mode[0] = S_ISREG(s.st_mode) ? '-' : S_ISDIR(s.st_mode) ? 'd' : S_ISFIFO(s.st_mode) ? 'p' : '?';
  for (int i = 0; i < 9; i++) mode[1 + i] = (s.st_mode >> (8 - i)) & 1 ? letters[i] : '-';
  mode[10] = '\0';
  return true;
}

#endif
