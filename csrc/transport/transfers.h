/* The lists of transfers: those that run, which are doubly linked, and a queue of those that have
** ended, in the order of their end. */
#ifndef TOPAZ_TRANSPORT_TRANSFERS_H
#define TOPAZ_TRANSPORT_TRANSFERS_H

#include "transport.h"

/* Adds a transfer to the running ones, or removes it from them. */
void transfers_add(transfer **running, transfer *x);
void transfers_remove(transfer **running, transfer *x);

/* Adds a transfer at the end of the queue. `*last` is where its next one is linked; of an empty
** queue, its head. */
void transfers_append(transfer ***last, transfer *x);
/* Removes a transfer from the queue, if it is there. */
void transfers_withdraw(transfer **finished, transfer ***last, const transfer *x);
/* Removes and returns the first of the queue, which then has no owner; NULL: the queue is empty. */
transfer *transfers_next(transfer **finished, transfer ***last);

#endif
