--- Gives the terminal back when this process dies by a signal, of which Lua is told nothing: a
-- small shell that waits at a pipe.
--
-- It reads lines until one is "done": all went well. When the pipe ends without it, the process at
-- the other end is gone. Only another process can act after SIGKILL, and this one needs no handler
-- of the other signals, which are the host's.
local guard = {}

-- It outlives what ends this process, and may change the terminal from the background. What it
-- inherits it lets go, as far as a plain shell can name it: a connection that this process closes
-- must not stay open here.
local SCRIPT = [[
trap '' HUP INT QUIT TERM TSTP TTIN TTOU
exec %s 2>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
export LC_ALL=C
kill -0 -$PPID && leads=1
while read -r word; do
   test "$word" = done && exit
   changed=$word
done
printf '%s'
]]

-- A process that leads its group was started by a shell that people type into. Such a shell sets
-- the terminal back by itself, then anew for its prompt, and to set it once more would spoil the
-- line that is being typed: hence the second look. What else has started the process leaves the
-- terminal as it is, and may end at once: no time is to be lost, which is why no locale is loaded
-- either.
local SET = [[
test "$leads" && sleep 0.1 && test "$changed" != "$(stty -g </dev/tty)" && exit
exec stty '%s' </dev/tty
]]

-- Windows has no such shell, and its own sets the console anew for each prompt.
local HAS_SHELL = package.config:sub(1, 1) == "/"

-- How the terminal is set, as one word; "": there is none.
local function settings()
   local pipe = io.popen "{ stty -g </dev/tty; } 2>/dev/null"
   local word = pipe:read "a":match "^%S*"
   pipe:close()
   return word
end

local Guard = {}
Guard.__index = Guard

--- Starts to watch over this process.
-- @param handle io.stdout or io.stderr: the terminal
-- @tparam string sequences what to write to it when this process has died
-- @tparam[opt=false] boolean keys whether to set the terminal as it is now, too
-- @return the guard
function guard.open(handle, sequences, keys)
   if not HAS_SHELL then return setmetatable({}, Guard) end
   local script = SCRIPT:format(handle == io.stderr and ">&2" or "", sequences)
   local saved = keys and settings() or ""
   if saved ~= "" then script = script .. SET:format(saved) end
   return setmetatable({ pipe = io.popen(script, "w") }, Guard)
end

--- Tells that the terminal has been set anew.
function Guard:changed()
   if self.pipe then self.pipe:write(settings(), "\n"):flush() end
end

--- The terminal is as it was: ends the guard. May be called again.
function Guard:close()
   local pipe = self.pipe
   if not pipe then return end
   self.pipe = nil
   pipe:write "done\n"
   pipe:close()
end

return guard
