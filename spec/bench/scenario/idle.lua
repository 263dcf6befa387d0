-- Waiting costs next to nothing: an idle minute, and a step with nothing to do.
local emulators = require "topaz.emulator"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "Idle: a minute of waiting, and a step with nothing to do" }

local MINUTE, CPU_MOST = 60, 30   -- seconds; ms
local WAKES_MOST = 30             -- in a minute
local STEP_MOST = 20              -- µs
local FAR_AWAY = 86400            -- seconds to the estimated end: polls come 7.5 to 15 s apart

local TEXT = [[
CPU time of the process, user and system, while it waits; loading the module and making the client are not in it.
The waits are real time; medians. Wake-ups: the process's voluntary context switches meanwhile.
One wait: `wait_until_done` for a job that does not move, its polls included. 100 tasks: each sleeps, `client:run()`
drives them. A step: `client:step(0)` in a loop, with 100 `wait_until_done` that sleep between two polls, and with 100
whose requests are sent or queued and not answered; a loop in which a request was sent is not counted.]]

local function entries(seconds, steps)
   return {
      { name = "one wait_until_done", how = "wait", number = seconds },
      { name = "100 sleeping tasks", how = "parked", number = seconds },
      { name = "step(0), 100 waits between polls", how = "steps", number = steps },
      { name = "step(0), 100 requests unanswered", how = "in_flight", number = steps, silent = true },
   }
end

-- CPU seconds of one run; raises when it was not idle.
local function measure(emulator, entry)
   emulator:reset()
   emulator:add_jobs { count = 100, status = "Processing", progress = 10, fields = { eta = os.time() + FAR_AWAY } }
   if entry.silent then emulator:fault { match = { kind = "one" }, delay = 60, times = math.huge } end
   local run, why =
      harness.run(peers.lua_program("idle.lua", emulator.url, emulator.key, entry.how, tostring(entry.number)))
   if not run then error(entry.name .. ": " .. why, 0) end
   if (entry.how == "steps" or entry.how == "in_flight") and run.values.requests ~= 0 then
      error(("%s: %d requests were sent meanwhile"):format(entry.name, run.values.requests), 0)
   end
   return run
end

function scenario.run(context)
   if not peers.topaz() then return nil, "topaz is not built" end
   if not context.server.has_latency then return nil, "nginx has no Lua module here" end
   local seconds = context.quick and MINUTE // 10 or MINUTE
   local emulator <close> = emulators.start()
   local rows, goals, bars = {}, {}, {}
   for _, entry in ipairs(entries(seconds, context.quick and 10000 or 100000)) do
      local is_minute, runs = entry.how == "wait" or entry.how == "parked", {}
      for repetition = 1, context.quick and 1 or is_minute and 3 or 9 do
         context.progress(("%d %s"):format(repetition, entry.name))
         runs[repetition] = measure(emulator, entry)
      end
      local cpu, low, high = harness.member(runs, "cpu_seconds")
      local scale = is_minute and 1e3 or 1e6 / entry.number
      local unit = is_minute and ("ms in %d s"):format(seconds) or "µs a step"
      rows[#rows + 1] = {
         entry.name, cpu * scale, ("%.2f–%.2f"):format(low * scale, high * scale), unit,
         is_minute and ("%.0f"):format((harness.member(runs, "wakes"))) or "–",
         ("%.0f"):format((harness.member(runs, "requests"))), tostring(#runs),
      }
      -- A shorter wait is held against its share.
      local most = is_minute and CPU_MOST * seconds / MINUTE or STEP_MOST
      goals[#goals + 1] = { ("%s, CPU %s"):format(entry.name, unit), value = cpu * scale, most = most }
      local wakes = is_minute and harness.member(runs, "wakes") or -1
      if wakes >= 0 then
         goals[#goals + 1] = {
            ("%s, wake-ups in %d s"):format(entry.name, seconds), value = wakes, most = WAKES_MOST * seconds / MINUTE,
         }
      end
      if not is_minute then
         bars[#bars + 1] = { label = entry.name, value = cpu * scale, low = low * scale, high = high * scale,
            kind = "ours" }
      end
   end
   return {
      text = TEXT, rows = rows, goals = goals,
      columns = { "what waits", "CPU", "least–largest", "unit", "wake-ups", "requests", "runs" },
      chart = { title = scenario.title, bars = bars, unit = "CPU time of step(0) in µs, median; shorter is better" },
   }
end

return scenario
