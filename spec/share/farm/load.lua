-- What a large farm costs Redis: commands, CPU, and what is left in it at the end.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"
local proc = require "spec.share.farm.proc"
local scripts = require "topaz.share.scripts"

local COMMANDS_MOST = 50 -- a second, above the requests
local CPU_MOST = 1       -- percent of one processor
local LEFT_MOST = 600    -- seconds until all keys are gone
local AFTER = 300        -- seconds for the last ends

-- Names of commands that scripts call: INFO counts them too, and clients do not send them.
local function inner()
   local names = {}
   for _, script in pairs(scripts) do
      for name in (type(script) == "table" and script.source or ""):gmatch "redis%.p?call%('(%u+)'" do
         names[name:lower()] = true
      end
   end
   return names
end

local OURS = { info = true, dbsize = true, keys = true, pttl = true, config = true }

-- How many commands clients have sent, and the most frequent ones as text.
local function commands(server)
   local within, count, list = inner(), 0, {}
   for name, calls in server:call("INFO", "commandstats"):gmatch "cmdstat_([^:]+):calls=(%d+)" do
      local command = name:match "^[^|]+"
      if not within[command] and not OURS[command] then
         count = count + math.tointeger(tonumber(calls))
         list[#list + 1] = { name, math.tointeger(tonumber(calls)) }
      end
   end
   return count, list
end

-- Which keys are left: how many, the longest life in seconds, how many have none.
local function left(server)
   local count, longest, endless = server:call "DBSIZE", 0, 0
   for _, key in ipairs(server:call("KEYS", "*")) do
      local life = server:call("PTTL", key)
      if life == -1 then endless = endless + 1 else longest = math.max(longest, life / 1000) end
   end
   return count, longest, endless
end

local function run(out, o)
   local farm <close> = home.start { jobs = o.jobs,
      timeline = { pending = { 0, 5 }, processing = { o.seconds / 4, o.seconds } } }
   local busy, all = proc.busy()
   farm:deal(o.members)
   pool.run { function()
      pool.sleep_until(function()
         out:progress(("load: %.0f s"):format(farm:age()))
         return farm:is_over()
      end, o.seconds + AFTER)
   end }
   local seconds, cpu, sent, by = farm:age(), proc.cpu(farm.server.process.pid), commands(farm.server)
   local busy_now, all_now = proc.busy()
   local keys, longest, endless = left(farm.server)
   local r = farm:result()
   local requests = #r.requests
   out:row { "jobs", seen = o.jobs }
   out:row { "seconds until the last end", seen = seconds }
   out:row { "requests", seen = requests }
   table.sort(by, function(a, b) return a[2] > b[2] end)
   for i = 1, math.min(3, #by) do
      out:row { ("commands a second: %s"):format(by[i][1]), seen = by[i][2] / seconds }
   end
   out:row { "commands a second that clients sent", seen = sent / seconds }
   out:row { "the same above the requests", seen = (sent - requests) / seconds, most = COMMANDS_MOST }
   out:row { "CPU of redis-server, % of one processor", seen = 100 * cpu / seconds, most = CPU_MOST, is_time = true }
   out:row { "both processors busy, %", seen = 100 * (busy_now - busy) / (all_now - all) }
   out:row { "keys left when the last member has gone", seen = keys }
   out:row { "seconds until the last of them expires", seen = longest, most = LEFT_MOST, is_time = true }
   out:row { "keys that never expire", seen = endless, most = 0 }
   out:row { "ends lost", seen = r.lost, most = 0 }
   out:row { "ends doubled", seen = r.doubled, most = 0 }
end

return {
   options = { members = 50, jobs = 100000, seconds = 120 },
   about = "a large farm, whose jobs end within two minutes: commands and CPU of Redis, and what is left in it",
   run = run,
}
