-- Runs several things at once in one process: each is a coroutine that sleeps now and then.
--
--   pool.run({ function() … pool.sleep(1) … end, … }, 8, show)
--
-- An error in one of them, or an interrupt, closes all of them, and with them what they have in
-- variables that are to be closed.
local socket = require "socket"

local pool = {}

local TICK = 0.05 -- seconds between two looks at the clock

--- Lets the others run for so many seconds.
function pool.sleep(seconds) coroutine.yield(socket.gettime() + seconds) end

--- Sleeps until `condition()` is true. Returns whether it became so within the seconds.
function pool.sleep_until(condition, seconds)
   local deadline = socket.gettime() + seconds
   while not condition() do
      if socket.gettime() >= deadline then return false end
      pool.sleep(0.25)
   end
   return true
end

local Running = {}

function Running.__close(running)
   for _, task in ipairs(running) do coroutine.close(task.thread) end
end

--- Runs functions, so many at a time, until all have ended.
-- @tparam table functions
-- @tparam[opt] integer beside how many at a time; all of them by default
-- @tparam[opt] function tick is called again and again
function pool.run(functions, beside, tick)
   local running <close> = setmetatable({}, Running)
   local next_one = 1
   while next_one <= #functions or #running > 0 do
      while functions[next_one] and #running < (beside or #functions) do
         running[#running + 1] = { thread = coroutine.create(functions[next_one]), at = 0 }
         next_one = next_one + 1
      end
      for i = #running, 1, -1 do
         local task = running[i]
         if socket.gettime() >= task.at then
            local ok, at = coroutine.resume(task.thread)
            if not ok then error(at, 0) end
            task.at = at
            if coroutine.status(task.thread) == "dead" then table.remove(running, i) end
         end
      end
      if tick then tick() end
      socket.sleep(TICK)
   end
end

return pool
