-- LuaSocket, one connection kept open, with a JSON module:  luasocket.lua BASE_URL (cjson | dkjson)
local decode
if arg[2] == "dkjson" then
   local dkjson = require "dkjson"
   local has_lpeg, fast = pcall(dkjson.use_lpeg) -- its fast form, where LPeg is installed
   decode = has_lpeg and fast.decode or dkjson.decode
else
   decode = require("cjson").decode
end
package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
local fetch = require("keep_alive").fetcher { ["X-API-Key"] = "bench" }

local url = arg[1] .. "/status?paginated=true&limit=100"
local count, checksum, cursor = 0, 0, ""
repeat
   local page = decode(fetch(url .. cursor))
   for _, status in ipairs(page.data) do
      count, checksum = count + 1, checksum + status.progress
   end
   cursor = page.pagination.has_next_page and "&cursor=" .. page.pagination.next_cursor
until not cursor
print(("count=%d checksum=%.0f"):format(count, checksum))
