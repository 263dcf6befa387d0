--- Tasks: coroutines that a client runs, in which its calls yield instead of blocking.
local core = require "topaz.core"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"
local waiter = require "topaz.waiter"

local methods, native = core.client_methods() -- native: without what this module adds
local core_step, core_timeout, core_close, core_start = native.step, native.timeout, native.close, native.start
local state_of, wake, attend, task_of = parking.state, parking.wake, parking.attend, parking.task_of

local FAILED_KEPT = 100 -- failed tasks that are kept for run(); the others are counted
local EVENTS_KEPT = 100 -- events of failed tasks until the end of a step; further ones are dropped

-- ---- tasks --------------------------------------------------------------------------------------

local Task = {}
Task.__index = Task
Task.__name = "topaz.task"

-- The text of an error value, also of one whose __tostring fails. What does not fail once more was
-- the error of a debug hook.
local function text_of(problem)
   if type(problem) == "string" then return problem end
   local ok, text = pcall(tostring, problem)
   if ok then return text end
   if pcall(tostring, problem) then error(text, 0) end
   return "an error value without a text"
end

-- Ends a task; returns false if it has ended before. `outcome`: { ok, results or error…, n }. A
-- failed task is counted, and the first ones are kept for run().
local function settle(task, outcome)
   if task.finished then return false end
   local state = task.home
   task.outcome, task.finished, task.thread = outcome, true, nil
   state.alive = state.alive - 1
   if outcome[1] then return true end
   task.counted, state.failures = state.count, state.failures + 1
   if state.failures <= FAILED_KEPT then state.unobserved[task] = true end
   return true
end

-- Removes the task's failure from what run() reports.
local function observe(task)
   local state = task.home
   if task.counted ~= state.count then return end
   task.counted, state.failures, state.unobserved[task] = nil, state.failures - 1, nil
end

-- Returns what run() reports: how many tasks have failed since the last report, and one of them.
local function observe_all(state, unobserved)
   local count, first = state.failures, next(state.unobserved)
   state.failures, state.unobserved, state.count = 0, unobserved, state.count + 1
   return count, first
end

local function begin(task)
   local state = task.home
   local broken = state.broken
   state.broken = true -- if memory runs out in between, the next step repairs it
   task_of[task.thread] = task
   state.alive = state.alive + 1
   wake(task)
   state.broken = broken
end

-- Adds to `list` all that wait at the client, and its own tasks, and marks these as closed.
local function gather(state, list)
   for parked in pairs(state.parked) do list[#list + 1] = parked end
   for _, task in pairs(task_of) do
      if task.home == state and not task.finished then
         if task.at ~= state then list[#list + 1] = task end
         task.cancelled = task.cancelled or "closed"
      end
   end
end

settle, observe, observe_all, begin, gather = core.uninterrupted(settle, observe, observe_all, begin, gather)

-- Records the end of a task. Its coroutine has stored the outcome, or has ended by `problem`.
local function finish(task, problem)
   local outcome = task.outcome or { false, problem, n = 2 }
   if not settle(task, outcome) then return end
   local events = task.home.events
   if not outcome[1] and not task.awaited_once and #events < EVENTS_KEPT and core.on_event(task.client) then
      table.insert(events, text_of(outcome[2]))
   end
   parking.wake_all(task)
end

-- Ends a task that has yielded by itself after it was told to end: no wait can tell it again. Its
-- variables are closed. A wait in a __close ends at once, since it is still the task's turn.
local function abandon(task, thread)
   local who = task.cancelled == "closed" and "its client was closed" or "it was cancelled"
   task.outcome = { false, core.error {
      kind = task.cancelled, operation = "task", message = "the task yielded after " .. who,
   }, n = 2 }
   coroutine.close(thread)
end

local function resumed(state, task, thread, before, turn, _, problem)
   local ended = coroutine.status(thread) == "dead"
   if not ended and task.cancelled and not task.at and not task.runnable then
      abandon(task, thread)
      ended = true
   end
   parking.turn = turn
   if ended then finish(task, problem) end
   -- Last: before the end of the task is recorded, run() in a debug hook would never return.
   state.running = before
   -- It has yielded by itself: it only gave up its turn.
   if not ended and not task.at then wake(task) end
end

-- `before`: what was running before it was taken off the queue.
local function resume(state, task, before)
   local thread = task.thread
   local status = thread and coroutine.status(thread)
   if status == "dead" then
      return finish(task, core.error {
         kind = "cancelled", operation = "task", message = "the coroutine of the task was closed",
      })
   elseif status ~= "suspended" then
      return -- its wait has ended while it blocks further inside: it checks by itself
   end
   local turn = parking.turn
   state.running, parking.turn = task, task
   resumed(state, task, thread, before, turn, coroutine.resume(thread))
end

-- Runs those whose wait is over; those whose wait ends meanwhile run in the next step. At least one
-- runs; at the time `limit` the rest is left for the next step. An error of a guest belongs to its
-- loop, and is raised when all have run; that of a task is kept for its result.
-- Returns whether some are left.
local function run_tasks(client, state, limit, nested)
   local late = parking.wake_sleepers(state, limit)
   if state.running and not nested then return late end
   local scheduler, problem, over, left = core.scheduler(client), nil, false, state.last - state.first + 1
   while left > 0 and state.first <= state.last and not over do
      local before = state.running
      -- First: what is taken off the queue already runs for those that look.
      state.running = state.queue[state.first]
      local parked = parking.take(state)
      left = left - 1
      if parked and not parked.foreign and not parked.finished then resume(state, parked, before) end
      state.running = before
      if parked and parked.foreign and coroutine.status(parked.foreign) ~= "dead" then
         local ok, err = pcall(scheduler.resume, scheduler, parked.foreign)
         if not ok then problem = problem or err end
      end
      over = limit ~= nil and left > 0 and core.now() >= limit
   end
   if problem then error(problem, 0) end
   return over or late
end

--- Says whether the task's function has ended.
function Task:done()
   misuse.check_self(self, Task)
   return self.finished == true
end

--- Returns what the task's function returned, or raises what it raised.
function Task:result()
   misuse.check_self(self, Task)
   if not self.finished then misuse.raise "the task still runs: use await(), or ask done() first" end
   observe(self)
   local outcome = self.outcome
   if not outcome[1] then error(outcome[2], 0) end
   return table.unpack(outcome, 2, outcome.n)
end

--- Waits until the task has ended, then does what result() does.
function Task:await()
   misuse.check_self(self, Task)
   local client, state = self.client, self.home
   if task_of[coroutine.running()] == self then misuse.raise "a task cannot await itself" end
   self.awaited_once = true
   while not self.finished do
      if state.running and not parking.current_waiter(client, state) then
         misuse.raise "await() cannot yield here and would block all other tasks: call it in the task's own coroutine"
      end
      local reason, again = core.waiter(client)(client, nil, nil, self)
      if reason and not self.finished then waiter.raise(client, reason, "await", again) end
   end
   return self:result()
end

--- Ends what the task waits for, at once; so does each later wait of it.
function Task:cancel()
   misuse.check_self(self, Task)
   if self.finished or self.cancelled then return end
   self.cancelled = "cancelled"
   if not self.at then return end
   wake(self)
   attend(self.client)
end

function Task:__tostring()
   return ("topaz.task (%s)"):format(self.finished and (self.outcome[1] and "done" or "failed") or "running")
end

Task.__close = Task.cancel

-- Calls the function of a task. Variables that an error closes are closed here, where a __close may
-- wait; an error in it does not replace the first one.
local function protected(fn, ...)
   local failed, problem = false, nil
   return xpcall(fn, function(err)
      if not failed then failed, problem = true, err end
      return problem
   end, ...)
end

--- Begins a task: a coroutine in which the client's calls yield instead of blocking.
function methods.spawn(client, fn, ...)
   misuse.check_client(client)
   local state, arguments = state_of(client), table.pack(fn, ...)
   if type(fn) == "string" and methods[fn] then
      arguments = table.pack(methods[fn], client, ...)
   elseif type(fn) ~= "function" then
      misuse.argument("fn", "expected a function or the name of a method, got %s", misuse.shown(fn))
   end
   -- With each member that is set at its end, so that the table need not grow then.
   local task = setmetatable({
      client = client, home = state, waiters = {}, finished = false, outcome = false, awaited_once = false,
   }, Task)
   -- Arguments and outcome pass through no place where a debug hook's error could lose them.
   task.thread = coroutine.create(function()
      local given = arguments
      arguments = nil
      task.outcome = table.pack(protected(table.unpack(given, 1, given.n)))
   end)
   begin(task)
   attend(client)
   return task
end

--- Begins a call without waiting for it; the event loop, if there is one, drives it.
function methods.start(client, operation, ...)
   misuse.check_client(client)
   if type(operation) ~= "string" then
      misuse.argument("operation", "expected the name of a call, got %s", type(operation))
   end
   local request = misuse.call(core_start, client, operation, ...)
   attend(client)
   return request
end

-- ---- the client ---------------------------------------------------------------------------------

-- Tells on_event of the tasks that have failed. An error in it goes to the caller of step; the
-- events behind it wait for the next step.
local function tell_failures(client, state)
   local message = table.remove(state.events, 1)
   while message do
      core.on_event(client) {
         type = "task", operation = "task", reason = "failed", message = message, call = 0, attempt = 0,
         seconds = 0.0, delay = 0.0, bytes = 0, time = core.wall(), clock = core.now(),
      }
      message = table.remove(state.events, 1)
   end
end

-- Whether a step has nothing to wait for.
local function is_idle(client, state)
   return core.pending(client) == 0 and state.alive == 0 and next(state.parked) == nil
end

local function step(client, state, timeout, budget)
   local seconds, began = parking.due(state), core.now()
   if seconds and seconds < timeout then timeout = seconds end
   if timeout == math.huge and is_idle(client, state) then timeout = 0 end -- it would never return
   local _, over = core_step(client, timeout, state.ready, budget)
   if timeout > 0 then began = core.now() end -- waiting is not work
   local limit = budget and began + budget
   local farm = state.share
   if farm then farm:step(state.ready) end
   parking.wake_ready(state)
   parking.notice_suspend(state)
   local problem = parking.step_visited(state, limit)
   over = run_tasks(client, state, limit) or over
   tell_failures(client, state)
   if farm then farm:tell() end
   if problem then error(problem, 0) end
   local pending = core.pending(client) -- with what tasks have begun meanwhile
   if budget then return pending, state.alive, over or core.now() >= limit and parking.due(state) == 0 end
   return pending, state.alive
end

local function stepped(state, turn, ok, ...)
   if ok then return ... end
   state.broken, parking.turn = true, turn
   error(..., 0)
end

local function check_seconds(name, seconds)
   if type(seconds) ~= "number" or seconds ~= seconds or seconds < 0 then
      misuse.argument(name, "expected seconds, 0 or more, got %s", misuse.shown_number(seconds))
   end
end

-- Repairs the state after an error in the middle of a step; it must not be used before.
local function mend(state)
   if not state.broken then return end
   if state.share then state.share:mend() end
   parking.repair(state, function(task) finish(task, "out of memory") end)
end

--- Advances all that is under way and runs the tasks that can go on.
function methods.step(client, timeout, budget)
   misuse.check_client(client)
   if timeout ~= nil then check_seconds("timeout", timeout) end
   if budget ~= nil then check_seconds("budget", budget) end
   local state = state_of(client)
   mend(state)
   return stepped(state, parking.turn, pcall(step, client, state, timeout or 0, budget))
end

--- Steps until no task is left.
function methods.run(client)
   misuse.check_client(client)
   local state = state_of(client)
   mend(state)
   if state.running then misuse.raise "run() was called in a task: use await() there" end
   while state.alive > 0 do methods.step(client, waiter.LONGEST) end
   local count, first = observe_all(state, {})
   return count, first and first.outcome[2]
end

--- Returns the seconds until `step` has something to do even if the descriptor stays silent.
function methods.timeout(client)
   misuse.check_client(client)
   return parking.least(core_timeout(client), parking.due(state_of(client)))
end

local function close(client, state)
   local ended = {}
   if state then gather(state, ended) end
   if state and state.share and core.is_open(client) then state.share:close() end
   core_close(client)
   for _, parked in ipairs(ended) do parking.wake_closed(parked, state) end
   if state then run_tasks(client, state, nil, true) end
   core.end_channels(client)
end

--- Ends everything that is under way; tasks run on with errors of kind "closed".
function methods.close(client)
   local state, scheduler = misuse.check_type(client) and core.state(client), core.scheduler(client)
   -- First: a loop must not watch a descriptor that is closed.
   if scheduler then scheduler:leave(client) end
   if not state then return close(client) end
   mend(state)
   return stepped(state, parking.turn, pcall(close, client, state))
end
