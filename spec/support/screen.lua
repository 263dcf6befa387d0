-- A real terminal for tests, by tmux: a fixed size, keys, and the text on its screen.
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local socket = require "socket"

local screen = {}

local LIMIT = 60 -- seconds after which what is waited for is given up

local Screen = {}
Screen.__index = Screen

local count = 0

--- Whether there is a tmux.
function screen.available() return process.shell "command -v tmux" ~= "" end

local function tmux(self, arguments)
   return process.shell(("tmux -L %s -f /dev/null %s"):format(self.socket, arguments))
end

--- Starts a shell script in a terminal of its own. Below the output stands "ended with CODE",
-- and what stty says of the terminal.
-- @tparam string script
-- @tparam table o `width`, `height`, `variables`
-- @return the terminal: text(), wait_for(pattern), keys(names), resize(w, h), raw();
-- close it with <close>
function screen.open(script, o)
   count = count + 1
   local self = setmetatable({ socket = ("topaz-%d-%d"):format(process.self(), count), log = os.tmpname(),
      file = os.tmpname() }, Screen)
   local variables = { LC_ALL = "C.UTF-8", TERM = "screen-256color", TZ = "UTC", PATH = os.getenv "PATH" }
   for name, value in pairs(o.variables or {}) do variables[name] = value end
   local file = assert(io.open(self.file, "w"))
   -- Ctrl-C goes to all that run in the terminal; the script is to go on behind it.
   file:write("trap : INT\ncd ", process.quote(process.shell "pwd"), "\nread start\n",
      program.environment(variables), " ", script,
      "\necho ended with $?\n",
      "stty -a | tr ';' '\\n' | grep -o -e '-*icanon' -e '-*echo ' -e 'susp = .*' | tr -d ' \\n'\nsleep 60\n")
   file:close()
   local command = ("new-session -d -x %d -y %d %s"):format(o.width, o.height, process.quote("exec sh " .. self.file))
   -- Every variable of a test goes through the script's `env`;
   -- tmux itself only needs to know that it is UTF-8.
   process.shell(("LC_ALL=C.UTF-8 tmux -L %s -f /dev/null -u %s"):format(self.socket, command))
   tmux(self, ("pipe-pane 'exec cat >%s'"):format(self.log))
   tmux(self, "send-keys Enter")
   return self
end

--- The text on the screen, without spaces at the ends of lines and empty lines at its end.
function Screen:text() return (tmux(self, "capture-pane -p"):gsub("[ \t]+\n", "\n"):gsub("^\n", "")) end

--- Waits until the screen has what the pattern says; raises with the screen when it never has.
function Screen:wait_for(pattern)
   local deadline = socket.gettime() + LIMIT
   while true do
      local text = self:text()
      if text:find(pattern) then return text end
      if socket.gettime() > deadline then error(("not on the screen: %s\n%s"):format(pattern, text), 2) end
      socket.sleep(0.05)
   end
end

--- The same text with the sequences for its colours.
function Screen:coloured() return tmux(self, "capture-pane -e -p") end

--- Waits until the program has set this title. What it had written before is on the screen then.
function Screen:wait_for_title(title)
   local deadline = socket.gettime() + LIMIT
   while tmux(self, "display-message -p '#{pane_title}'") ~= title do
      if socket.gettime() > deadline then error(("no such title: %s\n%s"):format(title, self:text()), 2) end
      socket.sleep(0.05)
   end
end

--- Presses keys, by tmux's names.
function Screen:keys(names) tmux(self, "send-keys " .. names) end

function Screen:resize(width, height) tmux(self, ("resize-window -x %d -y %d"):format(width, height)) end

--- Every byte that was written to the terminal until now.
function Screen:raw()
   local file = assert(io.open(self.log, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

--- Ends the terminal and what runs in it.
function Screen:close()
   local path = tmux(self, "display-message -p '#{socket_path}'")
   tmux(self, "kill-server")
   if path:find(self.socket, 1, true) then os.remove(path) end -- tmux leaves it behind
   os.remove(self.log)
   os.remove(self.file)
end

Screen.__close = Screen.close

return screen
