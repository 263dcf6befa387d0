--- Waiting: all of the core's goes through `wait(client, id, deadline, awaited)` below. In a task
-- it parks the task until the request `id` has news or the time `deadline` (core.now) has come; in
-- a coroutine of a foreign event loop it parks that one the same way; anywhere else it steps the
-- client, in slices, so that Ctrl-C and debug hooks work. Wake-ups may be spurious: callers check
-- again.
local core = require "topaz.core"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"

local waiter = {}

local methods = core.client_methods()
local state_of, attend = parking.state, parking.attend

--- Seconds in the core at a time: signals and hooks end it sooner, a sleep of the machine is
-- noticed after it.
waiter.LONGEST = 3

-- Why a wait of this client has to end.
local function why(client, kind)
   if kind ~= "closed" then return "cancelled by the caller" end
   return misuse.unusable(client) or "the client of the task is closed"
end

--- The error object of a wait that was ended from outside.
-- @tparam string kind "cancelled" or "closed"
-- @tparam[opt] table more members of it
function waiter.ended(client, kind, operation, more)
   local members = { kind = kind, operation = operation, message = why(client, kind) }
   for name, value in pairs(more or {}) do members[name] = value end
   return core.error(members)
end

--- Raises it. `again`: the waiting task had been told so before, and has waited again.
function waiter.raise(client, kind, operation, again)
   local more = again
      and { message = why(client, kind) .. "; this task has already received this error: it must not wait again" }
   error(waiter.ended(client, kind, operation, more), 0)
end

-- Takes one out of where it waits when the wait ends in any other way than by a step: its coroutine
-- is closed or resumed by the host.
local Guard = { __close = function(guard)
   local parked = guard.parked
   if not parked.at then return end
   if parked.foreign then parking.withdraw(parked) else parking.wake(parked) end
end }

-- Whether there is nothing to wait for any more. A debug hook or a finalizer may have stepped the
-- client since the caller has looked: then the news has been told already, and no other comes.
local function is_over(awaited, request)
   return awaited and (awaited.finished or awaited.rung) or request and core.has_news(request)
end

-- Waits for news of the request `id`, until the time `deadline`, or for the end of `awaited`
-- (anything with a set of `waiters`, and `finished` or `rung` at its end); each may be nil.
-- `request` is the object of that id. Returns nil, "cancelled" or "closed": why the wait has to
-- end; whether this waiter had been told so before, and has to raise it now; and whether the
-- machine has slept meanwhile.
local function wait(client, id, deadline, awaited, request)
   local state = state_of(client)
   local parked, suspends = parking.current_waiter(client, state), state.suspends
   local told = parked or parking.turn -- in a coroutine inside a task that blocks: the task
   local reason = told and told.cancelled or not core.is_open(client) and "closed" or nil
   if reason then
      local again = told ~= nil and told.told == true
      if told then told.told = true end
      return reason, again, false
   end
   if not parked then
      if is_over(awaited, request) then return nil, false, false end
      methods.step(client, math.min(waiter.LONGEST, deadline and math.max(0, deadline - core.now()) or waiter.LONGEST))
      return nil, false, state.suspends ~= suspends
   end
   local guard <close> = setmetatable({ parked = parked }, Guard) -- luacheck: ignore 211
   parking.park(state, parked, id, deadline, awaited)
   if parked.cancelled or is_over(awaited, request) then
      parking.withdraw(parked)
      parked.told = parked.cancelled ~= nil
      return parked.cancelled, false, state.suspends ~= suspends
   end
   if parked.home ~= state then attend(parked.home.client) end
   if parked.home ~= state or parked.foreign then attend(client) end
   if parked.foreign then
      local scheduler = core.scheduler(client)
      scheduler:suspend(parked.foreign)
   else
      coroutine.yield()
   end
   reason = parked.cancelled or parked.ended
   if parked.cancelled then parked.told = true end
   return reason, false, state.suspends ~= suspends
end

core.set_wait(wait)

--- Raises the error where the running task has been told already that it is cancelled: for calls
-- that return such an error in a result of theirs: a task that ignores results would never end.
function waiter.check(client)
   local parked = parking.current_waiter(client, state_of(client)) or parking.turn
   if parked and parked.told then waiter.raise(client, parked.cancelled, "task", true) end
end

--- Ends every sleep of the client that waits for this bell. A bell is { waiters = {} }; once rung
-- it stays so until `rung` is cleared.
function waiter.ring(client, bell)
   bell.rung = true
   if next(bell.waiters) == nil then return end
   parking.wake_all(bell)
   attend(client)
end

--- Does what client:sleep does.
-- @tparam[opt] table bell what `waiter.ring` ends this sleep by
function waiter.sleep(client, seconds, bell)
   local waits, deadline = core.waiter(client), core.now() + seconds
   repeat
      local reason, again, slept = waits(client, nil, deadline, bell)
      slept = slept or bell and bell.rung
      if again then waiter.raise(client, reason, "sleep", true) end
      if reason then return nil, waiter.ended(client, reason, "sleep") end
   until slept or core.now() >= deadline
   return true
end

--- Waits without blocking others; it ends early when the machine has slept.
function methods.sleep(client, seconds)
   misuse.check_client(client)
   if type(seconds) ~= "number" or not (seconds >= 0 and seconds < 1e9) then
      misuse.argument("seconds", "expected a number from 0 to 1e9, got %s", misuse.shown_number(seconds))
   end
   return waiter.sleep(client, seconds)
end

return waiter
