-- The client in Copas, versions 1 to 4: a list and a wait at a time.
-- $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API; `topaz-status emulator` gives one to try.
local copas = require "copas"
local topaz = require "topaz"

local client = topaz.client { scheduler = require "topaz.scheduler.copas" }
local left = 2

copas.addthread(function()
   local count = 0
   for _ in client:statuses { fields = { "process_id" } } do count = count + 1 end
   print("statuses:", count)
   left = left - 1
end)

copas.addthread(function()
   local page = assert(client:get_page { limit = 1 })
   local first = page.data[1]
   if first then print("the first one ended as:", assert(client:wait_until_done(first.process_id)).status) end
   left = left - 1
end)

-- copas.loop() does it from version 2 on; the loop of version 1 never ends.
repeat copas.step() until left == 0
client:close()
