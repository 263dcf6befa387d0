/* Inside the request room: what its files share. request.c is about one request, request_attempt.c judges an attempt that is over,
** request_step.c moves all of them along. */
#ifndef TOPAZ_REQUEST_PART_H
#define TOPAZ_REQUEST_PART_H

#include "request.h"

void request_move(request *r, int list, request_state state); /* to another list */
void request_tell(request *r);                                /* there is news for whoever waits for it */
void request_settle(request *r, request_state state);         /* it is over */
void request_fill_error(request *r, error_kind kind);         /* all but the message */
bool request_is_delete(const request *r);
bool request_launch(request *r);             /* starts the next attempt; false: it failed */
void request_held(request *r, double delay); /* the pacer's pause does not fit the time of the call */
void request_late(request *r);               /* the time of the whole call is over */
void request_attempt_over(request *r);       /* the transfer has ended */
void request_emit(request *r, const char *type, const char *reason, double delay); /* an event */

#endif
