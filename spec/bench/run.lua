-- The benchmark: lua5.4 spec/bench/run.lua [--quick] [--scenario NAME] [--out FOLDER] (make bench)
-- Each scenario is one file in scenario/, giving { title, run = function(context) … end };
-- its result, which report.lua describes, is printed and written as NAME.md and NAME.svg.
-- Without a result it gives nil and why it was skipped.
package.path = "./?.lua;./?/init.lua;./lua/?.lua;./lua/?/init.lua;" .. package.path

local USAGE = [[
usage: lua5.4 spec/bench/run.lua [--quick] [--scenario NAME] [--out FOLDER]   (from the root of the project)

  --quick           small and few: shows that everything runs, not how fast; written to build/bench/results
  --scenario NAME   only this one; may be given several times
  --out FOLDER      where the results go (else spec/bench/results)
]]
local SCENARIOS = { "lists", "decode", "pathological", "latency", "million", "deletion", "watching",
   "sharing", "queued", "idle", "game_loop" }

local function usage(problem)
   io.stderr:write(problem, "\n", USAGE)
   os.exit(2)
end

local function read_options()
   local options, chosen, at = { quick = false }, {}, 1
   while arg[at] do
      local word = arg[at]
      if word == "--help" then
         io.write(USAGE)
         os.exit(0)
      elseif word == "--quick" then
         options.quick = true
      elseif (word == "--scenario" or word == "--out") and arg[at + 1] then
         at = at + 1
         if word == "--out" then options.out = arg[at] else chosen[#chosen + 1] = arg[at] end
      else
         usage("unknown option: " .. word)
      end
      at = at + 1
   end
   local known = {}
   for _, name in ipairs(SCENARIOS) do known[name] = true end
   for _, name in ipairs(chosen) do
      if not known[name] then usage("unknown scenario: " .. name .. "; there are " .. table.concat(SCENARIOS, ", ")) end
   end
   options.scenarios = #chosen > 0 and chosen or SCENARIOS
   options.out = options.out or (options.quick and "build/bench/results" or "spec/bench/results")
   options.command = "lua5.4 spec/bench/run.lua" .. (#arg > 0 and " " .. table.concat(arg, " ") or "")
   return options
end

local options = read_options()
local chart = require "spec.bench.chart"
local data = require "spec.bench.data"
local harness = require "spec.bench.harness"
local machine = require "spec.bench.machine"
local report = require "spec.bench.report"
local servers = require "spec.bench.server"

local is_terminal = os.execute "test -t 2"

-- What is running just now, on one line that overwrites itself.
local function progress(text)
   if is_terminal then io.stderr:write("\r\27[K", text and "  " .. text or "") end
end

local function main()
   harness.compile("measure", "spec/bench/measure.c")
   assert(os.execute("mkdir -p '" .. options.out .. "'"))
   local server <close> = servers.start()
   local context = { quick = options.quick, server = server, progress = progress, pages = {} }

   -- The data set of so many pages, made when first asked for:
   -- its name, and what a reader must find.
   function context.list(pages)
      local set = "pages_" .. pages
      context.pages[pages] = context.pages[pages] or data.write_pages(server:folder(set), pages)
      return set, context.pages[pages]
   end

   local about = machine.describe(options.command)
   for _, name in ipairs(options.scenarios) do
      local scenario = require("spec.bench.scenario." .. name)
      local result, why = scenario.run(context)
      progress()
      if result then
         io.write(report.text(scenario.title, result))
         data.write(options.out .. "/" .. name .. ".md", report.markdown(name, scenario.title, result, about))
         if result.chart then data.write(options.out .. "/" .. name .. ".svg", chart.svg(result.chart)) end
      else
         io.write("\n", scenario.title, "\n\n  skipped: ", why, "\n")
      end
      io.flush()
   end
end

local ok, err = xpcall(main, function(e) return debug.traceback(tostring(e), 2) end)
if not ok then
   progress()
   io.stderr:write(err, "\n")
   os.exit(1)
end
