--- libuv's loop (luv): in a coroutine, the client's calls let the loop run on.
--
--    local client = topaz.client { scheduler = require "topaz.scheduler.luv" }
--    coroutine.wrap(function() print(client:get_status(id)) end)()
--    uv.run()
--
-- Where an error ends such a coroutine it becomes one of the callback that resumed it: luv reports it as it does all errors of callbacks.
local uv = require "luv"
local common = require "topaz.scheduler.common"

local Driver = {}
Driver.__index = Driver

-- Timers count from the time at which the loop last looked at the clock, in whole milliseconds.
function Driver:arm(seconds)
   if self.timer:is_closing() then return end -- by whoever closes all handles of the loop
   if not seconds then
      self.timer:stop()
      return
   end
   uv.update_time()
   self.timer:start(math.ceil(math.min(seconds, 1e9) * 1000), 0, self.turn)
end

function Driver:close()
   for _, handle in ipairs { self.timer, self.poll } do
      if not handle:is_closing() then handle:close() end
   end
end

local function open(client, turn)
   local driver = setmetatable({ turn = turn, timer = uv.new_timer() }, Driver)
   local fd = client:pollfd()
   if fd then
      driver.poll = assert(uv.new_poll(fd))
      assert(driver.poll:start(client:events(), turn))
   end
   return driver
end

local luv = common.scheduler({ current = common.current }, open)

function luv.suspend() coroutine.yield() end

function luv.resume(_, thread)
   local ok, err = coroutine.resume(thread)
   if not ok then error(debug.traceback(thread, tostring(err)), 0) end -- luv prints strings only
end

return luv
