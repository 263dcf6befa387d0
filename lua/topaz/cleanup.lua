--- Bulk clean-up: deleting what has ended, while the list is still being read.
local core = require "topaz.core"

local methods = core.client_methods()

local WINDOW = 200        -- deletions begun and not yet answered; the core sends as many of them as it has connections or streams
local READINGS_MAX = 8    -- of the whole list
local FAILURES_MAX = 20   -- in a row, after which all stops
local ERRORS_KEPT = 100
local WAIT = 0.1          -- seconds until a full window is looked through, when its oldest deletion takes longer

-- Failures that would meet every other deletion as well.
local FATAL = { unauthorized = true, forbidden = true, tls = true, cancelled = true, closed = true }
local FINISHED = { Completed = true, Cancelled = true, Failed = true }

local OPTIONS = {
   { "older_than", "number", 0, 0, 1e9 },
   { "status", "table" },
   { "dry_run", "boolean", false },
   { "on_progress", "function" },
}

-- ---- options -----------------------------------------------------------------------------------------------------

local function misuse(name, text, ...) error(("bad argument '%s': " .. text):format(name, ...), 4) end

local function check_words(words)
   local count = 0
   for _ in pairs(words) do count = count + 1 end
   if count == 0 or count ~= #words then misuse("status", "expected a list of Completed, Cancelled, Failed") end
   for _, word in ipairs(words) do
      if not FINISHED[word] then misuse("status", "expected Completed, Cancelled or Failed, got '%s'", tostring(word)) end
   end
   return { table.unpack(words) }
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

-- ---- one clean-up --------------------------------------------------------------------------------------------------

local Cleanup = {}
Cleanup.__index = Cleanup

-- What is still under way when it ends early: cancelled where it can be, and in the report where it cannot be known.
function Cleanup.__close(self)
   if self.cursor then self.cursor:close() end
   for _, flight in ipairs(self.flying) do flight.request:cancel() end
end

local function tell(self)
   if self.options.on_progress then self.options.on_progress(self.report) end
end

local function note_error(report, process_id, err)
   if #report.errors < ERRORS_KEPT then report.errors[#report.errors + 1] = { process_id = process_id, error = err } end
end

-- Counts what a deletion came to; true: it failed in a way that stops everything.
local function count(self, process_id, done, answer)
   local report = self.report
   if done then
      local name = answer == "already_gone" and "already_gone" or "deleted"
      report[name] = report[name] + 1
      self.failures = 0
   elseif answer.kind == "not_found" then
      report.already_gone = report.already_gone + 1
      self.failures = 0
   elseif answer.kind == "conflict" then
      report.refused = report.refused + 1
      note_error(report, process_id, answer)
      self.failures = 0
   else
      report.failed = report.failed + 1
      note_error(report, process_id, answer)
      self.failures = self.failures + 1
      return FATAL[answer.kind] or self.failures >= FAILURES_MAX
   end
   return false
end

-- Looks through the deletions under way, in the order they were begun; true: so many have been answered that there is room.
local function take_answers(self)
   local still, stop = {}, nil
   local flying = self.flying
   self.flying = still
   for i, flight in ipairs(flying) do
      if stop or not flight.request:done() then
         still[#still + 1] = flight
      else
         local done, answer = flight.request:result()
         if count(self, flight.process_id, done, answer) then stop = answer end
         flying[i] = false
      end
   end
   return stop, #flying - #still
end

-- Ends everything under way. A deletion that was sent and not answered may have happened: it counts as failed, outcome "unknown".
local function drop_deletions(self)
   for _, flight in ipairs(self.flying) do flight.request:cancel() end
   for _, flight in ipairs(self.flying) do
      local done, answer = flight.request:result()
      if done or answer.outcome ~= "unsent" then count(self, flight.process_id, done, answer) end
   end
   self.flying = {}
end

-- Waits until at most `most` deletions are under way. Returns the error that stops everything.
local function wait_for_room(self, most)
   local waiter = core.waiter(self.client)
   while #self.flying > most do
      local stop, taken = take_answers(self)
      for _ = 1, taken do tell(self) end
      if stop then return stop end
      if #self.flying > most and taken == 0 then
         local reason = waiter(self.client, self.flying[1].request:id(), core.now() + WAIT)
         if reason then return core.error { kind = reason, operation = "delete_finished", message = "ended by the caller" } end
      end
   end
end
