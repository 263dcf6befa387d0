-- A bare HTTP client, for the tests of the emulator itself: it shows the very bytes, and hides
-- nothing.

local cjson = require "cjson"
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local probe = {}

-- One call; returns the status, the decoded body (the text where it is not JSON) and the headers.
-- The key is sent unless `headers` has another one, or false for none.
function probe.ask(emulator, method, path, headers)
   local out = {}
   headers = headers or {}
   if headers["x-api-key"] == nil then headers["x-api-key"] = emulator.key end
   if headers["x-api-key"] == false then headers["x-api-key"] = nil end
   local ok, status, given = http.request {
      method = method, url = emulator.url .. path, headers = headers, sink = ltn12.sink.table(out), redirect = false,
   }
   if not ok then return nil, status end
   local text = table.concat(out)
   local decoded, value = pcall(cjson.decode, text)
   return status, decoded and value or text, given
end

-- A connection on which several requests may be sent.
function probe.connect(emulator)
   local connection = assert(socket.connect("127.0.0.1", tonumber(emulator.url:match(":(%d+)/"))))
   connection:settimeout(5)
   return connection
end

function probe.send(connection, emulator, method, path, more)
   assert(connection:send(("%s /image/v1%s HTTP/1.1\r\nHost: localhost\r\nX-API-Key: %s\r\n%s\r\n")
      :format(method, path, emulator.key, more or "")))
end

-- All bytes of one answer until the server closes.
function probe.bytes(emulator, method, path, more)
   local connection = probe.connect(emulator)
   probe.send(connection, emulator, method, path, "Connection: close\r\n" .. (more or ""))
   local parts = {}
   repeat
      local text, problem, partial = connection:receive(65536)
      parts[#parts + 1] = text or partial
   until problem
   connection:close()
   return table.concat(parts)
end

-- How the server ends a connection on which it sends nothing that matters: true for a reset, false
-- for a plain close. LuaSocket calls both "closed"; but only a reset leaves an error at the socket
-- until something is received.
function probe.is_reset(emulator, method, path)
   local connection = probe.connect(emulator)
   probe.send(connection, emulator, method, path)
   local deadline, problem = socket.gettime() + 0.3
   repeat
      problem = connection:getoption("error")
      socket.sleep(0.005)
   until problem or socket.gettime() > deadline
   connection:close()
   return problem ~= nil
end

-- Asks again until it is so.
function probe.wait_for(condition)
   while not condition() do socket.sleep(0.005) end
end

-- What follows the header.
function probe.body(text)
   return text:match("\r\n\r\n(.*)$")
end

return probe
