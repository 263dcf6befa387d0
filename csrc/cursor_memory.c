#include "cursor_memory.h"

#include <string.h>

/* Links and heads hold a place in the ring + 1; 0: the end. */
static uint16_t *links_of(cursor_memory *m) { return (uint16_t *)(m->ids + m->capacity); }
static uint16_t *heads_of(cursor_memory *m) { return links_of(m) + m->capacity; }

size_t cursor_memory_size(uint32_t capacity) {
  return sizeof(cursor_memory) + capacity * (sizeof(uint64_t) + 2 * sizeof(uint16_t));
}

void cursor_memory_init(cursor_memory *m, uint32_t capacity) {
  memset(m, 0, cursor_memory_size(capacity));
  m->capacity = capacity;
}

static uint64_t word(const char *p, size_t n) {
  uint64_t w = 0;
  for (size_t i = 0; i < n; i++) w |= (uint64_t)(unsigned char)p[i] << 8 * i;
  return w;
}

/* Mixes: each bit of x changes half of the result's bits (MurmurHash3's finalizer), so that the
** next word cannot cancel it. */
static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 33) * 0xFF51AFD7ED558CCDu;
  x = (x ^ x >> 33) * 0xC4CEB9FE1A85EC53u;
  return x ^ x >> 33;
}

uint64_t cursor_memory_hash(const char *id) {
  size_t n = strlen(id);
  uint64_t h = n;
  for (; n >= 8; id += 8, n -= 8) h = mix(h ^ word(id, 8));
  return mix(h ^ word(id, n));
}

static void forget(cursor_memory *m, uint32_t place) {
  uint16_t *links = links_of(m), *at = &heads_of(m)[m->ids[place] & (m->capacity - 1)];
  while (*at != place + 1) at = &links[*at - 1];
  *at = links[place];
}

bool cursor_memory_add(cursor_memory *m, uint64_t id, uint64_t first) {
  uint32_t place = (uint32_t)(m->given & (m->capacity - 1));
  uint16_t *head = &heads_of(m)[id & (m->capacity - 1)];
  bool full = m->given >= m->capacity;
  if (full) forget(m, place);
  m->ids[place] = id;
  links_of(m)[place] = *head;
  *head = (uint16_t)(place + 1);
  m->given++;
  return full && m->given - 1 - m->capacity >= first;
}

bool cursor_memory_has(const cursor_memory *m, uint64_t id, uint64_t before) {
  const uint16_t *links = (const uint16_t *)(m->ids + m->capacity), *heads = links + m->capacity;
  for (uint16_t at = heads[id & (m->capacity - 1)]; at; at = links[at - 1]) {
    uint64_t last = m->given - 1, number = last - ((last - (at - 1u)) & (m->capacity - 1));
    if (m->ids[at - 1] == id && number < before) return true;
  }
  return false;
}

size_t cursor_memory_last(const cursor_memory *m, size_t but, uint64_t *out, size_t most) {
  size_t n = m->given < m->capacity ? (size_t)m->given : m->capacity;
  n = n > but ? n - but : 0;
  if (n > most) n = most;
  for (size_t i = 0; i < n; i++) out[i] = m->ids[(m->given - but - n + i) & (m->capacity - 1)];
  return n;
}
