-- Runs before a script that wine runs, by LUA_INIT: makes the shell commands of specs and of the
-- emulator run on the system outside, by broker.py beside this file, whose nginx, Python and /proc
-- they need. What topaz itself does is left as it is.
local broker = tonumber(os.getenv "TOPAZ_SHELL_PORT")
-- luacheck: ignore 122
if not broker then return end
local socket = require "socket"

-- Runs a command to its end. Returns what it has written, then what io.close gives.
local function shell(command, input)
   local connection = assert(socket.connect("127.0.0.1", broker))
   assert(connection:send(("%d %d\n%s%s"):format(#command, #input, command, input)))
   local text = assert(connection:receive "*a")
   connection:close()
   local out, code = text:match "^(.*)\0(-?%d+)$"
   code = math.tointeger(tonumber(code))
   return out, code == 0 or nil, code < 0 and "signal" or "exit", math.abs(code)
end

function os.execute(command)
   if not command then return true end
   return select(2, shell(command, ""))
end

-- ---- io.popen -----------------------------------------------------------------------------------

-- What is read is there when the pipe is opened; what is written is sent when it is closed.
local Pipe = { __name = "pipe" }
Pipe.__index = Pipe

local function read_line(self, keep)
   if self.at > #self.out then return nil end
   local stop = self.out:find("\n", self.at, true) or #self.out + 1
   local line = self.out:sub(self.at, keep and stop or stop - 1)
   self.at = stop + 1
   return line
end

local function read_bytes(self, n)
   if n > 0 and self.at > #self.out then return nil end
   local bytes = self.out:sub(self.at, self.at + n - 1)
   self.at = self.at + n
   return bytes
end

function Pipe:read(what)
   what = what or "l"
   if type(what) == "number" then return read_bytes(self, what) end
   what = what:gsub("^%*", "")
   if what == "a" then return read_bytes(self, #self.out - self.at + 1) or "" end
   return read_line(self, what == "L")
end

function Pipe:lines(what)
   return function() return self:read(what) end
end

function Pipe:write(...)
   self.input[#self.input + 1] = table.concat { ... }
   return self
end

function Pipe:flush() return self end

function Pipe:setvbuf() return self end

function Pipe:close()
   if self.command then
      self.result = table.pack(shell(self.command, table.concat(self.input)))
      io.stdout:write(self.result[1])
      self.command = nil
   end
   return table.unpack(self.result, 2, 4)
end

Pipe.__close = Pipe.close

function io.popen(command, mode)
   if mode == "w" then return setmetatable({ command = command, input = {} }, Pipe) end
   local result = table.pack(shell(command, ""))
   return setmetatable({ out = result[1], at = 1, result = result }, Pipe)
end

-- ---- files --------------------------------------------------------------------------------------

-- Line feeds stay as they are: the programs outside write and read the same files.
local open = io.open
function io.open(path, mode) return open(path, (mode or "r"):gsub("b", "") .. "b") end

-- The folder of the emulator is named to nginx.
package.searchers[2] = function(name)
   local path, why = package.searchpath(name, package.path, ".", "/")
   if not path then return why end
   return assert(loadfile(path)), path
end

function os.tmpname()
   local path = shell("mktemp", ""):gsub("%s+$", "")
   return path
end

-- ---- busted -------------------------------------------------------------------------------------

-- What busted asks of two modules in C.
package.preload.system = function()
   return { gettime = socket.gettime, monotime = socket.gettime, sleep = socket.sleep }
end
package.preload.term = function()
   return { isatty = function() return false end }
end
