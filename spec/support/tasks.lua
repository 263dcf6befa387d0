-- What the specs of tasks share: an emulator, a client for each test, and how to step it.
local world = require "spec.support.world"

--- Sets up a `describe` block.
-- @tparam table busted { setup, teardown, before_each, after_each }
-- @treturn table `emulator`, a function that gives the emulator; `client`, of the present test;
-- add(n), step_until(f), step_times(n), is_under_way(kind)
return function(busted)
   local home = { emulator = world.emulator(busted) }

   busted.before_each(function() home.client = world.client(home.emulator()) end)
   busted.after_each(function()
      home.client:close()
      home.emulator():set { latency = 0 }
   end)

   --- Adds so many jobs that are completed.
   function home.add(n) return home.emulator():add_jobs { count = n, status = "Completed" } end

   --- Steps until f() says true.
   function home.step_until(f)
      for _ = 1, 1000 do
         if f() then return end
         home.client:step(0.05)
      end
      error("it never came to that")
   end

   function home.step_times(n)
      for _ = 1, n do home.client:step(0) end
   end

   --- A function that says whether the server has seen a request of this kind.
   function home.is_under_way(kind)
      return function() return (home.emulator():counts().kinds[kind] or 0) > 0 end
   end

   return home
end
