--- Chaos: operations of every kind through a faulty network, each outcome held against the truth.
--
--   lua5.4 spec/chaos/run.lua BUILD [operations=100000] [seed=1] [seconds=0] [processes=4]
--      [round=N] [only=12,40] [mode=tasks] [scale=1] [keep=5] [verbose=0]
--
-- Most of the time is waiting, so it runs in `processes` with seeds of their own:
-- seed, seed + 1000, … `seconds` ends it by time, in place of `operations`; `round` plays one
-- round of the seed, `only` these operations of it; `mode` leaves out the rounds of other loops;
-- `keep` is how many violations are shown before it ends. The exit code is 1 when there was one.
local emulators = require "topaz.emulator"
local plan = require "spec.chaos.plan"
local proxies = require "spec.chaos.proxy"
local report = require "spec.chaos.report"
local runner = require "spec.chaos.round"
local socket = require "socket"

local build = assert(arg[1], "usage: run.lua BUILD [name=value]…")
local settings = { operations = 100000, seed = 1, seconds = 0, round = 0, scale = 1, keep = 5, verbose = 0,
   processes = 4 }
local only, only_mode
local interpreter = require "spec.support.interpreter"
for i = 2, #arg do
   local name, value = arg[i]:match "^(%w+)=([%w.,/_-]+)$"
   if name == "mode" then
      only_mode = value
   elseif name == "lua" then
      interpreter = value
   elseif name == "only" then
      only = {}
      for number in value:gmatch "%d+" do only[tonumber(number)] = true end
   else
      if not settings[name] then error("no such parameter: " .. arg[i]) end
      settings[name] = tonumber(value)
   end
end

-- Runs itself in several processes, which share the operations. Does not return.
local function run_in_processes(count)
   local pipes, problems, operations, began = {}, 0, 0, socket.gettime()
   for i = 1, count do
      local words = {}
      for name, value in pairs(settings) do words[#words + 1] = ("%s=%d"):format(name, value) end
      local command =
         ("exec %s spec/chaos/run.lua %s %s %s processes=1 seed=%d operations=%d 2>&1"):format(interpreter, build,
            table.concat(words, " "), only_mode and "mode=" .. only_mode or "", settings.seed + 1000 * (i - 1),
            settings.operations // count)
      pipes[i] = assert(io.popen(command, "r"))
   end
   for _, pipe in ipairs(pipes) do
      local text = pipe:read "a"
      io.write(text, "\n")
      operations = operations + tonumber(text:match "(%d+) operations in %d+ rounds" or 0)
      if not pipe:close() then problems = problems + 1 end
   end
   local seconds = socket.gettime() - began
   print(("%d operations in %d processes, %.0f s, %.0f a second; %s"):format(operations, count, seconds,
      operations / seconds, problems == 0 and "ok, no outcome was untrue" or ("WRONG in %d of them"):format(problems)))
   os.exit(problems == 0, true)
end

if settings.processes > 1 and settings.round == 0 then run_in_processes(math.tointeger(settings.processes)) end

local emulator <close> = emulators.start { clock = "virtual", tls = true, log_limit = 1000000,
   keepalive_requests = 100 }
local tls_port = math.tointeger(tonumber(emulator.tls_url:match ":(%d+)/"))
local plain_port = math.tointeger(tonumber(emulator.url:match ":(%d+)/"))
local proxy <close> = proxies.start(build .. "/chaos/proxy", { plain_port, tls_port })

local figures = { rounds = 0, operations = 0, begun = 0, connections = 0, rules = 0, requests = 0,
   violations = 0, races = 0, late = 0 }
local outcomes, modes, rules = {}, {}, {}

local function count_outcome(op)
   if not op.begun then return end
   figures.begun = figures.begun + 1
   local err = op.err
   local word = op.killed and "killed" or op.dropped and "dropped"
      or err and (type(err) == "table" and tostring(err.kind) .. (err.outcome and "/" .. err.outcome or "") or "?")
      or op.second or (op.kind == "list" and not op.complete and "left") or "ok"
   local key = op.kind .. " " .. word
   outcomes[key] = (outcomes[key] or 0) + 1
end

local function keep_only(round)
   local kept = {}
   for _, op in ipairs(round.ops) do
      if only[op.index] then kept[#kept + 1] = op end
   end
   round.ops = kept
end

-- Read by `make chaos` when the process dies.
local function note(text)
   local file <close> = assert(io.open(("%s/chaos/now-%d"):format(build, settings.seed), "w"))
   file:write(text, "\n")
end

local function play(number)
   local round = plan.round(settings.seed, number, settings.scale)
   if only_mode and round.mode ~= only_mode then return end
   if only then keep_only(round) end
   note(report.again(round))
   local began = socket.gettime()
   local scene = runner.run(round, emulator, proxy)
   scene.began = began
   figures.rounds, figures.operations = figures.rounds + 1, figures.operations + #round.ops
   figures.connections, figures.rules = figures.connections + scene.met.connections, figures.rules + #scene.met
   figures.requests, figures.races = figures.requests + #scene.world.log, figures.races + scene.met.races
   figures.late = figures.late + scene.late
   modes[round.mode] = (modes[round.mode] or 0) + #round.ops
   for _, op in ipairs(round.ops) do count_outcome(op) end
   for _, line in ipairs(scene.met) do
      local way, name = line:match "^%d+ %d+ (%a) %d+ (%a+)"
      rules[way .. " " .. name] = (rules[way .. " " .. name] or 0) + 1
   end
   if settings.verbose > 0 then
      print(("round %d: %s, %d operations, %.1f s, %d connections, %d rules met, %d requests"):format(number,
         round.mode, #round.ops, socket.gettime() - began, scene.met.connections, #scene.met, #scene.world.log))
   end
   if #scene.violations == 0 then return end
   local path = ("%s/chaos/case-%d-%d.txt"):format(build, settings.seed, number)
   report.write(path, scene)
   print(("\nVIOLATED, in %s:"):format(path))
   for i, violation in ipairs(scene.violations) do
      figures.violations = figures.violations + 1
      if i <= 8 then
         print(("  %s%s"):format(violation.op and ("operation %d, %s: "):format(violation.op.index, violation.op.kind)
            or "", violation.text))
      end
   end
   print("  again: " .. report.again(round))
   io.flush()
end

local began = socket.gettime()
local number = settings.round > 0 and settings.round or 1
repeat
   play(math.tointeger(number))
   number = number + 1
   local seconds = socket.gettime() - began
   local over = settings.seconds > 0 and seconds >= settings.seconds or settings.seconds == 0
      and figures.operations >= settings.operations
until over or settings.round > 0 or figures.violations >= settings.keep
local seconds = socket.gettime() - began

local function sorted(counts, format)
   local lines = {}
   for key, n in pairs(counts) do lines[#lines + 1] = format:format(key, n) end
   table.sort(lines)
   return lines
end

for _, line in ipairs(sorted(outcomes, "%-30s %9d")) do print(line) end
print("rules met (c: from the client, s: from the server, a: on accept): "
   .. table.concat(sorted(rules, "%s %d"), ", "))
local played = table.concat(sorted(modes, "%s %d"), ", ")
print(("%d operations in %d rounds (%s), %.0f s, %.0f a second"):format(figures.operations, figures.rounds, played,
   seconds, figures.operations / seconds))
print(("%d connections, %d rules met, %d requests seen by the server"):format(figures.connections, figures.rules,
   figures.requests))
print(("%d late answers that may have met a request, %d that did"):format(figures.races, figures.late))
print(figures.violations == 0 and "ok     no outcome was untrue"
   or ("WRONG  %d violations, seed %d"):format(figures.violations, settings.seed))
os.exit(figures.violations == 0, true)
