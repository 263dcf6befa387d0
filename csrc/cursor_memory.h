/*
** Inside the cursor room: the statuses given out last, so that none is given twice when a page is
** read again or the list has moved. Keeps 64 bits of each process_id, of the last `capacity` ones.
** No Lua, no allocation.
*/
#ifndef TOPAZ_CURSOR_MEMORY_H
#define TOPAZ_CURSOR_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CURSOR_MEMORY_MAX = 32768 }; /* the largest capacity */

typedef struct {
  uint64_t given;    /* how many were added; the n-th has the number n, from 0 on */
  uint32_t capacity; /* a power of two, at most CURSOR_MEMORY_MAX */
  uint64_t ids[];    /* a ring; behind it `capacity` links of hash chains and as many heads */
} cursor_memory;

/* Returns the bytes that a memory of this capacity needs. */
size_t cursor_memory_size(uint32_t capacity);
void cursor_memory_init(cursor_memory *m, uint32_t capacity);
/* Returns the 64 bits that stand for a process_id, the same on every machine. */
uint64_t cursor_memory_hash(const char *id);
/* Adds an id. True: an id whose number is `first` or more was displaced. */
bool cursor_memory_add(cursor_memory *m, uint64_t id, uint64_t first);
/* Whether the id is remembered under a number below `before`. */
bool cursor_memory_has(const cursor_memory *m, uint64_t id, uint64_t before);
/* Copies the ids that were added before the last `but` ones, at most `most`, oldest first.
** Returns how many. */
size_t cursor_memory_last(const cursor_memory *m, size_t but, uint64_t *out, size_t most);

#endif
