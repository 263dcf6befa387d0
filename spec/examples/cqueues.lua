-- The client in a controller of cqueues: a list and a wait at a time,
-- while another coroutine sleeps and counts. $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API;
-- `topaz-status emulator` gives one to try.
local cqueues = require "cqueues"
local topaz = require "topaz"

local client = topaz.client { scheduler = require "topaz.scheduler.cqueues" }
local queue = cqueues.new()
local ticks, over = 0, false

queue:wrap(function()
   local count, first = 0, nil
   for status in client:statuses { fields = { "process_id", "status" } } do
      count, first = count + 1, first or status.process_id
   end
   print("statuses:", count)
   if first then print("the first one ended as:", assert(client:wait_until_done(first)).status) end
   over = true
end)

queue:wrap(function()
   while not over do
      cqueues.sleep(0.01)
      ticks = ticks + 1
   end
end)

assert(queue:loop())
client:close()
print("the other coroutine went on meanwhile:", ticks > 0)
