/* Writes what glibc's wcwidth says of all code points: lines "first last cells". */
#define _GNU_SOURCE
#include <locale.h>
#include <stdio.h>
#include <wchar.h>

#ifdef __GLIBC__
static int is_surrogate(wchar_t code) { return code >= 0xD800 && code <= 0xDFFF; }

int main(void) {
  if (!setlocale(LC_ALL, "C.UTF-8")) return 2;
  wchar_t first = 0;
  for (wchar_t code = 1; code <= 0x110000; code++) {
    if (code < 0x110000 && wcwidth(code) == wcwidth(first) && is_surrogate(code) == is_surrogate(first)) continue;
    printf("%d %d %d\n", (int)first, (int)code - 1, wcwidth(first));
    first = code;
  }
  return 0;
}
#else
int main(void) { return 2; }
#endif
