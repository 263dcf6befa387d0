-- Starts spec/support/h2_server.py, an HTTP/2 server with faults, and talks to it.
--
--   local server = require("spec.support.h2_server").start()
--   server.url, server.ca_file
--   server:play(fault, times, status, body)   what the next requests meet, and what those
--                                             behind them are answered. Faults:
--     refused_stream, internal_error, cancel, calm (ENHANCE_YOUR_CALM), http1_required
--                                         RST_STREAM with that code
--     goaway_unprocessed, goaway_error, http1_required_all
--                                         GOAWAY before this stream, with NO_ERROR,
--                                         INTERNAL_ERROR, HTTP_1_1_REQUIRED
--     goaway_processed, goaway_answered   GOAWAY behind it, without and with its answer
--     closed, half_reset, half_goaway, half_closed, short    nothing, or a part of an answer
--     mute   no answer to this request, others are answered
--     silent, answered_silent   no answer, or one; and nothing more on this connection,
--                               which stays open
--   server:streams(n)                         so many streams at once on new connections
--   server:seen()                             requests and connections since the last of these
--                                             three calls
--                                             of these three calls
--
-- It offers h2 and http/1.1 by ALPN; over HTTP/1.1 there are no faults.
--   server:stop()
local python_server = require "spec.support.python_server"

local methods = { stop = python_server.stop }

local function start()
   local self = python_server.start("h2_server.py", "good", methods)
   self.url = ("https://localhost:%d/image/v1"):format(self.ports[1])
   return self
end

function methods:play(fault, times, status, body)
   return self:say(("%s %d %d %s"):format(fault, times, status, body))
end

function methods:say(line)
   assert(self.control:send(line .. "\n"))
   local seen, connections = assert(self.control:receive "*l"):match "(%d+) (%d+)"
   return math.tointeger(tonumber(seen)), math.tointeger(tonumber(connections))
end

function methods:streams(count) return self:say("streams " .. count) end

function methods:seen() return self:play("none", 0, 204, "") end

return { start = start }
