-- The leader is killed, or stopped for 30 s: how long nobody asks, and whether an end is lost.
-- Many small farms beside one another.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"

local GAP_MOST = 13      -- seconds
local MEMBERS, JOBS = 3, 60
local STOPPED = 30       -- seconds
local LED, SPREAD = 3, 3 -- seconds that it leads before: at least, and at random more
local LIMIT = 120        -- seconds of a run

local FAULTS = {
   killed = {
      name = "kill -9 of the leader", timeline = { pending = { 0, 3 }, processing = { 22, 34 } },
      fault = function(_, member) home.kill(member) end,
   },
   stopped = {
      name = ("SIGSTOP of the leader for %d s"):format(STOPPED),
      timeline = { pending = { 0, 3 }, processing = { 22, 46 } },
      fault = function(_, member)
         home.signal(member, "STOP")
         pool.sleep(STOPPED)
         home.signal(member, "CONT")
      end,
   },
}

local function run_one(kind)
   local farm <close> = home.start { jobs = JOBS, timeline = kind.timeline }
   farm:deal(MEMBERS)
   pool.sleep_until(function() return farm:leader() end, 20)
   pool.sleep(LED + SPREAD * math.random())
   local member, at = farm:leader(), farm.emulator:now()
   if member then kind.fault(farm, member) end
   local over = pool.sleep_until(function() return farm:is_over() end, LIMIT - farm:age())
   local r = farm:result()
   local silence = LIMIT
   for i = #r.requests, 1, -1 do
      local request = r.requests[i]
      if request.time > at + 0.5 and request.headers["x-member"] ~= (member or {}).name then
         silence = request.time - at
      end
   end
   return { lost = r.lost, doubled = r.doubled, gap = r.gap, hit = member ~= nil, over = over, leads = farm:leads(),
      silence = silence, trouble = #r.trouble }
end

local function measure(out, kind, runs, beside)
   local sum = { lost = 0, doubled = 0, hit = 0, over = 0, leads = 0, late = 0, trouble = 0 }
   local gaps, silences, tasks = {}, {}, {}
   for i = 1, runs do
      tasks[i] = function()
         local r = run_one(kind)
         for _, name in ipairs { "lost", "doubled", "leads", "trouble" } do sum[name] = sum[name] + r[name] end
         sum.hit, sum.over = sum.hit + (r.hit and 1 or 0), sum.over + (r.over and 1 or 0)
         sum.late = sum.late + (r.gap > GAP_MOST and 1 or 0)
         gaps[#gaps + 1], silences[#silences + 1] = r.gap, r.silence
      end
   end
   pool.run(tasks, beside, function()
      out:progress(("%s: %d of %d runs, lost %d, doubled %d, gap %.1f s"):format(kind.name, #gaps, runs, sum.lost,
         sum.doubled, math.max(0, table.unpack(gaps))))
   end)
   table.sort(gaps)
   table.sort(silences)
   local name = kind.name .. ": "
   out:row { name .. "runs in which it was hit, and that ended", seen = math.min(sum.hit, sum.over), least = runs }
   out:row { name .. "ends lost", seen = sum.lost, most = 0 }
   out:row { name .. "ends doubled", seen = sum.doubled, most = 0 }
   out:row { name .. "until another one asks, s", seen = silences[#silences], most = GAP_MOST, is_time = true }
   out:row { name .. "that, median, s", seen = silences[(#silences + 1) // 2] }
   out:row { name .. "longest gap, with the pause before, s", seen = gaps[#gaps], most = GAP_MOST, is_time = true }
   out:row { name .. "that, median, s", seen = gaps[(#gaps + 1) // 2] }
   out:row { name .. "runs with a longer one", seen = sum.late }
   out:row { name .. "terms of leaders a run", seen = sum.leads / runs }
   out:row { name .. "errors that a member has met", seen = sum.trouble, most = 0 }
end

local function measurement(kind, seconds)
   return {
      options = { runs = 100, beside = 25 },
      about = ("%s, %d processes, %d jobs; a run takes %d s"):format(kind.name, MEMBERS, JOBS, seconds),
      run = function(out, o) measure(out, kind, o.runs, o.beside) end,
   }
end

return { killed = measurement(FAULTS.killed, 40), stopped = measurement(FAULTS.stopped, 53) }
