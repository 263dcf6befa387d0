-- What it costs a leader to ask for many jobs of another member: memory and CPU time. Beside it one
-- process watches as many jobs of its own.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"
local proc = require "spec.share.farm.proc"

local MEGABYTES_MOST, CPU_MOST = 80, 3 -- µs a status
local PAGE = 100
local SETTLE = 20 -- seconds until all is announced and looked at once

-- CPU time a status in so many seconds, in µs (nil: it read no page), megabytes at the end, pages.
local function look(farm, member, seconds)
   local function pages()
      local count = 0
      for _, request in ipairs(farm.emulator:requests()) do
         if request.kind == "list" and request.headers["x-member"] == member.name then count = count + 1 end
      end
      return count
   end
   local cpu, before = proc.cpu(member.process.pid), pages()
   pool.sleep(seconds)
   local count = pages() - before
   return count > 0 and 1e6 * (proc.cpu(member.process.pid) - cpu) / (count * PAGE) or nil,
      proc.resident(member.process.pid) / 1024, count
end

local function run_farm(o, state)
   local farm <close> = home.start { jobs = o.jobs, timeline = { processing = 1000000 } }
   local leader = farm:add { { ids = { farm.ids[1] } } }
   pool.sleep_until(function() return farm:leader() end, 20)
   pool.sleep(5)
   state.before = proc.resident(leader.process.pid) / 1024
   farm:add { { ids = table.move(farm.ids, 2, #farm.ids, 1, {}) } }
   pool.sleep(SETTLE)
   state.cpu, state.megabytes, state.pages = look(farm, leader, o.seconds)
   state.leads = farm:leader() == leader
end

local function run_one(o, state)
   local farm <close> = home.start { jobs = o.jobs, timeline = { processing = 1000000 } }
   farm:deal(1)
   pool.sleep(SETTLE + 5)
   state.cpu, state.megabytes, state.pages = look(farm, farm.members[1], o.seconds)
end

local function run(out, o)
   local farm, one = {}, {}
   pool.run({ function() run_farm(o, farm) end, function() run_one(o, one) end }, 2,
      function() out:progress "foreign jobs" end)
   out:row { "jobs of another member", seen = o.jobs - 1 }
   out:row { "pages that the leader has read", seen = farm.pages }
   out:row { "it led all the time", seen = farm.leads and 1 or 0, least = 1 }
   out:row { "memory of the leader before, MB", seen = farm.before }
   out:row { "extra with them, MB", seen = farm.megabytes - farm.before, most = MEGABYTES_MOST }
   out:row { "memory of one process with as many of its own, MB", seen = one.megabytes }
   out:row { "CPU of that a status and round, µs", seen = one.cpu }
   out:row { "CPU of the leader a status and round, µs", seen = farm.cpu }
   out:row { "the leader's extra, µs", seen = farm.cpu and one.cpu and math.max(0, farm.cpu - one.cpu), most = CPU_MOST,
      is_time = true }
end

return {
   options = { jobs = 100000, seconds = 120 },
   about = "the leader's extra for the jobs of another member",
   run = run,
}
