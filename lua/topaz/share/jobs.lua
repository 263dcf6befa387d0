--- A watcher's jobs where its client shares, and what waits for their news: others ask the API.
--
-- Jobs are a plan whose rounds never begin: they hear from the farm. `Waiting` has the methods of
-- topaz.watch.ask that the watcher needs.
local ask = require "topaz.watch.ask"
local core = require "topaz.core"
local plan = require "topaz.watch.plan"
local tally = require "topaz.watch.tally"
local times = require "topaz.times"
local waiter = require "topaz.waiter"

local Jobs = setmetatable({}, { __index = plan })
Jobs.__index = Jobs

local FIRST_LOOK = times.LAST_LOOK + 1 -- seconds behind the end of the time for the first look

--- Jobs of a watcher, none yet.
-- @tparam table clock as topaz.watch.plan has it
-- @tparam boolean every_change whether news() tells of each change and not of ends alone
-- @tparam table farm of topaz.share
local function new_jobs(clock, every_change, farm)
   local self = plan.new(clock, every_change)
   self.farm, self.bell, self.unseen = farm, { waiters = {} }, 0
   if every_change then farm.member.wants = true end
   return setmetatable(self, Jobs)
end

-- No hook interrupts the following three.

function Jobs:add(process_id)
   if not tally.add(self, process_id) then return false end
   self.unseen = self.unseen + 1
   if self.place then
      self.place:hold(process_id:lower())
      self.farm:wake()
   end
   return true
end

function Jobs:remove(process_id)
   local key = process_id:lower()
   local job = self.jobs[key]
   if not tally.remove(self, process_id) then return false end
   if not job.kept and not job.over then self.unseen = self.unseen - 1 end
   if self.place then self.place:release(key) end
   return true
end

-- Takes a hint that a job may have changed: as plan:offer.
function Jobs:offer(process_id)
   local key = process_id:lower()
   local job = self.jobs[key]
   if not job then return false, "not_watched" end
   if job == true or job.over then return false, "finished" end
   if self.place then
      self.place:hint(key)
      self.farm:wake()
   end
   return true
end

Jobs.add, Jobs.remove, Jobs.offer = core.uninterrupted(Jobs.add, Jobs.remove, Jobs.offer)

-- Who looks at progress wants to hear of it.
function Jobs:progress()
   self.farm.member.wants = true
   return plan.progress(self)
end

function Jobs:statuses()
   self.farm.member.wants = true
   return plan.statuses(self)
end

-- ---- what is heard ------------------------------------------------------------------------------

-- What the watcher's place tells: see topaz.share.union.
local Listener = {}
Listener.__index = Listener

local function ring(jobs)
   if jobs:news() or jobs.problem then waiter.ring(jobs.farm.client, jobs.bell) end
end

-- The job of a key, which has not ended; it is seen now.
local function seen_job(jobs, key)
   local job = jobs.jobs[key]
   if not job or job == true or job.over then return nil end
   if not job.kept then jobs.unseen = jobs.unseen - 1 end
   return job
end

function Listener:seen(key, status)
   local job = seen_job(self.jobs, key)
   if not job then return end
   self.jobs:see(job, status)
   ring(self.jobs)
end

Listener.ended = Listener.seen

function Listener:lost(key, err)
   local job = seen_job(self.jobs, key)
   if not job then return end
   local own = {} -- other watchers may wait for the same job: each gets an error of its own
   for name, value in pairs(err) do own[name] = value end
   own.process_id = tally.id_of(job)
   self.jobs:lose(job, core.error(own))
   ring(self.jobs)
end

function Listener:refused(_, err) self:fail(err) end

--- The loop has to end with this error.
function Listener:fail(err)
   self.jobs.problem = err
   ring(self.jobs)
end

-- ---- waiting ------------------------------------------------------------------------------------

local Waiting = {}
Waiting.__index = Waiting

--- What waits for one watcher. It joins the farm when the loop begins.
local function new_waiting(client, operation, options, jobs)
   return setmetatable({ client = client, operation = operation, timeout = options.timeout, plan = jobs }, Waiting)
end

Waiting.failure = ask.failure

--- Leaves the farm, until the loop goes on.
function Waiting:forget()
   local jobs = self.plan
   if not jobs.place then return end
   jobs.farm:leave(jobs.listener, jobs.place)
   jobs.place = nil
end

Waiting.forget = core.uninterrupted(Waiting.forget)

-- A watcher that was dropped without being closed: nothing waits for its jobs. Runs as a finalizer,
-- anywhere: the next step does the rest.
function Waiting:__gc()
   local jobs = self.plan
   if jobs.place then jobs.farm:drop(jobs.listener, jobs.place) end
end

function Waiting:wake() waiter.ring(self.client, self.plan.bell) end

local join = core.uninterrupted(function(self)
   local jobs = self.plan
   jobs.listener = setmetatable({ jobs = jobs }, Listener)
   jobs.place = jobs.farm:join(jobs.listener)
   for _, job in ipairs(jobs.order) do
      if not job.over and not job.removed then jobs.place:hold(job.key) end
   end
end)

-- What `advance` holds open while it waits.
local Stay = {}

local function enter(stay, place)
   place:enter()
   stay.place = place
end

local function exit(stay)
   if stay.place then stay.place:exit() end
   stay.place = nil
end

enter, Stay.__close = core.uninterrupted(enter, exit)

--- Waits until something may have changed. The time runs from the first call on, and anew after it
-- was over.
-- @treturn nil|string|table as of topaz.watch.ask
function Waiting:advance()
   local jobs = self.plan
   if jobs.outstanding == 0 then
      self:forget()
      return "done"
   end
   local now = core.now()
   self.deadline = self.deadline or now + self.timeout
   if not jobs.place then join(self) end
   local problem, till = jobs.problem, self.deadline + (jobs.unseen > 0 and FIRST_LOOK or 0)
   jobs.problem = nil
   if problem or now >= till then
      self.trouble = jobs.farm.member.poll.trouble
      self:forget()
      return problem or ask.timed_out(self)
   end
   local stay <close> = setmetatable({}, Stay)
   enter(stay, jobs.place)
   jobs.bell.rung = false
   if now < self.deadline then till = self.deadline end -- by then each may have been seen
   local slept, err = waiter.sleep(self.client, till - now, jobs.bell)
   if slept then return nil end
   err.operation = self.operation
   return err
end

-- ---- without a watcher --------------------------------------------------------------------------

--- Takes part in the farm without jobs, as long as it is open.
local Presence = {}
Presence.__index = Presence
Presence.__close = function(presence)
   presence.place:exit()
   presence.farm:leave(presence, presence.place)
end

function Presence:fail(err)
   self.problem = err
   waiter.ring(self.farm.client, self.bell)
end

local function new_presence(farm)
   local presence = setmetatable({ farm = farm, bell = { waiters = {} } }, Presence)
   presence.place = farm:join(presence)
   presence.place:enter()
   return presence
end

--- Waits until a request may be sent in the farm's rate. Returns true; nil and the error object.
function Presence:wait_to_send()
   while true do
      local allowed, at = self.farm.member.brake:spend(core.now())
      if allowed then return true end
      local slept, err = waiter.sleep(self.farm.client, math.min(math.max(at - core.now(), 0.001), 0.1))
      if not slept then return nil, err end
   end
end

--- Stays for so many seconds. Returns true; nil and the error object that no request would escape.
function Presence:stay(seconds)
   local slept, err = waiter.sleep(self.farm.client, seconds, self.bell)
   self.bell.rung = false
   if self.problem then return nil, self.problem end
   return slept, err
end

return { new = new_jobs, waiting = new_waiting, presence = new_presence }
