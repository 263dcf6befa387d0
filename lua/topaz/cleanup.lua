--- Bulk clean-up: deleting what has ended, while the list is still being read.
local core = require "topaz.core"
local limits = require "topaz.limits"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"
local times = require "topaz.times"
local waiter = require "topaz.waiter"
local words = require "topaz.words"

local methods = core.client_methods()

local AHEAD_LEFT = 150    -- deletions under way, when the list is read on; see limits.AHEAD
local READINGS_MAX = 1000 -- of the whole list: new jobs may finish as fast as they are deleted
local FAILURES_MAX = 20   -- in a row, after which all stops
local ERRORS_KEPT = 100
local WAIT = 0.1          -- seconds until all of a full window are looked at, not the oldest alone

local OPTIONS = {
   { "older_than", "number", 0, 0, 1e9 },
   { "newer_than", "number", nil, 0, 1e9 },
   { "status", "table" },
   { "where", "table" },
   { "dry_run", "boolean", false },
   { "on_progress", "function" },
   { "headers", "headers" },
}

-- The same where `status` is one word, not a list.
local OPTIONS_WITH_WORD = table.move(OPTIONS, 1, #OPTIONS, 1, {})
for i, row in ipairs(OPTIONS) do
   if row[1] == "status" then OPTIONS_WITH_WORD[i] = { "status", "string" } end
end

-- ---- options ------------------------------------------------------------------------------------

local WHERE_DEPTH = 3 -- of tables: members, what one may be, what one may not be

-- With what is in it, so many tables deep. No finalizer and no hook may run meanwhile.
local function copied(value, depth)
   if type(value) ~= "table" or depth == 0 then return value end
   local copy = {}
   for key, part in next, value do copy[key] = copied(part, depth - 1) end
   return copy
end

local WORDS = table.concat(words.finished, ", ")

local function check_words(given)
   local list, count = parking.undisturbed(copied, given, 1), 0
   for _ in pairs(list) do count = count + 1 end
   if count == 0 or count ~= #list then misuse.argument("status", "expected a list of %s", WORDS) end
   for _, word in ipairs(list) do
      if not words.is_finished[word] then
         misuse.argument("status", "expected one of %s, got %s", WORDS, misuse.shown(word))
      end
   end
   return list
end

-- A copy with all that is in it, without which a caller's later change would choose other statuses:
-- the list may be read several times.
local function copy_where(client, where)
   misuse.call(client.statuses, client, { where = where }):close() -- only to check what is given
   local copy = parking.undisturbed(copied, where or {}, WHERE_DEPTH)
   for member, option in pairs { status = "status", modification_time = "older_than and newer_than" } do
      if copy[member] ~= nil then misuse.argument("where", "'%s' is chosen by the option %s", member, option) end
   end
   return copy
end

local function read_options(client, given)
   local is_word = type(given) == "table" and type(rawget(given, "status")) == "string"
   local o = misuse.options(given, is_word and OPTIONS_WITH_WORD or OPTIONS)
   o.status = check_words(is_word and { o.status } or o.status or { "Completed" })
   o.where = copy_where(client, o.where)
   o.modified, o.created = { older_than = o.older_than, newer_than = o.newer_than }, o.where.creation_time
   return o
end

-- ---- deletions ----------------------------------------------------------------------------------

local Cleanup = {}
Cleanup.__index = Cleanup

-- However it ends, also by an error of the caller's on_progress: nothing of it goes on.
function Cleanup.__close(self)
   if self.cursor then self.cursor:close() end
   for _, flight in ipairs(self.flying) do flight.request:cancel() end
end

local function tell(self)
   if self.options.on_progress then self.options.on_progress(self.report) end
end

-- Notes what a deletion came to; true: all has to stop.
local function count(self, process_id, done, result)
   local report = self.report
   local name = done and (result or "deleted") or result.kind == "not_found" and "already_gone"
      or result.kind == "conflict" and "refused" or "failed"
   report[name] = report[name] + 1
   if not done and name ~= "already_gone" and #report.errors < ERRORS_KEPT then
      report.errors[#report.errors + 1] = { process_id = process_id, error = result }
   end
   if name == "failed" and result.outcome == "unknown" then self.unknown = self.unknown + 1 end
   self.failures = name == "failed" and self.failures + 1 or 0
   return name == "failed" and (words.is_fatal[result.kind] or self.failures >= FAILURES_MAX)
end

-- Counts the results that have come. Returns how many, and the error that stops everything.
local function take_results(self)
   local still, stop = {}, nil
   local flying = self.flying
   self.flying = still
   for _, flight in ipairs(flying) do
      if stop or not flight.request:done() then
         still[#still + 1] = flight
      else
         local done, result = flight.request:result()
         if count(self, flight.process_id, done, result) then stop = result end
      end
   end
   local taken = #flying - #still
   if taken > 0 then tell(self) end
   return taken, stop
end

-- Waits until at most `most` deletions are under way. Returns the error that stops everything.
local function wait_for_room(self, most)
   local waits = core.waiter(self.client)
   while #self.flying > most do
      local taken, stop = take_results(self)
      if stop then return stop end
      if taken == 0 then
         -- For the oldest one, but not for long: one that is tried again must not keep the others
         -- waiting.
         local reason = waits(self.client, self.flying[1].request:id(), core.now() + WAIT)
         if reason then return waiter.ended(self.client, reason, "delete_finished") end
      end
   end
end

-- Ends what is under way. A deletion that was sent and not answered may have happened: it counts as
-- failed, with outcome "unknown".
local function drop_deletions(self)
   local flying = self.flying
   self.flying = {}
   for _, flight in ipairs(flying) do flight.request:cancel() end
   for _, flight in ipairs(flying) do
      local done, result = flight.request:result()
      if done or result.outcome ~= "unsent" then count(self, flight.process_id, done, result) end
   end
end

-- ---- the list -----------------------------------------------------------------------------------

-- Begins the deletion of a status unless it was met before. Returns the error that stops
-- everything.
local function consider(self, status)
   local key = status.process_id:lower()
   if self.met[key] then return end
   self.met[key] = true
   self.report.matched = self.report.matched + 1
   if self.options.dry_run then return end
   if #self.flying >= limits.AHEAD then
      local stop = wait_for_room(self, AHEAD_LEFT)
      if stop then return stop end
   end
   if self.presence then
      local may, stopped = self.presence:wait_to_send()
      if not may then return stopped end
   end
   local request, err = misuse.attempt(self.client.start, self.client, "delete_status", status.process_id, self.call)
   if not request then return err end
   self.flying[#self.flying + 1] = { request = request, process_id = status.process_id }
end

-- A range with its ages as times: one time for all readings, so that the limits stay. A wrong clock
-- would delete too much, so both clocks must agree: the server's, which is known from its first
-- response on, and this machine's.
local function fixed(self, given)
   local range = {}
   for bound, value in pairs(given) do range[bound] = value end
   local here, server_time = self.begun, self.server_time
   if given.older_than then
      range.max = math.min(given.max or math.huge, math.min(server_time or here, here) - given.older_than)
   end
   if given.newer_than then
      range.min = math.max(given.min or -math.huge, math.max(server_time or here, here) - given.newer_than)
   end
   if server_time then range.older_than, range.newer_than = nil, nil end
   return range
end

-- The statuses to delete, as client:statuses takes it.
local function where_of(self)
   local o, where = self.options, self.options.where
   where.status = o.status
   if o.older_than > 0 or o.newer_than then where.modification_time = fixed(self, o.modified) end
   if type(o.created) == "table" then where.creation_time = fixed(self, o.created) end
   return where
end

-- Reads the list once, deleting meanwhile. Returns how many pages it has, or nil and the error that
-- ended it.
local function read_list(self)
   local cursor, err = misuse.attempt(misuse.call, self.client.statuses, self.client, {
      limit = limits.PAGE, fields = { "process_id" }, headers = self.options.headers, where = where_of(self),
   })
   if not cursor then return nil, err end
   self.cursor = cursor
   local pages = 0
   while true do
      local status, problem = misuse.attempt(cursor.in_page, cursor)
      if problem then return nil, problem end
      -- known since the first response
      self.server_time = self.server_time or times.server_time(self.client)
      if status == false then return pages end
      if status then
         problem = consider(self, status)
      else
         pages = pages + 1
         if self.options.dry_run then tell(self)
         else
            local _, stop = take_results(self)
            problem = stop
         end
      end
      if problem then return nil, problem, true end
   end
end

-- How many records may have gone from the list, and so have shifted those behind them.
local function removed(self)
   return self.report.deleted + self.report.already_gone + self.unknown
end

-- Ends it early, with what the error object says.
local function stop(self, err)
   drop_deletions(self)
   self.report.stopped, self.report.incomplete = err, true
   tell(self)
   return self.report, err
end

--- Deletes the statuses of finished jobs while the list is still being read; no status twice.
function methods.delete_finished(client, options)
   misuse.check_client(client)
   local report = { matched = 0, deleted = 0, already_gone = 0, refused = 0, failed = 0, errors = {} }
   local o = read_options(client, options)
   local self <close> = setmetatable({
      client = client, options = o, call = { headers = o.headers }, report = report, met = {}, flying = {},
      failures = 0, unknown = 0, begun = core.wall(),
   }, Cleanup)
   waiter.check(client)
   local farm = parking.state(client).share
   local presence <close> = farm and require "topaz.share.jobs".presence(farm)
   self.presence = presence
   -- Where a server's cursors count records, deletions make it skip some: a list of several pages
   -- is read again until a reading leads to no deletion.
   for _ = 1, READINGS_MAX do
      local before = removed(self)
      local pages, err, at_once = read_list(self)
      if not at_once and not (err and words.is_fatal[err.kind]) then
         err = wait_for_room(self, 0) or err
      end
      if err then return stop(self, err) end
      if pages <= 1 or removed(self) == before then return report end
   end
   return stop(self, core.error {
      kind = "protocol", operation = "delete_finished",
      message = ("the list still had new statuses to delete after %d readings; there may be more"):format(
         READINGS_MAX),
   })
end
