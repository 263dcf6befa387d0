-- Webhooks in Copas, versions 1 to 4: the jobs of the command line are watched, and what is posted
-- to /hooks/$WEBHOOK_SECRET is a hint that one of them may have changed. It ends when all jobs are
-- finished.
--
--    WEBHOOK_SECRET=$(openssl rand -hex 16) lua5.4 spec/examples/webhooks.lua ID …
--
-- $WEBHOOK_PORT (8099) is on 127.0.0.1 alone: put a server in front that speaks TLS, limits sizes
-- and times, and passes whole requests, as spec/guide/webhooks.md shows it with nginx.
-- $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API; `topaz-status emulator` gives one to try.
local copas = require "copas"
local socket = require "socket"
local topaz = require "topaz"

local MOST = 128 * 1024 -- bytes of a request; offer() itself takes bodies of up to 64 KiB
local SECRET = assert(os.getenv "WEBHOOK_SECRET", "WEBHOOK_SECRET is not set")
local PORT = tonumber(os.getenv "WEBHOOK_PORT" or 8099)

local client = topaz.client { scheduler = require "topaz.scheduler.copas" }
local watcher = client:watch({ ... }, { timeout = 86400 })

-- Method and path of a request, and its body; nil: it was cut, or too long.
local function read_request(connection)
   local text = ""
   while #text <= MOST do
      local head, body = text:match "^(.-\r\n)\r\n(.*)$"
      local length = head and tonumber(head:lower():match "\r\ncontent%-length: *(%d+)\r\n" or 0)
      if head and #body >= length then return head:match "^(%u+ %S+)", body:sub(1, length) end
      local data, problem, partial = copas.receivePartial(connection, 8192)
      data = data or partial or ""
      if data == "" and problem ~= "timeout" then return nil end
      text = text .. data
   end
end

-- The response says nothing about which jobs are watched.
local function serve(connection)
   local place, body = read_request(connection)
   local found = place == "POST /hooks/" .. SECRET
   if found then watcher:offer(body) end
   copas.send(connection, ("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"):format(
      found and "200 OK" or place and "404 Not Found" or "400 Bad Request"))
   connection:close()
end

local listener = assert(socket.bind("127.0.0.1", PORT))
copas.addserver(listener, serve)

local over = false
copas.addthread(function()
   local ok, err = pcall(function()
      for status, gone in watcher do
         print(status.process_id, gone and gone.kind or status.status)
         io.stdout:flush()
      end
   end)
   if not ok then io.stderr:write(tostring(err), "\n") end
   over = true
end)

repeat copas.step() until over
listener:close()
client:close()
