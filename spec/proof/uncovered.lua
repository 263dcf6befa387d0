-- Why a piece of the C core is run by no test: { part of the file's name, how the piece begins,
-- the reason }. The first entry that fits counts. A piece without an entry here wants a test.
local RAISES = "behind a call that never returns, since it raises; C wants an end all the same"
local FORK =
   "only in a process made by fork: `make proof` runs it there, in a child that ends by _exit and so writes no counts"

local MOMENT = "where something ends in the moment between two looks at it; some runs meet it"

return {
   { "call.c", "error_raise(L, ERROR_CLOSED, operation, \"the client belongs", FORK },
   { "api.c", "else text[0]", "where a finalizer closes the client while the error body is read; some runs meet it" },
   { "api.c", "error_message(e, r->session ?",
      "where a finalizer closes the client while the error body is read; some runs meet it" },
   { "client.c", "error_misuse(L, name, \"expected seconds", "the Lua layer has looked at the argument before" },
   { "platform/socket.c", "ends->port = ends->local_port = 0", MOMENT },
   { "platform/unix_socket.c", "return true;\n",
      "libcurl wakes itself by an eventfd or a pair of sockets, not by a pipe" },
   { "request.c", "request_fail(r, ERROR_TIMEOUT, \"the timeout passed before", MOMENT },
   { "transport/connections.c", "free(c);\n", "where the process has no descriptor left" },
   { "transport/transport.c", "case CURL_HTTP_VERSION_3", "no libcurl of the tests speaks HTTP/3" },
   { "transport/transport.c", "x->end = TRANSFER_LOST;\n", "a resend is refused before it connects; here to be sure" },
   { "cursor_page.c", "(void)cursor_raise(L, ERROR_CLOSED, \"the client belongs", FORK },
   { "transport.c", "forget(t);\n", FORK },
   { "cursor.c", "default: return true;",
      "cursor_fill stops without a record only for one of the other news; here for news that may be added" },
   { "json/shape.c", "return false;\n",
      "the look-up before it has found a free place, and a larger table has one as near; here to be sure" },
   { "request_attempt.c", "return RETRY_PROTOCOL;\n",
      "behind a switch over all ends that a transfer has; compilers want it" },
   { "transport.c", "curl_multi_cleanup(m);\n  t->multi = NULL;\n  return false;\n",
      "where libcurl refuses an option: each one from 7.85 on, the oldest that compiles, takes these" },
   { "cursor.c", "return true;\n", RAISES },
   { "cursor_page.c", "return CALL_FAILED;\n", RAISES },
   { "options.c", "return OPTION_STRING;\n", RAISES },
   { "client.c", "}\n", RAISES },
}
