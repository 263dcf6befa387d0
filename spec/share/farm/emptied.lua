-- Redis is emptied every 20 s, scripts too; beside it runs the same farm undisturbed.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"

local EVERY = 20 -- seconds
local REQUESTS_MOST = 1.3
local AFTER = 120 -- seconds for the last ends

local function run_farm(o, state, disturbed)
   local farm <close> = home.start { jobs = o.jobs, timeline = { pending = { 0, 5 }, processing = { 5, o.seconds } } }
   farm:deal(o.members)
   local flushes = 0
   while not farm:is_over() and farm:age() < o.seconds + AFTER do
      pool.sleep(0.5)
      state.age = farm:age()
      if disturbed and state.age >= EVERY * (flushes + 1) and state.age <= o.seconds then
         flushes = flushes + 1
         farm.server:call "FLUSHALL"
         farm.server:call("SCRIPT", "FLUSH")
      end
   end
   local r = farm:result()
   state.result, state.flushes, state.leads = r, flushes, farm:leads()
end

local function run(out, o)
   local disturbed, calm = {}, {}
   pool.run({
      function() run_farm(o, disturbed, true) end, function() run_farm(o, calm, false) end,
   }, 2, function()
      out:progress(("emptied: %.0f of %d s"):format(disturbed.age or 0, o.seconds))
   end)
   out:row { "times that it was emptied", seen = disturbed.flushes }
   out:row { "ends lost", seen = disturbed.result.lost + calm.result.lost, most = 0 }
   out:row { "ends doubled", seen = disturbed.result.doubled + calm.result.doubled, most = 0 }
   out:row { "requests of the undisturbed farm", seen = #calm.result.requests }
   out:row { "requests, times those", seen = #disturbed.result.requests / #calm.result.requests, most = REQUESTS_MOST }
   out:row { "longest gap, s", seen = disturbed.result.gap }
   out:row { "terms of leaders", seen = disturbed.leads }
end

return {
   options = { members = 5, jobs = 1000, seconds = 600 },
   about = "FLUSHALL and SCRIPT FLUSH every 20 s, beside the same farm undisturbed",
   run = run,
}
