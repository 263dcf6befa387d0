-- Members that come and go all the time. Beside it one process follows the same jobs for the same
-- spans. Every fourth member is killed, the others leave.
--
-- One more member stays all the time, and does not lead: it would lead from the first moment on at
-- which it got the lease, and there would be no changes. Its memory and descriptors are looked at,
-- and those of the single process.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"
local proc = require "spec.share.farm.proc"

local LEAST, MOST = 30, 120 -- seconds that a member lives
local KILLED = 0.25         -- of the members
local JOBS = 10             -- of a member, and one that does not end
local SEEN = 0.3            -- seconds from the start of a job until the single process watches it
local EACH = 10             -- seconds in which the leader may change once
local REQUESTS_MOST = 1.2
local SAMPLE, WARM = 10, 120 -- seconds between two samples; until the first, or a quarter of all
local GROWTH_MOST = 1.1     -- of memory, from the first half to the second
local AFTER = 30            -- seconds for the last to leave

local function uuid()
   return ("%08x-%04x-4%03x-8%03x-%012x"):format(math.random(0, 0xffffffff), math.random(0, 0xffff),
      math.random(0, 0xfff), math.random(0, 0xfff), math.random(0, 0xffffffffffff))
end

local function new_life(at, seconds)
   local life = { at = at, seconds = seconds, killed = math.random() < KILLED, ids = {}, jobs = {}, endless = {} }
   for i = 1, JOBS + 1 do
      local id = uuid()
      life.ids[i] = id
      life.jobs[i] = { process_id = id, timeline = { pending = math.random(),
         processing = i > JOBS and 1000000 or 1 + 8 * math.random() } }
   end
   life.endless[life.ids[JOBS + 1]] = true
   return life
end

-- What happens, in order.
local function schedule(o)
   local lives = {}
   for _ = 1, o.members do
      local at = 5 * math.random()
      while at + LEAST <= o.seconds do
         local seconds = math.min(LEAST + (MOST - LEAST) * math.random(), o.seconds - at)
         lives[#lives + 1] = new_life(at, seconds)
         at = at + seconds
      end
   end
   table.sort(lives, function(a, b) return a.at < b.at end)
   return lives
end

-- Memory and descriptors of a member, now and then.
local function sample(farm, member, samples)
   local kilobytes = proc.resident(member.process.pid)
   if not kilobytes then return end
   table.insert(samples, { at = farm:age(), kilobytes = kilobytes,
      descriptors = proc.descriptors(member.process.pid) })
end

-- The middle value of a half of the samples.
local function middle(samples, what, half)
   local list = {}
   for i, one in ipairs(samples) do
      if (2 * i <= #samples) == (half == 1) then list[#list + 1] = one[what] end
   end
   table.sort(list)
   return list[(#list + 1) // 2] or 0
end

local function go(farm, o, lives, state, each)
   local at, kills, next_sample = 1, {}, math.min(WARM, o.seconds / 4)
   while farm:age() < o.seconds + AFTER and not (farm:age() > o.seconds and farm:is_over()) do
      while lives[at] and farm:age() >= lives[at].at do
         farm.emulator:add_jobs(lives[at].jobs)
         each(lives[at], kills)
         at = at + 1
      end
      for member, time in pairs(kills) do
         if farm:age() >= time then
            home.kill(member)
            kills[member] = nil
         end
      end
      if farm:age() >= next_sample then
         next_sample = next_sample + SAMPLE
         sample(farm, state.stays, state.samples)
      end
      state.age = farm:age()
      pool.sleep(0.1)
   end
   state.result, state.leads = farm:result(), farm:leads()
end

-- What the member watches that stays: a job that does not end.
local function lasting(farm, o)
   local ids = farm.emulator:add_jobs { timeline = { processing = 1000000 } }
   return { ids = ids, seconds = o.seconds, endless = { [ids[1]] = true } }
end

local function run_farm(o, lives, state)
   local farm <close> = home.start {}
   state.stays = farm:add({ lasting(farm, o) }, "follow")
   go(farm, o, lives, state, function(life, kills)
      local seconds = life.killed and life.seconds + 600 or life.seconds
      local member = farm:add { { ids = life.ids, seconds = seconds, endless = life.endless } }
      if life.killed then kills[member] = life.at + life.seconds end
   end)
end

local function run_one(o, lives, state)
   local farm <close> = home.start {}
   local watches = { lasting(farm, o) }
   for i, life in ipairs(lives) do
      watches[i + 1] = { at = life.at + SEEN, ids = life.ids, endless = life.endless,
         seconds = math.max(1, life.seconds - SEEN) }
   end
   state.stays = farm:add(watches)
   go(farm, o, lives, state, function() end)
end

local function flat(out, name, samples)
   local first, second = middle(samples, "kilobytes", 1), middle(samples, "kilobytes", 2)
   out:row { name .. ": resident memory, first half, kB", seen = first }
   out:row { name .. ": second half, times that", seen = second / math.max(first, 1), most = GROWTH_MOST }
   out:row { name .. ": descriptors, first half", seen = middle(samples, "descriptors", 1) }
   out:row { name .. ": second half", seen = middle(samples, "descriptors", 2),
      most = middle(samples, "descriptors", 1) + 2 }
end

local function run(out, o)
   math.randomseed(1)
   local lives, farm, one = schedule(o), { samples = {} }, { samples = {} }
   pool.run({
      function() run_farm(o, lives, farm) end, function() run_one(o, lives, one) end,
   }, 2, function()
      out:progress(("churn: %.0f of %d s"):format(farm.age or 0, o.seconds))
   end)
   out:row { "members that came and went", seen = #lives }
   out:row { "changes of leader", seen = farm.leads - 1, most = math.max(1, o.seconds // EACH) }
   out:row { "requests of one process with the same jobs", seen = #one.result.requests }
   out:row { "requests, times those", seen = #farm.result.requests / #one.result.requests, most = REQUESTS_MOST }
   out:row { "longest gap, s", seen = farm.result.gap }
   out:row { "ends lost", seen = farm.result.lost, most = 0 }
   out:row { "ends doubled", seen = farm.result.doubled, most = 0 }
   out:row { "errors that a member has met", seen = #farm.result.trouble, most = 0 }
   out:row { "ends that the single process lost", seen = one.result.lost }
   flat(out, "a member that stays", farm.samples)
   flat(out, "the single process", one.samples)
end

return {
   options = { members = 50, seconds = 600 },
   about = "members that live 30 to 120 s, beside one process with the same jobs",
   run = run,
}
