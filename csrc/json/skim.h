/*
** skim: checks one value byte by byte, and can stop at any byte. So the time stays linear, however
** small the pieces of the text are. Finds the end of a value, or says what is wrong and where. No
** Lua, no reader.
**
** skim is slower than scan. But scan does not tell a wrong text from a cut one, and does not find
** the end of a bracket.
*/
#ifndef TOPAZ_JSON_SKIM_H
#define TOPAZ_JSON_SKIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A place in a value. Zeroed: its beginning. */
typedef struct {
  size_t at;             /* bytes of the value read so far */
  size_t token, mark;    /* where the literal began; where the escape or character did */
  size_t name, name_end; /* the member of the outermost object that it is in; name_end 0: none */
  uint64_t objects;      /* a stack of bits, bit 0 for the innermost bracket: 1 for an object */
  unsigned depth;
  unsigned unit; /* of a \u escape */
  unsigned char state, left, low, high;
  bool is_name, wants_low; /* the string is a member's name; a low surrogate must follow */
} json_skim;

/*
** Continues in the value at `text`: n bytes of it are in memory, followed by JSON_PADDING zeros.
** Stops after `limit` bytes of the value. finished: no more bytes will come, so a number may end
** with the text. room: how many brackets may be open, at most 64. Returns NULL, or what is wrong (a
** static text) at byte s->mark of the value.
*/
const char *json_skim_on(json_skim *s, const char *text, size_t n, size_t limit, bool finished, unsigned room);
/* Whether the value is complete and valid; it is then s->at bytes long. */
bool json_skim_is_whole(const json_skim *s);

#endif
