/*
** A list response of either shape by status_list_next: in pieces the same records,
** page and errors as whole, and the records that lua-cjson reads.
**
** The first byte: bit 7 keeps two members only, bit 6 filters by `status`, with bit 5
** by `progress` too, bit 3 reads with the names of members on the stack, as the cursor does;
** bit 4 reads in pieces with everything done at allocations that finalizers might do;
** all of it seeds the sizes of the pieces.
*/
#include <string.h>

#include <lauxlib.h>

#include "fuzz.h"
#include "status.h"

typedef struct {
  json_reader reader;
  json_shape shape;
  status_list list;
  lua_Integer count; /* records */
  json_result result;
  char id[128]; /* the shape's note */
} reading;

static bool accept(const void *context, size_t rule, const char *text, size_t n) {
  (void)context;
  (void)rule;
  return n > 0 && text[0] == 'C';
}

static bool accept_value(const void *context, size_t rule, const json_span *v) {
  (void)context;
  if (v->type == JSON_BOOLEAN) return *v->at == 't';
  return rule == 15 && (v->type == JSON_INTEGER ? v->as.integer >= 0 : v->as.number >= 0);
}

/* Reads on until bytes are wanted or it is over. */
static void read_on(lua_State *L, reading *m, int records, bool names) {
  int page = records + 1, keys = records + 2;
  const char *id;
  size_t n;
  if (names) (void)json_names_push(L, &m->shape, keys);
  do {
    m->result = status_list_next(L, &m->list, &m->reader, &m->shape, keys, page);
    if (m->result != JSON_OK) continue;
    lua_rawseti(L, records, ++m->count);
    lua_rawgeti(L, records, m->count);
    lua_getfield(L, -1, "process_id");
    id = lua_tolstring(L, -1, &n);
    if (n >= sizeof m->id || strlen(id) < n) id = "";
    fuzz_check(strcmp(m->id, id) == 0, "the note is not the process_id");
    lua_pop(L, 2);
  } while (m->result == JSON_OK || m->result == JSON_SKIPPED);
  if (names) json_names_drop(&m->shape);
  lua_settop(L, keys);
}

/* Leaves the records and the page on the stack. */
static void read_list(lua_State *L, reading *m, fuzz_input *in, unsigned mode) {
  static const json_filter filters[] = {{1u << 14, 0, accept, accept_value, NULL},
                                        {1u << 14 | 1u << 15, 1u << 15, accept, accept_value, NULL}};
  int records = lua_gettop(L) + 1;
  unsigned long fed;
  for (int i = 0; i < 3; i++) lua_newtable(L); /* records, page, keys */
  memset(m, 0, sizeof *m);
  json_init(&m->reader);
  json_shape_init(&m->shape, STATUS_RULES, STATUS_RULE_COUNT);
  m->shape.note = m->id;
  m->shape.note_size = sizeof m->id;
  if (mode & 128) {
    m->shape.keep = 1u << 0 | 1u << 14;
    m->shape.keep_unknown = false;
  }
  if (mode & 64) m->shape.filter = &filters[mode >> 5 & 1];
  status_list_init(&m->list);
  if (mode & 16 && in->seed) fuzz_intrude(&m->reader, &m->shape, in, 1 + mode % 3);
  do {
    fed = fuzz_intrusions();
    read_on(L, m, records, (mode & 8) != 0);
  } while (m->result == JSON_MORE && (fed != fuzz_intrusions() || fuzz_feed(&m->reader, in)));
  fuzz_intrude(NULL, NULL, NULL, 1);
  lua_settop(L, records + 1);
}

static void compare(const reading *a, const reading *b) {
  char one[256], other[256];
  fuzz_check(a->result == b->result, "pieces change the result");
  fuzz_check(a->count == b->count, "pieces change the number of records");
  if (a->result == JSON_CLOSE) {
    fuzz_check(a->list.is_array == b->list.is_array && a->list.has_next_page == b->list.has_next_page &&
                   strcmp(a->list.next_cursor, b->list.next_cursor) == 0,
               "pieces change what follows the page");
    return;
  }
  status_describe(&a->reader, a->list.wrong, one, sizeof one);
  status_describe(&b->reader, b->list.wrong, other, sizeof other);
  fuzz_check(strcmp(one, other) == 0, "pieces change the error");
}

/* null in place of a list is an empty one. */
static void null_is_empty(lua_State *L) {
  if (!lua_islightuserdata(L, -1)) return;
  lua_pop(L, 1);
  lua_newtable(L);
}

/* The whole document, accepted and with all its members kept, against lua-cjson's. */
static void compare_with_cjson(lua_State *L, const fuzz_input *in, const reading *m) {
  int theirs;
  fuzz_check(reference_accepts(in->text, in->n), "the reference refuses what is accepted");
  fuzz_check(fuzz_cjson(L, in->text, in->n), "lua-cjson refuses what is accepted");
  null_is_empty(L);
  theirs = lua_gettop(L);
  if (m->list.is_array) {
    fuzz_check(fuzz_agree(L, 2, theirs), "not the records that lua-cjson reads");
    return;
  }
  lua_getfield(L, theirs, "data");
  null_is_empty(L);
  fuzz_check(fuzz_agree(L, 2, theirs + 1), "not the records that lua-cjson reads");
  lua_getfield(L, theirs, "pagination");
  lua_getfield(L, 3, "pagination");
  fuzz_check(fuzz_agree(L, theirs + 3, theirs + 2), "not the pagination that lua-cjson reads");
  lua_getfield(L, 3, "data");
  fuzz_check(lua_isnil(L, -1), "a member of the envelope took the place of the records");
}

static int run(lua_State *L) {
  fuzz_input *in = fuzz_take(L), again = *in;
  unsigned mode = in->seed & 255;
  reading whole, pieces;
  again.seed = 0;
  read_list(L, &whole, &again, mode); /* 2, 3 */
  again = *in;
  read_list(L, &pieces, &again, mode); /* 4, 5 */
  compare(&whole, &pieces);
  fuzz_check(fuzz_same(L, 2, 4), "pieces change the records");
  fuzz_check(fuzz_same(L, 3, 5), "pieces change the page");
  if (whole.result == JSON_CLOSE && !(mode & 192)) compare_with_cjson(L, in, &whole);
  fuzz_free(&whole.reader);
  fuzz_free(&pieces.reader);
  json_shape_free(&whole.shape);
  json_shape_free(&pieces.shape);
  return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
  fuzz_input in = {(const char *)bytes + 1, n - 1, 0, 0};
  if (n == 0) return 0;
  in.seed = 0x9E370000u | bytes[0];
  fuzz_run(run, &in);
  return 0;
}
