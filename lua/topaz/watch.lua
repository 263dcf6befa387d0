--- Waiting for many jobs. What is asked, and when, is planned by topaz.watch_plan; here it is asked.
local core = require "topaz.core"
local watch_plan = require "topaz.watch_plan"
local watch_token = require "topaz.watch_token"
local words = require "topaz.words"

local methods = core.client_methods()

local WINDOW = 200        -- single requests under way at a time; the core sends as many of them as it has connections or streams
local PAGE_LIMIT = 100
local CALL_LEAST = 1      -- seconds that a request gets even when the time is over: the last look
local CALL_USUAL = 120    -- seconds; with more left than this the client's own timeout holds
local LAST_LOOK_COST = 20 -- requests; a round that costs more is not begun when the time is over

local OPTIONS = {
   { "timeout", "number", 3600, 0, 7 * 86400 },
   { "on_progress", "function" },
   { "resume", "string" },
}

-- All that watchers take from outside but the answers; specs put a simulated time here.
local clock = {
   now = core.now,
   random = function() return math.random() end,
   wall = core.wall,
   sleep = function(client, seconds, bell) return client:sleep(seconds, bell) end,
}

local Watcher = {}
Watcher.__index = Watcher
Watcher.__name = "topaz.watcher"

-- ---- ids ---------------------------------------------------------------------------------------------------------

local function misuse(level, name, text, ...) error(("bad argument '%s': " .. text):format(name, ...), level + 1) end

local function shown(value)
   if type(value) ~= "string" then return type(value) end
   return "'" .. value:sub(1, 60):gsub("[^\32-\126]", "?") .. "'"
end

-- The list that was given as a list of ids or as one id.
local function list_of(ids, level)
   if core.is_process_id(ids) then return { ids } end
   if type(ids) ~= "table" then misuse(level + 1, "ids", "expected a list of UUIDs, got %s", shown(ids)) end
   local n, keys = #ids, 0
   for _ in pairs(ids) do keys = keys + 1 end
   if keys ~= n then misuse(level + 1, "ids", "expected a list of UUIDs, got a table with other keys or holes") end
   for i = 1, n do
      if not core.is_process_id(ids[i]) then misuse(level + 1, "ids", "expected UUIDs, got %s at %d", shown(ids[i]), i) end
   end
   return ids
end

local function resumed(text, level)
   local ids = watch_token.read(text)
   if not ids then misuse(level + 1, "resume", "not a token of a watcher, or not whole") end
   return ids
end

local function server_time(client)
   return clock.wall() + (core.is_open(client) and client:stats().clock_skew or 0)
end

local function new(client, operation, ids, options, level)
   local o = core.options(options, OPTIONS)
   local list = ids == nil and o.resume and {} or list_of(ids, level + 1)
   local more = o.resume and resumed(o.resume, level + 1) or {}
   local time = { now = clock.now, random = clock.random, server_time = function() return server_time(client) end }
   local watcher = setmetatable({
      client = client, operation = operation, options = o, flying = {}, first = 1, last = 0, bell = { waiters = {} },
      plan = watch_plan.new(time, o.on_progress ~= nil),
   }, Watcher)
   for _, id in ipairs(list) do watcher.plan:add(id) end
   for _, id in ipairs(more) do watcher.plan:add(id) end
   return watcher
end

-- ---- errors ------------------------------------------------------------------------------------------------------

local function failure(self, kind, text)
   return core.error { kind = kind, operation = self.operation, message = text }
end

local function timed_out(self)
   local progress = self.plan:progress()
   local err = failure(self, "timeout", ("%d of %d jobs have not ended within %g s; they go on%s"):format(self.plan:pending(),
      progress.total, self.options.timeout, self.trouble and "; the last request failed: " .. tostring(self.trouble) or ""))
   err.http_status = self.trouble and self.trouble.http_status
   self.deadline = nil -- who asks again has the whole time again
   return err
end

-- ---- requests ------------------------------------------------------------------------------------------------------

local function forget_requests(self)
   for i = self.first, self.last do
      local flight = self.flying[i]
      if flight then flight.request:cancel() end
   end
   self.flying, self.first, self.last = {}, 1, 0
   if self.page_request then self.page_request:cancel() end
end

-- What the world did to a request: a failure that passes is the plan's, any other one ends the loop.
local function met(self, job, err)
   if words.is_passing[err.kind] then
      self.trouble = err
      self.plan:failed(job, err)
      return
   end
   forget_requests(self)
   self.plan:abandon()
   return err
end

-- Begins a request; nil and the error object where the client is closed.
local function start(self, ...)
   local ok, request = pcall(self.client.start, self.client, ...)
   if ok then return request end
   if type(request) ~= "table" then error(request, 0) end
   return nil, request
end

-- The time that a request may take; nil: what the client's own timeout says.
local function call_time(self)
   local left = self.deadline - clock.now()
   return left < CALL_USUAL and math.max(left, CALL_LEAST) or nil
end

local function ask_page(self, cursor)
   local request, err = start(self, "get_page", { limit = PAGE_LIMIT, cursor = cursor, timeout = call_time(self) })
   if not request then return met(self, nil, err) end
   self.page_request = request
   local page
   page, err = request:result()
   self.page_request = nil
   if not page then return met(self, nil, err) end
   self.trouble = nil
   local wrong = self.plan:page(page)
   if wrong then return met(self, nil, core.error { kind = "protocol", operation = "get_page", message = wrong }) end
end

local function ask_single(self, job)
   local request, err = start(self, "get_status", job.given, { timeout = call_time(self) })
   if not request then return met(self, job, err) end
   self.last = self.last + 1
   self.flying[self.last] = { request = request, job = job }
end

-- Waits for the oldest single request. It stays first until it has answered, so that an interrupted wait can be taken up again.
local function await_single(self)
   local flight, at = self.flying[self.first], self.first
   local status, err = flight.request:result()
   self.flying[at] = nil
   self.first = at + 1
   if status then
      self.trouble = nil
      self.plan:got(flight.job, status)
   elseif err.kind == "not_found" then
      self.plan:gone(flight.job, err)
   else
      return met(self, flight.job, err)
   end
end

-- Sleeps until the next round, or until cancel() or add() ring. The last look comes when the time is over, unless there was one since, the
-- server asked for a pause that is longer, or it would cost too much.
local function rest(self, seconds)
   local plan, now = self.plan, clock.now()
   local left = self.deadline - now
   if plan.hold and plan.hold > self.deadline then return timed_out(self) end
   if left <= 0 then
      if plan.started and (plan.started >= self.deadline or plan.cost > LAST_LOOK_COST) then return timed_out(self) end
      plan:hurry()
      return
   end
   seconds = math.min(seconds, left)
   self.bell.rung = false
   local slept, err = clock.sleep(self.client, seconds, self.bell)
   if not slept then
      err.operation = self.operation
      return err
   end
   if not self.bell.rung and clock.now() - now < seconds / 2 then plan:hurry() end -- the machine has slept: look at once
end

-- Does one thing that the plan wants; an error object ends the loop. "done" says that no job is left.
local function advance(self)
   local plan = self.plan
   if plan.rounds > 1 and plan.phase ~= "rest" and clock.now() > self.deadline + CALL_LEAST then return timed_out(self) end
   local what, argument
   while self.last - self.first + 1 < WINDOW do
      what, argument = plan:next()
      if what ~= "get" then break end
      local err = ask_single(self, argument)
      if err then return err end
   end
   if what == "done" then
      forget_requests(self)
      return "done"
   elseif self.first <= self.last then return await_single(self)
   elseif what == "page" then return ask_page(self, argument)
   elseif what == "wait" then return rest(self, argument) end
end

-- ---- the iterator ----------------------------------------------------------------------------------------------------

local Turn = { __close = function(turn) turn.watcher.busy = false end }

-- The next job that has ended: status, nil or why it is gone, its id as it was given. nothing: no job is left. nil, nil, nil and the
-- error object: the loop has to end.
local function next_ended(self)
   if self.busy then error("another task is asking this watcher", 3) end
   local turn <close> = setmetatable({ watcher = self }, Turn) -- luacheck: ignore 211
   self.busy = true
   self.deadline = self.deadline or clock.now() + self.options.timeout
   while not self.closed do
      local news = self.plan:news()
      if not news then
         local result = advance(self)
         if result == "done" then return nil end
         if result and not self.closed then return nil, nil, nil, result end
      elseif news.changed and self.options.on_progress then
         news.changed = false -- first, so that an error in on_progress loses nothing
         self.options.on_progress(news.status, news.previous)
      else
         self.plan:take(news)
         if news.job.over then return news.status, news.err, news.job.given end
      end
   end
   return nil, nil, nil, failure(self, "cancelled", "the watcher was closed")
end

function Watcher:__call()
   local status, gone, _, err = next_ended(self)
   if err then error(err, 0) end
   return status, gone
end

--- Adds a job, or a list of jobs; one that was watched already is not watched twice. May be called in the loop and from other tasks.
-- @tparam table|string ids
-- @treturn integer how many are new
function Watcher:add(ids)
   local count = 0
   for _, id in ipairs(list_of(ids, 2)) do
      if self.plan:add(id) then count = count + 1 end
   end
   core.ring(self.client, self.bell)
   return count
end

--- Forgets a job, or a list of jobs, unless the loop has had it.
-- @tparam table|string ids
-- @treturn integer how many were watched
function Watcher:remove(ids)
   local count = 0
   for _, id in ipairs(list_of(ids, 2)) do
      if self.plan:remove(id) then count = count + 1 end
   end
   return count
end

--- How far the jobs are, from what was seen last; sends nothing.
-- @treturn table `total`; `done`: ended; `gone`: not known to the server; `by_status`: counts by word, a job not seen yet in none;
-- `mean_progress` 0 to 100, ended jobs as 100; `seconds_left`, estimated, or nil
function Watcher:progress() return self.plan:progress() end

--- The statuses seen last of the jobs that have not ended; sends nothing. A job that was not seen yet is left out.
-- @treturn table list of statuses
function Watcher:statuses() return self.plan:statuses() end

--- How many jobs the loop has not had yet.
-- @treturn integer
function Watcher:pending() return self.plan:pending() end

--- Plain text that names the jobs which the loop has not had yet, for `client:watch(nil, { resume = token })`, also in another process.
-- It holds no key. Its length is 32 bytes for each job and a few more.
-- @treturn string
function Watcher:token() return watch_token.write(self.plan:ids()) end

--- Ends the watching, at once also when another task waits in the loop: asking then gives an error of kind "cancelled". The jobs go on.
function Watcher:cancel()
   if self.closed then return end
   self.closed = true
   forget_requests(self)
   core.ring(self.client, self.bell)
end

Watcher.close = Watcher.cancel
Watcher.__close = Watcher.cancel

function Watcher:__tostring()
   return ("topaz.watcher (%s, %d pending)"):format(self.closed and "closed" or "open", self.plan:pending())
end

-- ---- the client's methods -----------------------------------------------------------------------------------------------

--- Watches jobs: an iterator that gives each one once, as it ends.
--
-- A round reads pages of the list, or asks for single jobs, whichever costs fewer requests; the first one comes at once, the next ones
-- after 1 to 4.5 s, sooner after changes, later where a round costs many requests. A job that is not in the list is asked for; when the
-- server does not know it either, it is given as its last status, or `{ process_id = id }`, with an error of kind "not_found" behind it.
-- Failures for network, time, 429 or 5xx do not end the loop; any other one is raised, and the watcher may be asked again.
-- @tparam table|string|nil ids a list of UUIDs, in upper or lower case, or one; nil only with `resume`
-- @tparam[opt] table options `timeout` seconds (3600) from the first asking on, then an error of kind "timeout" is raised;
-- `on_progress` function (status, previous), called when a job's status or progress changes; `resume` a token of watcher:token(), its
-- jobs are watched too
-- @return the watcher, callable: status, err; add(), remove(), progress(), pending(), token(), cancel(), close()
function methods.watch(client, ids, options)
   local watcher = new(client, "watch", ids, options, 2)
   return watcher, nil, nil, watcher
end

--- Waits until all jobs have ended.
-- @tparam table|string|nil ids as for watch
-- @tparam[opt] table options as for watch
-- @treturn table|nil { [id as it was given] = its last status }; for a job the server does not know the error object, of kind "not_found",
-- with `status`, the last one seen
-- @treturn table|nil the error object; `err.statuses` has those that have ended
function methods.wait_all(client, ids, options)
   local watcher <close> = new(client, "wait_all", ids, options, 2)
   local statuses = {}
   while true do
      local status, gone, id, err = next_ended(watcher)
      if err then
         err.statuses = statuses
         return nil, err
      elseif not status then
         return statuses
      end
      statuses[id] = gone or status
   end
end

--- Waits until one of the jobs has ended. One that the server does not know counts only when no other one is left.
-- @tparam table|string|nil ids as for watch, at least one
-- @tparam[opt] table options as for watch
-- @treturn table|nil the status of the first one that was seen to have ended
-- @treturn table|nil the error object
function methods.wait_any(client, ids, options)
   local watcher <close> = new(client, "wait_any", ids, options, 2)
   if watcher:pending() == 0 then misuse(2, "ids", "expected at least one UUID") end
   local lost
   while true do
      local status, gone, _, err = next_ended(watcher)
      if status and not gone then return status end
      if not status then return nil, err or lost end
      lost = gone
   end
end

return { clock = clock }
