--- Asks what a watcher's plan wants, pages of the list and single jobs, and tells the plan the
-- responses.
local core = require "topaz.core"
local limits = require "topaz.limits"
local misuse = require "topaz.misuse"
local tally = require "topaz.watch.tally"
local times = require "topaz.times"
local waiter = require "topaz.waiter"
local words = require "topaz.words"

local LAST_LOOK = times.LAST_LOOK
local CALL_USUAL = 120 -- seconds; with more left the client's own timeout holds for single requests
local CALL_LEAST = 0.001 -- seconds that the core accepts as a timeout
local LAST_LOOK_COST = 20 -- requests; a round that costs more is not begun when the time is over

local Asking = {}
Asking.__index = Asking

--- Makes what asks for one watcher. Nothing is asked yet.
-- @param client
-- @tparam string operation for errors
-- @tparam table options timeout: seconds; headers: of every request, or nil
-- @tparam topaz.watch.plan plan
local function new(client, operation, options, plan)
   return setmetatable({
      client = client, operation = operation, timeout = options.timeout, headers = options.headers,
      plan = plan, bell = { waiters = {} },
      deadline = nil,     -- core.now() at which the time is over; nil: it does not run
      -- Single requests under way, from `first`, the oldest, to `last`: { request, job, hinted }.
      flying = {}, first = 1, last = 0,
      page_request = nil, -- the page that is asked for
      within = nil,       -- true: something is half done
      lot = 1,            -- how many times requests have been forgotten, and 1
      trouble = nil,      -- the last failure, unless a request has gone well since
   }, Asking)
end

-- ---- errors -------------------------------------------------------------------------------------

--- An error object of the watcher's own.
function Asking:failure(kind, text) return core.error { kind = kind, operation = self.operation, message = text } end

local function timed_out(self)
   local plan, trouble = self.plan, self.trouble
   local text = ("%d of %d jobs are not finished after %g s; they keep running%s"):format(plan:pending(),
      plan:progress().total, self.timeout, trouble and "; the last request failed: " .. tostring(trouble) or "")
   local err = self:failure("timeout", text)
   err.http_status = trouble and trouble.http_status
   self.deadline = nil -- asking again has the whole time again
   return err
end

-- What a request came to that failed: a failure that may pass is the plan's, any other one ends the
-- loop.
local function met(self, job, err, cursor, hinted)
   if words.may_pass(err, cursor) then
      self.trouble = err
      self.plan:failed(job, err, hinted)
      return
   end
   self:forget()
   self.plan:abandon()
   return err
end

-- ---- requests -----------------------------------------------------------------------------------

-- The time that a request may take; nil: what the client's own timeout says, which cuts single
-- requests alone: a list that flows would go on beyond the end of the time.
local function call_time(self, is_page)
   local left = self.deadline - core.now()
   if left >= CALL_USUAL and not is_page then return nil end
   return math.max(math.min(left + LAST_LOOK, limits.CALL_TIMEOUT), CALL_LEAST)
end

-- Begins a request; nil and the error object where the client is closed.
local function start(self, ...) return misuse.attempt(self.client.start, self.client, ...) end

-- Waits for a request. What interrupts this finds nothing half done.
local function result_of(self, request)
   self.within = nil
   local result, err = request:result()
   self.within = true
   return result, err
end

local function ask_page(self, cursor)
   local options = {
      limit = limits.PAGE, cursor = cursor, timeout = call_time(self, true), headers = self.headers,
   }
   local request, err = start(self, "get_page", options)
   if not request then return met(self, nil, err, cursor) end
   self.page_request = request
   local lot = self.lot
   local page, problem = result_of(self, request)
   core.forget(request)
   self.page_request = nil
   if lot ~= self.lot then return end -- it was forgotten meanwhile
   if not page then return met(self, nil, problem, cursor) end
   self.trouble = nil
   local wrong = self.plan:page(page)
   if wrong then return met(self, nil, core.error { kind = "protocol", operation = "get_page", message = wrong }) end
end

local function ask_single(self, job, hinted)
   local options = { timeout = call_time(self, false), headers = self.headers }
   local request, err = start(self, "get_status", tally.id_of(job), options)
   if not request then return met(self, job, err, nil, hinted) end
   self.last = self.last + 1
   self.flying[self.last] = { request = request, job = job, hinted = hinted }
end

-- Waits for the oldest single request. It stays first until it has answered, so that an interrupted
-- wait can be taken up again.
local function await_single(self)
   local flight, at, lot = self.flying[self.first], self.first, self.lot
   local status, err = result_of(self, flight.request)
   if lot ~= self.lot then return end -- they were forgotten meanwhile
   self.flying[at] = nil
   self.first = at + 1
   core.forget(flight.request)
   if status then
      self.trouble = nil
      self.plan:got(flight.job, status, flight.hinted)
   elseif err.kind == "not_found" then
      self.plan:gone(flight.job, err, flight.hinted)
   else
      return met(self, flight.job, err, nil, flight.hinted)
   end
end

--- Cancels the requests under way; their responses will not be told.
function Asking:forget()
   for i = self.first, self.last do
      local flight = self.flying[i]
      if flight then flight.request:cancel() end
   end
   self.flying, self.first, self.last, self.lot = {}, 1, 0, self.lot + 1
   if self.page_request then self.page_request:cancel() end
end

-- ---- what the plan wants ------------------------------------------------------------------------

--- Ends a rest between rounds.
function Asking:wake() waiter.ring(self.client, self.bell) end

-- Sleeps until the next round, or until wake(). The last look comes when the time is over, unless
-- there was one since, the server asked for a pause that is longer, or it would not fit into what
-- is left: it would cost too much or take too long.
local function rest(self, seconds)
   local plan, now, bell = self.plan, core.now(), self.bell
   local left = self.deadline - now
   if plan.hold and plan.hold > self.deadline then return timed_out(self) end
   if left <= 0 then
      if plan.started and (plan.started >= self.deadline or plan.cost > LAST_LOOK_COST or plan.took > LAST_LOOK) then
         return timed_out(self)
      end
      plan:hurry()
      return
   end
   seconds = math.min(seconds, left)
   bell.rung, self.within = false, nil
   local slept, err = waiter.sleep(self.client, seconds, bell)
   self.within = true
   if not slept then
      err.operation = self.operation
      return err
   end
   -- The machine has slept: look at once.
   if not bell.rung and core.now() - now < seconds / 2 then plan:hurry() end
end

local function advance(self)
   local plan = self.plan
   self.deadline = self.deadline or core.now() + self.timeout
   if (plan.phase ~= "rest" or plan.hinted > 0) and core.now() >= self.deadline + LAST_LOOK then
      return timed_out(self)
   end
   local what, argument, hinted
   while self.last - self.first + 1 < limits.AHEAD do
      what, argument, hinted = plan:next()
      if what ~= "get" then break end
      local err = ask_single(self, argument, hinted)
      if err then return err end
   end
   if what == "done" then
      if self.first <= self.last then plan:abandon() end -- both a round and a hint asked for a job
      self:forget()
      return "done"
   elseif self.first <= self.last then return await_single(self)
   elseif what == "page" then return ask_page(self, argument)
   elseif what == "wait" then return rest(self, argument) end
end

--- Does one thing that the plan wants. The time runs from the first call on, and anew after it was
-- over. Where a hook's error has ended the last call in its middle, what is under way and the plan
-- do not fit: the round is given up and another one begins.
-- @treturn nil|string|table "done": no job is left; an error object: the loop has to end
function Asking:advance()
   if self.within then
      self:forget()
      self.plan:abandon()
      self.plan:hurry()
   end
   self.within = true
   local result = advance(self)
   self.within = nil
   return result
end

return { new = new, failure = Asking.failure, timed_out = timed_out }
