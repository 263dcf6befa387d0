--- Tasks: coroutines that a client runs, in which its calls yield instead of blocking.
--
-- All waiting of the core goes through `wait(client, id, deadline)` below. In a task it parks the task until the request `id` has
-- news or the time `deadline` (core.now) has come; anywhere else it steps the client, in slices, so that Ctrl-C and debug hooks
-- work. A wait may end early; whoever waits looks again.
local core = require "topaz.core"

local methods = core.client_methods()
local core_step, core_timeout = methods.step, methods.timeout

local SLICE = 0.2 -- seconds; the longest wait without a chance for hooks

-- ---- state of a client ----------------------------------------------------------------------------------------

-- { threads = coroutine -> task, waiting = request id -> task, runnable = list, sleepers = list sorted by time, alive = count,
--   ready = scratch, running = task|nil }
local function state_of(client)
   local state = core.state(client)
   if not state.threads then
      state.threads = setmetatable({}, { __mode = "k" })
      state.waiting, state.runnable, state.sleepers, state.ready, state.alive = {}, {}, {}, {}, 0
   end
   return state
end

-- Sleepers are a binary heap by deadline; an entry whose task was woken otherwise is skipped when it comes up.
local function push_sleeper(heap, entry)
   local i = #heap + 1
   while i > 1 do
      local parent = i // 2
      if heap[parent].deadline <= entry.deadline then break end
      heap[i] = heap[parent]
      i = parent
   end
   heap[i] = entry
end

local function pop_sleeper(heap)
   local first, n = heap[1], #heap
   local last = heap[n]
   heap[n] = nil
   n = n - 1
   local i = 1
   while n > 0 do
      local child = 2 * i
      if child < n and heap[child + 1].deadline < heap[child].deadline then child = child + 1 end
      if child > n or last.deadline <= heap[child].deadline then break end
      heap[i] = heap[child]
      i = child
   end
   if n > 0 then heap[i] = last end
   return first
end

local function wake(state, task)
   if task.id then
      state.waiting[task.id] = nil
      task.id = nil
   end
   if task.sleeper then
      task.sleeper.task = nil
      task.sleeper = nil
   end
   if not task.runnable then
      task.runnable = true
      state.runnable[#state.runnable + 1] = task
   end
end

local function park(state, task, id, deadline)
   task.id = id
   if id then state.waiting[id] = task end
   if deadline then
      task.sleeper = { deadline = deadline, task = task }
      push_sleeper(state.sleepers, task.sleeper)
   end
end

-- Seconds until a task has to run; nil: none by time.
local function until_task(state)
   if #state.runnable > 0 then return 0 end
   local heap = state.sleepers
   while heap[1] and not heap[1].task do pop_sleeper(heap) end
   return heap[1] and math.max(0, heap[1].deadline - core.now())
end

-- ---- tasks ------------------------------------------------------------------------------------------------------

local Task = {}
Task.__index = Task
Task.__name = "topaz.task"

function Task:__tostring()
   return ("topaz.task (%s)"):format(self.finished and (self.ok and "done" or "failed") or "running")
end

local function finish(state, task, ok, ...)
   task.finished, task.ok, task.values = true, ok, table.pack(...)
   state.alive = state.alive - 1
   for _, waiter in ipairs(task.waiters) do wake(state, waiter) end
   task.waiters = {}
end

local function resume(state, task)
   local before = state.running
   state.running, task.runnable = task, false
   local values = table.pack(coroutine.resume(task.thread))
   state.running = before
   if coroutine.status(task.thread) == "dead" then finish(state, task, table.unpack(values, 1, values.n)) end
end

-- Runs the tasks that are runnable now; those that become so meanwhile have their turn in the next step.
local function run_tasks(state)
   local now, heap = core.now(), state.sleepers
   while heap[1] and (not heap[1].task or heap[1].deadline <= now) do
      local entry = pop_sleeper(heap)
      if entry.task then wake(state, entry.task) end
   end
   if state.running or #state.runnable == 0 then return end
   local turn = state.runnable
   state.runnable = {}
   for _, task in ipairs(turn) do
      if not task.finished then resume(state, task) end
   end
end

--- Advances all that is under way and runs the tasks that can go on.
-- @tparam[opt=0] number timeout seconds to wait at most for something to happen; 0 returns at once
-- @treturn integer how many requests are under way
function methods.step(client, timeout)
   local state = state_of(client)
   local ready, due = state.ready, until_task(state)
   timeout = timeout or 0
   if due and due < timeout then timeout = due end
   local pending = core_step(client, timeout, ready)
   for i = #ready, 1, -1 do
      local task = state.waiting[ready[i]]
      ready[i] = nil
      if task then wake(state, task) end
   end
   run_tasks(state)
   return pending
end

--- Seconds until `step` has something to do even if the descriptor stays silent.
-- @treturn number|nil nil: never
function methods.timeout(client)
   local a, b = core_timeout(client), until_task(state_of(client))
   if a and b then return math.min(a, b) end
   return a or b
end

local function wait(client, id, deadline)
   local state = state_of(client)
   local task = state.threads[coroutine.running()]
   if not task then
      local left = deadline and math.max(0, deadline - core.now()) or SLICE
      methods.step(client, math.min(SLICE, left))
      return nil
   end
   if not task.cancelled then
      park(state, task, id, deadline)
      coroutine.yield()
   end
   return task.cancelled
end

core.set_wait(wait)

--- Waits without blocking others.
-- @tparam number seconds 0 or more
-- @treturn boolean true; nil and an error object of kind "cancelled" when the task was cancelled meanwhile
function methods.sleep(client, seconds)
   if type(seconds) ~= "number" or not (seconds >= 0 and seconds < 1e9) then
      error("bad argument 'seconds': expected a number from 0 to 1e9, got " .. tostring(seconds), 2)
   end
   local clock = core.scheduler(client)
   local now = clock and clock.now or core.now
   local waiter, deadline = core.waiter(client), now() + seconds
   repeat
      local reason = waiter(client, nil, deadline)
      if reason then
         return nil, core.error { kind = reason, operation = "sleep", message = "ended by the caller" }
      end
   until now() >= deadline
   return true
end
