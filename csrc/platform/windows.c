#include "platform.h"

#ifdef _WIN32

#include <windows.h>

#include "signals.h"

double platform_now(void) {
  LARGE_INTEGER count, per_second;
  QueryPerformanceCounter(&count);
  QueryPerformanceFrequency(&per_second);
  /* apart, so that the fraction keeps its precision however long the machine is up */
  return (double)(count.QuadPart / per_second.QuadPart) +
         (double)(count.QuadPart % per_second.QuadPart) / (double)per_second.QuadPart;
}

double platform_wall(void) {
  static const double FROM_1601_TO_1970 = 11644473600.0; /* seconds */
  FILETIME t;
  ULARGE_INTEGER ticks; /* of 100 ns */
  GetSystemTimeAsFileTime(&t);
  ticks.LowPart = t.dwLowDateTime;
  ticks.HighPart = t.dwHighDateTime;
  return (double)ticks.QuadPart * 1e-7 - FROM_1601_TO_1970;
}

unsigned long long platform_process(void) { return GetCurrentProcessId(); }

_Static_assert(sizeof(platform_once) == sizeof(INIT_ONCE), "platform_once stands for INIT_ONCE");

static BOOL CALLBACK run_setup(INIT_ONCE *once, void *setup, void **result) {
  (void)once;
  (void)result;
  (*(void (**)(void))setup)();
  return TRUE;
}

void platform_run_once(platform_once *once, void (*setup)(void)) {
  (void)InitOnceExecuteOnce((INIT_ONCE *)(void *)once, run_setup, (void *)&setup, NULL);
}

void platform_pin(const void *address) {
  HMODULE module;
  (void)GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN, address, &module);
}

void platform_hold_signals(platform_signals *old) { *old = 0; }

void platform_let_signals(const platform_signals *old) { (void)old; }

#endif
