/*
** decode: how long a page of 100 statuses takes to become Lua tables: by lua-cjson,
** by csrc/json, and where the values are ready and only the tables have to be made (the floor).
** Also csrc/json with four members kept and one record in five.
**
**   decode [rounds]
**
** The contestants take turns; each time is the median of its rounds, CPU time of the process,
** garbage collection included.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <lauxlib.h>
#include <lualib.h>

#include "json/json.h"

enum { RECORDS = 100, MEMBERS = 20, PAGES = 20, PIECE = 16 * 1024, ROUNDS_MAX = 1000 };

/* A status has strings (%s), integers (%d) and one boolean (%b); kinds are taken in turn. */
static const char *const names[MEMBERS] = {
    "process_id",  "source_id",     "filename",      "input_format",      "input_height",
    "input_width", "output_format", "output_height", "output_width",      "category",
    "model_type",  "model",         "crop_to_fill",  "options_json",      "status",
    "progress",    "eta",           "creation_time", "modification_time", "credits"};
static const char types[MEMBERS + 1] = "ssssiisiisssbssiiiii";

typedef struct {
  const char *input, *output, *category, *type, *model, *options, *status;
  int height, width, output_height, output_width;
} kind;

static const kind kinds[] = {
    {"jpeg", "jpeg", "Enhance", "Standard", "Standard V2",
     "{\"subject_detection\":\"All\",\"face_enhancement\":true,\"face_enhancement_strength\":0.8}", "Completed", 1920,
     1080, 3840, 2160},
    {"png", "png", "Enhance", "Generative", "Redefine",
     "{\"prompt\":\"a caf\\u00e9 in the rain\",\"creativity\":3,\"texture\":2,\"autoprompt\":false}", "Processing",
     1024, 1024, 4096, 4096},
    {"jpeg", "tiff", "Sharpen", "Standard", "Lens Blur V2",
     "{\"strength\":0.61,\"minor_denoise\":0.1,\"subject_detection\":\"Foreground\"}", "Completed", 6000, 4000, 6000,
     4000},
    {"tiff", "tiff", "Denoise", "Standard", "High Fidelity V2",
     "{\"strength\":0.4,\"original_detail\":0.25,\"subject_detection\":\"Background\"}", "Failed", 4032, 3024, 4032,
     3024},
    {"webp", "png", "Enhance", "Standard", "Low Resolution V2",
     "{\"fix_compression\":0.72,\"sharpen\":0.15,\"face_enhancement\":false,\"denoise\":0.3}", "Pending", 800, 600,
     3200, 2400},
};

typedef struct {
  char text[128];
  size_t length;
  lua_Integer integer;
} value;

static value values[RECORDS][MEMBERS];
static char page[RECORDS * 1024];
static size_t page_size;

/* ---- the page -------------------------------------------------------------------------------- */

static void set_text(value *v, const char *text) {
  v->length = strlen(text);
  memcpy(v->text, text, v->length + 1);
}

static void set_uuid(value *v, unsigned seed) {
  unsigned parts[4];
  for (int i = 0; i < 4; i++) parts[i] = seed = seed * 1664525u + 1013904223u;
  (void)snprintf(v->text, sizeof v->text, "%08x-%04x-4%03x-a%03x-%04x%08x", parts[0], parts[1] >> 16, parts[1] & 0xFFF,
                 parts[2] >> 20, parts[2] & 0xFFFF, parts[3]);
  v->length = strlen(v->text);
}

static void make_record(value *v, int i) {
  const kind *k = &kinds[i % 5];
  const lua_Integer integers[MEMBERS] = {[4] = k->height,           [5] = k->width,        [7] = k->output_height,
                                         [8] = k->output_width,     [12] = i & 1,          [15] = i,
                                         [16] = 1764000000 + i * 7, [17] = 1763999000 + i, [18] = 1763999500 + i * 3,
                                         [19] = i % 4 + 1};
  set_uuid(&v[0], (unsigned)i);
  set_uuid(&v[1], (unsigned)i + 1000);
  (void)snprintf(v[2].text, sizeof v[2].text, "IMG_%06d.%s", i, k->input);
  v[2].length = strlen(v[2].text);
  set_text(&v[3], k->input);
  set_text(&v[6], k->output);
  set_text(&v[9], k->category);
  set_text(&v[10], k->type);
  set_text(&v[11], k->model);
  set_text(&v[13], k->options);
  set_text(&v[14], k->status);
  for (int m = 0; m < MEMBERS; m++) v[m].integer = integers[m];
}

static char *write_value(char *out, const value *v, char type) {
  if (type == 'b') return out + sprintf(out, "%s", v->integer ? "true" : "false");
  if (type == 'i') return out + sprintf(out, "%lld", (long long)v->integer);
  *out++ = '"';
  for (size_t i = 0; i < v->length; i++) {
    if (v->text[i] == '"' || v->text[i] == '\\') *out++ = '\\';
    *out++ = v->text[i];
  }
  *out++ = '"';
  return out;
}

static void make_page(void) {
  char *out = page;
  *out++ = '[';
  for (int i = 0; i < RECORDS; i++) {
    make_record(values[i], i);
    *out++ = i > 0 ? ',' : ' ';
    for (int m = 0; m < MEMBERS; m++) {
      out += sprintf(out, "%c\"%s\":", m > 0 ? ',' : '{', names[m]);
      out = write_value(out, &values[i][m], types[m]);
    }
    *out++ = '}';
  }
  *out++ = ']';
  page_size = (size_t)(out - page);
}

/* ---- the contestants: each leaves the list of records on the stack --------------------------- */

static json_reader reader;
static json_shape shape, narrow;
static json_rule rules[MEMBERS];
enum { CJSON = 1, TEXT, KEYS, NARROW_KEYS }; /* stack */

static void by_cjson(lua_State *L) {
  lua_pushvalue(L, CJSON);
  lua_pushvalue(L, TEXT);
  lua_call(L, 1, 1);
}

static void feed_more(lua_State *L, size_t *fed) {
  size_t piece = page_size - *fed < PIECE ? page_size - *fed : PIECE;
  if (piece == 0 || !json_feed(&reader, page + *fed, piece)) luaL_error(L, "the page ended");
  *fed += piece;
}

static void by_json(lua_State *L, json_shape *s, int keys) {
  size_t fed = 0;
  lua_Integer n = 0;
  int pushed;
  json_result got;
  json_reset(&reader);
  feed_more(L, &fed);
  got = json_enter(&reader);
  pushed = json_names_push(L, s, keys); /* as the cursor does */
  lua_createtable(L, RECORDS, 0);
  while (got != JSON_CLOSE) {
    if (got == JSON_MORE) feed_more(L, &fed);
    got = json_next_record(L, &reader, s, keys);
    if (got == JSON_OK) lua_rawseti(L, -2, ++n);
    else if (got >= JSON_MALFORMED) luaL_error(L, "%s at %d", reader.error.what, (int)reader.error.offset);
  }
  json_names_drop(s);
  lua_insert(L, -pushed - 1);
  lua_pop(L, pushed);
}

static void by_json_whole(lua_State *L) { by_json(L, &shape, KEYS); }
static void by_json_narrow(lua_State *L) { by_json(L, &narrow, NARROW_KEYS); }

static void floor_of_tables(lua_State *L) {
  lua_createtable(L, RECORDS, 0);
  for (int i = 0; i < RECORDS; i++) {
    lua_createtable(L, 0, MEMBERS);
    for (int m = 0; m < MEMBERS; m++) {
      const value *v = &values[i][m];
      lua_rawgeti(L, KEYS, m + 1);
      if (types[m] == 's') lua_pushlstring(L, v->text, v->length);
      else if (types[m] == 'i') lua_pushinteger(L, v->integer);
      else lua_pushboolean(L, v->integer != 0);
      lua_rawset(L, -3);
    }
    lua_rawseti(L, -2, i + 1);
  }
}

static bool is_failed(const void *context, size_t rule, const char *text, size_t n) {
  (void)context;
  (void)rule;
  return n == 6 && memcmp(text, "Failed", 6) == 0;
}

static const json_filter failed = {.rules = 1u << 14, .accept = is_failed};

/* ---- the match ------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  void (*run)(lua_State *L);
} contestants[] = {{"lua-cjson", by_cjson},
                   {"csrc/json", by_json_whole},
                   {"tables from ready values", floor_of_tables},
                   {"csrc/json, 4 members, 1 in 5", by_json_narrow}};
enum { CONTESTANTS = sizeof contestants / sizeof *contestants };

static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double measure(lua_State *L, int which) {
  double begun;
  lua_gc(L, LUA_GCCOLLECT);
  begun = cpu_seconds();
  for (int i = 0; i < PAGES; i++) {
    contestants[which].run(L);
    lua_pop(L, 1);
  }
  return (cpu_seconds() - begun) * 1e6 / (PAGES * RECORDS);
}

static void open_all(lua_State *L) {
  luaL_openlibs(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, "cjson");
  lua_call(L, 1, 1);
  lua_getfield(L, 1, "decode");
  lua_replace(L, CJSON);
  lua_pushlstring(L, page, page_size);
  lua_createtable(L, MEMBERS, 0);
  lua_createtable(L, MEMBERS, 0);
  for (int m = 0; m < MEMBERS; m++) {
    rules[m] = (json_rule){names[m],
                           types[m] == 's'   ? JSON_STRING
                           : types[m] == 'i' ? JSON_INTEGER
                                             : JSON_BOOLEAN,
                           m % 14 == 0, m % 14 != 0};
    lua_pushstring(L, names[m]);
    lua_rawseti(L, KEYS, m + 1);
  }
  json_shape_init(&shape, rules, MEMBERS);
  json_shape_init(&narrow, rules, MEMBERS);
  narrow.keep = 1u << 0 | 1u << 2 | 1u << 14 | 1u << 15;
  narrow.keep_unknown = false;
  narrow.filter = &failed;
}

int main(int argc, char **argv) {
  static double times[CONTESTANTS][ROUNDS_MAX];
  long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 41;
  lua_State *L = luaL_newstate();
  double median[CONTESTANTS];
  if (!L || rounds < 1 || rounds > ROUNDS_MAX) return 1;
  make_page();
  open_all(L);
  for (long i = 0; i < rounds; i++)
    for (int c = 0; c < CONTESTANTS; c++) times[c][i] = measure(L, c);
  printf("one page: %d statuses, %zu bytes; median of %ld rounds\n", RECORDS, page_size, rounds);
  for (int c = 0; c < CONTESTANTS; c++) {
    qsort(times[c], (size_t)rounds, sizeof **times, compare);
    median[c] = times[c][rounds / 2];
    printf("  %-30s %6.2f us/status   %5.2f x as fast as lua-cjson\n", contestants[c].name, median[c],
           median[0] / median[c]);
  }
  json_free(&reader);
  json_shape_free(&shape);
  json_shape_free(&narrow);
  lua_close(L);
  return 0;
}
