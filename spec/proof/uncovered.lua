-- Why a piece of the C core is run by no test: { part of the file's name, how the piece begins, the reason }. The first entry that fits
-- counts. A piece without an entry here wants a test.
local RAISES = "behind a call that never returns, since it raises; C wants an end all the same"
local FORK = "only in a process made by fork: `make proof` runs it there, in a child that ends by _exit and so writes no counts"

return {
   { "cursor_page.c", "(void)cursor_raise(L, ERROR_CLOSED, \"the client belongs", FORK },
   { "transport.c", "forget(t);\n", FORK },
   { "cursor.c", "default: return true;", "cursor_fill stops without a record only for one of the other news; here for news that may be added" },
   { "json_shape.c", "return false;\n", "the look-up before it has found a free place, and a larger table has one as near; here to be sure" },
   { "request_attempt.c", "return RETRY_PROTOCOL;\n", "behind a switch over all ends that a transfer has; compilers want it" },
   { "transport.c", "curl_multi_cleanup(m);\n  t->multi = NULL;\n  return false;\n",
      "where libcurl refuses an option: each one from 7.85 on, the oldest that compiles, takes these" },
   { "cursor.c", "return true;\n", RAISES },
   { "cursor_page.c", "return CALL_FAILED;\n", RAISES },
   { "options.c", "return OPTION_STRING;\n", RAISES },
   { "client.c", "}\n", RAISES },
}
