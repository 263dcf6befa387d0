-- The next page is fetched while the caller works on this one:
-- pages with 50 ms latency, 40 ms of work for each.
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"

local scenario = { title = "Pages with 50 ms latency, 40 ms of work for each" }

local LATENCY, WORK = 0.05, 0.04 -- seconds a page; as server.lua and peer/work.lua have them

local TEXT = [[
nginx answers each page 50 ms late; the caller keeps the processor busy for 40 ms a page, either 0.4 ms behind
each status or all at once behind the last one of a page. topaz fetches the next page meanwhile. Wall time,
median of interleaved repetitions. The larger of the two sides, below which no time can be, is the latency.]]

local CALLERS = {
   { "topaz", kind = "ours", how = "each" },
   { "topaz, work in bulk", kind = "ours", how = "bulk" },
   { "LuaSocket + cjson", kind = "peer", how = "each" },
}

function scenario.run(context)
   if not context.server.has_latency then return nil, "nginx has no Lua module here" end
   local pages = context.quick and 5 or 100
   local set, expect = context.list(pages)
   local url = context.server:url(set, "latency")
   local entries, skipped = {}, {}
   for _, caller in ipairs(CALLERS) do
      if caller.kind == "ours" and not peers.topaz() then
         skipped[#skipped + 1] = caller[1] .. " (not built)"
      else
         entries[#entries + 1] = {
            name = caller[1], kind = caller.kind, expect = { all = expect },
            commands = {
               all = peers.lua_program("work.lua", url, caller.kind == "ours" and "topaz" or "luasocket", caller.how),
            },
         }
      end
   end
   harness.rotate(entries, context.quick and 1 or 3, context.progress)

   local larger = pages * math.max(LATENCY, WORK)
   local rows, goals = { { "larger of the two sides", larger, "–", "1.00" } }, {}
   local bars = { { label = "larger side", value = larger, kind = "floor" } }
   for _, entry in ipairs(entries) do
      if entry.failed then error(("%s: %s"):format(entry.name, entry.failed), 0) end
      local wall, low, high = harness.member(entry.runs.all, "wall")
      rows[#rows + 1] = { entry.name, wall, ("%.2f–%.2f"):format(low, high), ("%.2f"):format(wall / larger) }
      bars[#bars + 1] = { label = entry.name, value = wall, low = low, high = high, kind = entry.kind }
      if entry.kind == "ours" then
         goals[#goals + 1] = { entry.name .. ", times the larger side", value = wall / larger, most = 1.1 }
      end
   end
   return {
      text = TEXT, rows = rows, goals = goals, skipped = skipped,
      columns = { pages .. " pages", "wall s", "least–largest", "× the larger side" },
      chart = {
         title = scenario.title, bars = bars,
         unit = ("Wall time of %d pages in s, median; shorter is better"):format(pages),
      },
   }
end

return scenario
