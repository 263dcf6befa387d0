/* Preloaded beside a sanitizer's runtime:
** the programs that lua5.4 starts (sh, python3, openssl) get no LD_PRELOAD,
** since they would all run under the sanitizer and fail for leaks of their own. */
#include <stdlib.h>

__attribute__((constructor)) static void leave_children_alone(void) { unsetenv("LD_PRELOAD"); }
