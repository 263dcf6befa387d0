/*
** error: the error object, built by one function.
**
** A failure outside the caller's control (HTTP, network, time, bad responses) becomes a Lua table
** with the metatable "topaz.error":
**   kind, message, operation             always, strings
**   http_status, code, attempts          integers, where known
**   process_id, request_id, outcome      strings, where known (outcome: "unsent" or "unknown")
**   retry_after                          number, seconds, where the server sent one
**   status                               table, the last status seen (set by the Lua layer)
** tostring(err) is one line. Text from outside is capped, its control and formatting characters are
** escaped, and a cut never splits a UTF-8 sequence. Nothing here ever holds the API key.
*/
#ifndef TOPAZ_ERROR_H
#define TOPAZ_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <lua.h>

#include "platform/platform.h"

typedef enum {
  ERROR_NONE,
  ERROR_BAD_REQUEST,
  ERROR_UNAUTHORIZED,
  ERROR_FORBIDDEN,
  ERROR_NOT_FOUND,
  ERROR_CONFLICT,
  ERROR_RATE_LIMITED,
  ERROR_SERVER,
  ERROR_UNEXPECTED_STATUS,
  ERROR_TIMEOUT,
  ERROR_NETWORK,
  ERROR_TLS,
  ERROR_PROTOCOL,
  ERROR_TOO_LARGE,
  ERROR_CANCELLED,
  ERROR_CLOSED
} error_kind;

typedef enum { ERROR_OUTCOME_KNOWN, ERROR_OUTCOME_UNSENT, ERROR_OUTCOME_UNKNOWN } error_outcome;

enum { ERROR_TEXT_MAX = 400 };

/* All that C knows of a failure; plain data, no pointers to free. Zero it, then fill in what is
** known. */
typedef struct {
  error_kind kind;
  const char *operation; /* a static string such as "get_status" */
  char message[ERROR_TEXT_MAX];
  char process_id[40];  /* "" when the call has none */
  char request_id[128]; /* "" when the server sent none */
  int http_status;      /* 0 when no status line was seen */
  long long code;       /* member `code` of the error body */
  bool has_code;
  double retry_after; /* seconds; negative when the server sent none */
  unsigned attempts;  /* 0 when not known */
  error_outcome outcome;
} error_info;

/* Makes `info` an empty one of this kind (retry_after = -1). */
void error_init(error_info *info, error_kind kind, const char *operation);

/* Formats the message; a text that is too long is cut at a UTF-8 boundary. */
void error_message(error_info *info, const char *format, ...) PLATFORM_FORMAT(2, 3);

/* Writes text from outside as a string of at most `size` bytes, its end included, and returns
** its length. Control bytes, and bytes that are not UTF-8, become \xHH; other characters that are
** not seen, but steer what is seen, become \u{HHHH}. The cut never splits a sequence. */
size_t error_escape(char *out, size_t size, const char *text, size_t n);
/* Appends at most `max` bytes of such a text to the message. */
void error_append(error_info *info, const char *text, size_t n, size_t max);

/* Returns the kind of an HTTP status that is not a success. */
error_kind error_kind_of_http(int http_status);

/* Pushes the error object: one value on the stack. Raises only when out of memory. */
void error_push(lua_State *L, const error_info *info);

/* error{ kind =, operation =, … } -> an error object, for the Lua layer, with the members above.
** The message is the library's own: it is neither cut nor escaped. */
int error_lua(lua_State *L);

/* Creates the metatable; called once by luaopen. Leaves the stack as it was. */
void error_open(lua_State *L);

/* Raises the value on the top of the stack, as lua_error does; the compiler knows that this
** function never returns. */
_Noreturn void error_throw(lua_State *L);
/* Raises an error object of this kind. */
_Noreturn void error_raise(lua_State *L, error_kind kind, const char *operation, const char *message);
/* Raises misuse, a string: "bad argument 'NAME': WHY". The position is that of the function at
** `level`: 1 is the caller of the running C function, 2 is the caller of that one. */
_Noreturn void error_misuse_at(lua_State *L, int level, const char *name, const char *format, ...)
    PLATFORM_FORMAT(4, 5);
#define error_misuse(L, ...) error_misuse_at(L, 1, __VA_ARGS__)

#endif
