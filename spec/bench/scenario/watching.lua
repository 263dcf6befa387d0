-- What watching many jobs costs, on the model of watch_model.lua:
-- requests, and how soon an end is noticed.
local harness = require "spec.bench.harness"
local model = require "spec.bench.watch_model"

local scenario = { title = "Watching many jobs: requests, and how soon an end is noticed" }

local TEXT = [[
A model, not a measurement: the watcher's own plan on a simulated clock against a simulated server, so it comes out
the same on every machine. Each job lasts 30 to 120 s, all begin within 5 s; a request takes 50 ms; the list is
newest first, and may hold 50,000 statuses that are older and of no interest. One GET a second for each job is the
usual loop. Median over the seeds, and the largest beside it; the goals are held against the worst seed.]]

local JOBS = { 10, 1000, 100000 }
local FOREIGN = { { "no others", 0 }, { "50,000 older", 50000 } }
local GOAL_JOBS, REQUESTS_MOST, SECONDS_MOST = 1000, 1500, 5

-- One model run for each seed; a list of its results.
local function runs_of(jobs, older, seeds)
   local runs = {}
   for seed = 1, seeds do
      local run = model.run { jobs = jobs, older = older, seed = seed }
      if run.noticed ~= jobs then
         error(("%d jobs, seed %d: %d ends were noticed"):format(jobs, seed, run.noticed), 0)
      end
      runs[seed] = run
   end
   return runs
end

function scenario.run(context)
   local rows, goals, bars = {}, {}, {}
   for _, jobs in ipairs(JOBS) do
      for _, foreign in ipairs(FOREIGN) do
         local name = ("%d jobs, %s"):format(jobs, foreign[1])
         context.progress(name)
         -- 100,000 jobs take a second a run
         local runs = runs_of(jobs, foreign[2], (context.quick or jobs > GOAL_JOBS) and 1 or 9)
         local requests, _, most = harness.member(runs, "requests")
         local p95, _, latest = harness.member(runs, "p95")
         local naive = harness.member(runs, "naive")
         rows[#rows + 1] = {
            name, ("%.0f"):format(requests), ("%.0f"):format(most), (harness.member(runs, "p50")), p95, latest,
            ("%.0f"):format(naive), ("%.0f"):format(naive / requests), tostring(#runs),
         }
         if jobs == GOAL_JOBS then
            goals[#goals + 1] = { name .. ": requests", value = most, most = REQUESTS_MOST }
            goals[#goals + 1] = { name .. ": noticed within, s, 95th percentile", value = latest, most = SECONDS_MOST }
            bars[#bars + 1] = { label = name, value = requests, low = requests, high = most, kind = "ours" }
         end
      end
   end
   return {
      text = TEXT, rows = rows, goals = goals,
      columns = {
         "what is watched", "requests", "most", "p50 s", "p95 s", "p95 s, worst", "one GET a second",
         "× fewer", "seeds",
      },
      chart = { title = scenario.title, bars = bars, unit = "Requests to watch 1,000 jobs; fewer is better",
         whole = true },
   }
end

return scenario
