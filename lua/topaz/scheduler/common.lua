--- What the adapters of event loops share: a client is attended while anything of it is under way, and let go of after that.
--
-- A scheduler has five methods, called by topaz.task:
--   current()         the coroutine that runs now, where it can yield to the loop; nil: the caller has to block
--   suspend(thread)   yields from that coroutine to the loop, until
--   resume(thread)    makes it go on, at once or in the loop's next turn
--   attend(client)    something of the client is under way, and the time when it is due may be sooner than before
--   leave(client)     lets go of the client and of its descriptor
local core = require "topaz.core"

local common = {}

local TICK = 0.01 -- seconds between two looks where the system has no descriptor for all connections

--- The running coroutine, where it can yield; nil in the main program and below a C function that cannot be left.
-- A coroutine that somebody else resumes (an iterator made with coroutine.wrap, say) cannot be told from one of the loop.
function common.current()
   local thread, main = coroutine.running()
   if not main and coroutine.isyieldable() then return thread end
   return nil
end

-- Whether a loop has to stay for the client. A request that nobody waits for counts, too: it was begun to be done.
local function is_busy(client)
   local state = core.state(client)
   return state.alive > 0 or #state.runnable > 0 or next(state.parked) ~= nil or client:stats().pending > 0
end

local function due(client)
   local seconds = client:timeout()
   if client:pollfd() then return seconds end
   return math.min(seconds or TICK, TICK)
end

--- Gives a scheduler its attend() and leave().
-- @tparam table scheduler
-- @tparam function open (client, turn) → driver. The driver calls turn() when the client's descriptor is readable and when
-- the time that it was armed with is over. `driver:arm(seconds)` sets that time, anew each time (nil: none), and does not call turn();
-- `driver:close()` ends it at once.
-- @treturn table the scheduler
function common.scheduler(scheduler, open)
   local drivers = setmetatable({}, { __mode = "k" })

   local function turn(client)
      local ok, err = pcall(client.step, client, 0)
      local driver = drivers[client]
      if driver and is_busy(client) then
         driver:arm(due(client))
      elseif driver then
         scheduler:leave(client)
      end
      if not ok then error(err, 0) end
   end

   function scheduler.attend(_, client)
      local driver = drivers[client]
      if not driver then
         driver = open(client, function() return turn(client) end)
         drivers[client] = driver
      end
      driver:arm(due(client))
   end

   function scheduler.leave(_, client)
      local driver = drivers[client]
      drivers[client] = nil
      if driver then driver:close() end
   end

   return scheduler
end

return common
