/* Inside the request room: what stepping needs of a single request. */
#ifndef TOPAZ_REQUEST_STEP_H
#define TOPAZ_REQUEST_STEP_H

#include "request.h"

void request_move(request *r, int list, request_state state); /* to another list */
bool request_launch(request *r);                              /* starts the next attempt; false: it failed */
void request_attempt_over(request *r);                        /* the transfer has ended */
void request_late(request *r);                                /* the time of the whole call is over */

#endif
