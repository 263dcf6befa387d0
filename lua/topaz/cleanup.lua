--- Bulk clean-up: deleting what has ended, while the list is still being read.
local core = require "topaz.core"
local words = require "topaz.words"

local methods = core.client_methods()

local WINDOW = 200        -- deletions begun and not yet answered; the core sends as many of them as it has connections or streams
local WINDOW_LEFT = 150   -- of them under way, when the list is read on
local READINGS_MAX = 8    -- of the whole list
local FAILURES_MAX = 20   -- in a row, after which all stops
local ERRORS_KEPT = 100
local WAIT = 0.1          -- seconds until a full window is looked through, when its oldest deletion takes longer

-- Failures that would meet every other deletion as well.
local FATAL = { unauthorized = true, forbidden = true, tls = true, cancelled = true, closed = true }

local OPTIONS = {
   { "older_than", "number", 0, 0, 1e9 },
   { "status", "table" },
   { "dry_run", "boolean", false },
   { "on_progress", "function" },
}

-- ---- options -----------------------------------------------------------------------------------------------------

local function misuse(name, text, ...) error(("bad argument '%s': " .. text):format(name, ...), 5) end

local function check_words(list)
   local count = 0
   for _ in pairs(list) do count = count + 1 end
   if count == 0 or count ~= #list then misuse("status", "expected a list of Completed, Cancelled, Failed") end
   for _, word in ipairs(list) do
      if not words.is_finished[word] then misuse("status", "expected Completed, Cancelled or Failed, got '%s'", tostring(word)) end
   end
   return { table.unpack(list) }
end

local function read_options(given)
   if type(given) == "table" and type(given.status) == "string" then
      local copy = {}
      for name, value in pairs(given) do copy[name] = value end
      copy.status = { given.status }
      given = copy
   end
   local o = core.options(given, OPTIONS)
   o.status = check_words(o.status or { "Completed" })
   return o
end

-- ---- deletions -----------------------------------------------------------------------------------------------------

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

-- Calls what may raise an error object, when the client is closed or a page cannot be read: its result, or nil and the object.
local function attempt(f, ...)
   local ok, result = pcall(f, ...)
   if ok then return result end
   if type(result) ~= "table" then error(result, 0) end
   return nil, result
end

-- Notes what a deletion came to; true: all has to stop.
local function count(self, process_id, done, answer)
   local report = self.report
   local name = done and (answer or "deleted") or answer.kind == "not_found" and "already_gone"
      or answer.kind == "conflict" and "refused" or "failed"
   report[name] = report[name] + 1
   if not done and name ~= "already_gone" and #report.errors < ERRORS_KEPT then
      report.errors[#report.errors + 1] = { process_id = process_id, error = answer }
   end
   self.failures = name == "failed" and self.failures + 1 or 0
   return name == "failed" and (FATAL[answer.kind] or self.failures >= FAILURES_MAX)
end

-- Takes the answers that are there. Returns how many, and the error that stops everything.
local function take_answers(self)
   local still, stop = {}, nil
   local flying = self.flying
   self.flying = still
   for _, flight in ipairs(flying) do
      if stop or not flight.request:done() then
         still[#still + 1] = flight
      else
         local done, answer = flight.request:result()
         if count(self, flight.process_id, done, answer) then stop = answer end
      end
   end
   local taken = #flying - #still
   if taken > 0 then tell(self) end
   return taken, stop
end

-- Waits until at most `most` deletions are under way. Returns the error that stops everything.
local function wait_for_room(self, most)
   local waiter = core.waiter(self.client)
   while #self.flying > most do
      local taken, stop = take_answers(self)
      if stop then return stop end
      if taken == 0 then
         -- For the oldest one, but not for long: one that is tried again must not keep the others waiting.
         local reason = waiter(self.client, self.flying[1].request:id(), core.now() + WAIT)
         if reason then return core.error { kind = reason, operation = "delete_finished", message = "ended by the caller" } end
      end
   end
end

-- Ends what is under way. A deletion that was sent and not answered may have happened: it counts as failed, with outcome "unknown".
local function drop_deletions(self)
   local flying = self.flying
   self.flying = {}
   for _, flight in ipairs(flying) do flight.request:cancel() end
   for _, flight in ipairs(flying) do
      local done, answer = flight.request:result()
      if done or answer.outcome ~= "unsent" then count(self, flight.process_id, done, answer) end
   end
end

-- ---- the list --------------------------------------------------------------------------------------------------------

-- The cutoff is the same for the whole clean-up; the server's clock is known once its first answer has come.
local function is_old_enough(self, status)
   local older_than = self.options.older_than
   if older_than == 0 then return true end
   self.cutoff = self.cutoff or core.wall() + (self.client:stats().clock_skew or 0) - older_than
   return type(status.modification_time) == "number" and status.modification_time <= self.cutoff
end

-- Begins the deletion of a status unless it was met before. Returns the error that stops everything.
local function consider(self, status)
   local key = status.process_id:lower()
   if self.met[key] or not is_old_enough(self, status) then return end
   self.met[key] = true
   self.report.matched = self.report.matched + 1
   if self.options.dry_run then return end
   if #self.flying >= WINDOW then
      local stop = wait_for_room(self, WINDOW_LEFT)
      if stop then return stop end
   end
   local request, err = attempt(self.client.start, self.client, "delete_status", status.process_id)
   if not request then return err end
   self.flying[#self.flying + 1] = { request = request, process_id = status.process_id }
end

-- Reads the list once, deleting meanwhile. Returns how many pages it has, or nil and the error that ended it.
local function read_list(self)
   local cursor, err = attempt(self.client.statuses, self.client, {
      limit = 100, fields = { "process_id", "modification_time" }, where = { status = self.options.status },
   })
   if not cursor then return nil, err end
   self.cursor = cursor
   local pages = 0
   while true do
      local status, problem = attempt(cursor.in_page, cursor)
      if problem then return nil, problem end
      if status == false then return pages end
      if status then
         problem = consider(self, status)
      else
         pages = pages + 1
         if self.options.dry_run then tell(self)
         else
            local _, stop = take_answers(self)
            problem = stop
         end
      end
      if problem then return nil, problem, true end
   end
end

--- Deletes the statuses of jobs that have ended, several at a time, while the list is still being read; no status twice.
--
-- A server may skip records in a list while others are deleted from it. So a list of several pages is read again until a reading leads
-- to no deletion, at most 8 times.
-- @tparam[opt] table options `older_than` seconds (0) since the status was last modified, by the server's clock; `status` a word or a
-- list of words of Completed, Cancelled, Failed ({ "Completed" }); `dry_run` (false) counts and deletes nothing; `on_progress` function
-- (report), called as it goes
-- @treturn table report, in any case: `matched`, and of these `deleted`, `already_gone`, `refused` (409) and `failed`; `errors`, the first
-- 100 of refused and failed ones as { process_id, error }, where `error.outcome` may be "unknown": it may have been deleted; `stopped`
-- @treturn table|nil the error object that ended it early, also in `report.stopped`: the list could not be read, a deletion met 401 or
-- 403, 20 deletions in a row failed, or the task was cancelled or the client closed
function methods.delete_finished(client, options)
   local report = { matched = 0, deleted = 0, already_gone = 0, refused = 0, failed = 0, errors = {} }
   local self <close> = setmetatable({
      client = client, options = read_options(options), report = report, met = {}, flying = {}, failures = 0,
   }, Cleanup)
   for _ = 1, READINGS_MAX do
      local deleted = report.deleted
      local pages, err, at_once = read_list(self)
      if not at_once and not (err and FATAL[err.kind]) then
         err = wait_for_room(self, 0) or err
      end
      if err then
         drop_deletions(self)
         report.stopped = err
         tell(self)
         return report, err
      end
      if pages <= 1 or report.deleted == deleted then break end
   end
   return report
end
