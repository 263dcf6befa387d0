/*
** recent: strings that records had lately. Many a member has one of a few ("Completed", the options
** of a batch): such a string is found here instead of being hashed, or copied, by Lua again.
**
** A list uses 4 % less CPU time with it (1.58 against 1.63 us a status, medians of 31 interleaved
** runs): seven of the ten strings of a status are such.
*/
#ifndef TOPAZ_JSON_RECENT_H
#define TOPAZ_JSON_RECENT_H

#include "scan.h"
#include "shape.h"

enum {
  JSON_RECENT_MAX = 240 /* bytes of a string that is kept; a multiple of 16: json_same */
};

/* A string; its Lua string is in the table at the same place. */
struct json_recent {
  uint32_t length;            /* of text; 0: none */
  char text[JSON_RECENT_MAX]; /* as it was written, with escapes */
};

/* Pushes the table of Lua strings, which belongs to `keys`, and returns true. false: out of memory,
** nothing was pushed. */
bool json_recent_push(lua_State *L, json_shape *s, int keys);

/* Pushes the string v, found or made, of the slot's member. The table is at s->recent_at. */
void json_recent_string(lua_State *L, json_shape *s, json_slot *slot, const json_span *v, char *scratch);

/* Whether json_recent_string is likely to find it. */
static inline bool json_recent_may_have(const json_shape *s, const json_slot *slot, const json_span *v) {
  return s->recent_at && slot->finds > 0 && v->length - 1 < JSON_RECENT_MAX;
}

#endif
