-- Starts spec/support/raw_server.py, a server and a proxy that misbehave below
-- HTTP, and talks to it.
--
--   local server = require("spec.support.raw_server").start()
--   server.plain, server.secure, server.proxy   their URLs
--   server.ca_file
--   server:play(behaviour, argument)   what those meet that connect from then on: see raw_server.py
--   server:seen()                      connections and requests since then
--   server:wait_late()                 returns when the late bytes of "late" have been sent
--   server:stop()
local python_server = require "spec.support.python_server"

local methods = { stop = python_server.stop }

local function start(kind)
   local self = python_server.start("raw_server.py", kind or "good", methods)
   self.plain = ("http://127.0.0.1:%d"):format(self.ports[1])
   self.secure = ("https://localhost:%d"):format(self.ports[2])
   self.proxy = ("http://127.0.0.1:%d"):format(self.ports[3])
   return self
end

function methods:play(behaviour, argument)
   assert(self.control:send(("%s %s\n"):format(behaviour, argument or "")))
   local connections, requests = assert(self.control:receive "*l"):match "(%d+) (%d+)"
   return tonumber(connections), tonumber(requests)
end

function methods:seen() return self:play "ok" end

function methods:wait_late()
   assert(self.control:send "wait late\n")
   assert(self.control:receive "*l")
end

return { start = start }
