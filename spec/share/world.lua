-- A farm on a simulated clock: members of topaz.share, a simulated Redis and a simulated API.
--
--   local farm = world.new { members = 10, jobs = 1000, seed = 1 }
--   farm:at(20, function() farm:kill(farm:leader()) end)
--   farm:run()
--   farm.requests, farm.lost, farm.doubled, farm.delays …
--
-- Jobs are those of spec/bench/watch_model.lua, dealt out to the members. A member sends eight
-- requests at a time; each takes 50 ms; a command to Redis half a millisecond each way.
local heap = require "topaz.heap"
local member = require "topaz.share.member"
local model = require "spec.bench.watch_model"
local simulated_redis = require "spec.share.simulated_redis"

local World = {}
World.__index = World

local REDIS_DELAY = 0.0005
local STEP = 1e-5 -- seconds until the next step at the soonest: one costs some 5 µs
local RETRIES, BACKOFF = 4, 0.5 -- of a request that meets a 429, as of topaz.client

-- ---- time ---------------------------------------------------------------------------------------

--- Calls f at that time.
function World:at(time, f)
   self.events:push(math.max(time, self.time) + self.count * 1e-12, f)
   self.count = self.count + 1
end

function World:after(seconds, f) self:at(self.time + seconds, f) end

-- ---- the API ------------------------------------------------------------------------------------

local function failure(kind, more)
   local err = { kind = kind, message = kind, operation = "get_status" }
   for name, value in pairs(more or {}) do err[name] = value end
   return err
end

-- What the server answers now: nil and an error, or the function's result.
local function serve(self, process, answer)
   self.requests, process.requests = self.requests + 1, process.requests + 1
   local second = math.floor(self.time)
   self.by_second[second] = (self.by_second[second] or 0) + 1
   if self.limit then
      local tat = math.max(self.tat or 0, self.time)
      if tat - self.time > 1 then
         self.refused = self.refused + 1
         return nil, failure("rate_limited", { http_status = 429, retry_after = self.retry_after })
      end
      self.tat = tat + 1 / self.limit
   end
   if self.forced and self.forced[process] then
      local err = self.forced[process]
      self.forced[process] = nil
      return nil, err
   end
   if self.api_down or process.unreachable then return nil, failure "network" end
   if process.silent then return nil end
   return answer()
end

local send_next

-- The client sends it again, as topaz.client does: after a random time that grows, not before
-- Retry-After.
local function retry(self, process, request, retry_after)
   local pause = math.max(BACKOFF * 2 ^ request.retries * self.random(), retry_after or 0)
   request.retries = request.retries + 1
   self:after(pause, function()
      table.insert(process.queue, 1, request)
      process.deliver(function() send_next(self, process) end)
   end)
end

local function ask(self, process, answer, done)
   local request = { answer = answer, done = done, retries = 0 }
   function request.cancel() request.cancelled = true end
   table.insert(process.queue, request)
   send_next(self, process)
   return request
end

function send_next(self, process)
   while process.sending < model.AT_A_TIME and #process.queue > 0 do
      local request = table.remove(process.queue, 1)
      if not request.cancelled then
         process.sending = process.sending + 1
         self:after(self.slow or model.LATENCY, function()
            local result, err = serve(self, process, request.answer)
            process.deliver(function()
               process.sending = process.sending - 1
               local limited = err and err.kind == "rate_limited"
               if limited then process.member.brake:limited(20, err.retry_after or 0) end
               if limited and request.retries < RETRIES then retry(self, process, request, err.retry_after)
               elseif not request.cancelled and (result or err) then request.done(result, err) end
               send_next(self, process)
            end)
         end)
      end
   end
end

-- ---- processes ----------------------------------------------------------------------------------

local Process = {}
Process.__index = Process

-- Lets the member do what is due, and plans its next turn.
local function turn(process)
   local world = process.world
   if process.stopped or not process.alive or process.asleep then return end
   process.version = process.version + 1
   local version, due = process.version, process.member:turn()
   if not due then return end
   world:at(math.max(due, world.time + STEP), function()
      if process.version == version then turn(process) end
   end)
end

local function host_of(world, process)
   local host = { now = function() return world.time end, server_time = function() return world.time end }
   host.random, host.max_rate = world.random, world.max_rate
   host.max_delay = world.max_delay and world.max_delay(process.number)
   function host.open() return world.redis:connect(process.deliver) end
   function host.page(cursor, done)
      return ask(world, process, function() return model.page_of(world, cursor, world.time) end, done)
   end
   function host.get(id, done)
      world.singles = world.singles + 1
      return ask(world, process, function()
         local job = world.by_id[id]
         if job.poison and (not world.poisoned or world.poisoned(process)) then return nil, failure "protocol" end
         if job.gone and world.time >= job.over then return nil, failure("not_found", { process_id = id }) end
         return model.status_of(job, world.time)
      end, done)
   end
   function host.event(role, text)
      process.events[#process.events + 1] = { time = world.time, role = role, text = text }
      if role == "lead" and not text:find "publish/subscribe" then
         world.leads[#world.leads + 1] = { time = world.time, process = process }
      end
   end
   function host.fatal(err) process.fatal = err end
   return host
end

local function listener_of(world, process)
   local listener = {}
   function listener.seen() end
   local function told(key)
      if not process.told[key] then process.waiting = process.waiting - 1 end
      process.told[key], world.unsure = true, true
   end
   function listener.ended(_, key, status)
      local job = world.by_id[key]
      assert(world.time >= job.over and status.status == "Completed", "an end that is not true")
      if process.told[key] then world.doubled = world.doubled + 1 end
      told(key)
      process.latest = math.max(process.latest or 0, world.time - math.max(job.over, process.watched_at[key]))
      world.delays[#world.delays + 1] = world.time - math.max(job.over, process.watched_at[key])
      world.last_end = world.time
   end
   function listener.lost(_, key)
      told(key)
      world.gone = world.gone + 1
   end
   function listener.refused(_, key, err)
      told(key)
      process.refusals[key] = err.kind
   end
   return listener
end

local function new_process(world, never_leads)
   local process = setmetatable({
      world = world, alive = true, stopped = false, asleep = false, pending = {}, version = 0, queue = {}, sending = 0,
      requests = 0, events = {}, waiting = 0, number = #world.processes + 1, told = {}, watched_at = {}, refusals = {},
   }, Process)
   function process.deliver(f)
      if not process.alive then return end
      if process.stopped or process.asleep then
         table.insert(process.pending, f)
         return
      end
      f()
      turn(process)
   end
   process.member = member.new(host_of(world, process), "topaz1:{sim}:", never_leads)
   process.member.union.plan.clock.random = world.plan_random
   table.insert(world.processes, process)
   return process
end

--- Begins to watch; the process turns from now on.
function Process:start()
   self.place = self.member:join(listener_of(self.world, self))
   self.place:enter()
   turn(self)
end

function Process:watch(job)
   if not self.watched_at[job.id] then self.waiting = self.waiting + 1 end
   self.watched_at[job.id] = self.world.time
   self.place:hold(job.id)
   turn(self)
end

function Process:stop() self.stopped = true end

local function go_on(self)
   local pending = self.pending
   self.pending = {}
   for _, f in ipairs(pending) do f() end
   turn(self)
end

function Process:continue()
   self.stopped = false
   go_on(self)
end

--- The body of its loop runs for so long, and steps nothing.
function Process:sleep(seconds)
   self.asleep = true
   self.place:exit()
   self.world:after(seconds, function()
      self.asleep = false
      self.place:enter()
      go_on(self)
   end)
end

function Process:kill()
   self.alive, self.world.unsure = false, true
   self.member.listen:close()
   self.member.link:close()
end

--- Leaves the farm and enters it again: its last watcher was closed, and another one opened.
function Process:rejoin()
   self.place:leave()
   self.place = self.member:join(listener_of(self.world, self))
   self.place:enter()
   for id in pairs(self.watched_at) do
      if not self.told[id] then self.place:hold(id) end
   end
   turn(self)
end

--- Forgets jobs, and watches them again in the same step.
function Process:change_mind()
   for id in pairs(self.watched_at) do
      if not self.told[id] then
         self.place:release(id)
         if self.world.random() < 0.5 then turn(self) end
         self.place:hold(id)
      end
   end
   turn(self)
end

function Process:leave()
   self.place:leave()
   self.left, self.alive, self.world.unsure = true, false, true
end

-- ---- the farm -----------------------------------------------------------------------------------

--- A farm.
-- @tparam table options members, jobs, seed; `never_leads(i)`, `starts(i)` seconds, `watches(i,
-- job)`
-- further members that watch the same, `limit` a second of the server; `max_delay(i)` of a member;
-- `deal(i)`: which member watches the job of that number; `jitter`: seconds by which what goes to
-- and from Redis is later, at most
local function new(options)
   local random, plan_random = model.generator(options.seed or 1), model.generator(options.seed or 1)
   model.make_jobs(options.jobs, plan_random)
   local world = setmetatable({
      time = 0, count = 0, events = heap.new(), random = random,
      plan_random = plan_random, requests = 0, by_second = {}, refused = 0, gone = 0,
      doubled = 0, delays = {}, processes = {}, leads = {}, by_id = {}, newer = options.newer or 0,
      older = options.older or 0, unsure = true, coming = options.jobs,
      limit = options.limit, max_rate = options.max_rate, max_delay = options.max_delay, singles = 0,
   }, World)
   world.jobs = model.make_jobs(options.jobs, random)
   local clock = {
      now = function() return world.time end, after = function(seconds, f) world:after(seconds, f) end,
   }
   world.redis = simulated_redis.new(clock, options.redis_delay or REDIS_DELAY)
   if options.jitter then world.redis.jitter = function() return options.jitter * random() end end
   if options.setup then options.setup(world) end
   for i = 1, options.members do
      local process = new_process(world, options.never_leads and options.never_leads(i))
      world:at(options.starts and options.starts(i) or 0, function() process:start() end)
   end
   for i, job in ipairs(world.jobs) do
      world.by_id[job.id] = job
      local number = options.deal and options.deal(i) or (i - 1) % options.members + 1
      local process = world.processes[number]
      world:at(math.max(job.begin, options.starts and options.starts(number) or 0), function()
         world.coming = world.coming - 1
         if process.alive then process:watch(job) end
      end)
   end
   return world
end

--- Who leads by its own word.
function World:leader()
   for _, process in ipairs(self.processes) do
      if process.alive and not process.stopped and process.member.role == "lead" then return process end
   end
   return nil
end

--- Those of a role that are alive.
function World:of_role(role)
   local list = {}
   for _, process in ipairs(self.processes) do
      if process.alive and process.member.role == role then list[#list + 1] = process end
   end
   return list
end

--- Watched jobs of living processes whose end was not given out.
function World:missing()
   local count = self.coming
   for _, process in ipairs(self.processes) do
      if process.alive then count = count + process.waiting end
   end
   return count
end

--- Runs until that time; else until every end was given out, or twenty simulated minutes.
function World:run(till)
   local last = self.jobs[#self.jobs]
   while true do
      local at, f = self.events:peek()
      if not at or at > (till or 1200) then break end
      self.events:pop()
      self.time = math.max(self.time, at)
      f()
      if not till and self.unsure and self.time > last.begin + 1 then
         self.unsure = false
         if self:missing() == 0 then break end
      end
   end
   if till then self.time = till end
   table.sort(self.delays)
   return self
end

--- The most requests within one second of a time.
function World:peak(from, to)
   local most = 0
   for second, count in pairs(self.by_second) do
      if second >= (from or 0) and second <= (to or math.huge) then most = math.max(most, count) end
   end
   return most
end

function World:p95() return model.percentile(self.delays, 0.95) end

return { new = new }
