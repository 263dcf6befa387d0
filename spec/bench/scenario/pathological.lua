-- Hostile pages stay correct and take time in proportion to their bytes.
local data = require "spec.bench.data"
local harness = require "spec.bench.harness"
local hostile = require "spec.bench.hostile"
local peers = require "spec.bench.peers"

local scenario = { title = "Hostile pages: correct, and linear in time" }

local TEXT = [[
Each kind of page is read in two sizes, the second with four times as much of what hurts, from the same nginx; the
table shows CPU time per kilobyte, of the least disturbed reading. Were the time to grow with the square of the size,
the last column would show 4; memory that no longer fits the caches makes it somewhat more than 1. Both
pages are also compared with what lua-cjson makes of the same bytes, and a difference is a failure. The numbers
in the names are those of the small page.]]

-- Half way between proportional (1) and square (4): leaves room for caches and page faults,
-- which larger values pay for.
local MOST = 2

-- Writes both sizes; the words of the command that reads them.
local function prepare(context, number, kind)
   local words = {}
   for _, size in ipairs { 1, hostile.GROWTH } do
      local set = ("hostile_%d_%d"):format(number, size)
      local path = context.server:folder(set) .. "/p1.json"
      data.write(path, data.page(kind.make(size)))
      words[#words + 1] = context.server:url(set)
      words[#words + 1] = path
   end
   return peers.lua_program("hostile.lua", words[1], words[2], words[3], words[4], context.quick and "3" or "40")
end

function scenario.run(context)
   if not peers.topaz() then return nil, "topaz is not built" end
   local entries = {}
   for i, kind in ipairs(hostile.kinds) do
      entries[i] = { name = kind[1], commands = { both = prepare(context, i, kind) } }
   end
   harness.rotate(entries, context.quick and 1 or 3, context.progress)

   local rows, bars, goals = {}, {}, {}
   for i, entry in ipairs(entries) do
      if entry.failed then error(("%s: %s"):format(entry.name, entry.failed), 0) end
      local per_kb = {}
      for _, size in ipairs { "small", "large" } do
         local list = {}
         for k, run in ipairs(entry.runs.both) do
            list[k] = run.values[size .. "_time"] * 1e6 / (run.values[size .. "_bytes"] / 1000)
         end
         per_kb[size] = { harness.median(list) }
      end
      local small, large = per_kb.small, per_kb.large
      local growth = large[1] / small[1]
      rows[i] = {
         entry.name, tostring(entry.runs.both[1].values.large_bytes // 1000 | 0), small[1], large[1],
         ("%.2f–%.2f"):format(large[2], large[3]), ("%.2f"):format(growth),
      }
      bars[i] = { label = entry.name, value = large[1], low = large[2], high = large[3], kind = "ours" }
      goals[i] = { entry.name .. ": cost of a byte, large / small", value = growth, most = MOST }
   end
   return {
      text = TEXT, rows = rows, goals = goals,
      columns = { "page", "kB, large", "µs/kB, small", "µs/kB, large", "least–largest", "large / small" },
      chart = {
         title = scenario.title, bars = bars,
         unit = "CPU time per kB of the large page in µs, median; shorter is better",
      },
   }
end

return scenario
