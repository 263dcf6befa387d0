-- What step(0) costs with 100 waits and sharing on: in a follower, in the leader, and while Redis
-- does not answer. Lua's collector runs between the steps, but for one case: it stops the process
-- for as long as it likes, in any step.
local home = require "spec.share.farm.home"
local interpreter = require "spec.support.interpreter"
local pool = require "spec.share.farm.pool"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"

local WAITS = 100
local MEAN_MOST, WORST_MOST = 20, 1000 -- µs of CPU
local START = 15 -- seconds until it is measured: alone is what a member is after Redis's silence

local CASES = {
   { "follower", leads = true },
   { "leader" },
   { "Redis stopped", leads = true, stopped = true },
   { "leader and collector", collects = true },
}

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local function run_case(case, o)
   local farm <close> = home.start { jobs = WAITS + 1, timeline = { processing = 1000000 } }
   if case.leads then
      farm:add { { ids = { farm.ids[WAITS + 1] } } }
      pool.sleep_until(function() return farm:leader() end, 20)
   end
   local variables = program.variables(farm.emulator)
   variables.TOPAZ_SHARE, variables.START, variables.SECONDS = farm.server.url, tostring(START), tostring(o.seconds)
   if not case.collects then variables.COLLECTOR = "between" end
   local input, log = farm.folder .. "/ids", farm.folder .. "/steps"
   local file = assert(io.open(input, "w"))
   for i = 1, WAITS do file:write(farm.ids[i], "\n") end
   file:close()
   local stepper = process.start(("%s %s spec/share/farm_stepper.lua <%s"):format(program.environment(variables),
      interpreter, process.quote(input)), nil, log)
   local guard <close> = setmetatable({}, { __close = function() process.stop(stepper, "KILL") end }) -- luacheck: ignore
   pool.sleep(5)
   if case.stopped then farm.server:pause() end
   pool.sleep_until(function() return not process.alive(stepper.pid, stepper.stamp) end, START + o.seconds + 30)
   local text = read(log)
   local count, mean, most, worst = text:match "steps\t(%d+)\t(%S+)\t(%S+)\t(%S+)"
   if not count then error("no result: " .. text, 0) end
   return { mean = tonumber(mean), most = tonumber(most), worst = tonumber(worst), role = text:match "role\t(%l+)" }
end

local function run(out, o)
   local results, tasks = {}, {}
   for i, case in ipairs(CASES) do tasks[i] = function() results[i] = run_case(case, o) end end
   pool.run(tasks, 1, function() out:progress(("step: %d of %d"):format(#results, #CASES)) end)
   for i, case in ipairs(CASES) do
      local r, name = results[i], ("%s (%s): "):format(case[1], results[i].role)
      out:row { name .. "step(0), µs of CPU", seen = r.mean, most = MEAN_MOST, is_time = true }
      out:row { name .. "p99.9", seen = r.most }
      out:row { name .. "worst", seen = r.worst, most = not case.collects and WORST_MOST or nil, is_time = true }
   end
end

return {
   options = { seconds = 20 },
   about = "step(0) with 100 waits: in a follower, in the leader, and while Redis does not answer",
   run = run,
}
