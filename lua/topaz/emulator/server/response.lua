--- Sends a response through nginx, which frames and may compress it. (LuaJIT, inside nginx.)

local clock = require "topaz.emulator.server.clock"

local response = {}

--- Sends { status, headers?, body? }.
function response.send(reply)
   local header = ngx.header
   ngx.status = reply.status
   header.Date = ngx.http_time(math.floor(clock.now()))
   header["Content-Type"] = reply.body and "application/json" or nil
   for name, value in pairs(reply.headers or {}) do header[name] = value end
   local body = reply.body
   if type(body) == "function" then
      local connected = true
      return body(function(piece)
         if connected then connected = ngx.print(piece) and ngx.flush(true) end
         return connected
      end)
   end
   if body then
      header["Content-Length"] = #body
      ngx.print(body)
   else
      ngx.send_headers()
   end
end

return response
