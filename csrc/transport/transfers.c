#include "transfers.h"

#include <stddef.h>

void transfers_add(transfer **running, transfer *x) {
  x->running = true;
  x->prev = NULL;
  x->next = *running;
  if (x->next) x->next->prev = x;
  *running = x;
}

void transfers_remove(transfer **running, transfer *x) {
  x->running = false;
  if (x->prev) x->prev->next = x->next;
  else *running = x->next;
  if (x->next) x->next->prev = x->prev;
  x->prev = x->next = NULL;
}

void transfers_append(transfer ***last, transfer *x) {
  x->next = NULL;
  **last = x;
  *last = &x->next;
}

void transfers_withdraw(transfer **finished, transfer ***last, const transfer *x) {
  for (transfer **p = finished; *p; p = &(*p)->next)
    if (*p == x) {
      *p = x->next;
      if (!*p) *last = p;
      return;
    }
}

transfer *transfers_next(transfer **finished, transfer ***last) {
  transfer *x = *finished;
  if (!x) return NULL;
  *finished = x->next;
  if (!*finished) *last = finished;
  x->next = NULL;
  x->owner = NULL;
  return x;
}
