/* Options of all kinds: see options.lua. */
#include "fake_transport.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  if (n > 0) fuzz_run_lua(FUZZ_FOLDER "/options.lua", fake_transport_open, bytes, n);
  return 0;
}
