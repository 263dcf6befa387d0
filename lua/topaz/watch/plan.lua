--- What a watcher asks next, and when: planning alone. It sends nothing and knows no client. The
-- watcher does what the plan says and tells it the responses; the model of spec/bench does the same
-- with a simulated server.
--
-- A round looks at every job once. It reads list pages while that costs fewer requests than asking
-- for each job, then asks for those it has not seen, one by one. Where in the list a job stood last
-- time says how many pages are worth it. Jobs whose place is unknown are looked for as long as
-- fewer pages were read in vain than there are jobs to find, so that looking costs at most as much
-- as asking for each; a job that was not found is looked for more and more rarely, and asked for in
-- between.
--
-- A hint from outside that a job may have changed makes the plan ask for that one between the
-- rounds' requests, see topaz.watch.hints. Neither way keeps the other one from its turn.
local hints = require "topaz.watch.hints"
local tally = require "topaz.watch.tally"

local plan = setmetatable({}, { __index = tally })
plan.__index = plan

local FASTEST, SLOWEST = 1, 4.5 -- seconds between rounds
local GROWTH = 1.5              -- of that time, per round without a change
local SLOWEST_FAILING = 15      -- seconds between rounds while they fail
local FAST_PER_REQUEST = 0.25   -- seconds per request of a round, after a change
local SLOW_PER_REQUEST = 0.05   -- likewise without one: at most 20 requests a second for long
local JITTER = 0.2              -- share of an interval that is left to chance: watchers drift apart
local LEAST = 0.1               -- seconds of rest after a round, however long it took
local REST_MAX = 31             -- rounds in which a job that the list lacked is not looked for
local LIST_FAILURES = 2         -- failing lists in a row, after which each job is asked for
local SINGLE_FAILURES = 10      -- failing responses in a row that end a round

--- A plan without jobs.
-- @tparam table clock functions: `now()` monotonic seconds, `server_time()` the server's Unix
-- seconds, `random()` in [0, 1)
-- @tparam[opt] boolean every_change whether news() tells of each change and not of ends alone
-- @tparam[opt] table form as tally.new has it
function plan.new(clock, every_change, form)
   local self = tally.new(clock, every_change, form)
   self.phase, self.due, self.interval = "rest", clock.now(), FASTEST
   self.rounds, self.cost, self.list_failures = 0, 0, 0
   self.round = {}                         -- the one that is under way, else the last one
   self.hints, self.hinted = hints.new(), 0 -- how many requests are under way because of hints
   return setmetatable(self, plan)
end

-- The next round comes soon.
local function expedite(self)
   if self.phase ~= "rest" then self.added = true
   elseif self.started then self.due = math.min(self.due, self.started + self:fast()) end
end

--- Adds a job; one that it knows already is not added again. It is looked at in the next round,
-- which comes soon: it is not in a round that is under way.
-- @treturn boolean whether it is new
function plan:add(process_id)
   if not tally.add(self, process_id, self.phase ~= "rest" and -self.rounds or nil) then return false end
   expedite(self)
   return true
end

--- Takes a hint that a job may have changed. The job is asked for soon, or looked at by a round.
-- @treturn boolean whether it will be
-- @treturn string|nil why not: "not_watched" or "finished"
function plan:offer(process_id)
   local job = self.jobs[process_id:lower()]
   if not job then return false, "not_watched" end
   if job == true or job.over then return false, "finished" end
   if hints.add(self.hints, job, self.clock.now()) then expedite(self) end
   return true
end

-- ---- a round ------------------------------------------------------------------------------------

-- How many pages are worth reading for the jobs whose place is known: fewest requests, pages and
-- single ones together.
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

-- Whether the list is read for a job in this round: by its place, or it has rested long enough.
local function is_looked_for(self, job)
   local page = job.page
   if page then return page <= self.round.worth end
   return not job.look_at or job.look_at <= self.rounds
end

-- Whether a job was there when this round began, and was not looked at since.
local function is_unseen(self, job)
   return job.seen ~= self.rounds and job.seen ~= -self.rounds and not job.over and not job.removed
end

-- A job was looked for in vain: it is looked for more and more rarely.
local function let_rest(self, job)
   job.page = nil
   job.rest = job.rest and math.min(2 * job.rest + 1, REST_MAX) or 0
   job.look_at = self.rounds + job.rest + 1
end

local function may_read_on(round)
   return round.unseen > 0 and (round.page < round.worth or round.page - round.worth + 1 < round.unseen)
end

-- From the list to the single requests.
local function begin_singles(self, round)
   self.phase = "singles"
   round.singles, round.at, round.under_way, round.failures = {}, 0, 0, 0
   for _, job in ipairs(self.order) do
      if is_unseen(self, job) then
         round.singles[#round.singles + 1] = job
         if round.page > 0 and not round.failed and is_looked_for(self, job) then let_rest(self, job) end
      end
   end
end

local function begin_round(self)
   self:shorten()
   self.rounds = self.rounds + 1
   self.started, self.added = self.clock.now(), nil
   local round = { page = 0, requests = 0, unseen = 0, cursors = {}, worth = pages_worth(self.order) }
   round.no_hints = true -- until a page has come: it may bring what they announce
   self.round, self.phase = round, "list"
   for _, job in ipairs(self.order) do
      if is_unseen(self, job) and is_looked_for(self, job) then round.unseen = round.unseen + 1 end
   end
   if not may_read_on(round) then begin_singles(self, round) end
end

-- ---- when the next round comes ------------------------------------------------------------------

local function slowest(self)
   return math.max(self.failing and SLOWEST_FAILING or SLOWEST, self.cost * SLOW_PER_REQUEST)
end

--- Seconds between rounds after a change.
function plan:fast() return math.min(math.max(FASTEST, self.cost * FAST_PER_REQUEST), slowest(self)) end

local function end_round(self)
   local round, now = self.round, self.clock.now()
   self.phase, self.cost, self.took = "rest", round.requests, now - self.started
   self.failing = round.failed
   local fast, slow = self:fast(), slowest(self)
   self.interval = round.changed and not round.failed and fast or math.min(math.max(self.interval * GROWTH, fast), slow)
   local pause, soonest, _, all = self.interval, self:estimates()
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

-- The job that is to be asked for now because of a hint. A round that is due and the next page of
-- one come first: hints that keep coming must not hold them up.
local function next_hinted(self, now)
   if self.hints.waiting == 0 or self.hold and now < self.hold then return nil end
   if self.phase == "rest" and now >= self.due or self.phase == "list" and self.round.no_hints then return nil end
   return hints.take(self.hints, now)
end

-- The next job of the round that is asked for by itself.
local function next_single(self, round)
   while true do
      round.at = round.at + 1
      local job = round.singles[round.at]
      if not job then return nil end
      if is_unseen(self, job) then return job end
   end
end

--- What to do now.
-- @treturn string "done": no job is left; "wait": nothing for so many seconds; "page": ask for this
-- page of the list (nil: the first) and tell page() or failed(); "get": ask for this job and tell
-- got(), gone() or failed(), more may be asked for meanwhile; "await": the responses that are still
-- to come
-- @return the seconds, the cursor or the job
-- @treturn boolean|nil of "get": whether a hint is the reason; got(), gone() and failed() need it
function plan:next()
   if self.outstanding == 0 then return "done" end
   local now = self.clock.now()
   local hinted = next_hinted(self, now)
   if hinted then
      self.hinted = self.hinted + 1
      return "get", hinted, true
   end
   if self.hinted > 0 and self.phase ~= "singles" then
      self.round.no_hints = true
      return "await"
   end
   if self.phase == "rest" then
      local left = math.max(math.min(self.due, hints.due(self.hints, now)), self.hold or 0) - now
      if left > 0 then return "wait", left end
      begin_round(self)
   end
   local round = self.round
   if self.phase == "list" then
      round.requests, round.asked = round.requests + 1, now
      return "page", round.cursor
   end
   local job = next_single(self, round)
   if job then
      hints.drop(self.hints, job)
      round.requests, round.under_way = round.requests + 1, round.under_way + 1
      return "get", job
   end
   if round.under_way > 0 then return "await" end
   end_round(self)
   return self:next()
end

--- Lets the next round begin at once, unless the server asked for a pause.
function plan:hurry() self.due = self.clock.now() end

-- ---- responses ----------------------------------------------------------------------------------

-- A job was looked at: the list is not read further for it in this round.
local function looked_at(self, job)
   if self.phase == "list" and is_unseen(self, job) and is_looked_for(self, job) then
      self.round.unseen = self.round.unseen - 1
   end
   job.seen = self.rounds
end

-- `page`: of the list, on which it stood; nil: it was asked for.
local function see(self, job, status, page)
   looked_at(self, job)
   if page then
      job.page = page
      if job.rest then job.rest, job.look_at = nil, nil end
   end
   if self:see(job, status) then self.round.changed = true end
end

-- A single request has been answered: by a status, by "not found", or not at all.
local function came_back(self, hinted)
   if hinted then self.hinted = self.hinted - 1
   else self.round.under_way = self.round.under_way - 1 end
end

--- A page of the list has come: plan:part is told its statuses, all at once or in parts, and then
-- plan:end_page the rest.
function plan:begin_page()
   local round = self.round
   self.hold = nil
   round.page, round.no_hints = round.page + 1, nil
end

--- Statuses of the page, from one place in it to another.
function plan:part(statuses, first, last)
   local round = self.round
   for i = first, last do
      local status = statuses[i]
      local job = self.jobs[status.process_id:lower()]
      if job and job ~= true and not job.over then
         see(self, job, status, round.page)
         if job.hint and job.hint < round.asked then hints.drop(self.hints, job) end
      end
   end
end

--- The page has ended.
-- @tparam table|nil pagination as of client:get_page
-- @treturn string|nil what is wrong with it; the statuses count all the same
function plan:end_page(pagination)
   local round = self.round
   local cursor = pagination and pagination.has_next_page and pagination.next_cursor
   if cursor and round.cursors[cursor] then
      return "the server sent a cursor that it had sent before in this iteration"
   end
   if cursor and may_read_on(round) then
      round.cursors[cursor], round.cursor = true, cursor
   else
      self.list_failures = 0
      begin_singles(self, round)
   end
end

--- A page of the list has come, whole.
-- @tparam table page as of client:get_page
-- @treturn string|nil as of end_page
function plan:page(page)
   self:begin_page()
   self:part(page.data, 1, #page.data)
   return self:end_page(page.pagination)
end

--- A single job's status has come.
-- @tparam[opt] boolean hinted as next() gave it
function plan:got(job, status, hinted)
   self.hold = nil
   came_back(self, hinted)
   if not hinted then self.round.failures = 0 end
   if not job.over and not job.removed then see(self, job, status) end
end

--- The server does not know the job.
function plan:gone(job, err, hinted)
   came_back(self, hinted)
   if job.over or job.removed then return end
   looked_at(self, job)
   self:lose(job, err)
   self.round.changed = true
end

--- A response did not come. A page that did not come ends the round; the jobs it did not see are
-- looked at in the next one. Where lists fail again and again, each job is asked for instead. What
-- a hint was the reason for is left to the next round.
-- @param job nil: it was a page
-- @tparam table err the error object; for `err.retry_after` seconds nothing is asked
-- @tparam[opt] boolean hinted as next() gave it
function plan:failed(job, err, hinted)
   local round = self.round
   if err.retry_after then self.hold = math.max(self.hold or 0, self.clock.now() + err.retry_after) end
   if job then came_back(self, hinted) end
   if hinted then return end
   round.failed = true
   if job then
      round.failures = round.failures + 1
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

--- Ends the round where it is: the responses that are still to come will not be told.
function plan:abandon()
   self.hinted = 0
   if self.phase == "rest" then return end
   self.round.failed = true
   end_round(self)
end

return plan
