-- Farms of real processes on a real Redis and the emulator, with faults: `make share`.
--
--   lua5.4 spec/share/farm.lua [members=5] [jobs=200] [runs=1] [only=NAME]
--
-- Each run prints how many ends were lost or given out twice, the requests that the emulator saw,
-- and the longest time without one. The exit code is 1 when an end was lost or doubled.
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local socket = require "socket"

local LEAST, MOST = 15, 60 -- seconds that jobs take
local LIMIT = 240          -- seconds for a run

local options = { members = 5, jobs = 200, runs = 1 }
for _, word in ipairs(arg) do
   local name, value = word:match "^(%l+)=(.*)$"
   if not name or options[name] == nil and name ~= "only" then
      io.stderr:write("unknown argument: ", word, "; expected members=N jobs=N runs=N only=NAME\n")
      os.exit(2)
   end
   options[name] = tonumber(value) or value
end

-- ---- a farm -------------------------------------------------------------------------------------

local function read(path)
   local file = io.open(path)
   local text = file and file:read "a" or ""
   if file then file:close() end
   return text
end

local function start_member(farm, ids)
   local member = { log = os.tmpname(), input = os.tmpname(), ids = ids }
   local file = assert(io.open(member.input, "w"))
   file:write(table.concat(ids, "\n"), "\n")
   file:close()
   local variables = program.variables(farm.emulator)
   variables.TOPAZ_SHARE = farm.server.url
   member.process = process.start(("%s %s spec/share/farm_member.lua <%s"):format(program.environment(variables),
      interpreter, member.input), nil, member.log)
   return member
end

local function start(members, jobs)
   local farm = { emulator = emulators.start { clock = "real", idle_limit = 0 }, server = assert(redis.start()) }
   local span = { LEAST, MOST }
   farm.ids = farm.emulator:add_jobs { count = jobs, timeline = { pending = { 0, 5 }, processing = span } }
   farm.members, farm.began = {}, socket.gettime()
   for i = 1, members do
      local ids = {}
      for k = i, jobs, members do ids[#ids + 1] = farm.ids[k] end
      farm.members[i] = start_member(farm, ids)
   end
   return farm
end

local function signal(member, name) process.shell(("kill -%s %d"):format(name, member.process.pid)) end

-- The member that has said last that it leads, and has not said anything else since.
local function leader(farm)
   for _, member in ipairs(farm.members) do
      local role
      for word in read(member.log):gmatch "role\t(%l+)" do role = word end
      if role == "lead" and not member.dead then return member end
   end
   return nil
end

local function sleep_until(farm, seconds) socket.sleep(math.max(0, farm.began + seconds - socket.gettime())) end

local function is_over(farm)
   for _, member in ipairs(farm.members) do
      if not member.dead and not read(member.log):find("\ndone\t", 1, true) then return false end
   end
   return true
end

-- What came of it: ends lost and doubled, requests, the longest pause between two of them.
local function result_of(farm)
   local r = { lost = 0, doubled = 0 }
   for _, member in ipairs(farm.members) do
      local seen = {}
      for id in read(member.log):gmatch "end\t(%S+)" do
         if seen[id] then r.doubled = r.doubled + 1 end
         seen[id] = true
      end
      for _, id in ipairs(member.ids) do
         if not seen[id] and not member.dead then r.lost = r.lost + 1 end
      end
   end
   local requests, before = farm.emulator:requests(), nil
   r.requests, r.gap = #requests, 0
   for _, request in ipairs(requests) do
      if before then r.gap = math.max(r.gap, request.time - before) end
      before = request.time
   end
   return r
end

local function stop(farm)
   for _, member in ipairs(farm.members) do
      if not member.dead then process.stop(member.process, "KILL") end
      os.remove(member.log)
      os.remove(member.input)
   end
   farm.emulator:stop()
   farm.server:stop()
end

-- ---- the faults ---------------------------------------------------------------------------------

local FAULTS = {
   { "none", function() end },
   { "leader killed", function(farm)
      sleep_until(farm, 15)
      local first = leader(farm)
      if not first then return end
      first.dead = true
      process.stop(first.process, "KILL")
   end },
   { "leader stopped for 20 s", function(farm)
      sleep_until(farm, 15)
      local first = leader(farm)
      if not first then return end
      signal(first, "STOP")
      sleep_until(farm, 35)
      signal(first, "CONT")
   end },
   { "Redis emptied every 5 s", function(farm)
      for second = 5, 60, 5 do
         sleep_until(farm, second)
         farm.server:call "FLUSHALL"
         farm.server:call("SCRIPT", "FLUSH")
      end
   end },
   { "Redis stopped for 20 s", function(farm)
      sleep_until(farm, 15)
      farm.server:pause()
      sleep_until(farm, 35)
      farm.server:resume()
   end },
   { "Redis killed, back after 20 s", function(farm)
      sleep_until(farm, 15)
      farm.server:kill()
      sleep_until(farm, 35)
      farm.server:restart()
   end },
}

local function run(name, fault)
   local farm = start(options.members, options.jobs)
   local ok, err = pcall(function()
      fault(farm)
      while not is_over(farm) and socket.gettime() < farm.began + LIMIT do socket.sleep(0.5) end
      local r = result_of(farm)
      print(("%-32s %8d %8d %10d %8.1f"):format(name, r.lost, r.doubled, r.requests, r.gap))
      if r.lost + r.doubled > 0 then os.exit(1) end
   end)
   stop(farm)
   if not ok then error(err, 0) end
end

if not redis.program() then
   print(select(2, redis.program()))
   os.exit(0)
end
print(("%d processes, %d jobs of %d to %d s"):format(options.members, options.jobs, LEAST, MOST))
print(("%-32s %8s %8s %10s %8s"):format("fault", "lost", "doubled", "requests", "gap s"))
for _ = 1, options.runs do
   for _, fault in ipairs(FAULTS) do
      if not options.only or options.only == fault[1] then run(fault[1], fault[2]) end
   end
end
