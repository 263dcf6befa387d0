--- What the adapters of event loops share: a client is attended while anything of it is under way,
-- and let go of after that.
--
-- A scheduler has five methods, called by topaz.task:
--   current()         the coroutine that runs now, if it can yield to the loop; nil: it must block
--   suspend(thread)   yields from that coroutine to the loop, until
--   resume(thread)    makes it go on, at once or in the loop's next turn
--   attend(client)    something of the client is under way, and may be due sooner than before
--   leave(client)     lets go of the client and of its descriptor
local core = require "topaz.core"

local common = {}

local TICK = 0.01 -- seconds between two looks, where no descriptor stands for all connections

--- The running coroutine, where it can yield; nil in the main program and below a C function that
-- cannot be left.
function common.current()
   local thread, main = coroutine.running()
   if not main and coroutine.isyieldable() then return thread end
   return nil
end

local MAIN = _VERSION == "Lua 5.4" and 1 or 3 -- where the registry has the main thread

-- The coroutine that a C function which is being called resumes: the argument of coroutine.resume,
-- or what coroutine.wrap keeps.
local function resumed_in(thread)
   local info = debug.getinfo(thread, 0, "Sf")
   if not info or info.what ~= "C" then return nil end
   local _, child = debug.getlocal(thread, 0, 1)
   if type(child) ~= "thread" then _, child = debug.getupvalue(info.func, 1) end
   return type(child) == "thread" and child or nil
end

--- The thread that resumed a coroutine which runs: level 0 of its stack is coroutine.resume or a
-- function of coroutine.wrap, level 1 what called that. nil: it was resumed by other C code, as by
-- a loop, or this cannot be known, since the host has taken `debug` away.
function common.resumer(thread)
   if not (debug and debug.getregistry) then return nil end
   local resumer = debug.getregistry()[MAIN]
   while true do
      local child = resumed_in(resumer)
      if child == nil or child == resumer then return nil end
      if child == thread then return resumer end
      resumer = child
   end
end

-- Whether a loop has to stay for the client. A request that nothing waits for counts, too: it was
-- begun to be done.
local function is_busy(client)
   local state = core.state(client)
   if state and (state.alive > 0 or state.first <= state.last or next(state.parked) ~= nil) then return true end
   return client:stats().pending > 0
end

local function due(client)
   local seconds = client:timeout()
   if client:pollfd() then return seconds end
   return math.min(seconds or TICK, TICK)
end

--- Runs a driver in the coroutine of a loop that waits for it, until it is closed. When a turn
-- fails another coroutine takes over, since the error ends this one.
-- @tparam table driver with `turn`, and `closed` at its end
-- @tparam function wait () returns when a turn may be due
-- @tparam function begin () starts another coroutine that does the same
function common.drive(driver, wait, begin)
   while not driver.closed do
      wait()
      if driver.closed then break end
      local ok, err = pcall(driver.turn)
      if not ok then
         if not driver.closed then begin() end
         error(err, 0)
      end
   end
end

--- Gives a scheduler its attend() and leave().
-- @tparam table scheduler
-- @tparam function open (client, turn) → driver. The driver calls turn() when the client's
-- descriptor is readable and when the time that it was armed with is over. `driver:arm(seconds)`
-- sets that time, anew each time (nil: none), and does not call turn(); `driver:close()` ends it at
-- once.
-- @treturn table the scheduler
function common.scheduler(scheduler, open)
   local drivers = setmetatable({}, { __mode = "k" })

   -- No hook interrupts what follows. With a driver that was begun but not noted, or not armed, the
   -- client would never be stepped again.

   local function leave(_, client)
      local driver = drivers[client]
      drivers[client] = nil
      if driver then driver:close() end
   end

   local function go_on(client)
      local driver = drivers[client]
      if driver and is_busy(client) then
         driver:arm(due(client))
      elseif driver then
         scheduler:leave(client)
      end
   end

   go_on, scheduler.leave = core.uninterrupted(go_on, leave)

   local function turn(client)
      local ok, err = pcall(client.step, client, 0)
      go_on(client)
      if not ok then error(err, 0) end
   end

   scheduler.attend = core.uninterrupted(function(_, client)
      local driver = drivers[client]
      if not driver then
         driver = open(client, function() return turn(client) end)
         drivers[client] = driver
      end
      driver:arm(due(client))
   end)

   return scheduler
end

return common
