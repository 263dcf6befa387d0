--- All jobs that a member has to know of, each once: those of its own watchers and, while it leads,
-- those of the other members. The watcher's plan says when what is asked.
--
-- A holder is who wants to hear of a job: a watcher's jobs, or another member. It has
-- `seen(key, status, changed)`, `ended(key, status)`, `lost(key, err)` and `refused(key, err)`.
-- What the plan keeps of a status is lean.
local lean = require "topaz.share.lean"
local plan = require "topaz.watch.plan"
local tally = require "topaz.watch.tally"
local words = require "topaz.words"

local SPARE = 1000 -- jobs that have ended and are still in the plan's list

local union = {}
union.__index = union

--- One without jobs.
-- @tparam table clock as topaz.watch.plan has it
function union.new(clock) return setmetatable({ plan = plan.new(clock, false, lean), holders = {} }, union) end

-- ---- who holds what -----------------------------------------------------------------------------

local function place_in(list, holder)
   for i, other in ipairs(list) do
      if other == holder then return i end
   end
   return nil
end

--- Whether the holder holds the job of that key: its id in lower case.
function union:holds(key, holder)
   local found = self.holders[key]
   return found ~= nil and (found == holder or found.many ~= nil and place_in(found.many, holder) ~= nil)
end

--- Makes the holder hear of a job. False: it does so already.
function union:hold(key, holder)
   local found = self.holders[key]
   if found == nil then
      self.holders[key] = holder
      self.plan:add(key)
      if #self.plan.order > 2 * self.plan.outstanding + SPARE then self.plan:shorten() end
   elseif self:holds(key, holder) then
      return false
   elseif found.many then
      table.insert(found.many, holder)
   else
      self.holders[key] = { many = { found, holder } }
   end
   return true
end

--- Ends that; a job that nobody holds is forgotten. False: it did not hold the job.
function union:release(key, holder)
   local found = self.holders[key]
   if not found or not self:holds(key, holder) then return false end
   if found.many then
      table.remove(found.many, place_in(found.many, holder))
      if #found.many == 1 then self.holders[key] = found.many[1] end
   else
      self.holders[key] = nil
      self.plan:remove(key)
   end
   return true
end

--- The keys of all jobs that the holder holds.
function union:keys_of(holder)
   local keys = {}
   for key in pairs(self.holders) do
      if self:holds(key, holder) then keys[#keys + 1] = key end
   end
   return keys
end

-- Calls a method of each holder of a job.
local function tell(self, key, method, ...)
   local found = self.holders[key]
   if not found then return end
   if not found.many then
      found[method](found, key, ...)
      return
   end
   for _, holder in ipairs { table.unpack(found.many) } do holder[method](holder, key, ...) end
end

-- Calls a method of each holder of a job that has come to its end, and forgets the job.
local function tell_last(self, key, method, ...)
   tell(self, key, method, ...)
   self.holders[key] = nil
end

-- ---- what was seen ------------------------------------------------------------------------------

-- Takes what the plan has to tell: holders are told directly.
local function drain(self)
   local jobs_plan = self.plan
   local news = jobs_plan:news()
   while news do
      jobs_plan:take(news)
      jobs_plan.jobs[news.job.key] = nil -- it may be watched again
      news = jobs_plan:news()
   end
end

-- A page may have had the job twice: the finished status of a job that has ended counts.
local function pass_on(self, job, status, changed)
   if not job.over then tell(self, job.key, "seen", status, changed)
   elseif words.is_finished[status.status] then tell_last(self, job.key, "ended", status) end
end

local function job_of(self, key)
   local job = self.plan.jobs[key]
   return job and job ~= true and not job.over and job or nil
end

--- A page of the list has come; as plan:begin_page, and so on.
function union:begin_page() self.plan:begin_page() end

function union:part(list, first, last)
   local jobs, statuses, kept, count = {}, {}, {}, 0
   for i = first, last do
      local job = job_of(self, list[i].process_id:lower())
      if job then
         count = count + 1
         jobs[count], statuses[count], kept[count] = job, list[i], job.kept
      end
   end
   self.plan:part(statuses, 1, count)
   drain(self)
   for i = 1, count do pass_on(self, jobs[i], statuses[i], jobs[i].kept ~= kept[i]) end
end

function union:end_page(pagination) return self.plan:end_page(pagination) end

--- A single job's status has come.
-- @tparam[opt] boolean hinted as plan:next() gave it; likewise below
function union:got(job, status, hinted)
   local kept, known = job.kept, not job.over and not job.removed
   self.plan:got(job, status, hinted)
   drain(self)
   if known then pass_on(self, job, status, job.kept ~= kept) end
end

--- The server does not know the job.
function union:gone(job, err, hinted)
   local known = not job.over and not job.removed
   self.plan:gone(job, err, hinted)
   drain(self)
   if known then tell_last(self, job.key, "lost", err) end
end

--- The job cannot be asked for, and asking again would not help: its holders see to it themselves.
function union:refused(job, err, hinted)
   local key, known = job.key, not job.over and not job.removed
   if known then self.plan:remove(key) end
   self.plan:got(job, nil, hinted) -- it is removed: nothing is seen
   if known then tell_last(self, key, "refused", err) end
end

-- ---- what was heard -----------------------------------------------------------------------------

--- A status that another member has seen. False: nobody here holds the job.
function union:heard(status)
   local key = status.process_id:lower()
   local job = job_of(self, key)
   if not job then return false end
   local kept = job.kept
   tally.see(self.plan, job, status)
   drain(self)
   pass_on(self, job, status, job.kept ~= kept)
   return true
end

--- Another member was told that the server does not know the job.
function union:heard_lost(key, err)
   local job = job_of(self, key)
   if not job then return false end
   tally.lose(self.plan, job, err)
   drain(self)
   tell_last(self, key, "lost", err)
   return true
end

--- A job cannot be asked for, as a request of this member's own has met.
function union:heard_refused(key, err)
   if not job_of(self, key) then return end
   self.plan:remove(key)
   tell_last(self, key, "refused", err)
end

--- What is known of a job: { process_id, status, progress, eta }; nil: nothing yet.
function union:status_of(key)
   local job = job_of(self, key)
   local status = job and self.plan:status_of(job)
   if status then status.process_id = key end
   return status
end

return union
