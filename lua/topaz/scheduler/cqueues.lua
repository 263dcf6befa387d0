--- Controllers of cqueues: in a coroutine of one, the client's calls let it run on.
--
--    local client = topaz.client { scheduler = require "topaz.scheduler.cqueues" }
--    queue:wrap(function() print(client:get_status(id)) end)
--    assert(queue:loop())
--
-- A client is driven by each controller in which it is used. Tasks spawned outside of all
-- controllers wait until that happens.
local condition = require "cqueues.condition"
local cqueues = require "cqueues"
local common = require "topaz.scheduler.common"
local core = require "topaz.core"

local Driver = {}
Driver.__index = Driver

-- Starts the coroutine of a controller that polls.
local function begin(driver, queue)
   driver.queues[queue] = true
   queue:wrap(function()
      common.drive(driver, function()
         local left = driver.deadline and math.max(0, driver.deadline - core.now())
         cqueues.poll(driver.changed, left, driver.readable)
      end, function() begin(driver, queue) end)
   end)
end

function Driver:arm(seconds)
   local deadline = seconds and core.now() + seconds
   if deadline and deadline < (self.deadline or math.huge) then self.changed:signal() end
   self.deadline = deadline
   local queue = cqueues.running()
   if queue and not self.queues[queue] then begin(self, queue) end
end

function Driver:close()
   self.closed = true
   -- Before it is closed: controllers go by its number.
   if self.readable then cqueues.cancel(self.readable.pollfd) end
   self.changed:signal()
end

local function open(client, turn)
   local fd = client:pollfd()
   return setmetatable({
      turn = turn, readable = fd and { pollfd = fd, events = client:events() }, changed = condition.new(),
      queues = setmetatable({}, { __mode = "k" }),
   }, Driver)
end

local scheduler = common.scheduler({}, open)
local conditions = setmetatable({}, { __mode = "k" })

--- A coroutine of the controller itself: those that it runs in turn cannot yield to the controller.
function scheduler.current()
   local queue, is_its_own = cqueues.running()
   if queue and is_its_own then return common.current() end
   return nil
end

function scheduler.suspend(_, thread)
   local woken = conditions[thread] or condition.new()
   conditions[thread] = woken
   woken:wait()
end

function scheduler.resume(_, thread) conditions[thread]:signal() end

return scheduler
