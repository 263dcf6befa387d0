-- Decoding alone, one page already in memory: the micro-benchmark decode.c,
-- which prints for each contestant a line "  name   1.23 us/status …".
local harness = require "spec.bench.harness"

local scenario = { title = "Decoding one page, without a network" }

local SOURCE = "spec/bench/decode.c"

-- as decode.c calls them
local OURS, PEER, FLOOR = "csrc/json", "lua-cjson", "tables from ready values"

local TEXT = [[
A page of 100 statuses becomes Lua tables, again and again from memory, in `spec/bench/decode.c`: by the core's reader,
by lua-cjson, and where the values are ready and only the tables have to be made. CPU time per status, collection of
garbage included; median of several runs, each of which is itself a median.]]

-- name → list of µs, and the names in order.
local function measure(context, program)
   local found, names = {}, {}
   for repetition = 1, context.quick and 2 or 7 do
      context.progress("decode " .. repetition)
      local run, why = harness.run { program, context.quick and "5" or "41" }
      if not run then return nil, "decode failed: " .. why end
      for name, value in run.output:gmatch "%s*([^\n]-)%s+([%d.]+) us/status" do
         if not found[name] then
            found[name], names[#names + 1] = {}, name
         end
         table.insert(found[name], tonumber(value))
      end
   end
   return found, names
end

function scenario.run(context)
   if not harness.exists(SOURCE) then return nil, SOURCE .. " is not there" end
   local program = harness.compile("decode", SOURCE .. " csrc/json/*.c csrc/userdata.c")
   local found, names = measure(context, program)
   if not found then return nil, names end

   local cost, rows, bars = {}, {}, {}
   for _, name in ipairs(names) do
      local median, low, high = harness.median(found[name])
      cost[name] = median
      bars[#bars + 1] = {
         label = name, value = median, low = low, high = high,
         kind = name == FLOOR and "floor" or name == PEER and "peer" or "ours",
      }
   end
   for i, bar in ipairs(bars) do
      rows[i] = {
         bar.label, bar.value, ("%.2f–%.2f"):format(bar.low, bar.high), cost[FLOOR] and bar.value / cost[FLOOR] or "–",
         cost[OURS] and bar.value / cost[OURS] or "–",
      }
   end
   return {
      text = TEXT, rows = rows, columns = { "who", "CPU µs/status", "least–largest", "× floor", "× csrc/json" },
      goals = { { "lua-cjson, times csrc/json", value = cost[PEER] and cost[OURS] and cost[PEER] / cost[OURS],
         least = 2.5 } },
      chart = { title = scenario.title, unit = "CPU time per status in µs, median; shorter is better", bars = bars },
   }
end

return scenario
