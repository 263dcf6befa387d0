-- LuaSocket's socket.http closes its connection after each request.
-- This keeps one open and gives it to each request again,
-- by the library's own hook for connections (`create`); everything else is the library's.
local http = require "socket.http"
local ltn12 = require "ltn12"
local socket = require "socket"

local keep_alive = {}

-- An object like a socket that stays open when it is closed, and is connected only once.
local function reusable()
   local real, connected = assert(socket.tcp()), false
   local self = {}
   function self.connect(_, host, port)
      if connected then return 1 end
      local ok, err = real:connect(host, port)
      if ok then
         real:setoption("tcp-nodelay", true)
         connected = true
      end
      return ok, err
   end
   function self.close() return 1 end
   function self.settimeout(_, ...) return real:settimeout(...) end
   function self.send(_, ...) return real:send(...) end
   function self.receive(_, ...) return real:receive(...) end
   function self.getfd() return real:getfd() end
   function self.dirty() return real:dirty() end
   return self
end

--- A function that fetches a URL over one connection and gives the body. Raises on any error.
function keep_alive.fetcher(headers)
   local connection = reusable()
   local sent = { connection = "keep-alive" }
   for name, value in pairs(headers) do sent[name] = value end
   return function(url)
      local chunks = {}
      local ok, status = http.request {
         url = url, headers = sent, sink = ltn12.sink.table(chunks), create = function() return connection end,
      }
      assert(ok and status == 200, status)
      return table.concat(chunks)
   end
end

return keep_alive
