-- Many calls at a time: what one costs that waits for its turn or that is held when it is finished,
-- and that a step does not depend on how many there are.
local emulators = require "topaz.emulator"
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "A hundred thousand calls" }

local BYTES_MOST, FLAT_MOST = 3000, 2

local TEXT = [[
Calls of `client:start("get_status", id)`, with the default options. Queued: the server answers nothing, so that all
but the first ones wait for their turn. Held: all are finished, and their results are kept and not taken. Bytes are what
the process has in memory more than before, divided by the number of calls, the caller's table of calls included. A step
is `client:step(0)` while they are queued, in CPU time; its goal is a ratio, since it must not depend on their number.]]

local function measure(emulator, how, number)
   emulator:reset()
   if how == "held" then
      for i = 1, 100 do
         emulator:add_jobs { process_id = ("%08x-0000-4000-8000-000000000000"):format(i), status = "Completed" }
      end
   else
      emulator:fault { match = { kind = "one" }, delay = 3600, times = math.huge }
   end
   local run, why =
      harness.run(peers.lua_program("queued.lua", emulator.url, emulator.key, how, tostring(number)))
   if not run then error(("%d calls, %s: %s"):format(number, how, why), 0) end
   return run
end

function scenario.run(context)
   if not peers.topaz() then return nil, "topaz is not built" end
   if not context.server.has_latency then return nil, "nginx has no Lua module here" end
   local many, repetitions = context.quick and 10000 or 100000, context.quick and 1 or 5
   local entries = {
      { how = "queued", number = many // 100, runs = {} }, { how = "queued", number = many, runs = {} },
      { how = "held", number = context.quick and 1000 or 10000, runs = {} },
   }
   local emulator <close> = emulators.start()
   for repetition = 1, repetitions do
      for _, entry in ipairs(entries) do
         context.progress(("%d/%d %d %s"):format(repetition, repetitions, entry.number, entry.how))
         entry.runs[repetition] = measure(emulator, entry.how, entry.number)
      end
   end
   local rows, bars = {}, {}
   for i, entry in ipairs(entries) do
      local step = harness.member(entry.runs, "step_seconds") * 1e6
      entry.bytes, entry.low, entry.high = harness.member(entry.runs, "bytes")
      entry.step = step
      rows[i] = {
         ("%d calls, %s"):format(entry.number, entry.how), ("%.0f"):format(entry.bytes),
         ("%.0f–%.0f"):format(entry.low, entry.high), step, tostring(#entry.runs),
      }
      bars[i] = { label = rows[i][1], value = entry.bytes, low = entry.low, high = entry.high, kind = "ours" }
   end
   local few, queued, held = table.unpack(entries)
   return {
      text = TEXT, rows = rows,
      columns = { "calls", "bytes each", "least–largest", "step(0), CPU µs", "runs" },
      goals = {
         { rows[2][1] .. ", bytes each", value = queued.bytes, most = BYTES_MOST },
         { rows[3][1] .. ", bytes each", value = held.bytes, most = BYTES_MOST },
         { ("a step with %d queued, times one with %d"):format(queued.number, few.number),
            value = queued.step / few.step, most = FLAT_MOST },
      },
      chart = { title = scenario.title, unit = "Bytes of memory a call, median; shorter is better", bars = bars },
   }
end

return scenario
