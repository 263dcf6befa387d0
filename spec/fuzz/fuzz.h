/*
** What the fuzz targets share: one Lua state per process, text in pieces, comparing values,
** and how a target fails.
**
** A target runs its input inside a protected call. Lua's collector works as usual,
** between and within inputs; what the room under test mallocs, the target frees,
** so that the leak checker of the sanitizers has its say.
*/
#ifndef TOPAZ_FUZZ_H
#define TOPAZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#include "json/json.h"

typedef struct {
  const char *text;
  size_t n, at;
  uint32_t seed; /* of the pieces' sizes; 0: everything at once */
} fuzz_input;

/* Runs f(input) under protection; a Lua error that comes out of it is a failure. */
void fuzz_run(lua_CFunction f, fuzz_input *in);
/* The input of fuzz_run, as f finds it at index 1. */
fuzz_input *fuzz_take(lua_State *L);
/* Prints why and aborts, which libFuzzer takes for a crash. */
_Noreturn void fuzz_fail(const char *why);
void fuzz_check(bool ok, const char *why);

/* The next piece; its length is 0 when there is none. */
const char *fuzz_piece(fuzz_input *in, size_t *n);
/* Feeds the next piece, finishes the reader behind the last one. false: it was finished before.
** Bytes of the buffer behind the padding are off limits until the next piece. */
bool fuzz_feed(json_reader *r, fuzz_input *in);
/* From now on, at every n-th allocation of Lua, all is done to the reader and the shape
** (NULL: none) that a finalizer might do: in use, each call must be refused;
** else the next piece of `in` is fed, and the buffer moves. r NULL: no longer. */
void fuzz_intrude(json_reader *r, json_shape *s, fuzz_input *in, unsigned n);
/* How often that has fed something. */
unsigned long fuzz_intrusions(void);
void fuzz_free(json_reader *r);
void fuzz_reset(json_reader *r);

/* Pushes lua-cjson's value of the text; false: it does not like it, nothing pushed. */
bool fuzz_cjson(lua_State *L, const char *text, size_t n);
/* Equal in all depths, types of numbers included. Absolute indices. */
bool fuzz_same(lua_State *L, int a, int b);
/* Our value and lua-cjson's mean the same: its numbers are floats,
** its null members are absent in ours. */
bool fuzz_agree(lua_State *L, int ours, int theirs);

/* Calls the function that the Lua file of this folder returned, with (text, whole);
** its errors are failures. */
void fuzz_run_lua(const char *file, lua_CFunction open, const uint8_t *bytes, size_t n);

/* An RFC 8259 checker of the plainest kind, with the reader's own rules on depth,
** surrogates and large numbers. */
bool reference_accepts(const char *text, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#endif
