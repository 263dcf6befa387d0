#include "terminal.h"

#ifdef _WIN32

#include <fcntl.h>
#include <io.h>
#include <string.h>

#include <windows.h>

/* In older headers it is missing. */
#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 4
#endif

static HANDLE open_console(const wchar_t *name) {
  return CreateFileW(name, GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
                     NULL);
}

bool platform_is_tty(int descriptor) {
  DWORD mode;
  return GetConsoleMode((HANDLE)_get_osfhandle(descriptor), &mode);
}

bool platform_is_terminal(int descriptor) {
  HANDLE h = (HANDLE)_get_osfhandle(descriptor);
  DWORD mode;
  return GetConsoleMode(h, &mode) &&
         ((mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING) || SetConsoleMode(h, mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING));
}

bool platform_terminal_is_utf8(void) { return GetConsoleOutputCP() == CP_UTF8; }

bool platform_terminal_size(int *columns, int *rows) {
  CONSOLE_SCREEN_BUFFER_INFO info;
  HANDLE h = open_console(L"CONOUT$");
  bool ok = h != INVALID_HANDLE_VALUE && GetConsoleScreenBufferInfo(h, &info);
  if (h != INVALID_HANDLE_VALUE) (void)CloseHandle(h);
  *columns = ok ? info.srWindow.Right - info.srWindow.Left + 1 : 0;
  *rows = ok ? info.srWindow.Bottom - info.srWindow.Top + 1 : 0;
  return ok;
}

void platform_terminal_output(platform_terminal *t) {
  (void)_setmode(1, _O_BINARY);
  (void)_setmode(2, _O_BINARY);
  t->output = GetConsoleOutputCP(); /* 0: there is no console */
  t->has_output = t->output != 0 && t->output != CP_UTF8 && SetConsoleOutputCP(CP_UTF8);
}

bool platform_terminal_keys(platform_terminal *t) {
  HANDLE h = open_console(L"CONIN$");
  DWORD mode;
  if (h == INVALID_HANDLE_VALUE) return false;
  if (!GetConsoleMode(h, &mode) || !SetConsoleMode(h, mode & ~(DWORD)(ENABLE_LINE_INPUT | ENABLE_ECHO_INPUT))) {
    (void)CloseHandle(h);
    return false;
  }
  t->keys = (intptr_t)h;
  t->mode = mode;
  t->has_keys = true;
  return true;
}

/* Mouse, focus and size are events as well, and so is letting go of a key. */
int platform_terminal_key(const platform_terminal *t) {
  HANDLE h = (HANDLE)t->keys;
  INPUT_RECORD event;
  DWORD n;
  while (t->has_keys && GetNumberOfConsoleInputEvents(h, &n) && n > 0 && ReadConsoleInputW(h, &event, 1, &n) && n > 0) {
    WCHAR c = event.Event.KeyEvent.uChar.UnicodeChar;
    if (event.EventType == KEY_EVENT && event.Event.KeyEvent.bKeyDown && c > 0 && c < 0x80) return c;
  }
  return -1;
}

void platform_terminal_restore(platform_terminal *t) {
  if (t->has_output) (void)SetConsoleOutputCP((UINT)t->output);
  t->has_output = false;
  if (!t->has_keys) return;
  t->has_keys = false;
  (void)SetConsoleMode((HANDLE)t->keys, t->mode);
  (void)CloseHandle((HANDLE)t->keys);
}

bool platform_file_mode(const char *path, char mode[11]) {
  DWORD is = GetFileAttributesA(path);
  if (is == INVALID_FILE_ATTRIBUTES) return false;
  memcpy(mode, is & FILE_ATTRIBUTE_DIRECTORY ? "drwx------" : "-rw-------", 11);
  return true;
}

#endif
