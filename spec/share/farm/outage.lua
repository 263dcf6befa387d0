-- Redis is down for a minute; beside it runs one process that watches the same jobs.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"

local POLLER_MOST = 15 -- seconds until one process asks again
local SETTLE = 30      -- seconds after which that is looked at
local AFTER = 120      -- seconds for the last ends

local function timeline(o) return { pending = { 0, 5 }, processing = { o.seconds / 2, 2 * o.seconds + 60 } } end

local function finish(farm, o)
   pool.sleep_until(function() return farm:is_over() end, 4 * o.seconds + AFTER - farm:age())
end

local function run_one(o, state)
   local farm <close> = home.start { jobs = o.jobs, timeline = timeline(o) }
   farm:deal(1)
   finish(farm, o)
   state.result = farm:result()
end

-- Seconds from `back` until the last request of a member that is not the one that asks later on.
local function until_one(requests, back)
   local one, last = nil, nil
   for i = #requests, 1, -1 do
      local request = requests[i]
      if request.time <= back + SETTLE then
         local name = request.headers["x-member"]
         one = one or name
         if name ~= one or request.time < back then
            last = request.time
            break
         end
      end
   end
   return last and math.max(0, last - back)
end

local function run_farm(o, state)
   local farm <close> = home.start { jobs = o.jobs, timeline = timeline(o) }
   farm:deal(o.members)
   pool.sleep(o.seconds)
   farm.server:kill()
   state.down = farm.emulator:now()
   pool.sleep(o.seconds)
   state.alone = farm:count "alone"
   farm:restart_redis()
   state.back = farm.emulator:now()
   pool.sleep(SETTLE)
   state.leading = farm:count "lead"
   state.following, state.running = farm:count "follow", farm:running()
   finish(farm, o)
   state.result = farm:result()
end

local function run(out, o)
   local one, farm = {}, {}
   pool.run({ function() run_one(o, one) end, function() run_farm(o, farm) end }, 2, function()
      out:progress("outage: " .. (farm.result and "the last ends" or farm.back and "Redis is back" or farm.down
         and "Redis is down" or "before"))
   end)
   local requests = farm.result.requests
   local asked = {}
   for _, request in ipairs(requests) do
      if request.time > farm.back + POLLER_MOST and request.time < farm.back + SETTLE then
         asked[request.headers["x-member"]] = true
      end
   end
   local pollers = 0
   for _ in pairs(asked) do pollers = pollers + 1 end
   local during = 0
   for _, request in ipairs(requests) do
      if request.time >= farm.down and request.time < farm.back then during = during + 1 end
   end
   out:row { "members that were alone at the end of it", seen = farm.alone }
   out:row { "requests a second meanwhile", seen = during / o.seconds }
   out:row { "peak of one process, requests a second", seen = home.peak(one.result.requests) }
   out:row { "peak of the farm while Redis is down", most = home.peak(one.result.requests),
      seen = home.peak(requests, farm.down, farm.back) }
   out:row { "peak of the farm in the 30 s after", seen = home.peak(requests, farm.back, farm.back + SETTLE) }
   out:row { "one poller again, s after the return", seen = until_one(requests, farm.back), most = POLLER_MOST,
      is_time = true }
   out:row { "processes that ask from 15 to 30 s after the return", seen = pollers, most = 1 }
   out:row { "members with jobs left 30 s after it", seen = farm.running }
   out:row { "members that lead or follow then", seen = farm.leading + farm.following, least = farm.running }
   out:row { "ends lost", seen = farm.result.lost + one.result.lost, most = 0 }
   out:row { "ends doubled", seen = farm.result.doubled + one.result.doubled, most = 0 }
end

return {
   options = { members = 20, jobs = 1000, seconds = 60 },
   about = "Redis is killed, and comes back empty after 60 s; beside one process with the same jobs",
   run = run,
}
