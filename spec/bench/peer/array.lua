-- topaz and the plain array:  array.lua BASE_URL (all | first | idle)
-- all: every status; first: only the first one; idle: no request at all. Prints how long the first status took.
local socket = require "socket"
local topaz = require "topaz"

local client <close> = topaz.client { api_key = "bench", base_url = arg[1] }
local count, checksum, begin = 0, 0, socket.gettime()
if arg[2] == "idle" then
   client:step(0)
else
   for status in client:statuses { paginated = false } do
      count, checksum = count + 1, checksum + status.progress
      if count == 1 then
         print(("first_seconds=%.6f"):format(socket.gettime() - begin))
         if arg[2] == "first" then break end
      end
   end
end
print(("count=%d checksum=%d"):format(count, checksum))
