--- What a watcher asks next, and when: planning alone. It sends nothing and knows no client; the watcher does what it says and
-- tells it the answers, the model of spec/bench does the same with a simulated server.
--
-- A round looks at every job once. It reads list pages while that costs fewer requests than asking for each job, then asks for
-- those it has not seen, one by one. Where in the list a job stood last time says how many pages are worth it. Jobs whose place is
-- unknown are looked for as long as fewer pages were read in vain than there are jobs to find, so that looking costs at most as
-- much as asking for each; who was not found is looked for more and more rarely, and asked for in between.
local words = require "topaz.words"

local plan = {}
plan.__index = plan

local FASTEST, SLOWEST, GROWTH = 1, 4.5, 1.5 -- seconds between rounds, factor per round without a change
local SLOWEST_FAILING = 15                   -- seconds between rounds while they fail
local FAST_PER_REQUEST = 0.25                -- seconds per request of a round: it may be repeated so soon after a change
local SLOW_PER_REQUEST = 0.05                -- likewise without a change: 20 requests a second are the most a watcher sends for long
local JITTER = 0.2                           -- share of an interval that is left to chance, so that watchers drift apart
local LEAST = 0.1                            -- seconds of rest after a round, however long it took
local REST_MAX = 31                          -- rounds for which a job that was not in the list is not looked for there
local LIST_FAILURES = 2                      -- failing lists in a row, after which each job is asked for all the same
local SINGLE_FAILURES = 10                   -- failing answers in a row that end a round
local ETA_ABSURD = 7 * 86400                 -- seconds; statuses live for seven days

--- A plan without jobs.
-- @tparam table clock functions: `now()` monotonic seconds, `server_time()` the server's Unix seconds, `random()` in [0, 1)
-- @tparam[opt] boolean every_change whether news() tells of each change and not of ends alone
function plan.new(clock, every_change)
   return setmetatable({
      clock = clock, every_change = every_change,
      jobs = {},                      -- process_id in lower case -> job; true once its end was given out
      order = {},                     -- the jobs that have not ended, in the order they came, and some that have
      outstanding = 0,
      ended = { by_status = {}, done = 0, gone = 0, untold = 0 },
      queue = {}, first = 1, last = 0, -- news not taken yet
      phase = "rest", due = clock.now(), rounds = 0, interval = FASTEST, cost = 0, list_failures = 0,
   }, plan)
end

-- ---- jobs --------------------------------------------------------------------------------------------------------

--- Adds a job; one that it knows already is not added again. It is looked at in the next round, which comes soon.
-- @treturn boolean whether it is new
function plan:add(process_id)
   local key = process_id:lower()
   if self.jobs[key] then return false end
   local job = { key = key, given = process_id, misses = 0, rest = 0 }
   self.jobs[key] = job
   self.order[#self.order + 1] = job
   self.outstanding = self.outstanding + 1
   if self.phase ~= "rest" then self.added = true
   elseif self.started then self.due = math.min(self.due, self.started + self:fast()) end
   return true
end

--- Forgets a job whose end was not given out yet.
-- @treturn boolean whether there was one
function plan:remove(process_id)
   local key = process_id:lower()
   local job, ended = self.jobs[key], self.ended
   if not job or job == true then return false end
   self.jobs[key] = nil
   job.removed = true
   if not job.over then
      self.outstanding = self.outstanding - 1
      return true
   end
   ended.untold = ended.untold - 1
   if job.over == "gone" then
      ended.gone = ended.gone - 1
   else
      ended.done = ended.done - 1
      ended.by_status[job.over] = ended.by_status[job.over] - 1
   end
   return true
end

--- How many jobs have not been given out as ended.
function plan:pending() return self.outstanding + self.ended.untold end

--- The statuses seen last of the jobs that have not ended.
function plan:statuses()
   local list = {}
   for _, job in ipairs(self.order) do
      if job.status and not job.over then list[#list + 1] = job.status end
   end
   return list
end

--- Their ids in lower case, in the order they were added.
function plan:ids()
   local list, untold = {}, {}
   for i = self.first, self.last do
      local job = self.queue[i].job
      if job.over and not job.removed then untold[#untold + 1] = job.key end
   end
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then list[#list + 1] = job.key end
   end
   return table.move(untold, 1, #untold, #list + 1, list)
end

-- ---- a round -------------------------------------------------------------------------------------------------------

-- How many pages are worth reading for the jobs whose place is known: fewest requests, pages and single ones together.
local function pages_worth(order)
   local on_page, known, deepest = {}, 0, 0
   for _, job in ipairs(order) do
      local page = job.page
      if page then
         on_page[page] = (on_page[page] or 0) + 1
         known, deepest = known + 1, math.max(deepest, page)
      end
   end
   local best, least, beyond = 0, known, known
   for page = 1, deepest do
      beyond = beyond - (on_page[page] or 0)
      if page + beyond < least then best, least = page, page + beyond end
   end
   return best
end

local function without_ended(order)
   local kept = {}
   for _, job in ipairs(order) do
      if not job.over and not job.removed then kept[#kept + 1] = job end
   end
   return kept
end

local function may_read_on(round)
   return round.unseen > 0 and (round.page < round.worth or round.page - round.worth + 1 < round.unseen)
end

-- From the list to the single requests. Who was looked for in vain is looked for more rarely.
local function begin_singles(self, round)
   self.phase = "singles"
   round.singles, round.at, round.under_way, round.failures = {}, 0, 0, 0
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed and job.seen ~= self.rounds and job.round == self.rounds then
         round.singles[#round.singles + 1] = job
         if job.looked_for and round.page > 0 and not round.failed then
            job.page = nil
            job.rest = math.min((1 << math.min(job.misses, 6)) - 1, REST_MAX)
            job.misses = job.misses + 1
         end
      end
   end
end

local function begin_round(self)
   self.order = without_ended(self.order)
   self.rounds = self.rounds + 1
   self.started, self.added = self.clock.now(), nil
   local round = { page = 0, requests = 0, unseen = 0, cursors = {}, worth = pages_worth(self.order) }
   self.round, self.phase = round, "list"
   for _, job in ipairs(self.order) do
      job.round = self.rounds
      job.looked_for = job.page and job.page <= round.worth or not job.page and job.rest == 0
      if job.looked_for then round.unseen = round.unseen + 1
      elseif not job.page then job.rest = job.rest - 1 end
   end
   if not may_read_on(round) then begin_singles(self, round) end
end

-- ---- when the next round comes ----------------------------------------------------------------------------------------

local function slowest(self)
   return math.max(self.failing and SLOWEST_FAILING or SLOWEST, self.cost * SLOW_PER_REQUEST)
end

--- Seconds between rounds after a change.
function plan:fast() return math.min(math.max(FASTEST, self.cost * FAST_PER_REQUEST), slowest(self)) end

-- Seconds until a job's own estimate; nil when there is none that makes sense.
local function seconds_to_eta(job, server_time)
   local eta = job.status and job.status.eta
   local left = type(eta) == "number" and eta - server_time
   return left and left > 0 and left < ETA_ABSURD and left or nil
end

-- The least and the greatest of the estimates, and whether each job has one.
local function estimates(self)
   local least, greatest, all, server_time = nil, nil, true, self.clock.server_time()
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then
         local left = seconds_to_eta(job, server_time)
         if left then
            least, greatest = math.min(least or left, left), math.max(greatest or left, left)
         else
            all = false
         end
      end
   end
   return least, greatest, all
end

local function end_round(self)
   local round, now = self.round, self.clock.now()
   self.phase, self.cost = "rest", round.requests
   self.failing = round.failed
   local fast, slow = self:fast(), slowest(self)
   self.interval = round.changed and not round.failed and fast or math.min(math.max(self.interval * GROWTH, fast), slow)
   local pause, soonest, _, all = self.interval, estimates(self)
   if soonest and not round.failed then
      local aimed = math.min(math.max(soonest, fast), slow)
      pause = all and aimed or math.min(pause, aimed)
   end
   if self.added and not round.failed then pause = fast end
   pause = pause * (1 - JITTER * self.clock.random())
   self.due = math.max(self.started + pause, now + LEAST, self.hold or 0)
   self.added = nil
   if not self.pace and not round.failed then self.pace = { time = now, mean = self:mean_progress() } end
end

--- What to do now.
-- @treturn string "done": no job is left; "wait": nothing for so many seconds; "page": ask for this page of the list (nil: the first)
-- and tell page() or failed(); "get": ask for this job and tell got(), gone() or failed(), more may be asked for meanwhile; "await": the
-- answers that are still to come
-- @return the seconds, the cursor or the job
function plan:next()
   if self.outstanding == 0 then return "done" end
   if self.phase == "rest" then
      local left = math.max(self.due, self.hold or 0) - self.clock.now()
      if left > 0 then return "wait", left end
      begin_round(self)
   end
   local round = self.round
   if self.phase == "list" then
      round.requests = round.requests + 1
      return "page", round.cursor
   end
   repeat
      round.at = round.at + 1
      local job = round.singles[round.at]
      if job and not job.removed then
         round.requests, round.under_way = round.requests + 1, round.under_way + 1
         return "get", job
      end
   until not job
   if round.under_way > 0 then return "await" end
   end_round(self)
   return self:next()
end

--- Lets the next round begin at once, unless the server asked for a pause.
function plan:hurry() self.due = self.clock.now() end

-- ---- answers ---------------------------------------------------------------------------------------------------------

local function tell(self, entry)
   self.last = self.last + 1
   self.queue[self.last] = entry
end

local function over(self, job, how)
   job.over = how
   self.outstanding = self.outstanding - 1
   self.ended.untold = self.ended.untold + 1
   self.round.changed = true
end

local function take_status(self, job, status)
   local previous = job.status
   job.status, job.seen = status, self.rounds
   local word, ended = status.status, self.ended
   local changed = not previous or previous.status ~= word or previous.progress ~= status.progress
   if not previous or previous.status ~= word then self.round.changed = true end
   if words.is_finished[word] then
      over(self, job, word)
      ended.done = ended.done + 1
      ended.by_status[word] = (ended.by_status[word] or 0) + 1
      tell(self, { job = job, status = status, previous = previous, changed = changed })
   elseif changed and self.every_change then
      tell(self, { job = job, status = status, previous = previous, changed = true })
   end
end

--- A page of the list has come.
-- @tparam table page as of client:get_page
-- @treturn string|nil what is wrong with it; its statuses count all the same
function plan:page(page)
   local round = self.round
   self.hold = nil
   round.page = round.page + 1
   for _, status in ipairs(page.data) do
      local job = self.jobs[status.process_id:lower()]
      if job and job ~= true and not job.over then
         if job.round == self.rounds and job.seen ~= self.rounds and job.looked_for then round.unseen = round.unseen - 1 end
         job.page, job.misses, job.rest = round.page, 0, 0
         take_status(self, job, status)
      end
   end
   local pagination = page.pagination
   local cursor = pagination and pagination.has_next_page and pagination.next_cursor
   if cursor and round.cursors[cursor] then return "the server sent a cursor that it had sent before in this iteration" end
   if cursor and may_read_on(round) then
      round.cursors[cursor], round.cursor = true, cursor
   else
      self.list_failures = 0
      begin_singles(self, round)
   end
end

--- A single job's status has come.
function plan:got(job, status)
   self.hold = nil
   self.round.under_way, self.round.failures = self.round.under_way - 1, 0
   if not job.over and not job.removed then take_status(self, job, status) end
end

--- The server does not know the job.
function plan:gone(job, err)
   self.round.under_way = self.round.under_way - 1
   if job.over or job.removed then return end
   over(self, job, "gone")
   self.ended.gone = self.ended.gone + 1
   err.status = job.status
   tell(self, { job = job, status = job.status or { process_id = job.given }, err = err })
end

--- An answer did not come. A page that did not come ends the round; the jobs it did not see are looked at in the next one. Where
-- lists fail again and again, each job is asked for instead.
-- @param job nil: it was a page
-- @tparam table err the error object; for `err.retry_after` seconds nothing is asked
function plan:failed(job, err)
   local round = self.round
   round.failed = true
   if err.retry_after then self.hold = math.max(self.hold or 0, self.clock.now() + err.retry_after) end
   if job then
      round.under_way, round.failures = round.under_way - 1, round.failures + 1
      if round.failures >= SINGLE_FAILURES then round.at = #round.singles end
      return
   end
   self.list_failures = self.list_failures + 1
   if self.list_failures < LIST_FAILURES or err.retry_after or err.kind == "rate_limited" then
      end_round(self)
   else
      begin_singles(self, round)
   end
end

--- Ends the round where it is: the answers that are still to come will not be told.
function plan:abandon()
   if self.phase == "rest" then return end
   self.round.failed = true
   end_round(self)
end

-- ---- what there is to tell --------------------------------------------------------------------------------------------

--- The oldest news not taken yet: { job, status, previous, changed, err }; `job.over` says that the job has ended.
function plan:news()
   local entry = self.queue[self.first]
   while entry and entry.job.removed do
      self.queue[self.first] = nil
      self.first = self.first + 1
      entry = self.queue[self.first]
   end
   return entry
end

--- Takes it.
function plan:take(entry)
   self.queue[self.first] = nil
   self.first = self.first + 1
   if entry.job.over and not entry.job.removed then
      self.jobs[entry.job.key] = true
      self.ended.untold = self.ended.untold - 1
   end
end

--- Mean progress of all jobs, ended ones counted as 100, and how many they are; adds to `by_status` the words of those that have
-- not ended.
function plan:mean_progress(by_status)
   local total = self.ended.done + self.ended.gone
   local sum = 100 * total
   for _, job in ipairs(self.order) do
      if not job.over and not job.removed then
         local status = job.status
         local progress = status and status.progress
         total = total + 1
         if type(progress) == "number" then sum = sum + math.min(math.max(progress, 0), 100) end
         if status and by_status then by_status[status.status] = (by_status[status.status] or 0) + 1 end
      end
   end
   return total > 0 and sum / total or 100, total
end

--- How far they are.
-- @treturn table `total` jobs; `done`: ended; `gone`: unknown to the server; `by_status`: counts by the last word seen (a job not seen
-- yet has none); `mean_progress` 0 to 100; `seconds_left`: by the jobs' estimates where each has one, else by the pace so far, or nil
function plan:progress()
   local by_status, now = {}, self.clock.now()
   for word, count in pairs(self.ended.by_status) do
      if count > 0 then by_status[word] = count end
   end
   local mean, total = self:mean_progress(by_status)
   local _, greatest, all = estimates(self)
   local left = all and (greatest or 0) or nil -- 0: no job is left
   if not all and self.pace and mean > self.pace.mean and now > self.pace.time then
      left = (100 - mean) * (now - self.pace.time) / (mean - self.pace.mean)
   end
   return {
      total = total, done = self.ended.done, gone = self.ended.gone, by_status = by_status, mean_progress = mean, seconds_left = left,
   }
end

return plan
