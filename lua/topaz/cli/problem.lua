--- What ends a command before its time: a table { code, message, hint }, raised by error() and told
-- by topaz.cli.main.
local problem = {}

-- Exit codes.
problem.DECLINED, problem.USAGE, problem.FAILED = 1, 2, 3
problem.REFUSED, problem.NOT_FOUND, problem.TIMEOUT, problem.NETWORK = 4, 5, 6, 7
problem.COMMAND = 8 -- a command of --exec has failed
problem.INTERRUPTED = 130

local Problem = { __tostring = function(self) return self.message end }

--- Makes one. `code` is the exit code, `hint` says what to do next.
function problem.new(code, message, hint)
   return setmetatable({ code = code, message = message, hint = hint }, Problem)
end

--- Raises one.
function problem.raise(...) error(problem.new(...), 0) end

--- Whether it is one.
function problem.is(value) return getmetatable(value) == Problem end

--- A mistake in how the command was called.
function problem.usage(message, hint) problem.raise(problem.USAGE, message, hint) end

--- Where to look for what may be typed.
-- @tparam[opt] string command
-- @treturn string
function problem.see(command) return ("see `topaz-status help%s`"):format(command and " " .. command or "") end

-- What to do about a failure of the API, by its kind.
local NEXT = {
   bad_request = "see --help for the arguments of the command",
   unauthorized = "check the key in TOPAZ_API_KEY or in the file of --api-key-file",
   forbidden = "this key lacks the permission: use another one",
   not_found = "it may be older than 7 days or deleted: see `topaz-status list`",
   conflict = "the job still runs: `topaz-status wait ID` first",
   rate_limited = "try again later, or lower the rate with --max-rate",
   server_error = "try again later",
   unexpected_status = "check --base-url and TOPAZ_BASE_URL",
   timeout = "try again, or set a longer --timeout",
   network = "check the network, --base-url and TOPAZ_BASE_URL",
   tls = "check the base URL, --ca-file and this machine's clock",
   protocol = "check --base-url and TOPAZ_BASE_URL",
   too_large = "try again later; if it happens again, please report it",
   cancelled = "run it again",
   closed = "run it again",
}

--- An error object of the library in one line, without the name of the library's call: the command
-- is known.
-- @tparam table err
-- @treturn string
function problem.message(err)
   local line = tostring(err)
   local operation = err.operation and err.operation .. (err.process_id and " " or ": ")
   return operation and line:sub(1, #operation) == operation and line:sub(#operation + 1) or line
end

--- What to do next about an error object of the library.
-- @tparam table err
-- @treturn string
function problem.hint(err)
   if err.retry_after then return ("try again in %g s"):format(err.retry_after) end
   -- Without an id it is the path that is not there.
   local kind = err.kind == "not_found" and not err.process_id and "unexpected_status" or err.kind
   return NEXT[kind] or "try again"
end

-- The exit codes of kinds of errors; problem.FAILED for the others.
local CODES = {
   unauthorized = problem.REFUSED, forbidden = problem.REFUSED, timeout = problem.TIMEOUT,
   network = problem.NETWORK, tls = problem.NETWORK,
}

--- The exit code for an error object of the library. A 404 for a list is a wrong URL, not a status
-- that is missing.
-- @tparam table err
-- @treturn integer
function problem.code(err)
   if err.kind == "not_found" and err.process_id then return problem.NOT_FOUND end
   return CODES[err.kind] or problem.FAILED
end

--- The exit code of several failures: that of all of them, or problem.FAILED where they differ.
-- @tparam integer so_far 0: none yet
-- @tparam integer code of one more
-- @treturn integer
function problem.both(so_far, code) return (so_far == 0 or so_far == code) and code or problem.FAILED end

--- Whether an error is Ctrl-C: the interpreter raises it as a string.
function problem.is_interrupt(value) return type(value) == "string" and value:find("interrupted!", 1, true) ~= nil end

return problem
