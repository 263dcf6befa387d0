--- Hints from outside that a job may have changed, such as webhooks: which jobs a watcher's plan
-- asks for because of them, and when.
--
-- A hint proves nothing, and anything may send one. So its cost is bounded: a job is asked for at
-- most once in EVERY seconds, all jobs together at most once in SPACING seconds after a burst of
-- BURST. A hint that comes too early waits; more of them for the same job change nothing.
--
-- A debug hook or a finalizer may bring a hint at any point. So no function that changes the queues
-- makes a value, and no hook interrupts one.
local core = require "topaz.core"

local hints = {}

--- Seconds between two requests for the same job.
hints.EVERY = 5
local SPACING = 0.05 -- seconds between requests, of all jobs together: as in the plan's slow rounds
local BURST = 20     -- requests that may be sent at once after a pause

-- Two queues, so that each operation costs the same with any number of jobs. A job that was asked
-- for stands in `cooling` until `job.cooling`, one that is to be asked for now in `ready`.
local function push(queue, job)
   queue[queue.last + 1] = job
   queue.last = queue.last + 1
end

local function pop(queue)
   local job = queue[queue.first]
   queue[queue.first] = nil
   queue.first = queue.first + 1
   return job
end

local function head(queue) return queue[queue.first] end

--- No hints.
function hints.new()
   return { ready = { first = 1, last = 0 }, cooling = { first = 1, last = 0 }, waiting = 0, arrival = 0 }
end

-- `job.queued` keeps a job from standing in `ready` twice: it may stand there without a hint.
local function make_ready(self, job)
   if job.queued then return end
   push(self.ready, job)
   job.queued = true
end

local function add(self, job, now)
   if not job.hint then
      job.hint, self.waiting = now, self.waiting + 1
      if not job.cooling then make_ready(self, job) end
   end
   return self.waiting > BURST
end

local function drop(self, job)
   if not job.hint then return end
   job.hint, self.waiting = nil, self.waiting - 1
end

-- Lets those go on that were asked for long enough ago, and drops what is out of date.
local function tidy(self, now)
   local cooling, ready = self.cooling, self.ready
   while head(cooling) and head(cooling).cooling <= now do
      local job = pop(cooling)
      job.cooling = nil
      if job.hint then make_ready(self, job) end
   end
   local job = head(ready)
   while job and (job.over or job.removed or not job.hint) do
      drop(self, job)
      pop(ready).queued = nil
      job = head(ready)
   end
end

-- When the rate of all jobs together lets the next request go.
local function turn(self) return self.arrival - (BURST - 1) * SPACING end

local function take(self, now)
   tidy(self, now)
   if not head(self.ready) or now < turn(self) then return nil end
   local job = pop(self.ready)
   drop(self, job)
   job.queued, job.cooling = nil, now + hints.EVERY
   push(self.cooling, job)
   self.arrival = math.max(self.arrival, now) + SPACING
   return job
end

local function due(self, now)
   if self.waiting == 0 then return math.huge end
   tidy(self, now)
   if head(self.ready) then return turn(self) end
   for i = self.cooling.first, self.cooling.last do
      local job = self.cooling[i]
      if job.hint and not job.over and not job.removed then return math.max(job.cooling, turn(self)) end
   end
   return math.huge
end

add, drop, take, due = core.uninterrupted(add, drop, take, due)

--- A hint for a job has come.
-- @treturn boolean whether so many jobs wait now that a round for all is the cheaper way
hints.add = add

--- The job does not wait to be asked for any more: it was looked at by other means, or has gone.
hints.drop = drop

--- The next job to be asked for now, which the caller does; nil: none.
hints.take = take

--- When take() may have a job: a time of the same clock, math.huge where no job waits.
hints.due = due

return hints
