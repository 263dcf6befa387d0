--- libuv's loop (luv): in a coroutine, the client's calls let the loop run on.
--
--    local client = topaz.client { scheduler = require "topaz.scheduler.luv" }
--    coroutine.wrap(function() print(client:get_status(id)) end)()
--    uv.run()
--
-- Where an error ends such a coroutine it becomes one of the callback that resumed it: luv reports
-- it as it does all errors of callbacks.
local uv = require "luv"
local common = require "topaz.scheduler.common"

local Driver = {}
Driver.__index = Driver

-- Timers count from the time at which the loop last looked at the clock, in whole milliseconds.
function Driver:arm(seconds)
   if self.timer:is_closing() then return end -- by a program that closes all handles of the loop
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

-- ---- coroutines that wait -----------------------------------------------------------------------

local GENERATOR = "this coroutine waits inside luv's loop and has no value yet: take its values with a `for` loop that "
   .. "calls it directly, collect them first, or run the code in client:spawn"

-- What a coroutine gives that suspends itself. Where one is begun to run beside the others the
-- value is not looked at. In place of a value of a generator it says why there is none.
local Waiting = { __name = "topaz.waiting", __metatable = false }
local function complain() error(GENERATOR, 2) end
for _, event in ipairs {
   "__index", "__newindex", "__call", "__concat", "__len", "__lt", "__le", "__add", "__sub", "__unm",
} do
   Waiting[event] = complain
end
function Waiting.__tostring() return "topaz.waiting (" .. GENERATOR .. ")" end

local waiting = setmetatable({}, Waiting)
local going_on -- the coroutine that the scheduler resumes

--- The running coroutine; nil where a `for` loop calls it: a generator, whose values the loop wants
-- now. It blocks.
local function current()
   local thread = common.current()
   local resumer = thread and common.resumer(thread)
   if resumer and debug.getinfo(resumer, 0, "n").namewhat == "for iterator" then return nil end
   return thread
end

local luv = common.scheduler({ current = current }, open)

function luv.suspend(_, thread)
   coroutine.yield(waiting)
   if going_on ~= thread then error(GENERATOR, 0) end
   going_on = nil
end

function luv.resume(_, thread)
   going_on = thread
   local ok, err = coroutine.resume(thread)
   if not ok then -- as a string: luv prints nothing else
      error(debug and debug.traceback(thread, tostring(err)) or tostring(err), 0)
   end
end

return luv
