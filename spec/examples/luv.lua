-- The client in libuv's loop: three calls at a time, while a timer of the loop ticks.
-- $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API; `topaz-status emulator` gives one to try.
local uv = require "luv"
local topaz = require "topaz"

local client = topaz.client { scheduler = require "topaz.scheduler.luv" }

local timer, ticks = uv.new_timer(), 0
timer:start(10, 10, function() ticks = ticks + 1 end)
timer:unref() -- it does not keep the loop

coroutine.wrap(function()
   local count, first = 0, nil
   for status in client:statuses { fields = { "process_id", "status" } } do
      count, first = count + 1, first or status.process_id
   end
   print("statuses:", count)

   local waiting = first and client:spawn("wait_until_done", first)
   local page = assert(client:get_page { limit = 1 })
   print("has another page:", page.pagination.has_next_page)
   if waiting then print("the first one ended as:", assert(waiting:await()).status) end
end)()

uv.run()
client:close()
print("the timer ticked meanwhile:", ticks > 0)
