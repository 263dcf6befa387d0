/* Whole calls and iterations over scripted answers: see call.lua, which says what must hold. */
#include "fake_transport.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  if (n > 0) fuzz_run_lua(FUZZ_FOLDER "/call.lua", fake_transport_open, bytes, n);
  return 0;
}
