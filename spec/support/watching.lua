-- What the specs of the watcher share. Time is simulated: sleeping moves the service's clock,
-- jitter is none. What a round costs and when rounds come is counted in requests.
local core = require "topaz.core"
local waiter = require "topaz.waiter"
local world = require "spec.support.world"

local now, random, sleep = core.now, core.random, waiter.sleep

local function simulate_time(home)
   core.now = function() return home.time end
   core.random = function() return 0 end
   waiter.sleep = function(_, seconds, bell)
      while seconds > 0 and not bell.rung and not (home.meanwhile and home.meanwhile()) do
         local slice = home.meanwhile and math.min(seconds, 0.2) or seconds
         home.time, seconds = home.time + slice, seconds - slice
         home.emulator():advance(slice)
      end
      return true
   end
end

--- Sets up a `describe` block.
-- @tparam table busted { setup, teardown, before_each, after_each }
-- @treturn table `emulator`, a function that gives the emulator; of the present test `client`,
-- `time`, and `meanwhile`, which is called in a sleep, each fifth of a second: true ends the sleep
-- early; add_jobs(spec), asked(), times(kind), real_time()
return function(busted)
   local home = { emulator = world.emulator(busted) }

   --- No simulated time in this test.
   function home.real_time() core.now, core.random, waiter.sleep = now, random, sleep end

   busted.before_each(function()
      home.client = world.client(home.emulator(), { max_retries = 0 })
      home.time, home.meanwhile = 0, nil
      simulate_time(home)
   end)
   busted.after_each(function()
      home.real_time()
      home.client:close()
      -- by then the server has read what was cancelled on its way
      for _ = 1, 3 do home.emulator():counts() end
   end)

   --- Adds jobs without an estimate, so that the plan's own intervals hold.
   function home.add_jobs(spec)
      spec.remove = { "eta" }
      return home.emulator():add_jobs(spec)
   end

   --- How many lists and single statuses were asked for.
   function home.asked()
      local kinds = home.emulator():counts().kinds
      return { list = kinds.list or 0, one = kinds.one or 0 }
   end

   --- Seconds of simulated time between the requests of a kind.
   function home.times(kind)
      local list, first = {}, nil
      for _, request in ipairs(home.emulator():requests()) do
         if request.kind == kind then
            first = first or request.clock
            list[#list + 1] = math.floor((request.clock - first) * 100 + 0.5) / 100
         end
      end
      return list
   end

   --- Watches to the end: what became of each job, by its id.
   function home.watched(...)
      local words = {}
      for status, err in home.client:watch(...) do
         assert(words[status.process_id] == nil, "a job came twice")
         words[status.process_id] = err and err.kind or status.status
      end
      return words
   end

   return home
end
