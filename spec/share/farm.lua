-- Farms of real processes on a real Redis and the emulator: `make share`.
--
--   lua5.4 spec/share/farm.lua [only=NAME,NAME…] [out=FOLDER] [NAME.OPTION=VALUE | OPTION=VALUE …]
--
-- Prints what was measured, with goals and verdicts, and writes it to spec/bench/results/share.md:
-- the rows of the measurements that were run; the others stay. With other sizes than the usual ones
-- it goes to build/bench/results. The exit code is 1 when an end was lost or given out twice, or a
-- goal was missed that is a count and not a time; 2 for a wrong argument; 3 for an error. After an
-- error in one measurement the others follow.
local page = require "spec.share.farm.page"
local process = require "topaz.emulator.process"
local redis = require "spec.support.redis"
local started = require "spec.share.farm.started"

local ORDER = { "killed", "stopped", "emptied", "outage", "limit", "load", "step", "churn", "foreign", "faults" }

local leader = require "spec.share.farm.leader"
local MEASUREMENTS = { killed = leader.killed, stopped = leader.stopped }
for _, name in ipairs(ORDER) do
   MEASUREMENTS[name] = MEASUREMENTS[name] or require("spec.share.farm." .. name)
end

-- ---- arguments ----------------------------------------------------------------------------------

local function usage(problem)
   io.stderr:write(problem, "\n\nonly=NAME,NAME… takes some of the measurements; OPTION=VALUE or NAME.OPTION=VALUE",
      " sets an option; out=FOLDER says where share.md goes:\n")
   for _, name in ipairs(ORDER) do
      local words = {}
      for option, value in pairs(MEASUREMENTS[name].options) do
         words[#words + 1] = option .. "=" .. (value and tostring(value) or "…")
      end
      table.sort(words)
      io.stderr:write(("  %-8s %s\n           %s\n"):format(name, MEASUREMENTS[name].about, table.concat(words, " ")))
   end
   os.exit(2)
end

-- Sets an option of one of the chosen measurements, or of all that have it. Whether one has.
local function set(chosen, name, option, value)
   local found = false
   for _, one in ipairs(chosen) do
      local options = MEASUREMENTS[one].options
      if (not name or name == one) and options[option] ~= nil then
         if math.type(options[option]) == "integer" then
            local number = math.tointeger(tonumber(value))
            if not number or number < 1 then usage(("%s: not an integer from 1 on: %s"):format(option, value)) end
            options[option] = number
         else
            options[option] = value
         end
         found = true
      end
   end
   return found
end

-- The names of the measurements that are to be run.
local function choose(value)
   local chosen = {}
   for one in (value or ""):gmatch "[^,]+" do
      if not MEASUREMENTS[one] then usage("unknown measurement: " .. one) end
      if chosen[one] then usage("named twice: " .. one) end
      chosen[#chosen + 1], chosen[one] = one, true
   end
   if #chosen == 0 then usage "only= names no measurement" end
   return chosen
end

local function read_arguments()
   local chosen, folder, is_usual, rest = ORDER, nil, true, {}
   for _, word in ipairs(arg) do
      local name, value = word:match "^([%l.]+)=(.*)$"
      if name == "only" then chosen = choose(value)
      elseif name == "out" and value ~= "" then folder = value
      else rest[#rest + 1] = { word = word, name = name, value = value } end
   end
   for _, given in ipairs(rest) do
      local of, option = (given.name or ""):match "^(%l+)%.(%l+)$"
      option = option or given.name
      if not option or given.value == "" or not set(chosen, of, option, given.value) then
         usage("not an option of what is to be run: " .. given.word)
      end
      if option ~= "beside" then is_usual = false end
   end
   for _, name in ipairs(chosen) do
      local measurement = MEASUREMENTS[name]
      local problem = measurement.check and measurement.check(measurement.options)
      if problem then usage(problem) end
   end
   folder = folder or (is_usual and "spec/bench/results" or "build/bench/results")
   local is_there = os.execute("mkdir -p -- " .. process.quote(folder) .. " && test -w " .. process.quote(folder))
   if not is_there then usage("no folder to write to: " .. folder) end
   return chosen, folder
end

-- ---- what is printed ----------------------------------------------------------------------------

local is_terminal = os.execute "test -t 2"

local Out = {}
Out.__index = Out

--- What is running just now, on one line that overwrites itself.
function Out:progress(text)
   if is_terminal and text ~= self.last then io.stderr:write("\r\27[K", text and "  " .. text or "") end
   self.last = text
end

--- A row of the table: see spec.share.farm.page.
function Out:row(goal)
   local row, missed = page.row(self.name, goal)
   table.insert(self.rows, row)
   self.missed = self.missed or missed
end

local function trace(problem)
   problem = tostring(problem)
   return problem:find("interrupted!", 1, true) and "interrupted!" or debug.traceback(problem, 2)
end

-- Runs one measurement. Returns whether it went without an error. An interrupt ends all.
local function measure(out)
   local measurement = MEASUREMENTS[out.name]
   local ok, problem = xpcall(measurement.run, trace, out, measurement.options)
   out:progress()
   if ok then return true end
   if problem == "interrupted!" then error(problem, 0) end
   io.stderr:write(out.name, ": ", problem, "\n")
   return false
end

-- Returns the exit code.
local function main(chosen, folder)
   started.begin()
   local code, about = 0, {}
   for name, measurement in pairs(MEASUREMENTS) do about[name] = measurement.about end
   for _, name in ipairs(chosen) do
      local out = setmetatable({ name = name, rows = {} }, Out)
      if measure(out) then
         io.write(page.text(out.rows))
         io.flush()
         page.write(folder .. "/share.md", out.rows, ORDER, about, "make share ARGS='" .. table.concat(arg, " ") .. "'")
         code = math.max(code, out.missed and 1 or 0)
      else
         code = 3
      end
   end
   return code
end

local chosen, folder = read_arguments()
if not redis.program() then
   print(select(2, redis.program()))
   os.exit(0)
end
local ok, code = xpcall(main, trace, chosen, folder)
if ok and code < 3 then started.finish() end -- else that program ends what may be left
if not ok then io.stderr:write(is_terminal and "\r\27[K" or "", code, "\n") end
os.exit(ok and code or 3)
