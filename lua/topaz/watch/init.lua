--- Waiting for many jobs: the watcher, and the methods of a client that give one or use one up.
--
-- topaz.watch.plan says what is asked, and when; topaz.watch.ask asks it.
local ask = require "topaz.watch.ask"
local core = require "topaz.core"
local limits = require "topaz.limits"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"
local plan = require "topaz.watch.plan"
local times = require "topaz.times"
local token = require "topaz.watch.token"

local methods = core.client_methods()

local watch = {}

local OPTIONS = {
   { "timeout", "number", 3600, 0, limits.STATUS_LIFE },
   { "on_progress", "function" },
   { "resume", "string" },
   { "headers", "headers" },
}

local Watcher = {}
Watcher.__index = Watcher
Watcher.__name = "topaz.watcher"

-- ---- making one ---------------------------------------------------------------------------------

-- The list that was given as a list of ids or as one id.
local function list_of(ids)
   if core.is_process_id(ids) then return { ids } end
   if type(ids) ~= "table" then misuse.argument("ids", "expected a list of UUIDs, got %s", misuse.shown(ids)) end
   local n, keys = #ids, 0
   local list = table.move(ids, 1, n, 1, {})
   for _ in next, ids do keys = keys + 1 end
   -- With ids that its metatable adds, as a proxy has them, there are more than keys.
   if keys ~= n or ids[n + 1] ~= nil then
      misuse.argument("ids", "expected a list of UUIDs, got a table with other keys or holes")
   end
   for i = 1, n do
      if not core.is_process_id(list[i]) then
         misuse.argument("ids", "expected UUIDs, got %s at %d", misuse.shown(list[i]), i)
      end
   end
   return list
end

local function resumed(text)
   local ids = token.read(text)
   if not ids then misuse.argument("resume", "not a valid watch token: expected the whole text of watcher:token()") end
   return ids
end

local function new(client, operation, ids, options)
   misuse.check_client(client)
   local o = misuse.options(options, OPTIONS)
   local list = ids == nil and o.resume and {} or list_of(ids)
   local more = o.resume and resumed(o.resume) or {}
   local clock = {
      now = core.now, random = function() return core.random(client) end,
      server_time = function() return times.server_time(client) end,
   }
   local farm = parking.state(client).share
   local jobs = farm and require "topaz.share.jobs" -- only where it is used
   local planned = (jobs or plan).new(clock, o.on_progress ~= nil, farm)
   for _, id in ipairs(list) do planned:add(id) end
   for _, id in ipairs(more) do planned:add(id) end
   return setmetatable({
      client = client, on_progress = o.on_progress, plan = planned,
      ask = (jobs and jobs.waiting or ask.new)(client, operation, o, planned),
   }, Watcher)
end

-- ---- the iterator -------------------------------------------------------------------------------

-- Why nothing will be watched any more; nil: it goes on.
local function why_over(self)
   if self.closed then return self.ask:failure("cancelled", "the watcher was closed") end
   local why = misuse.unusable(self.client)
   return why and self.ask:failure("closed", why)
end

local Turn = {
   __close = core.uninterrupted(function(turn) turn.watcher.busy, turn.watcher.telling = false, nil end),
}

-- The next job that has ended: status, nil or why it is gone, its id as it was given. nothing: no
-- job is left. nil, nil, nil and the error object: the loop has to end.
local function next_ended(self)
   if self.busy and self.telling == coroutine.running() then
      misuse.raise "the watcher was called inside itself, by its on_progress: return first, the loop gives the next job"
   elseif self.busy then
      misuse.raise "another task is waiting in this watcher's loop"
   end
   local turn <close> = setmetatable({ watcher = self }, Turn) -- luacheck: ignore 211
   self.busy = true
   while not self.closed do
      local news = self.plan:news()
      if not news then
         local err = why_over(self)
         if err then return nil, nil, nil, err end
         local result = self.ask:advance()
         if result == "done" then return nil end
         if result and not self.closed then return nil, nil, nil, result end
      elseif news.changed and self.on_progress then
         news.changed = false -- first, so that an error in on_progress loses nothing
         self.telling = coroutine.running()
         self.on_progress(news.status, news.previous)
         self.telling = nil
      else
         self.plan:take(news)
         if news.ends then return news.status, news.err, plan.id_of(news.job) end
      end
   end
   return nil, nil, nil, why_over(self)
end

function Watcher:__call()
   misuse.check_self(self, Watcher)
   local status, gone, _, err = next_ended(self)
   if err then error(err, 0) end
   return status, gone
end

-- ---- its methods --------------------------------------------------------------------------------

--- Adds a job, or a list of jobs. May be called in the loop and from other tasks.
function Watcher:add(ids)
   misuse.check_self(self, Watcher)
   local list, count, err = list_of(ids), 0, why_over(self)
   if err then return 0, err end
   for _, id in ipairs(list) do
      if self.plan:add(id) then count = count + 1 end
   end
   self.ask:wake()
   return count
end

--- Forgets a job, or a list of jobs. Where it was the last one the loop ends at once.
function Watcher:remove(ids)
   misuse.check_self(self, Watcher)
   local count = 0
   for _, id in ipairs(list_of(ids)) do
      if self.plan:remove(id) then count = count + 1 end
   end
   if count > 0 and self.plan.outstanding == 0 then
      self.ask:forget()
      self.plan:abandon()
      self.ask:wake()
   end
   return count
end

local BODY_MOST = 65536 -- bytes; a status has less than a kilobyte, but for its options

-- The id in what a webhook has brought; nil and why there is none.
local function offered_id(body)
   if type(body) == "string" then
      if #body > BODY_MOST then return nil, "too_large" end
      body = core.decode(body)
   elseif type(body) ~= "table" then
      misuse.argument("body", "expected the text of a status or a table, got %s", type(body))
   end
   local id = type(body) == "table" and body.process_id
   if not core.is_process_id(id) then return nil, "not_a_status" end
   return id
end

--- Takes what a webhook has brought as a hint that a job may have changed: it is asked for soon.
function Watcher:offer(body)
   misuse.check_self(self, Watcher)
   local id, problem = offered_id(body)
   local err = why_over(self)
   if err then return nil, err end
   if not id then return false, problem end
   local used, why = self.plan:offer(id)
   if used then self.ask:wake() end
   return used, why
end

--- How far the jobs are, from what was seen last.
function Watcher:progress()
   misuse.check_self(self, Watcher)
   return self.plan:progress()
end

--- The statuses seen last of the jobs that have not ended.
function Watcher:statuses()
   misuse.check_self(self, Watcher)
   return self.plan:statuses()
end

--- How many jobs the loop has not had yet.
function Watcher:pending()
   misuse.check_self(self, Watcher)
   return self.plan:pending()
end

--- The watch token of the jobs that the loop has not had yet.
function Watcher:token()
   misuse.check_self(self, Watcher)
   if self.token_of ~= self.plan.members then
      self.token_text, self.token_of = token.write(self.plan:packed_ids()), self.plan.members
   end
   return self.token_text
end

--- Ends the watching, at once also when another task waits in the loop.
function Watcher:cancel()
   misuse.check_self(self, Watcher)
   if self.closed then return end
   self.closed = true
   self.ask:forget()
   self.ask:wake()
end

Watcher.close = Watcher.cancel
Watcher.__close = Watcher.cancel

function Watcher:__tostring()
   return ("topaz.watcher (%s, %d pending)"):format(self.closed and "closed" or "open", self.plan:pending())
end

-- ---- the client's methods -----------------------------------------------------------------------

--- Watches jobs: an iterator that gives each one once, as it ends.
function methods.watch(client, ids, options)
   local watcher = new(client, "watch", ids, options)
   return watcher, nil, nil, watcher
end

--- Waits for one job, by a watcher.
-- @return its status; nil, the error object, and the status seen last
function watch.wait_one(client, id, options)
   local watcher <close> = new(client, "wait_until_done", { id }, options)
   local status, gone, _, err = next_ended(watcher)
   if status and not gone then return status end
   return nil, gone or err, gone and gone.status or watcher.plan:statuses()[1]
end

--- What client:wait_all does, with something beside it.
-- @tparam[opt] function beside (watcher) gives what is closed when the wait ends
function watch.wait_all(client, ids, options, beside)
   local watcher <close> = new(client, "wait_all", ids, options)
   local other <close> = beside and beside(watcher) -- luacheck: ignore 211
   local statuses = {}
   while true do
      local status, gone, id, err = next_ended(watcher)
      if err then
         err.statuses = statuses
         return nil, err
      elseif not status then
         return statuses
      end
      statuses[id] = gone or status
   end
end

--- Waits until all jobs have ended.
function methods.wait_all(client, ids, options) return watch.wait_all(client, ids, options) end

--- Waits until one of the jobs has ended. One that the server does not know counts only when no
-- other one is left.
function methods.wait_any(client, ids, options)
   local watcher <close> = new(client, "wait_any", ids, options)
   if watcher:pending() == 0 then misuse.argument("ids", "expected at least one UUID") end
   local lost
   while true do
      local status, gone, _, err = next_ended(watcher)
      if status and not gone then return status end
      if not status then return nil, err or lost end
      lost = gone
   end
end

return watch
