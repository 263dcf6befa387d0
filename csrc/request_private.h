/*
** Inside the request room: what its files share. A file calls only files below it in this list:
**   request.c          one request from beginning to end, and the step that advances all of them
**   request_attempt.c  an attempt from launch to verdict, and its limits
**   request_quota.c    what a response says of the server's limit
**   request_report.c   what is reported of a request: its events and its error
**   request_queue.c    the lists, the timer and the news
*/
#ifndef TOPAZ_REQUEST_PRIVATE_H
#define TOPAZ_REQUEST_PRIVATE_H

#include "request.h"

/* ---- request_attempt.c ----------------------------------------------------------------------- */

/* Starts the next attempt; false: it failed. */
bool request_launch(request *r);
/* Ends the transfer and gives it back, after copying its results. */
void request_drop_attempt(request *r);
/* Handles the end of the transfer. */
void request_transfer_ended(request *r);
/* Updates the phase of the attempt, and ends the attempt if its time is over. */
void request_watch(request *r, double now);
/* Returns the seconds left to the attempt: to connect, then to be complete (a list: to make
** progress). A list has no other limit while data keeps arriving, unless the caller gave one. */
double request_time_left(const request *r, double now);
/* Ends the attempt, or the wait for a reader of its body. True: the request is then a success. */
bool request_abandon(request *r);
/* Ends the request in this state. */
void request_settle(request *r, request_state state);
void request_fail(request *r, error_kind kind, const char *message);

/* ---- request_quota.c ------------------------------------------------------------------------- */

/* Tells the gate what the response says of the server's limit. */
void request_learn_quota(request *r);

/* ---- request_report.c ------------------------------------------------------------------------ */

bool request_is_delete(const request *r);
/* Emits an event of an attempt that ended with this fault. */
void request_emit(request *r, const char *type, retry_fault fault, double delay);
/* Emits that the server's quota is used up for so many seconds. */
void request_emit_quota(request *r, double delay);
/* Emits, once, the event that the attempt was sent. */
void request_announce(request *r);
/* Fills in the error, except for its message. */
void request_fill_error(request *r, error_kind kind);
/* Makes the error of an attempt that ended with this fault, without the message of an error body,
** which the owner adds. `asked`: by Retry-After, or negative; `why` and `location`: texts from
** outside, or "". */
void request_explain(request *r, retry_fault fault, double asked, const char *why, const char *location);

/* ---- request_queue.c ------------------------------------------------------------------------- */

/* Adds a request to the queue; false: out of memory. */
bool request_link(request *r, double due);
/* Removes a request from its list and from the timer. */
void request_unlink(request *r);
/* Moves a request to another list; `due` is for queued and delayed ones. */
void request_move(request *r, request_state state, double due);
void request_set_due(request *r, double due); /* the request is in the timer */
/* Returns NULL when none is queued or delayed. */
request *request_first_due(const session *s);
/* Returns a queued request whose deadline is not later than `until`; NULL: there is none. */
request *request_first_hasty(const session *s, double until);
/* Marks the request as having news for its waiters. */
void request_tell(request *r);
void request_forget_news(request *r);

/* Debug builds: asserts that lists, timer, news, attempts and counts agree. */
#ifdef TOPAZ_DEBUG
void request_check(session *s);
#else
#define request_check(s) ((void)0)
#endif

#endif
