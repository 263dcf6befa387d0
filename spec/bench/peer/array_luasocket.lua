-- LuaSocket and cjson reading the plain array at once:  array_luasocket.lua BASE_URL
package.path = arg[0]:gsub("[^/]*$", "?.lua;") .. package.path
local decode = require("cjson").decode
local fetch = require("keep_alive").fetcher { ["X-API-Key"] = "bench" }

local checksum, statuses = 0, decode(fetch(arg[1] .. "/status"))
for _, status in ipairs(statuses) do checksum = checksum + status.progress end
print(("count=%d checksum=%.0f"):format(#statuses, checksum))
