--- Processes: looks them up in /proc, and starts and stops the programs that an emulator or a test
-- needs. self(), stamp() and alive() are also called inside nginx: this file is for Lua 5.4 and for
-- LuaJIT.

local process = {}

local STOP_LIMIT = 2 -- seconds until SIGKILL follows

-- Returns /proc/<pid>/stat behind the command name, which may contain spaces and brackets.
local function stat(pid)
   local file = io.open("/proc/" .. pid .. "/stat")
   if not file then return nil end
   local line = file:read("*l")
   file:close()
   return line
end

--- Returns the id of the calling process.
function process.self()
   local line = stat("self") or error("the emulator runs on Linux only: this system has no /proc", 0)
   return tonumber(line:match("^%d+"))
end

--- Returns a stamp that differs for a later process of the same id: the start time in ticks. nil:
-- the process has ended.
function process.stamp(pid)
   local line = stat(pid .. "/task/" .. pid) -- qemu makes up the line of the process that it runs
   local state, rest = (line or ""):match("^.*%) (%S) (.*)$")
   if not state or state == "Z" or state == "X" then return nil end
   local field = 3
   for word in rest:gmatch("%S+") do
      field = field + 1
      if field == 22 then return word end
   end
end

--- Returns whether the process of this id and stamp still runs.
function process.alive(pid, stamp)
   return stamp ~= nil and process.stamp(pid) == stamp
end

--- Quotes a text as one word of the shell.
function process.quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Runs a shell command in a clean environment and returns its output. A test may run with a
-- preloaded sanitizer, with LUA_CPATH set for another Lua, or behind a proxy, which the command
-- must not inherit. `exec` at each step also avoids a sanitizer's check at exit.
function process.shell(command)
   local path = '"$PATH:/usr/local/sbin:/usr/sbin:/sbin"'
   local pipe = assert(io.popen("exec env -i PATH=" .. path .. " LC_ALL=C TMPDIR=\"${TMPDIR:-/tmp}\" sh -c "
      .. process.quote(command), "r"))
   local text = pipe:read("a")
   pipe:close()
   return (text:gsub("%s+$", ""))
end

--- Starts a program in a session of its own, which Ctrl-C does not reach. `command` is a shell
-- command; `folder` is where it runs; `log` is the path of a file for its output. Returns the
-- program as { pid, stamp }, and the text that it writes until it closes its output, such as its
-- address. A program that does not start has no stamp, and the text says why.
function process.start(command, folder, log)
   local script = ("echo $$; cd %s && exec %s%s"):format(process.quote(folder or "."), command,
      log and " >" .. process.quote(log) .. " 2>&1" or "")
   local text = process.shell(("ulimit -n 16384 2>/dev/null; setsid sh -c %s </dev/null 2>&1 &")
      :format(process.quote(script)))
   local pid, said = text:match("^(%d+)%s*(.*)$")
   pid = math.tointeger(tonumber(pid))
   return { pid = pid, stamp = pid and process.stamp(pid) }, said or text
end

--- Ends a program of start(): by `signal` ("TERM" by default), then by SIGKILL. Waits until it has
-- ended. Never raises: it also runs in finalizers.
function process.stop(program, signal)
   local socket = require "socket" -- not at the top: nginx does not have it
   for _, name in ipairs { signal or "TERM", "KILL" } do
      if not process.alive(program.pid, program.stamp) then return end
      process.shell("kill -" .. name .. " " .. program.pid)
      local deadline = socket.gettime() + STOP_LIMIT
      while process.alive(program.pid, program.stamp) and socket.gettime() < deadline do socket.sleep(0.002) end
   end
end

--- Gives a class what its objects have in common: `server`, the program that they have started, nil
-- after stop(); `owner`, the process that has started it; and stop() itself.
-- @tparam table class a metatable, with its methods in `__index`
-- @tparam function finish (object) ends the program; done once more where Ctrl-C has interrupted it
function process.own(class, finish)
   local methods = class.__index
   function methods:running()
      return self.server ~= nil and process.alive(self.server.pid, self.server.stamp)
   end
   function methods:stop()
      if not self.server then return end
      local ok, err = pcall(finish, self)
      if not ok then finish(self) end
      self.server = nil
      if not ok then error(err, 0) end
   end
   class.__close = methods.stop
   -- A child made by fork has the same object, but the server belongs to the parent.
   function class:__gc()
      if self.server and process.self() == self.owner then pcall(self.stop, self) end
   end
   function class:__tostring()
      return ("%s (%s)"):format(class.__name, self.server and self.url or "stopped")
   end
end

return process
