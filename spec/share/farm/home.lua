-- A farm of real processes: a redis-server, an emulator of the API and the members.
--
--   local farm <close> = home.start { jobs = 60, timeline = { processing = { 20, 30 } } }
--   farm:deal(3)                      starts so many members, and deals the jobs out to them
--   farm:leader()                     the member that leads; nil: none
--   home.kill(member), home.signal(member, "STOP")
--   farm:is_over()                    whether all members have ended
--   farm:result()                     what came of it
--
-- Its folders are of spec.share.farm.started.
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local redis = require "spec.support.redis"
local socket = require "socket"
local started = require "spec.share.farm.started"

local LOG_LIMIT = 1000000 -- requests
local WATCH = 1200        -- seconds that a member watches at most, if nothing else is said

local Farm = {}
Farm.__index = Farm

local home = {}

--- Starts Redis and the emulator, and adds jobs.
-- @tparam table options `jobs`: how many; `timeline` of them; `emulator`, `redis`: more options of
-- these; `role` of the members
function home.start(options)
   local settings = { clock = "real", idle_limit = 0, log_limit = LOG_LIMIT }
   for name, value in pairs(options.emulator or {}) do settings[name] = value end
   local farm = setmetatable({ members = {}, role = options.role, marks = {} }, Farm)
   local ok, problem = pcall(function()
      farm.folder = started.folder()
      farm.emulator = emulators.start(settings)
      local server_options = { parent = farm.folder }
      for name, value in pairs(options.redis or {}) do server_options[name] = value end
      farm.server = assert(redis.start(server_options))
      farm.began = socket.gettime()
      farm.ids = options.jobs and farm.emulator:add_jobs { count = options.jobs, timeline = options.timeline } or {}
   end)
   if ok then return farm end
   farm:close()
   error(problem, 0)
end

--- Starts Redis again at the same port, empty.
function Farm:restart_redis() self.server:restart() end

-- ---- members ------------------------------------------------------------------------------------

--- Starts a member.
-- @tparam table watches list of { ids, at = seconds after its start, seconds = how long }
-- @tparam[opt] string role
-- @tparam[opt] number body seconds that its loop's body takes once, without a step of the client
function Farm:add(watches, role, body)
   local number = #self.members + 1
   local member = {
      name = tostring(number), log = ("%s/%d.log"):format(self.folder, number), input = ("%s/%d"):format(self.folder,
         number), watches = watches, ends = {}, roles = {}, rest = "", doubled = 0, trouble = {},
   }
   local file = assert(io.open(member.input, "w"))
   for _, watch in ipairs(watches) do
      file:write(("watch %g %g\n"):format(watch.at or 0, watch.seconds or WATCH), table.concat(watch.ids, "\n"), "\n")
   end
   file:close()
   local variables = program.variables(self.emulator)
   variables.TOPAZ_SHARE, variables.MEMBER, variables.MEMBER_ROLE = self.server.url, member.name, role or self.role
   variables.MEMBER_BODY = body and tostring(body)
   member.process = process.start(("%s %s spec/share/farm_member.lua <%s"):format(
      program.environment(variables), interpreter, process.quote(member.input)), nil, member.log)
   member.file = assert(io.open(member.log))
   self.members[number] = member
   return member
end

--- Starts members, so many in all, and deals the jobs out to them.
-- @tparam integer count
-- @tparam[opt] integer first only from this one
-- @tparam[opt] integer last to this one
-- @tparam[opt] number body see `add`
function Farm:deal(count, first, last, body)
   for i = first or 1, last or count do
      local ids = {}
      for k = i, #self.ids, count do ids[#ids + 1] = self.ids[k] end
      self:add({ { ids = ids } }, nil, body)
   end
end

local function hear(member, line)
   local what, time, about, word = line:match "^(%l+)\t(%S+)\t?(%S*)\t?(%S*)"
   if what == "role" then
      member.role = about
      table.insert(member.roles, { time = tonumber(time), role = about })
   elseif what == "end" then
      if member.ends[about] then member.doubled = member.doubled + 1 end
      member.ends[about] = tonumber(time)
      if word ~= "Completed" then table.insert(member.trouble, line) end
   elseif what == "done" then
      member.done, member.role = true, nil
   else
      table.insert(member.trouble, line)
   end
end

-- Reads what the members have written since.
local function read_logs(self)
   for _, member in ipairs(self.members) do
      if member.file then
         member.file:seek "cur" -- it may have reached the end before
         local text = member.rest .. member.file:read "a"
         local lines, rest = text:match "^(.*\n)([^\n]*)$"
         member.rest = rest or text
         for line in (lines or ""):gmatch "([^\n]*)\n" do hear(member, line) end
         if member.done or member.dead then
            member.file:close()
            member.file = nil
         end
      end
   end
end

--- The member that has said last that it leads, and nothing since.
function Farm:leader()
   read_logs(self)
   for _, member in ipairs(self.members) do
      if member.role == "lead" and not member.dead then return member end
   end
   return nil
end

--- How many members have that role.
function Farm:count(role)
   read_logs(self)
   local count = 0
   for _, member in ipairs(self.members) do
      if member.role == role and not member.dead then count = count + 1 end
   end
   return count
end

-- Without these two nothing is measured any more.
local function check(self)
   if not self.emulator:running() then error("the emulator of the farm has ended", 0) end
   if self.server:has_died() then error("the redis-server of the farm has ended", 0) end
end

--- How many members have not ended, and were not killed.
function Farm:running()
   check(self)
   read_logs(self)
   local count = 0
   for _, member in ipairs(self.members) do
      if not member.dead and not member.done then count = count + 1 end
   end
   return count
end

--- Whether none is left.
function Farm:is_over() return self:running() == 0 end

--- Sends a signal to a member.
function home.signal(member, name)
   process.shell(("kill -%s %d"):format(name, member.process.pid))
end

--- Ends a member by SIGKILL: what it watches is not lost.
function home.kill(member)
   process.stop(member.process, "KILL")
   member.dead, member.role = true, nil
end

--- Seconds since the farm began.
function Farm:age() return socket.gettime() - self.began end

-- ---- what came of it ----------------------------------------------------------------------------

--- How often it has changed which member leads.
function Farm:leads()
   read_logs(self)
   local count = 0
   for _, member in ipairs(self.members) do
      for _, change in ipairs(member.roles) do count = count + (change.role == "lead" and 1 or 0) end
   end
   return count
end

--- What came of it.
-- @treturn table lost, doubled: ends; requests: the emulator's log; gap: the longest time without a
-- request; trouble: lines that a member should not write
function Farm:result()
   read_logs(self)
   local r = { lost = 0, doubled = 0, ends = 0, gap = 0, requests = self.emulator:requests(), trouble = {} }
   for _, member in ipairs(self.members) do
      r.doubled = r.doubled + member.doubled
      table.move(member.trouble, 1, #member.trouble, #r.trouble + 1, r.trouble)
      for _, watch in ipairs(member.watches) do
         for _, id in ipairs(watch.ids) do
            if member.ends[id] then r.ends = r.ends + 1
            elseif not member.dead and not (watch.endless and watch.endless[id]) then r.lost = r.lost + 1 end
         end
      end
   end
   for i = 2, #r.requests do r.gap = math.max(r.gap, r.requests[i].time - r.requests[i - 1].time) end
   return r
end

--- The most requests in one second of a log, from one time to another.
function home.peak(requests, from, to)
   local most, first = 0, 1
   for i, request in ipairs(requests) do
      while request.time - requests[first].time >= 1 do first = first + 1 end
      if request.time >= (from or 0) and request.time <= (to or math.huge) then most = math.max(most, i - first + 1) end
   end
   return most
end

--- Ends all of it.
function Farm:close()
   for _, member in ipairs(self.members) do
      process.stop(member.process, "KILL")
      if member.file then member.file:close() end
      member.file = nil
   end
   if self.emulator then self.emulator:stop() end
   if self.server then self.server:stop() end
   if self.folder then process.shell("rm -rf -- " .. process.quote(self.folder)) end
   self.emulator, self.server, self.folder = nil, nil, nil
end

Farm.__close = Farm.close

return home
