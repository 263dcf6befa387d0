-- What watching costs, on a model: the real plan of the watcher,
-- a simulated clock and a simulated server.
--
--   lua5.4 spec/bench/watch_model.lua [SEED]
--
-- Each job lasts 30 to 120 s, all begin within the first 5 s. The list is newest first; it may also
-- hold statuses that are older than the jobs, or newer ones. One in three jobs has an estimate,
-- which is wrong by up to 10 s. A request takes 50 ms; eight single ones run at a time,
-- pages come one after the other. "naive" is one GET a second for each job until it has ended.
local watch_plan = require "topaz.watch.plan"

local model = {}

local LATENCY, AT_A_TIME, PAGE = 0.05, 8, 100
-- seconds: how long the jobs last, and within which they begin
local LEAST, MOST, WITHIN = 30, 120, 5

-- Numbers in [0, 1), the same for a seed on every machine: xorshift64*.
local function generator(seed)
   local x = seed * 0x9E3779B97F4A7C15 | 1
   local function draw()
      x = x ~ (x >> 12)
      x = x ~ (x << 25)
      x = x ~ (x >> 27)
      return ((x * 0x2545F4914F6CDD1D) >> 11) * 2.0 ^ -53
   end
   for _ = 1, 8 do draw() end
   return draw
end

-- ---- the server ---------------------------------------------------------------------------------

local function make_jobs(count, random)
   local jobs = {}
   for i = 1, count do
      local begin = WITHIN * (i - 1) / count
      local lasts = LEAST + (MOST - LEAST) * random()
      local eta = random() < 1 / 3 and begin + lasts + 20 * (random() - 0.5) or nil
      local id = ("%08x-0000-4000-8000-%012x"):format(i, i)
      jobs[i] = { id = id, begin = begin, over = begin + lasts, lasts = lasts, eta = eta }
   end
   return jobs
end

-- The status of a job at a time.
local function status_of(job, now)
   local progress = math.min(100, math.floor((now - job.begin) / job.lasts * 100))
   local word = now >= job.over and "Completed" or now - job.begin < 0.2 * job.lasts and "Pending" or "Processing"
   return { process_id = job.id, status = word, progress = word == "Pending" and 0 or progress,
      eta = job.eta and math.floor(job.eta) }
end

local FOREIGN = { process_id = "ffffffff-0000-4000-8000-000000000000", status = "Completed", progress = 100 }

-- A page of the list: `newer` foreign statuses, the jobs that have begun, newest first,
-- `older` foreign ones.
local function page_of(world, cursor, now)
   local at, data = tonumber(cursor or 0), {}
   local newer, count = world.newer, #world.jobs
   local all = newer + count + world.older
   for place = at + 1, math.min(at + PAGE, all) do
      local job = place > newer and world.jobs[count - (place - newer) + 1]
      if not job then data[#data + 1] = FOREIGN
      elseif job.begin <= now then data[#data + 1] = status_of(job, now) end
   end
   local more = at + PAGE < all
   return { data = data, pagination = { has_next_page = more, next_cursor = more and tostring(at + PAGE) or nil } }
end

model.generator, model.make_jobs, model.status_of, model.page_of = generator, make_jobs, status_of, page_of

-- ---- the run ------------------------------------------------------------------------------------

--- The value below which that share of a sorted list is.
local function percentile(sorted, share) return sorted[math.max(1, math.ceil(#sorted * share))] end

model.percentile, model.LATENCY, model.AT_A_TIME = percentile, LATENCY, AT_A_TIME

local function summary(requests, seconds, delays, jobs)
   local naive = 0
   for _, job in ipairs(jobs) do naive = naive + math.ceil(job.lasts) end
   table.sort(delays)
   return {
      requests = requests, seconds = seconds, noticed = #delays, naive = naive,
      p50 = percentile(delays, 0.5), p95 = percentile(delays, 0.95), max = delays[#delays],
   }
end

--- Watches jobs from their submission to the last end.
-- @tparam table options `jobs` count; `older`, `newer` foreign statuses in the list (0); `seed` (1)
-- @treturn table requests, seconds until all was over, noticed jobs, naive requests;
-- p50, p95, max seconds to notice an end
function model.run(options)
   local random, now, requests, delays, by_id = generator(options.seed or 1), 0, 0, {}, {}
   local world = { jobs = make_jobs(options.jobs, random), older = options.older or 0, newer = options.newer or 0 }
   local clock = { now = function() return now end, server_time = function() return now end, random = random }
   local plan = watch_plan.new(clock)
   local added = 0

   local function submit() -- what has begun by now is watched from now on
      while world.jobs[added + 1] and world.jobs[added + 1].begin <= now do
         added = added + 1
         local job = world.jobs[added]
         by_id[job.id] = job
         plan:add(job.id)
      end
   end

   local function note_ends()
      local news = plan:news()
      while news do
         plan:take(news)
         if not news.err then delays[#delays + 1] = now - by_id[watch_plan.id_of(news.job)].over end
         news = plan:news()
      end
   end

   -- single requests on their way, answered together once there are AT_A_TIME
   -- of them, or no more come
   local asked = {}
   local function answer()
      now = now + LATENCY
      for _, job in ipairs(asked) do plan:got(job, status_of(by_id[watch_plan.id_of(job)], now)) end
      asked = {}
   end

   while true do
      submit()
      local what, argument = plan:next()
      if what == "page" then
         requests, now = requests + 1, now + LATENCY
         assert(not plan:page(page_of(world, argument, now)))
      elseif what == "get" then
         requests = requests + 1
         asked[#asked + 1] = argument
         if #asked == AT_A_TIME then answer() end
      elseif what == "await" then
         answer()
      elseif what == "wait" then
         local coming = world.jobs[added + 1]
         now = coming and math.min(now + argument, math.max(now, coming.begin)) or now + argument
      elseif added == #world.jobs then
         break
      else
         now = world.jobs[added + 1].begin
      end
      note_ends()
   end
   return summary(requests, now, delays, world.jobs)
end

-- ---- the table ----------------------------------------------------------------------------------

local function print_all(seed)
   print(("%9s  %-16s %9s %8s %8s %8s %10s %8s"):format("jobs", "foreign statuses", "requests", "p50 s", "p95 s",
      "max s", "naive", "ratio"))
   for _, count in ipairs { 10, 1000, 100000 } do
      for _, foreign in ipairs { { "none", {} }, { "50,000 older", { older = 50000 } },
         { "50,000 newer", { newer = 50000 } } } do
         local more = foreign[2]
         local r = model.run { jobs = count, older = more.older, newer = more.newer, seed = seed }
         assert(r.noticed == count, "an end was not noticed")
         print(("%9d  %-16s %9d %8.2f %8.2f %8.2f %10d %8.0f"):format(count, foreign[1], r.requests, r.p50, r.p95,
            r.max, r.naive, r.naive / r.requests))
      end
   end
end

if not ... or ... ~= "spec.bench.watch_model" then print_all(tonumber((...)) or 1) end

return model
