-- Lua-cURL, one easy handle used again and again, with cjson:  lua_curl.lua BASE_URL
local curl = require "lcurl"
local decode = require("cjson").decode

local chunks
local easy = curl.easy {
   httpheader = { "X-API-Key: bench" },
   failonerror = true,
   writefunction = function(bytes) chunks[#chunks + 1] = bytes end,
}
local url = arg[1] .. "/status?paginated=true&limit=100"
local count, checksum, cursor = 0, 0, ""
repeat
   chunks = {}
   easy:setopt_url(url .. cursor)
   easy:perform()
   local page = decode(table.concat(chunks))
   for _, status in ipairs(page.data) do
      count, checksum = count + 1, checksum + status.progress
   end
   cursor = page.pagination.has_next_page and "&cursor=" .. page.pagination.next_cursor
until not cursor
print(("count=%d checksum=%.0f"):format(count, checksum))
