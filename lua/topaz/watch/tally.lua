--- The jobs of a watcher: which there are, what was seen of each, which ends have not been told,
-- how far they are.
--
-- It sends nothing and plans nothing: topaz.watch.plan adds that. Counts are kept as responses
-- come, so that asking for them costs little with any number of jobs.
--
-- A debug hook or a finalizer may ask, add or remove at any point. So what changes several of the
-- members makes no value, and no hook interrupts it.
--
-- Of a hundred thousand jobs each member counts: a job of four takes 152 bytes, one of five 248. So
-- most have `key`, its id in lower case; `seen` and `page`, which are the plan's; and `kept`, what
-- is kept of its last status. Others are there only where they say something.
local core = require "topaz.core"
local times = require "topaz.times"
local words = require "topaz.words"

local tally = {}

-- Statuses are kept as they came.
local WHOLE = {
   keep = function(status) return status end, shown = function(kept) return kept end,
   word = function(kept) return kept.status end, progress = words.progress,
   eta = function(kept) return kept.eta end,
}

--- The members of a tally without jobs. The plan adds its own.
-- @tparam table clock as topaz.watch.plan has it
-- @tparam boolean every_change whether news() tells of each change and not of ends alone
-- @tparam[opt] table form how statuses are kept: as topaz.share.lean has it; else as they came
function tally.new(clock, every_change, form)
   return {
      clock = clock, every_change = every_change, form = form or WHOLE,
      jobs = {},       -- process_id in lower case -> job; true once its end was given out
      order = {},      -- the unfinished jobs in the order they came, and some finished ones
      outstanding = 0, -- how many are unfinished
      by_status = {},  -- of these: how many by the last word seen
      sum = 0,         -- of these: their progress together
      ended = { by_status = {}, done = 0, gone = 0, untold = 0 },
      version = 0,     -- counts the changes of what was seen
      members = 0,     -- counts the changes of which jobs the loop has not had
      queue = {},      -- news not taken yet, from `first` to `last`
      first = 1, last = 0,
      pace = nil,      -- { time, mean }: how far they were at the end of the first round
   }
end

-- ---- which jobs there are -----------------------------------------------------------------------

-- An unfinished job has another status than before; nil: it is not counted any more.
local function count(self, job, kept)
   local before, by_status, form = job.kept, self.by_status, self.form
   if before then
      local word = form.word(before)
      local left = by_status[word] - 1
      by_status[word] = left > 0 and left or nil
      self.sum = self.sum - form.progress(before)
   end
   if kept then
      local word = form.word(kept)
      by_status[word] = (by_status[word] or 0) + 1
      self.sum = self.sum + form.progress(kept)
   end
   self.version = self.version + 1
end

-- A job is not one of the unfinished any more.
local function take_out(self, job)
   count(self, job, nil)
   self.outstanding = self.outstanding - 1
   if self.outstanding == 0 then self.sum = 0 end -- nothing is left of rounding
end

local function over(self, job, how)
   take_out(self, job)
   job.over, job.kept = how, nil -- its entry has the status, which may be large
   self.members = self.members + 1
   self.ended.untold = self.ended.untold + 1
end

local function tell(self, entry)
   self.last = self.last + 1
   self.queue[self.last] = entry
end

local function add(self, job)
   if self.jobs[job.key] then return false end
   self.jobs[job.key] = job
   self.order[#self.order + 1] = job
   self.outstanding = self.outstanding + 1
   self.version, self.members = self.version + 1, self.members + 1
   return true
end

local function remove(self, key)
   local job, ended = self.jobs[key], self.ended
   if not job or job == true then return false end
   self.jobs[key] = nil
   job.removed, self.members = true, self.members + 1
   if not job.over then
      take_out(self, job)
      return true
   end
   self.version = self.version + 1
   ended.untold = ended.untold - 1
   if job.over == "gone" then
      ended.gone = ended.gone - 1
   else
      ended.done = ended.done - 1
      ended.by_status[job.over] = ended.by_status[job.over] - 1
   end
   return true
end

local function shorten(self, kept)
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then kept[#kept + 1] = job end
   end
   self.order = kept
end

-- A job was seen unfinished. `entry`: the news of it, if it is to be told.
local function go_on(self, job, kept, entry)
   if job.over or job.removed then return end
   count(self, job, kept)
   job.kept = kept
   if entry then tell(self, entry) end
end

-- A job has ended by a finished word, or is "gone".
local function finish(self, entry, how)
   local job, ended = entry.job, self.ended
   if job.over or job.removed then return end
   over(self, job, how)
   if how == "gone" then
      ended.gone = ended.gone + 1
   else
      ended.done = ended.done + 1
      ended.by_status[how] = (ended.by_status[how] or 0) + 1
   end
   tell(self, entry)
end

local function news(self)
   local entry = self.queue[self.first]
   while entry and entry.job.removed do
      self.queue[self.first] = nil
      self.first = self.first + 1
      entry = self.queue[self.first]
   end
   return entry
end

local function take(self, entry)
   if self.queue[self.first] ~= entry then return end -- removed meanwhile, and passed over
   self.queue[self.first] = nil
   self.first = self.first + 1
   if entry.ends and not entry.job.removed then
      self.jobs[entry.job.key] = true
      self.ended.untold, self.members = self.ended.untold - 1, self.members + 1
   end
end

add, remove, shorten, go_on, finish, news, take = core.uninterrupted(add, remove, shorten, go_on, finish, news, take)

--- Adds a job; one that it knows already is not added again.
-- @tparam string process_id
-- @tparam[opt] integer seen as the plan has it
-- @treturn boolean whether it is new
function tally:add(process_id, seen)
   local key = process_id:lower()
   if self.jobs[key] then return false end
   return add(self, { key = key, given = process_id ~= key and process_id or nil, seen = seen or 0 })
end

--- A job's id as it was given.
function tally.id_of(job) return job.given or job.key end

--- Forgets a job whose end was not given out yet.
-- @treturn boolean whether there was one
function tally:remove(process_id) return remove(self, process_id:lower()) end

--- Takes the jobs that have ended out of `order`.
function tally:shorten() shorten(self, {}) end

--- How many jobs have not been given out as ended.
function tally:pending() return self.outstanding + self.ended.untold end

--- The status of a job that was seen last, as it is kept; nil: there is none.
function tally:status_of(job) return job.kept and self.form.shown(job.kept) end

--- The statuses seen last of the jobs that have not ended.
function tally:statuses()
   local list = {}
   for _, job in ipairs(self.order) do
      if not job.over then list[#list + 1] = self:status_of(job) end
   end
   return list
end

-- What f gives for each job that has not been given out, in the order they were added; ended ones
-- last.
local function each_pending(self, f)
   local list, untold = {}, {}
   for i = self.first, self.last do
      local entry = self.queue[i] -- nil: taken meanwhile
      local job = entry and entry.ends and entry.job
      if job and not job.removed then untold[#untold + 1] = f(job) end
   end
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then list[#list + 1] = f(job) end
   end
   return table.move(untold, 1, #untold, #list + 1, list)
end

local function key_of(job) return job.key end

local function packed_key_of(job)
   job.packed = job.packed or job.key:gsub("-", "")
   return job.packed
end

--- Their ids in lower case.
function tally:ids() return each_pending(self, key_of) end

--- Their ids in lower case, without the dashes.
function tally:packed_ids() return each_pending(self, packed_key_of) end

-- ---- what was seen ------------------------------------------------------------------------------

--- A status of a job that has not ended was seen.
-- @treturn boolean whether its word has changed
function tally:see(job, status)
   local word, kept = status.status, self.form.keep(status, job.kept)
   if kept == job.kept and type(kept) ~= "table" then return false end
   local previous = self:status_of(job)
   local new_word = not previous or previous.status ~= word
   local changed = words.changed(status, previous)
   if words.is_finished[word] then
      finish(self, { job = job, status = status, previous = previous, changed = changed, ends = true }, word)
   else
      local is_told = changed and self.every_change
      go_on(self, job, kept, is_told and { job = job, status = status, previous = previous, changed = true })
   end
   return new_word
end

--- The server does not know a job that has not ended.
-- @tparam table err the error object, which gets the status seen last
function tally:lose(job, err)
   local status = self:status_of(job)
   err.status = status
   finish(self, { job = job, status = status or { process_id = tally.id_of(job) }, err = err, ends = true },
      "gone")
end

--- The oldest news not taken yet: { job, status, previous, changed, err, ends }; `ends` says that
-- they are the job's end: it may have come before changes were taken.
function tally:news() return news(self) end

--- Takes it.
function tally:take(entry) take(self, entry) end

-- ---- how far they are ---------------------------------------------------------------------------

-- Looks through the jobs' own estimates: the least and the greatest, and whether each job has one
-- that makes sense.
local function estimated(self, now)
   local e = { version = self.version, all = true, expires = math.huge, made = now }
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then
         local left, changes_in
         local eta = job.kept and self.form.eta(job.kept)
         if eta then left, changes_in = times.seconds_to_eta(eta, now) end
         if changes_in then e.expires = math.min(e.expires, now + changes_in) end
         if left then
            e.least, e.greatest = math.min(e.least or eta, eta), math.max(e.greatest or eta, eta)
         else
            e.all = false
         end
      end
   end
   return e
end

--- The least and the greatest of the jobs' own estimates in seconds from now, and whether each job
-- has one that makes sense. They are looked through again only when something has changed, or one
-- of them has passed.
function tally:estimates()
   local now, e = self.clock.server_time(), self.estimated
   if not e or e.version ~= self.version or now >= e.expires or now < e.made then
      e = estimated(self, now)
      self.estimated = e
   end
   return e.least and e.least - now, e.greatest and e.greatest - now, e.all
end

--- Mean progress of all jobs, ended ones counted as 100, and how many they are.
function tally:mean_progress()
   local ended = self.ended.done + self.ended.gone
   local total = ended + self.outstanding
   return total > 0 and (100 * ended + self.sum) / total or 100, total
end

--- How far they are: see topaz.WatchProgress in types/. `seconds_left` is by the jobs' estimates
-- where each has one, else by the pace so far.
function tally:progress()
   local by_status, now = {}, self.clock.now()
   for word, number in pairs(self.by_status) do by_status[word] = number end
   for word, number in pairs(self.ended.by_status) do
      if number > 0 then by_status[word] = number + (by_status[word] or 0) end
   end
   local mean, total = self:mean_progress()
   local _, greatest, all = self:estimates()
   local left = all and (greatest or 0) or nil -- 0: no job is left
   if not all and self.pace and mean > self.pace.mean and now > self.pace.time then
      left = (100 - mean) * (now - self.pace.time) / (mean - self.pace.mean)
   end
   return {
      total = total, done = self.ended.done, gone = self.ended.gone, by_status = by_status, mean_progress = mean,
      seconds_left = left,
   }
end

return tally
