-- A caller with work of its own, 40 ms a page:  work.lua BASE_URL (topaz | luasocket) (each | bulk)
-- each: 0.4 ms behind every status; bulk: 40 ms behind every hundredth.
local socket = require "socket"

local SECONDS = 0.0004
local every = arg[3] == "bulk" and 100 or 1
local count, checksum = 0, 0

-- Works, as far as anyone can see: keeps the processor busy.
local function handle(status)
   count, checksum = count + 1, checksum + status.progress
   if count % every == 0 then
      local ready = socket.gettime() + SECONDS * every
      repeat until socket.gettime() >= ready
   end
end

local function with_topaz(base_url)
   local topaz = require "topaz"
   local client <close> = topaz.client { api_key = "bench", base_url = base_url }
   for status in client:statuses() do handle(status) end
end

local function with_luasocket(base_url)
   package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
   local decode = require("cjson").decode
   local fetch = require("keep_alive").fetcher { ["X-API-Key"] = "bench" }
   local cursor = ""
   repeat
      local page = decode(fetch(base_url .. "/status?paginated=true&limit=100" .. cursor))
      for _, status in ipairs(page.data) do handle(status) end
      cursor = page.pagination.has_next_page and "&cursor=" .. page.pagination.next_cursor
   until not cursor
end

if arg[2] == "topaz" then with_topaz(arg[1]) else with_luasocket(arg[1]) end
print(("count=%d checksum=%.0f"):format(count, checksum))
