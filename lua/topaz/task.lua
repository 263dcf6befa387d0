--- Tasks: coroutines that a client runs, in which its calls yield instead of blocking.
--
-- All waiting of the core goes through `wait(client, id, deadline)` below. In a task it parks the task until the request `id` has
-- news or the time `deadline` (core.now) has come; in a coroutine of a foreign event loop it parks that one the same way; anywhere
-- else it steps the client, in slices, so that Ctrl-C and debug hooks work. A wait may end early; whoever waits looks again.
local core = require "topaz.core"
local heap = require "topaz.heap"

local methods = core.client_methods()
local core_step, core_timeout, core_close, core_start = methods.step, methods.timeout, methods.close, methods.start

local LONGEST = 2    -- seconds in the core at a time, where hooks have their chance each 0.2 s; a sleep of the machine is noticed then
local SLEPT_LEAST = 5 -- seconds by which the wall clock runs ahead of the monotonic one when the machine has slept

-- ---- state of a client ----------------------------------------------------------------------------------------

-- What waits is a task, or a "guest" { foreign = coroutine of a foreign loop }; both are called `parked` below.
--   threads   coroutine -> task             waiting   request id -> set of parked
--   parked    set of all that wait          runnable  list of those whose wait is over
--   sleepers  heap of { parked } by time    running   the task whose turn it is
--   alive     how many tasks have not ended unasked   failed tasks whose result nobody has asked for
--   offset    wall clock minus monotonic    naps      how often the machine was seen to have slept
local function state_of(client)
   local state = core.state(client)
   if not state.threads then
      state.waiting, state.runnable, state.sleepers, state.ready, state.alive = {}, {}, heap.new(), {}, 0
      state.parked, state.unasked = {}, {}
      state.offset, state.naps = core.wall() - core.now(), 0
      state.threads = setmetatable({}, { __mode = "k" }) -- last: where it is, all is
   end
   return state
end

local function wake(state, parked)
   local set = parked.id and state.waiting[parked.id]
   if set then
      set[parked] = nil
      if not next(set) then state.waiting[parked.id] = nil end
   end
   parked.id, parked.awaited = nil, nil
   if parked.sleeper then
      parked.sleeper.parked = nil
      parked.sleeper = nil
   end
   state.parked[parked] = nil
   if not parked.runnable then
      state.runnable[#state.runnable + 1] = parked
      parked.runnable = true
   end
end

local function park(state, parked, id, deadline, awaited)
   state.parked[parked] = true
   parked.id, parked.awaited = id, awaited
   if id then
      local set = state.waiting[id] or {}
      state.waiting[id], set[parked] = set, true
   end
   if deadline then
      parked.sleeper = { deadline = deadline, parked = parked }
      state.sleepers:push(deadline, parked.sleeper)
   end
end

-- The first sleeper that has not been woken otherwise.
local function first_sleeper(state)
   local deadline, entry = state.sleepers:peek()
   while entry and not entry.parked do
      state.sleepers:pop()
      deadline, entry = state.sleepers:peek()
   end
   return deadline, entry
end

-- Seconds until somebody has to run; nil: nobody by time.
local function until_due(state)
   if #state.runnable > 0 then return 0 end
   local deadline = first_sleeper(state)
   return deadline and math.max(0, deadline - core.now())
end

-- The monotonic clock stands still while the machine sleeps. Whoever sleeps then wakes once, at once: his jobs went on without him.
local function notice_sleep(state)
   local offset = core.wall() - core.now()
   if offset - state.offset > SLEPT_LEAST then
      state.naps = state.naps + 1
      for _, entry in state.sleepers:each() do
         if entry.parked then wake(state, entry.parked) end
      end
   end
   state.offset = offset
end

-- Tells the event loop, if there is one, that something is due, perhaps sooner than before.
local function attend(client)
   local scheduler = core.scheduler(client)
   if scheduler then scheduler:attend(client) end
end

-- Who is to wait: a task of ours, or a guest; nil: nobody can yield here.
local function whoever_waits(client, state)
   local task = state.threads[coroutine.running()]
   if task then return coroutine.isyieldable() and task or nil end
   local scheduler = core.scheduler(client)
   local foreign = scheduler and scheduler:current()
   return foreign and { foreign = foreign }
end

-- ---- tasks ------------------------------------------------------------------------------------------------------

local NOTHING, NOBODY = { n = 0 }, {}

local Task = {}
Task.__index = Task
Task.__name = "topaz.task"

local function finish(task, ok, ...)
   local state = task.state
   task.values = table.pack(...)
   task.finished, task.ok, task.thread = true, ok, nil
   state.alive = state.alive - 1
   if not ok then state.unasked[task] = true end
   for _, waiter in ipairs(task.waiters) do
      if waiter.awaited == task then wake(state, waiter) end
   end
   task.waiters = {}
end

local function resumed(state, task, before, ok, ...)
   state.running = before -- first: nothing before it may fail
   if coroutine.status(task.thread) == "dead" then
      if not ok then coroutine.close(task.thread) end
      finish(task, ok, ...)
   elseif not state.parked[task] then
      wake(state, task) -- it yielded by itself: it only gave up its turn
   end
end

local function resume(state, task)
   local before, arguments = state.running, task.arguments
   state.running, task.arguments = task, NOTHING
   resumed(state, task, before, coroutine.resume(task.thread, table.unpack(arguments, 1, arguments.n)))
end

-- After an error in the midst of a step (want of memory, a debug hook's): nobody knows who was about to be woken, so all are. A wait
-- may end early.
local function repair(state)
   local runnable = {}
   local function add(parked)
      parked.id, parked.awaited, parked.sleeper, parked.runnable = nil, nil, nil, true
      runnable[#runnable + 1] = parked
   end
   for parked in pairs(state.parked) do
      if parked.foreign then add(parked) end
   end
   for _, parked in ipairs(state.runnable) do
      if parked.foreign then add(parked) end
   end
   for thread, task in pairs(state.threads) do
      if task.finished then
         for _, waiter in ipairs(task.waiters) do waiter.awaited = nil end
      elseif coroutine.status(thread) == "dead" then
         finish(task, false, "not enough memory")
      elseif coroutine.status(thread) == "suspended" then
         add(task)
      end
   end
   state.runnable, state.waiting, state.parked, state.sleepers, state.broken = runnable, {}, {}, heap.new(), nil
   if state.running and (state.running.finished or coroutine.status(state.running.thread) == "suspended") then state.running = nil end
end

-- Runs who is runnable now; those that become so meanwhile have their turn in the next step. An error of a guest is the loop's and
-- is raised when all had their turn; one of a task is kept for whoever asks for its result.
local function run_tasks(client, state, nested)
   local now = core.now()
   local deadline, entry = first_sleeper(state)
   while entry and deadline <= now do
      state.sleepers:pop()
      wake(state, entry.parked)
      deadline, entry = first_sleeper(state)
   end
   if (state.running and not nested) or #state.runnable == 0 then return end
   local turn, scheduler, problem = state.runnable, core.scheduler(client), nil
   state.runnable = {}
   for _, parked in ipairs(turn) do
      parked.runnable = false
      if parked.foreign then
         local ok, err = pcall(scheduler.resume, scheduler, parked.foreign)
         if not ok then problem = problem or err end
      elseif not parked.finished then
         resume(state, parked)
      end
   end
   if problem then error(problem, 0) end
end

--- Whether the task's function has ended.
-- @treturn boolean
function Task:done() return self.finished == true end

--- What the task's function returned. Raises its error where it ended with one, and a misuse error where it still runs.
function Task:result()
   if not self.finished then error("the task still runs: use await(), or ask done() first", 2) end
   self.state.unasked[self] = nil
   if not self.ok then error(self.values[1], 0) end
   return table.unpack(self.values, 1, self.values.n)
end

--- Waits until the task has ended, then gives its result. In another task it yields, anywhere else it blocks.
function Task:await()
   local state = self.state
   if state.threads[coroutine.running()] == self then error("a task cannot await itself", 2) end
   while not self.finished do
      if state.running and not whoever_waits(self.client, state) then
         error("await() where its task cannot yield: no other task would go on", 2)
      end
      local reason = core.waiter(self.client)(self.client, nil, nil, self)
      if reason and not self.finished then
         error(core.error { kind = reason, operation = "await", message = "ended by the caller" }, 0)
      end
   end
   return self:result()
end

--- Ends what the task waits for, at once, with an error of kind "cancelled"; so does each later wait of it.
function Task:cancel()
   if self.finished or self.cancelled then return end
   self.cancelled = "cancelled"
   if not self.state.parked[self] then return end
   wake(self.state, self)
   attend(self.client)
end

function Task:__tostring()
   return ("topaz.task (%s)"):format(self.finished and (self.ok and "done" or "failed") or "running")
end

Task.__close = Task.cancel

--- Begins a task: `fn` runs as a coroutine of the client, and the client's calls in it yield instead of blocking. It takes its
-- first turn in the next step.
-- @tparam function|string fn a function, or the name of a method: `client:spawn("wait_until_done", id)`
-- @param ... its arguments (of a method: without the client)
-- @return the task: done(), result(), await(), cancel()
function methods.spawn(client, fn, ...)
   local state, arguments = state_of(client), table.pack(...)
   if type(fn) == "string" and methods[fn] then
      arguments = table.pack(client, ...)
      fn = methods[fn]
   elseif type(fn) ~= "function" then
      error("bad argument 'fn': expected a function or the name of a method, got " .. tostring(fn), 2)
   end
   core_timeout(client) -- raises where the client is closed
   local task = setmetatable({
      client = client, state = state, waiters = {}, arguments = arguments, thread = coroutine.create(fn),
      finished = false, ok = false, values = false, -- there is room for them when it ends
   }, Task)
   state.threads[task.thread] = task
   state.alive = state.alive + 1
   wake(state, task)
   attend(client)
   return task
end

--- Begins a call without waiting for it, and has the event loop, if there is one, drive it.
-- @tparam string operation get_status, get_page, delete_status or delete_all_statuses
-- @param ... what the method of that name takes
-- @return the request: done(), result(), cancel(), id()
function methods.start(client, operation, ...)
   local ok, request = pcall(core_start, client, operation, ...)
   if not ok then error(request, 2) end -- misuse is told with the place of the caller
   attend(client)
   return request
end

-- ---- the client ----------------------------------------------------------------------------------------------------

local function step(client, state, timeout)
   local ready, due = state.ready, until_due(state)
   timeout = timeout or 0
   if due and type(timeout) == "number" and due < timeout then timeout = due end
   local pending = core_step(client, timeout, ready)
   for i = #ready, 1, -1 do
      for parked in pairs(state.waiting[ready[i]] or NOBODY) do wake(state, parked) end
      ready[i] = nil
   end
   notice_sleep(state)
   run_tasks(client, state)
   return pending, state.alive
end

local function stepped(state, ok, ...)
   if ok then return ... end
   state.broken = true
   error(..., 0)
end

--- Advances all that is under way and runs the tasks that can go on.
-- @tparam[opt=0] number timeout seconds to wait at most for something to happen; 0 returns at once
-- @treturn integer how many requests are under way
-- @treturn integer how many tasks have not ended
function methods.step(client, timeout)
   local state = state_of(client)
   if state.broken then repair(state) end
   return stepped(state, pcall(step, client, state, timeout))
end

--- Steps until no task is left.
-- @treturn integer how many tasks have failed without anybody having asked for their result
-- @return the error of one of them
function methods.run(client)
   local state = state_of(client)
   if state.running then error("run() called from inside a task", 2) end
   while state.alive > 0 do methods.step(client, LONGEST) end
   local count, err = 0, nil
   for task in pairs(state.unasked) do
      count, err = count + 1, task.values[1]
   end
   state.unasked = {}
   return count, err
end

--- Seconds until `step` has something to do even if the descriptor stays silent.
-- @treturn number|nil nil: never
function methods.timeout(client)
   local a, b = core_timeout(client), until_due(state_of(client))
   if a and b then return math.min(a, b) end
   return a or b
end

--- Ends everything that is under way: calls and waits give an error of kind "closed", tasks run on with it. May be called again.
function methods.close(client)
   local state, scheduler = core.state(client), core.scheduler(client)
   if scheduler then scheduler:leave(client) end -- first: a loop must not watch a descriptor that is closed
   core_close(client)
   if not state.threads then return end
   for parked in pairs(state.parked) do
      parked.cancelled = parked.cancelled or "closed"
      wake(state, parked)
   end
   run_tasks(client, state, true)
end

-- Waits for news of the request `id`, until the time `deadline`, or for the end of `task` (anything with a list of `waiters`); each may
-- be nil. Returns why the wait has to end, or nil; and whether the machine has slept meanwhile.
local function wait(client, id, deadline, task)
   local state = state_of(client)
   local parked, naps = whoever_waits(client, state), state.naps
   if not parked then
      local left = deadline and math.max(0, deadline - core.now()) or LONGEST
      methods.step(client, math.min(LONGEST, left))
      return nil, state.naps ~= naps
   end
   if parked.cancelled then
      local reason = parked.cancelled
      if parked.told then -- a task that waits in a loop and looks at no error would never come back from here
         error(core.error { kind = reason, operation = "task", message = "ended by the caller, and waits again" }, 0)
      end
      parked.told = true
      return reason
   end
   core_timeout(client) -- raises where the client is closed: nobody would ever wake it
   park(state, parked, id, deadline, task)
   if task then task.waiters[#task.waiters + 1] = parked end
   if parked.foreign then
      local scheduler = core.scheduler(client)
      scheduler:attend(client)
      scheduler:suspend(parked.foreign)
   else
      coroutine.yield()
   end
   parked.told = parked.cancelled ~= nil
   return parked.cancelled, state.naps ~= naps
end

core.set_wait(wait)

--- Ends every sleep of the client that waits for this bell. A bell is { waiters = {} }; once rung it stays so until `rung` is cleared.
function core.ring(client, bell)
   bell.rung = true
   for _, waiter in ipairs(bell.waiters) do
      if waiter.awaited == bell then wake(state_of(client), waiter) end
   end
   bell.waiters = {}
end

--- Waits without blocking others. After the machine has slept it ends early, so that a wait looks at once.
-- @tparam number seconds 0 or more
-- @tparam[opt] table bell what `core.ring` ends this sleep by; for the modules beside this one
-- @treturn boolean true; nil and an error object of kind "cancelled" or "closed" when the task was ended meanwhile
function methods.sleep(client, seconds, bell)
   if type(seconds) ~= "number" or not (seconds >= 0 and seconds < 1e9) then
      error("bad argument 'seconds': expected a number from 0 to 1e9, got " .. tostring(seconds), 2)
   end
   local waiter, deadline = core.waiter(client), core.now() + seconds
   repeat
      local reason, slept = waiter(client, nil, deadline, bell)
      slept = slept or bell and bell.rung
      if reason then
         return nil, core.error { kind = reason, operation = "sleep", message = "ended by the caller" }
      end
   until slept or core.now() >= deadline
   return true
end
