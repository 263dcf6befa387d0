-- Iterating 1,000 pages of 100 statuses: topaz, topaz with a filter, the peers, and the floor.
local harness = require "spec.bench.harness"
local peers = require "spec.bench.peers"
local report = require "spec.bench.report"

local scenario = { title = "Iterating a list, page after page" }

local FILTERED = "topaz, 4 fields, 1 in 5"

-- A program that reads the set of one page and the set of `pages` pages.
local function entry(context, name, kind, pages, command, expected)
   local self = { name = name, kind = kind, pages = pages, commands = {}, expect = {} }
   for what, count in pairs { first = 1, all = pages } do
      local set, expect = context.list(count)
      self.commands[what] = command(context.server:url(set), count)
      self.expect[what] = expected and expected(expect) or expect
   end
   return self
end

local function entries(context, installed)
   local pages = context.quick and 20 or 1000
   local few = context.quick and 3 or 50
   local floor = harness.compile("floor", "spec/bench/floor.c")
   local list = {
      entry(context, "floor", "floor", pages, function(url, count) return { floor, url, tostring(count) } end,
         function(expect) return { count = expect.count } end),
   }
   if peers.topaz() then
      list[#list + 1] = entry(context, "topaz", "ours", pages,
         function(url) return peers.lua_program("topaz.lua", url) end)
      list[#list + 1] = entry(context, FILTERED, "ours", pages,
         function(url) return peers.lua_program("topaz.lua", url, "filter") end,
         function(expect) return expect.failed end)
   end
   for _, peer in ipairs(installed) do
      local own = entry(context, peer.name, "peer", peer.few_pages and few or pages, peer.command)
      own.language = peer.language
      own.repetitions = peer.slow and 3 or 9
      list[#list + 1] = own
   end
   return list
end

-- CPU time per status beyond the first page:
-- what starting the program and the first connection cost is taken off.
local function cost(self)
   local start = harness.member(self.runs.first, "cpu")
   local list = {}
   for i, run in ipairs(self.runs.all) do list[i] = (run.cpu - start) * 1e6 / ((self.pages - 1) * 100) end
   self.start, self.costs = start, list
   self.cost, self.low, self.high = harness.median(list)
end

-- How many times one costs another: the median of the repetitions' own ratios: programs
-- that ran one after the other had the same machine, which may be slower a minute later. nil: one
-- of them was not run.
local function ratio(one, other)
   if not (one and other and one.costs and other.costs) then return nil end
   local list = {}
   for i = 1, math.min(#one.costs, #other.costs) do list[i] = one.costs[i] / other.costs[i] end
   return (harness.median(list))
end

local function goals(by_name, list)
   local ours, best = by_name.topaz, nil
   for _, self in ipairs(list) do
      if self.language == "Lua" and self.cost and (not best or self.cost < best.cost) then best = self end
   end
   return {
      { "topaz, times the floor", value = ratio(ours, by_name.floor), most = 1.3 },
      { FILTERED .. ", times the floor", value = ratio(by_name[FILTERED], by_name.floor), most = 0.65 },
      { (best and best.name or "best Lua peer") .. ", times topaz", value = ratio(best, ours), least = 2.2 },
      { "C, libcurl + yyjson, times topaz", value = ratio(by_name["C, libcurl + yyjson"], ours), least = 1 },
      { "Python httpx, times topaz", value = ratio(by_name["Python httpx"], ours), least = 4 },
      { "Node fetch, times topaz", value = ratio(by_name["Node fetch"], ours), least = 4 },
   }
end

local TEXT = [[
All read the same bytes from the same nginx on this machine, over one connection kept open: pages of 100
statuses, some 54 kB each, following `next_cursor`, adding up one member of every status. The sums are compared;
one that reads something else is reported as failed. curl + jq starts two programs a page, as a script has to.

CPU is user and system time of the process by the system's accounting, per status; the median of the
repetitions, which were interleaved (each in turn, then all again), and in the column beside it the least and
the largest. A ratio is the median of the ratios of each repetition, when the machine was the same. What a run
over one page costs (start of the program, connection) is taken off. Wall and peak memory are of the whole
process.

The floor is `spec/bench/floor.c`: it downloads the same pages with libcurl, throws the bytes away, and fills
the same tables from values that are ready. The C program, `spec/bench/yyjson.c`, reads whole pages with yyjson into the
same tables; it checks and retries nothing.]]

local ONE_PROCESSOR = [[


nginx and the reader had one processor between them (taskset): to wake another one is dear on a virtual machine,
and is counted as the client's, from a few hundredths to half of its time. So wall time has nginx's work in it,
and a client that works with several threads (Node) does so in turns.]]

function scenario.run(context)
   local installed, missing = peers.installed()
   local pinned <close> = harness.one_processor(context.server.pid)
   local list = entries(context, installed)
   harness.rotate(list, context.quick and 2 or 21, context.progress)

   local by_name, skipped, rows, bars = {}, {}, {}, {}
   for _, name in ipairs(missing) do skipped[#skipped + 1] = name .. " (not installed)" end
   if not peers.topaz() then skipped[#skipped + 1] = "topaz (not built)" end
   for _, self in ipairs(list) do
      if self.failed then
         skipped[#skipped + 1] = ("%s (failed: %s)"):format(self.name, self.failed)
      else
         cost(self)
         by_name[self.name] = self
      end
   end
   table.sort(list, function(a, b) return (a.cost or 0) < (b.cost or 0) end)
   for _, self in ipairs(list) do
      if self.cost then
         rows[#rows + 1] = {
            self.name, self.cost, ("%.2f–%.2f"):format(self.low, self.high),
            ratio(self, by_name.floor) or "–", ratio(self, by_name.topaz) or "–",
            (harness.member(self.runs.all, "wall")), (harness.member(self.runs.all, "peak")), self.start * 1000,
            tostring(self.pages),
         }
         local ours = by_name.topaz
         bars[#bars + 1] = {
            label = self.name, value = self.cost, low = self.low, high = self.high, kind = self.kind,
            note = ours and self ~= ours and report.number(ratio(self, ours)) .. " × topaz" or nil,
         }
      end
   end
   return {
      text = pinned and TEXT .. ONE_PROCESSOR or TEXT, rows = rows, skipped = skipped, goals = goals(by_name, list),
      columns = {
         "who", "CPU µs/status", "least–largest", "× floor", "× topaz", "wall s", "peak MiB", "start, CPU ms", "pages",
      },
      chart = { title = scenario.title, unit = "CPU time per status in µs, median; shorter is better", bars = bars },
   }
end

return scenario
