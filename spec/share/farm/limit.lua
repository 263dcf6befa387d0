-- The server takes ten requests a second and answers 429 beyond: how much of that a farm uses that
-- would ask more often, and how often it is refused.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"

local RATE, BURST = 10, 10 -- of the server, as of the model
local REFUSED_MOST, USED_LEAST = 2, 85 -- percent

local function run(out, o)
   local farm <close> = home.start {
      jobs = o.jobs, timeline = { processing = 100000 },
      emulator = { rate_limit = { rate = RATE .. "r/s", burst = BURST } },
   }
   farm:deal(o.members)
   local counts, last
   pool.run { function()
      pool.sleep_until(function() return #farm.emulator:requests() > 0 end, 30)
      local began = farm:age()
      while farm:age() < began + o.seconds do
         pool.sleep(1)
         out:progress(("limit: %.0f of %d s"):format(farm:age() - began, o.seconds))
      end
      counts, last = farm.emulator:counts(), farm.emulator:requests()
      pool.sleep(1) -- for the log
   end }
   local refused, first = counts.statuses["429"] or 0, last[1].time
   local good, by_member = 0, {}
   for _, request in ipairs(last) do
      if request.time < first + o.seconds then
         if request.status ~= 429 then good = good + 1 end
         local name = request.headers["x-member"]
         if not by_member[name] then
            by_member[name] = true
            by_member.count = (by_member.count or 0) + 1
         end
      end
   end
   local half = {}
   for _, request in ipairs(last) do
      if request.status == 429 and request.time > first + o.seconds / 2 then half[#half + 1] = request end
   end
   out:row { "requests", seen = #last }
   out:row { "429s, % of the requests", seen = 100 * refused / #last, most = REFUSED_MOST }
   out:row { "429s in the second half", seen = #half }
   out:row { "used, % of the limit", seen = 100 * good / (RATE * o.seconds), least = USED_LEAST }
   out:row { "processes that have asked", seen = by_member.count }
end

return {
   options = { members = 20, jobs = 20000, seconds = 300 },
   about = "a server that takes 10 requests a second, and 10 at once",
   run = run,
}
