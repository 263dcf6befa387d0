-- Starts spec/support/h2_server.py, an HTTP/2 server with faults, and talks to it.
--
--   local server = require("spec.support.h2_server").start()
--   server.url, server.ca_file
--   server:play(fault, times, status, body)   what the next requests meet, and what those behind them are answered
--   server:seen()                             requests since then
--   server:stop()
local socket = require "socket"
local certificates = require "spec.emulator.certificates"

local methods = {}
local Server = { __index = methods }

local function write(text)
   local name = os.tmpname()
   local file = assert(io.open(name, "w"))
   file:write(text)
   file:close()
   return name
end

local function start()
   local pem = certificates.get "good"
   local self = setmetatable({ files = { write(pem.server), write(pem.key), write(pem.ca) } }, Server)
   self.ca_file = self.files[3]
   self.process = io.popen(("exec python3 spec/support/h2_server.py %s %s"):format(self.files[1], self.files[2]))
   local port, door = self.process:read("l"):match "(%d+) (%d+)"
   self.url = ("https://localhost:%s/image/v1"):format(port)
   self.control = assert(socket.connect("127.0.0.1", tonumber(door)))
   return self
end

function methods:play(fault, times, status, body)
   assert(self.control:send(("%s %d %d %s\n"):format(fault, times, status, body)))
   return tonumber(assert(self.control:receive "*l"))
end

function methods:seen() return self:play("none", 0, 204, "") end

function methods:stop()
   self.control:close()
   self.process:close()
   for _, name in ipairs(self.files) do os.remove(name) end
end

return { start = start }
