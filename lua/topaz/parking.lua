--- What waits, and for what: moves tasks and guests in and out of the places where they wait.
--
-- What waits is a task, or a guest: { foreign = coroutine of an event loop }. Both are called
-- `parked` here. The `home` of a task is the state of the client that runs it, that of a guest the
-- state of the client that it waits for. A task may wait for another client than its own: it is
-- parked there, its client "visits" that one, steps it and watches its descriptor.
--
-- The state of a client:
--   waiting   request id -> set of parked    sleepers  heap of { parked } by time; `stale`: woken
--   parked    set of all that wait here      queue     whose wait is over, from `first` to `last`
--   running   the task whose turn it is      alive     how many tasks have not ended
--   visits    state of another client -> how many of our tasks wait there; `joined` where its
--             descriptor is watched by ours, `loose` counts those where it is not
--   failures  how many tasks have failed without their result being read, since run() told of them
--             for the `count`-th time; `unobserved` has the first of them
--   ready     ids of requests with news, of which `told` have been dealt with
--   events    what on_event has still to be told         share     its part of a farm, if any
--   offset    wall clock minus monotonic     suspends  how often the machine was seen to have slept
--
-- A debug hook or a finalizer may call any function of topaz between any two steps of this module.
-- So a function that changes more than one member of a state is made by core.uninterrupted, and
-- creates no table, closure or string meanwhile.
local core = require "topaz.core"
local heap = require "topaz.heap"

local parking = {}

local STALE_MIN = 64  -- sleepers that were woken otherwise, before the heap is cleaned
local SLEPT_LEAST = 5 -- seconds that the wall clock gains on the monotonic one in a sleep
local TICK = 0.01     -- seconds between two looks at a descriptor that ours cannot watch

local EMPTY = {}

-- Coroutine -> task, for the tasks of all clients: a task may call the methods of another client.
local task_of = setmetatable({}, { __mode = "k" })
parking.task_of = task_of

--- The task whose turn it is, of whichever client. Coroutines inside its own cannot yield to an
-- event loop.
parking.turn = nil

--- The state of a client.
function parking.state(client)
   -- Complete before it is stored: a finalizer may run in between.
   return core.state(client) or core.state(client, {
      client = client, waiting = {}, sleepers = heap.new(), stale = 0, ready = {}, told = 0, alive = 0, parked = {},
      queue = {}, first = 1, last = 0, visits = {}, joined = {}, loose = 0, failures = 0, unobserved = {}, events = {},
      offset = core.wall() - core.now(), suspends = 0, count = 1,
   })
end

--- Tells the client's event loop, if there is one, that something is due, perhaps sooner than
-- before.
function parking.attend(client)
   local scheduler = core.is_open(client) and core.scheduler(client)
   if scheduler then scheduler:attend(client) end
end

-- ---- visits -------------------------------------------------------------------------------------

local function begin_visit(home, at)
   local count = home.visits[at]
   home.visits[at] = (count or 0) + 1
   if count then return end
   home.joined[at] = core.is_open(home.client) and core.join(home.client, at.client)
   if not home.joined[at] then home.loose = home.loose + 1 end
end

local function end_visit(home, at)
   local count = home.visits[at]
   if not count then return end
   home.visits[at] = count > 1 and count - 1 or nil
   if count > 1 then return end
   if not home.joined[at] then
      home.loose = home.loose - 1
   elseif core.is_open(home.client) and core.is_open(at.client) then
      core.part(home.client, at.client)
   end
   home.joined[at] = nil
end

local visited = core.uninterrupted(function(state, list)
   for other in pairs(state.visits) do list[#list + 1] = other end
   return list
end)

-- ---- parking ------------------------------------------------------------------------------------

local function still_sleeps(entry) return entry.parked ~= nil end

local function forget_sleeper(at, parked)
   if not parked.sleeper then return end
   parked.sleeper.parked, parked.sleeper = nil, nil
   at.stale = at.stale + 1
   if at.stale < STALE_MIN or at.stale * 2 < at.sleepers.size then return end
   at.sleepers:filter(still_sleeps)
   at.stale = 0
end

local function withdraw(parked)
   local at = parked.at
   if not at then return end
   local set = parked.id and at.waiting[parked.id]
   if set then
      set[parked] = nil
      if next(set) == nil then at.waiting[parked.id] = nil end
   end
   if parked.awaited then parked.awaited.waiters[parked] = nil end
   at.parked[parked] = nil
   parked.at, parked.id, parked.awaited = nil, nil, nil
   if parked.home ~= at then end_visit(parked.home, at) end
   forget_sleeper(at, parked)
end

-- Ends the wait of `parked`. Returns the state of its home, if that is not where it has waited.
local function release(parked)
   local home, at = parked.home, parked.at
   if not parked.runnable then
      home.queue[home.last + 1] = parked -- first: if memory runs out, nothing has changed
      home.last = home.last + 1
      parked.runnable = true
   end
   withdraw(parked)
   return at and home ~= at and home or nil
end

-- `set` is an empty table; `sleeper` the entry for the heap, if there is a deadline.
local function place(at, parked, id, awaited, set, sleeper)
   at.parked[parked] = true
   parked.at, parked.id, parked.awaited, parked.ended = at, id, awaited, nil
   if parked.home ~= at then begin_visit(parked.home, at) end
   if id then
      set = at.waiting[id] or set
      at.waiting[id], set[parked] = set, true
   end
   if awaited then awaited.waiters[parked] = true end
   if sleeper then
      parked.sleeper = sleeper
      at.sleepers:push(sleeper.deadline, sleeper)
   end
end

-- Ends the wait of `parked` if it still waits at the closed client, or elsewhere as a task of that
-- client.
local function release_closed(parked, at)
   if parked.at == at then parked.ended = "closed" elseif not parked.cancelled then return nil end
   return release(parked)
end

-- Ends every wait for the end of `awaited`. Adds the homes that have to be attended to the empty
-- table `homes`.
local function release_waiters(awaited, homes)
   for waiter in pairs(awaited.waiters) do homes[#homes + 1] = release(waiter) end
end

-- Ends the wait of one for whose request there is news.
local function release_ready(state)
   local ready = state.ready
   local id = ready[state.told + 1]
   while id do
      local parked = next(state.waiting[id] or EMPTY)
      if parked then return true, release(parked) end
      state.told = state.told + 1
      id = ready[state.told + 1]
   end
   for i = #ready, 1, -1 do ready[i] = nil end
   state.told = 0
   return false
end

local function first_sleeper(state)
   local deadline, entry = state.sleepers:peek()
   while entry and not entry.parked do
      state.sleepers:pop()
      state.stale = state.stale - 1
      deadline, entry = state.sleepers:peek()
   end
   return deadline, entry
end

-- Ends the wait of one whose time has come.
local function release_sleeper(state, now)
   local deadline, entry = first_sleeper(state)
   if entry and deadline <= now then return true, release(entry.parked) end
   return false
end

local function take(state)
   local parked = state.queue[state.first]
   if not parked then return nil end
   state.queue[state.first] = nil
   state.first = state.first + 1
   if state.first > state.last then state.first, state.last = 1, 0 end
   parked.runnable = false
   return parked
end

--- Removes one from where it waits, without running it.
-- @function parking.withdraw
--- Removes the next one whose wait is over from the queue and returns it; nil: a hook or a
-- finalizer has just run the last one.
-- @function parking.take
parking.withdraw, parking.take = core.uninterrupted(withdraw, take)

release, place, release_closed, release_waiters, release_ready, release_sleeper =
   core.uninterrupted(release, place, release_closed, release_waiters, release_ready, release_sleeper)

local function attend_home(home) if home then parking.attend(home.client) end end

--- Ends its wait: it runs in one of the next steps of its home.
function parking.wake(parked) attend_home(release(parked)) end

--- Ends its wait since that client has been closed.
function parking.wake_closed(parked, at) attend_home(release_closed(parked, at)) end

--- Ends the wait of all that wait for the end of `awaited`.
function parking.wake_all(awaited)
   if next(awaited.waiters) == nil then return end
   local homes = {}
   release_waiters(awaited, homes)
   for _, home in ipairs(homes) do attend_home(home) end
end

--- Ends the wait of all for whose requests there are news: those in `state.ready`.
function parking.wake_ready(state)
   local more, home
   repeat
      more, home = release_ready(state)
      attend_home(home)
   until not more
end

--- Parks one at the state of a client. It waits for news of the request `id`, for the time
-- `deadline`, or for the end of `awaited`, any object with a set of `waiters`. Each may be nil.
function parking.park(at, parked, id, deadline, awaited)
   place(at, parked, id, awaited, id and {}, deadline and { deadline = deadline, parked = parked })
end

--- Returns what has to wait here, a task or a guest; nil: the caller cannot yield and has to block.
function parking.current_waiter(client, state)
   local task = task_of[coroutine.running()]
   if task then return coroutine.isyieldable() and task or nil end
   -- A coroutine inside a task, such as a generator: no event loop resumes it.
   if parking.turn then return nil end
   local scheduler = core.scheduler(client)
   local foreign = scheduler and scheduler:current()
   return foreign and { foreign = foreign, home = state }
end

-- ---- time ---------------------------------------------------------------------------------------

--- The lesser of two times, either of which may be nil.
function parking.least(a, b) return a and b and math.min(a, b) or a or b end

local next_deadline = core.uninterrupted(first_sleeper)

-- Seconds until one of the client's own has to run; nil: none by time.
local function until_due(state)
   if state.first <= state.last then return 0 end
   local deadline, farm = next_deadline(state), state.share
   return parking.least(deadline and math.max(0, deadline - core.now()), farm and farm:left())
end

local core_timeout = core.client_methods().timeout

--- Returns the seconds until this client, or one that its tasks wait for, has something due by
-- time; nil: nothing. The core's own timers for this client are not included.
function parking.due(state)
   if state.broken then return 0 end -- there is something to repair
   local seconds, least = until_due(state), parking.least
   if next(state.visits) == nil or state.asked then return seconds end
   state.asked = true -- visits may go round in a circle
   for _, other in ipairs(visited(state, {})) do
      if core.is_open(other.client) then
         seconds = least(seconds, least(core_timeout(other.client), parking.due(other)))
      end
   end
   state.asked = nil
   return state.loose > 0 and least(seconds, TICK) or seconds
end

--- Steps the clients that tasks wait for, until `limit` (nil: no budget). Returns the first error.
function parking.step_visited(state, limit)
   if next(state.visits) == nil or state.visiting then return nil end
   local problem
   state.visiting = true -- visits may go round in a circle
   for _, other in ipairs(visited(state, {})) do
      if (not other.visiting or other.broken) and core.is_open(other.client) then
         local ok, err = pcall(other.client.step, other.client, 0, limit and math.max(0, limit - core.now()))
         if not ok then problem = problem or err end
      end
   end
   state.visiting = nil
   return problem
end

--- Wakes every one whose time has come.
-- @tparam[opt] number limit core.now() at which the rest is left for the next step
-- @treturn boolean whether some are left
function parking.wake_sleepers(state, limit)
   local now, count, more, home = core.now(), 0
   repeat
      more, home = release_sleeper(state, now)
      attend_home(home)
      count = count + 1
      if limit and more and count % 64 == 0 and core.now() >= limit then return true end
   until not more
   return false
end

--- Checks whether the machine has slept. The monotonic clock stops during the sleep, and the jobs
-- continue: so all sleepers wake once, at once.
function parking.notice_suspend(state)
   local offset = core.wall() - core.now()
   if offset - state.offset > SLEPT_LEAST then
      state.suspends = state.suspends + 1
      local all = {}
      for _, entry in state.sleepers:each() do all[#all + 1] = entry.parked end
      for _, parked in ipairs(all) do parking.wake(parked) end
   end
   state.offset = offset
end

-- ---- after an error -----------------------------------------------------------------------------

local function requeue(parked, state, queue)
   if parked.awaited then parked.awaited.waiters[parked] = nil end
   parked.at, parked.id, parked.awaited, parked.sleeper = nil, nil, nil, nil
   local home = parked.home
   if home == state then
      queue[#queue + 1] = parked
   elseif not parked.runnable then
      home.queue[home.last + 1] = parked
      home.last = home.last + 1
   end
   parked.runnable = true
end

-- `fresh` has empty tables for the members that are rebuilt; `others` is empty. Adds the tasks
-- whose coroutine has ended to `dead`.
local function rebuild(state, fresh, others, dead)
   local old, queue = state.queue, fresh.queue
   for parked in pairs(state.parked) do
      if parked.foreign or parked.home ~= state then others[parked] = true end
   end
   for i = state.first, state.last do
      if old[i] and old[i].foreign then others[old[i]] = true end
   end
   for parked in pairs(others) do
      if parked.home ~= state then end_visit(parked.home, state) end
      requeue(parked, state, queue)
   end
   for thread, task in pairs(task_of) do
      if task.home == state and not task.finished then
         local status = coroutine.status(thread)
         if status == "dead" then dead[#dead + 1] = task
         elseif status == "suspended" then
            if task.at and task.at ~= state then withdraw(task) end
            requeue(task, state, queue)
         end
      end
   end
   for name, value in pairs(fresh) do state[name] = value end
   state.first, state.last, state.stale, state.broken = 1, #queue, 0, nil
   state.visiting, state.asked = nil, nil
   local running = state.running
   local how = running and running.thread and not running.finished and coroutine.status(running.thread)
   if how ~= "running" and how ~= "normal" then state.running = nil end
end

local function recount(state)
   state.alive = 0 -- the error may have come while a task was counted
   for _, task in pairs(task_of) do
      if task.home == state and not task.finished then state.alive = state.alive + 1 end
   end
end

-- Calls a function that makes values, as coroutine.status does, and runs no finalizer and no hook.
local function undisturbed(f, ...)
   local runs = collectgarbage "isrunning"
   collectgarbage "stop"
   local ok, result = pcall(f, ...)
   if runs then collectgarbage "restart" end
   if not ok then error(result, 0) end
   return result
end

parking.undisturbed, recount = core.uninterrupted(undisturbed, recount)

--- Wakes all that wait, after an error in the middle of a step (out of memory, a debug hook's): it
-- is not known which ones were about to be woken. Wake-ups may be spurious: callers check again.
-- @tparam function died (task) called for a task whose coroutine has ended
function parking.repair(state, died)
   local dead = {}
   parking.undisturbed(rebuild, state, { queue = {}, waiting = {}, parked = {}, sleepers = heap.new() }, {}, dead)
   for _, task in ipairs(dead) do died(task) end
   recount(state)
end

return parking
