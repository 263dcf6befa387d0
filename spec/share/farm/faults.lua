-- Faults of one farm each, on a real Redis: whether an end is lost or given out twice.
local home = require "spec.share.farm.home"
local pool = require "spec.share.farm.pool"

local LIMIT = 240 -- seconds of a run
local JOBS = { pending = { 0, 5 }, processing = { 15, 60 } }

local function sleep_until(farm, second) pool.sleep(math.max(0, second - farm:age())) end

local function stop(member, seconds)
   if not member then return end
   home.signal(member, "STOP")
   pool.sleep(seconds)
   home.signal(member, "CONT")
end

local function follower(farm)
   local first = farm:leader()
   for _, member in ipairs(farm.members) do
      if member ~= first then return member end
   end
end

-- Deletes the keys one after another.
local function delete_keys(farm)
   for round = 1, 12 do
      sleep_until(farm, 5 * round)
      local keys = farm.server:call("KEYS", "*")
      table.sort(keys)
      if #keys > 0 then farm.server:call("DEL", keys[round % #keys + 1]) end
   end
end

local FAULTS = {
   { "none", function() end },
   { "leader killed", function(farm)
      sleep_until(farm, 15)
      local first = farm:leader()
      if first then home.kill(first) end
   end },
   { "leader stopped for 20 s", function(farm)
      sleep_until(farm, 15)
      stop(farm:leader(), 20)
   end },
   { "leader's loop body takes 60 s", function() end, body = 60,
      timeline = { pending = { 0, 5 }, processing = { 15, 100 } } }, -- until after that
   { "follower stopped for 60 s", function(farm)
      sleep_until(farm, 10)
      stop(follower(farm), 60)
   end },
   { "Redis emptied every 5 s", function(farm)
      for second = 5, 60, 5 do
         sleep_until(farm, second)
         farm.server:call "FLUSHALL"
         farm.server:call("SCRIPT", "FLUSH")
      end
   end },
   { "keys deleted, one every 5 s", delete_keys },
   { "Redis stopped for 30 s", function(farm)
      sleep_until(farm, 15)
      farm.server:pause()
      sleep_until(farm, 45)
      farm.server:resume()
   end },
   { "Redis killed, back after 20 s", function(farm)
      sleep_until(farm, 15)
      farm.server:kill()
      sleep_until(farm, 35)
      farm:restart_redis()
   end },
   { "fifty start, and stop, within a second", function() end, members = 50, jobs = 500,
      timeline = { processing = 20 } },
}

local function run_one(fault, o)
   local farm <close> = home.start { jobs = fault.jobs or o.jobs, timeline = fault.timeline or JOBS }
   local members = fault.members or o.members
   if fault.body then
      farm:deal(members, 1, 1, fault.body)
      pool.sleep_until(function() return farm:leader() end, 20)
   end
   farm:deal(members, fault.body and 2)
   fault[2](farm)
   pool.sleep_until(function() return farm:is_over() end, LIMIT - farm:age())
   return farm:result()
end

local function check(o)
   if not o.fault then return nil end
   for _, fault in ipairs(FAULTS) do
      if fault[1]:find(o.fault, 1, true) then return nil end
   end
   return "no fault has these words: " .. o.fault
end

local function run(out, o)
   local tasks, results, done = {}, {}, 0
   for _ = 1, o.runs do
      for i, fault in ipairs(FAULTS) do
         if not o.fault or fault[1]:find(o.fault, 1, true) then
            tasks[#tasks + 1] = function()
               local r = run_one(fault, o)
               done = done + 1
               results[i] = results[i] or { lost = 0, doubled = 0, requests = 0, gap = 0, trouble = 0 }
               local sum = results[i]
               sum.lost, sum.doubled, sum.gap = sum.lost + r.lost, sum.doubled + r.doubled, math.max(sum.gap, r.gap)
               sum.requests, sum.trouble = sum.requests + #r.requests / o.runs, sum.trouble + #r.trouble
            end
         end
      end
   end
   pool.run(tasks, o.beside, function() out:progress(("faults: %d of %d farms"):format(done, #tasks)) end)
   for i, fault in ipairs(FAULTS) do
      local r = results[i]
      if r then
         out:row { fault[1] .. ": ends lost and doubled", seen = r.lost + r.doubled, most = 0 }
         out:row { fault[1] .. ": requests", seen = math.floor(r.requests + 0.5) }
         out:row { fault[1] .. ": longest gap, s", seen = r.gap }
         if r.trouble > 0 then out:row { fault[1] .. ": errors that a member has met", seen = r.trouble, most = 0 } end
      end
   end
end

return {
   options = { members = 5, jobs = 200, runs = 1, beside = 4, fault = false },
   about = "faults of a farm each; fault=WORDS takes those whose names have the words",
   check = check, run = run,
}
