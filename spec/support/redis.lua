-- Starts a redis-server (or valkey-server) of its own on free ports, and talks to it.
--
--   local redis = require "spec.support.redis"
--   local server, why = redis.start { password = "…", tls = true, config = { "maxmemory 2mb" } }
--   if not server then return pending(why) end
--   server.port, server.url                    plain; with tls also server.tls_port, server.tls_url
--   server.ca_file                             the authority of its certificate
--   server:call("HSET", "key", "field", "1")   -> the reply; nil, message for an error reply
--   server:pause(), server:resume()            SIGSTOP, SIGCONT
--   server:kill(), server:restart()            SIGKILL; the same ports again, and nothing kept
--   server:stop()
--
-- `call` blocks, and has a reader of its own: what is tested is not used here.
local socket = require "socket"
local certificates = require "topaz.emulator.certificates"
local process = require "topaz.emulator.process"

local redis = {}

local START_LIMIT = 60 -- seconds; a busy machine needs some

local Server = {}
Server.__index = Server
Server.__close = function(server) server:stop() end

local found

--- Returns the path of the program; nil and why not.
function redis.program()
   if found == nil then
      found = process.shell "command -v redis-server || command -v valkey-server"
      if package.config:sub(1, 1) == "\\" then found = "" end
   end
   if found == "" then return nil, "no redis-server: apt install redis-server, or make deps-dev" end
   return found
end

local function free_port()
   local listener = assert(socket.bind("127.0.0.1", 0))
   local _, port = listener:getsockname()
   listener:close()
   return math.tointeger(tonumber(port))
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   return path
end

local function read(path)
   local file = io.open(path)
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text
end

-- The lines of its configuration file.
local function configuration(server, options)
   local folder = server.folder
   local lines = {
      "bind 127.0.0.1", "port " .. server.port, 'save ""', "appendonly no", "daemonize no", "dir " .. folder,
      "protected-mode no",
   }
   if options.password then lines[#lines + 1] = "requirepass " .. options.password end
   if options.tls then
      local pem = certificates.get(options.tls == true and "good" or options.tls)
      server.ca_file = write(folder .. "/ca.pem", pem.ca)
      lines[#lines + 1] = "tls-port " .. server.tls_port
      lines[#lines + 1] = "tls-cert-file " .. write(folder .. "/server.pem", pem.server)
      lines[#lines + 1] = "tls-key-file " .. write(folder .. "/server.key", pem.key)
      lines[#lines + 1] = "tls-ca-cert-file " .. server.ca_file
      lines[#lines + 1] = "tls-auth-clients no"
   end
   for _, line in ipairs(options.config or {}) do lines[#lines + 1] = line end
   return table.concat(lines, "\n") .. "\n"
end

-- Runs the program until it serves. Returns true; false and what it has logged.
local function launch(server)
   local log = server.folder .. "/log"
   server.process = process.start(("%s %s/conf"):format(process.quote(redis.program()), server.folder), nil, log)
   local deadline = socket.gettime() + START_LIMIT
   while process.alive(server.process.pid, server.process.stamp) and socket.gettime() < deadline do
      local ok, reply, why = pcall(server.call, server, "PING")
      if ok and (reply == "PONG" or why) then return true end
      if not ok and tostring(reply):find("interrupted!", 1, true) then error(reply, 0) end
      socket.sleep(0.01)
   end
   process.stop(server.process)
   return false, read(log)
end

--- Starts one. Returns it; nil and the reason where the program is not installed, or lacks TLS.
-- @tparam[opt] table options `password`, `tls` (true, or a kind of topaz.emulator.certificates),
-- `config`: more lines of its configuration; `parent`: where its folder is made
function redis.start(options)
   options = options or {}
   local program, why = redis.program()
   if not program then return nil, why end
   local where = options.parent and "-p " .. process.quote(options.parent) or "-t"
   local folder = process.shell(("mktemp -d %s topaz-redis-XXXXXX"):format(where))
   local server = setmetatable({ folder = folder, password = options.password }, Server)
   for _ = 1, 5 do -- another process may take the port first
      server.port, server.tls_port = free_port(), options.tls and free_port() or nil
      write(folder .. "/conf", configuration(server, options))
      local ok, log = launch(server)
      if ok then
         local user = options.password and ":" .. options.password .. "@" or ""
         server.url = ("redis://%s127.0.0.1:%d/0"):format(user, server.port)
         server.tls_url = server.tls_port and ("rediss://%slocalhost:%d/0"):format(user, server.tls_port)
         return server
      end
      if log:find("TLS", 1, true) and log:find("support", 1, true) or log:find("Bad directive", 1, true) then
         server:stop()
         return nil, "this redis-server lacks what the test needs: " .. log:match "[^\n]*$"
      end
      server.log = log
   end
   process.shell("rm -rf -- " .. process.quote(folder))
   error("redis-server did not start: " .. server.log, 2)
end

-- ---- talking to it ------------------------------------------------------------------------------

-- Reads one reply; `problem` is the text of an error reply.
local function reply_of(connection)
   local line = assert(connection:receive "*l")
   local kind, rest = line:sub(1, 1), line:sub(2)
   if kind == "+" then return rest end
   if kind == "-" then return nil, rest end
   if kind == ":" then return math.tointeger(tonumber(rest)) end
   local count = math.tointeger(tonumber(rest))
   if count == -1 then return nil end
   if kind == "$" then return (assert(connection:receive(count + 2)):sub(1, -3)) end
   local list = { n = count }
   for i = 1, count do
      local value, problem = reply_of(connection)
      list[i] = problem and { error = problem } or value
   end
   return list
end

local function encode(...)
   local parts = { ("*%d\r\n"):format(select("#", ...)) }
   for _, part in ipairs { ... } do
      part = tostring(part)
      parts[#parts + 1] = ("$%d\r\n%s\r\n"):format(#part, part)
   end
   return table.concat(parts)
end

--- Calls a command and returns its reply: text, integer, nil, or a list with `n`. For an error
-- reply: nil and its text. Raises when the server cannot be reached.
function Server:call(...)
   local connection, why = socket.connect("127.0.0.1", self.port)
   if not connection then error(("redis-server at port %d: %s"):format(self.port, why), 0) end
   connection:settimeout(START_LIMIT)
   local ok, reply, problem = pcall(function(...)
      if self.password then
         assert(connection:send(encode("AUTH", self.password)))
         assert(reply_of(connection))
      end
      assert(connection:send(encode(...)))
      return reply_of(connection)
   end, ...)
   connection:close()
   if not ok then error(reply, 0) end
   return reply, problem
end

-- ---- what may happen to it ----------------------------------------------------------------------

local function signal(server, name) process.shell(("kill -%s %d"):format(name, server.process.pid)) end

--- Stops its process, which answers nothing until `resume`.
function Server:pause() signal(self, "STOP") end

function Server:resume() signal(self, "CONT") end

--- Ends it by SIGKILL; `restart` starts it again.
function Server:kill()
   self.is_killed = true
   process.stop(self.process, "KILL")
end

--- Whether its process has ended, and not by `kill` or `stop`.
function Server:has_died()
   return self.folder and not self.is_killed and not process.alive(self.process.pid, self.process.stamp)
end

--- Starts it again at the same ports, empty.
function Server:restart()
   self:kill()
   assert(launch(self))
   self.is_killed = nil
end

--- Ends it and removes its files.
function Server:stop()
   if not self.folder then return end
   if process.alive(self.process.pid, self.process.stamp) then self:resume() end
   process.stop(self.process)
   process.shell("rm -rf -- " .. process.quote(self.folder))
   self.folder = nil
end

return redis
