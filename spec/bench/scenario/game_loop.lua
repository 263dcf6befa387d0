-- What a frame of a game costs: 60 steps a second beside 50 waits, a list and 20 deletions.
local emulators = require "topaz.emulator"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "A game's loop: CPU time of a step, 60 frames a second" }

local BUDGET = 0.0005   -- seconds of a frame
local HIGHEST_MOST = 1000 -- µs, at the 99.9th percentile

local TEXT = [[
CPU time of the process in `client:step(0)` and `client:step(0, budget)`, 60 times a second, while 50 `wait_until_done`,
a list by pages of 20 and 20 `delete_status` are under way against a server with 50 ms latency; the jobs end within
8 seconds. Medians over the runs of the median, of the 99.9th percentile and of the longest step of each run; with some
500 frames in a run, the last two are the same frame. No frame is left out: neither the first ones, which open the
connections, nor those in which the collector goes over the whole heap. The goal is for the one with a budget of
0.5 ms.]]

local function measure(emulator, budget)
   emulator:reset()
   emulator:add_jobs {
      { count = 50, timeline = { pending = { 0.5, 2 }, processing = { 2, 6 }, outcome = "Completed" } },
      { count = 20, status = "Completed" },
   }
   local run, why = harness.run(peers.lua_program("game_loop.lua", emulator.url, emulator.key, tostring(budget)))
   if not run then error(why, 0) end
   return run
end

function scenario.run(context)
   if not peers.topaz() then return nil, "topaz is not built" end
   if not context.server.has_latency then return nil, "nginx has no Lua module here" end
   local emulator <close> = emulators.start { latency = 0.05 }
   local entries = {
      { name = "step(0)", budget = 0, runs = {} },
      { name = "step(0, 0.0005)", budget = BUDGET, runs = {} },
   }
   for repetition = 1, context.quick and 1 or 7 do
      for _, entry in ipairs(entries) do
         context.progress(("%d %s"):format(repetition, entry.name))
         entry.runs[repetition] = measure(emulator, entry.budget)
      end
   end
   local rows, bars, goal = {}, {}, nil
   for i, entry in ipairs(entries) do
      local highest, low, high = harness.member(entry.runs, "p999")
      rows[i] = {
         entry.name, harness.member(entry.runs, "median"), highest, ("%.0f–%.0f"):format(low, high),
         harness.member(entry.runs, "longest"), ("%.0f"):format((harness.member(entry.runs, "frames"))),
         ("%.0f"):format((harness.member(entry.runs, "over"))), tostring(#entry.runs),
      }
      for column = 2, 5, 3 do rows[i][column] = ("%.0f"):format(rows[i][column]) end
      rows[i][3] = ("%.0f"):format(rows[i][3])
      bars[i] = { label = entry.name, value = highest, low = low, high = high, kind = "ours" }
      if entry.budget > 0 then goal = highest end
   end
   return {
      text = TEXT, rows = rows,
      columns = { "a frame does", "median µs", "99.9th µs", "least–largest", "longest µs", "frames",
         "over 1 ms", "runs" },
      goals = { { "step(0, 0.0005), 99.9th percentile, CPU µs", value = goal, most = HIGHEST_MOST } },
      chart = { title = scenario.title, bars = bars,
         unit = "99.9th percentile of the CPU time of a step in µs, median; shorter is better" },
   }
end

return scenario
