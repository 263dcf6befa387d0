/*
** The reader on one value: whole, in pieces and pulled apart it must come to the same result;
** what it accepts must be what the reference accepts, and mean what lua-cjson says.
**
** A second reading in pieces is disturbed by what finalizers might do, see fuzz_intrude.
**
** The first byte seeds the sizes of the pieces; from 240 on it also puts white space before
** the text, so that the buffer must move, and 255 begins with fresh memory. The rest is the text.
*/
#include <string.h>

#include "fuzz.h"

enum { FILLS = 240, FRESH = 255 };

static json_reader whole, pieces;

/* Pulls until there is another answer than JSON_MORE; bytes are fed here or meanwhile. */
#define PULL(got, r, in, call)                                                                                         \
  do {                                                                                                                 \
    unsigned long fed = fuzz_intrusions();                                                                             \
    (got) = (call);                                                                                                    \
    if ((got) == JSON_MORE && fed != fuzz_intrusions()) continue;                                                      \
    if ((got) != JSON_MORE || !fuzz_feed(r, in)) break;                                                                \
  } while (true)

/* Pushes the value when all is right. */
static json_result read_value(lua_State *L, json_reader *r, fuzz_input *in) {
  json_result got;
  int top = lua_gettop(L);
  PULL(got, r, in, json_value(L, r));
  if (got == JSON_OK) PULL(got, r, in, json_end(r));
  if (got != JSON_OK) lua_settop(L, top);
  return got;
}

/* The same text by enter, element, member and skip. Depth is bounded by the reader. */
static json_result walk(json_reader *r, fuzz_input *in) {
  unsigned type = 0;
  const char *name;
  size_t n;
  json_result got;
  PULL(got, r, in, json_type(r, &type));
  if (got != JSON_OK) return got;
  if (!(type & (JSON_OBJECT | JSON_ARRAY))) {
    PULL(got, r, in, json_skip(r));
    return got;
  }
  PULL(got, r, in, json_enter(r));
  while (got == JSON_OK) {
    if (type == JSON_OBJECT) PULL(got, r, in, json_member(r, &name, &n));
    else PULL(got, r, in, json_element(r));
    if (got == JSON_CLOSE) return JSON_OK;
    if (got == JSON_OK) got = walk(r, in);
  }
  return got;
}

static void compare_errors(size_t before) {
  const json_error *a = &whole.error, *b = &pieces.error;
  fuzz_check((a->what == NULL) == (b->what == NULL), "an error in pieces only, or whole only");
  if (!a->what) return;
  fuzz_check(strcmp(a->what, b->what) == 0, "pieces change the words of an error");
  fuzz_check(a->offset + before == b->offset, "pieces change the place of an error");
  fuzz_check(strcmp(a->member, b->member) == 0, "pieces change the member of an error");
}

/* White space that fills the buffer nearly to its end. */
static size_t fill(json_reader *r, unsigned char mode) {
  static char spaces[4096];
  fuzz_input in = {spaces, 0, 0, 0};
  unsigned type;
  if (mode < FILLS) return 0;
  memset(spaces, ' ', sizeof spaces);
  in.n = sizeof spaces - mode % 64;
  (void)fuzz_feed(r, &in);
  r->finished = false;
  fuzz_check(json_type(r, &type) == JSON_MORE, "white space is a value");
  return in.n;
}

/* json_check says of the whole text what the reader does. */
static void check_whole(fuzz_input *in, json_result expected) {
  fuzz_input all = {in->text, in->n, 0, 0};
  json_result got;
  fuzz_reset(&pieces);
  (void)fuzz_feed(&pieces, &all);
  got = json_check(&pieces);
  fuzz_check(got == expected && !pieces.error.what && pieces.end - pieces.start == in->n,
             "json_check says another thing");
}

/* In pieces, with everything done at allocations that finalizers might do. */
static void read_disturbed(lua_State *L, const fuzz_input *in, json_result expected) {
  fuzz_input again = *in;
  int top = lua_gettop(L);
  json_result got;
  fuzz_reset(&pieces);
  fuzz_intrude(&pieces, NULL, &again, 1 + in->seed % 3);
  got = read_value(L, &pieces, &again);
  fuzz_intrude(NULL, NULL, NULL, 1);
  fuzz_check(got == expected, "finalizers change the result");
  compare_errors(0);
  if (got == JSON_OK) fuzz_check(fuzz_same(L, 2, top + 1), "finalizers change the value");
  lua_settop(L, top);
}

static int run(lua_State *L) {
  fuzz_input *in = fuzz_take(L), again = *in;
  json_result got, other;
  size_t before;
  again.seed = 0;
  fuzz_reset(&whole);
  got = read_value(L, &whole, &again);
  fuzz_check((got == JSON_OK) == reference_accepts(in->text, in->n), "not what the reference says");
  fuzz_reset(&pieces);
  before = fill(&pieces, (unsigned char)in->seed);
  again = *in;
  other = read_value(L, &pieces, &again);
  fuzz_check(got == other, "pieces change the result");
  compare_errors(before);
  if (got == JSON_OK) {
    fuzz_check(fuzz_same(L, 2, 3), "pieces change the value");
    fuzz_check(fuzz_cjson(L, in->text, in->n), "lua-cjson refuses what the reader accepts");
    fuzz_check(fuzz_agree(L, 2, lua_gettop(L)), "not the value that lua-cjson reads");
  }
  check_whole(in, got);
  read_disturbed(L, in, got);
  fuzz_reset(&pieces);
  again = *in;
  other = walk(&pieces, &again);
  if (other == JSON_OK) PULL(other, &pieces, &again, json_end(&pieces));
  fuzz_check(got == other, "pulled apart, the text has another result");
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  fuzz_input in = {(const char *)bytes + 1, n - 1, 0, 0};
  if (n == 0) return 0;
  in.seed = 0x9E370000u | bytes[0];
  if (bytes[0] == FRESH) {
    fuzz_free(&whole);
    fuzz_free(&pieces);
  }
  fuzz_run(run, &in);
  return 0;
}
