-- The script that host.c runs: it gets the URL and the key, begins its work as tasks,
-- and leaves the stepping to the host.
local url, key = ...
local topaz = require "topaz"

local client = topaz.client { base_url = url, api_key = key }
local host = { client = client, count = 0 }

client:spawn(function()
   for _ in client:statuses { fields = { "process_id" }, limit = 20 } do host.count = host.count + 1 end
   host.listed = true
end)
client:spawn(function() -- still under way when the host ends
   local page = client:get_page { limit = 1 }
   if page and page.data[1] then client:wait_until_done(page.data[1].process_id) end
end)

--- Called by the host once a frame; returns whether the list is there and how many statuses it has.
function host.frame()
   client:step(0)
   return host.listed == true, host.count
end

return host
