-- Compiles the C parts, runs commands under `measure`, and does the arithmetic of repetitions.
local process = require "topaz.emulator.process"

local harness = {}

harness.build = "build/bench"
harness.lua = (arg and arg[-1] or "lua5.4"):match "^%S+$" or "lua5.4"

local FLAGS = "-O2 -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic"
local PACKAGES = "lua5.4 libcurl"
-- Lua programs find the module built here first, and whatever the caller has set after it.
-- No program here uses a proxy.
local ENVIRONMENT = {
   "no_proxy=*", "NO_PROXY=*",
   "LUA_PATH=lua/?.lua;lua/?/init.lua;" .. (os.getenv "LUA_PATH" or ";;"),
   "LUA_CPATH=build/?.so;" .. (os.getenv "LUA_CPATH" or ";;"),
}

local function quoted(words)
   local out = {}
   for i, word in ipairs(words) do out[i] = process.quote(word) end
   return table.concat(out, " ")
end

local function read(path)
   local file = io.open(path)
   if not file then return nil end
   local text = file:read "a"
   file:close()
   return text
end

--- Whether a file can be read.
function harness.exists(path)
   local file = io.open(path)
   if file then file:close() end
   return file ~= nil
end

--- Runs a command; its first line of output, or nil when it failed.
function harness.ask(words)
   local pipe = io.popen("env " .. quoted(ENVIRONMENT) .. " " .. quoted(words) .. " 2>/dev/null </dev/null")
   local line = pipe:read "l"
   pipe:read "a"
   return pipe:close() and (line or "") or nil
end

-- The processors that a process may use, as taskset lists them ("0-3,5"); nil without taskset.
local function processors(pid)
   local line = harness.ask { "taskset", "-pc", tostring(pid) }
   return line and line:match "list: (%S+)"
end

--- Lets this process, all that it starts from now on,
-- and the process `server` use one processor only, the last of those that it may use now.
-- Gives a value that undoes it when it is closed; nil where there is no taskset (util-linux).
function harness.one_processor(server)
   local all = processors(process.self())
   if not all then return nil end
   local function allow(list)
      for _, pid in ipairs { server, process.self() } do harness.ask { "taskset", "-pc", list, tostring(pid) } end
   end
   allow(all:match "%d+$")
   return setmetatable({}, { __close = function() allow(all) end })
end

--- Compiles C files into build/bench/NAME and gives its path; `packages` are pkg-config's names of
-- what they need beside Lua and libcurl. Raises when the compiler does not like them.
function harness.compile(name, sources, packages)
   local path = harness.build .. "/" .. name
   assert(os.execute("mkdir -p " .. harness.build))
   local command = ("%s %s -Icsrc -o %s %s $(pkg-config --cflags --libs %s) -lm"):format(
      os.getenv "CC" or "cc", FLAGS, path, sources, PACKAGES .. " " .. (packages or ""))
   if not os.execute(command) then error("cannot compile: " .. command, 0) end
   return path
end

--- Runs a command (a list of words) under `measure`. Gives { output, values, cpu, wall, peak }:
-- seconds, MiB, and the "name=value" pairs it printed; or nil and why it failed.
function harness.run(words)
   local report = harness.build .. "/usage"
   local log = harness.build .. "/stderr"
   local pipe = io.popen(("env %s %s/measure %s %s 2>%s </dev/null"):format(
      quoted(ENVIRONMENT), harness.build, report, quoted(words), log))
   local output = pipe:read "a"
   local ok = pipe:close()
   local usage = {}
   for name, value in (read(report) or ""):gmatch "([%w_]+)=(%S+)" do usage[name] = tonumber(value) end
   if not ok or usage.status ~= 0 then
      local last = (read(log) or ""):match "([^\n]+)%s*$" or "no message"
      return nil, ("status %d: %s"):format(usage.status or -1, last)
   end
   local values = {}
   for name, value in output:gmatch "([%w_]+)=(%S+)" do values[name] = tonumber(value) end
   return {
      output = output, values = values, cpu = usage.user + usage.sys, wall = usage.wall, peak = usage.rss_kib / 1024,
   }
end

-- What a run must have printed; why it did not, or nil.
local function wrong(run, expect)
   if not expect then return nil end
   for _, name in ipairs { "count", "checksum" } do
      local found = run.values[name]
      if expect[name] and found ~= expect[name] then
         return ("%s is %s, not %s"):format(name, found, expect[name])
      end
   end
end

--- Repetitions, interleaved: A B C A B C … Each entry has `name`, `commands` (name → words)
-- and `expect` (the same names → { count, checksum }); it gets `runs` (name → list of runs),
-- or `failed` and is then left out. `entry.repetitions` is a smaller number for one entry.
function harness.rotate(entries, repetitions, progress)
   for _, entry in ipairs(entries) do
      entry.runs = {}
      for name in pairs(entry.commands) do entry.runs[name] = {} end
   end
   for repetition = 1, repetitions do
      for _, entry in ipairs(entries) do
         for name, words in pairs(entry.commands) do
            if entry.failed or repetition > (entry.repetitions or repetitions) then break end
            progress(("%d/%d %s"):format(repetition, repetitions, entry.name))
            local run, why = harness.run(words)
            if run then why = wrong(run, entry.expect and entry.expect[name]) end
            entry.failed = why
            table.insert(entry.runs[name], run)
         end
      end
   end
end

--- Median, least and largest of a list of numbers.
function harness.median(list)
   local sorted = table.move(list, 1, #list, 1, {})
   table.sort(sorted)
   local middle = #sorted // 2
   local median = #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
   return median, sorted[1], sorted[#sorted]
end

--- The same of one member of a list of runs.
function harness.member(runs, name)
   local list = {}
   for i, run in ipairs(runs) do list[i] = run[name] or run.values[name] end
   return harness.median(list)
end

return harness
