--- Asks the API what the plan of a union wants. It never waits: `turn` begins what may be begun,
-- the responses come to it by the host.
--
-- The host has `now()`, `page(cursor, done)` and `get(id, done)`, which give something to
-- `cancel()`; done(result, err) is called once unless it was cancelled. `fatal(err)`: no further
-- request would go well.
local core = require "topaz.core"
local tally = require "topaz.watch.tally"
local words = require "topaz.words"

local WINDOW = 200      -- single requests under way at a time
local PART = 25         -- statuses of a page that are taken in one step
local RARE = 0.03       -- seconds between two steps; then pages are taken whole, for rounds' sake
local WHOLE = 8         -- pages that are taken so, until it is looked again how rare steps are
local SPACED = 0.2      -- seconds between two requests, times the scale: a farm is never in step

local Poll = {}
Poll.__index = Poll

--- One that asks nothing yet.
-- @tparam table host
-- @tparam topaz.share.union union
-- @tparam table brake what says whether a request may be sent: topaz.share.brake
local function new(host, union, brake)
   return setmetatable({
      host = host, union = union, brake = brake,
      flying = {}, count = 0, -- handle -> true, and how many
      page = nil,             -- one that has come: { data, pagination, taken, at }; no `taken`: new
      whole = 0,              -- how many pages are to be taken in one step
      wanted = nil,           -- what plan:next() said, while it waits for the brake
      scale = 1,              -- one process's rate divided by this
      not_before = -math.huge, -- with a scale: when the next request may be sent
      good = -math.huge,      -- when a response came last that was not a failure
      waits_since = 0,        -- while requests are under way: since when nothing has come
      failures = 0, trouble = nil, -- since then: how many, and the last one
   }, Poll)
end

-- What a request came to that failed.
local function met(self, job, err, cursor, hinted)
   if words.may_pass(err, cursor) then
      self.failures, self.trouble = self.failures + 1, err
      self.union.plan:failed(job, err, hinted)
   elseif job and not words.is_fatal[err.kind] then
      self.union:refused(job, err, hinted)
   else
      self:forget()
      self.host.fatal(err)
   end
end

local function page_came(self, cursor, page, err)
   if not page then return met(self, nil, err, cursor) end
   self.good, self.failures, self.trouble = self.host.now(), 0, nil
   self.page = { data = page.data, pagination = page.pagination }
   self.union:begin_page()
end

-- How many statuses of the page that has come may be taken by now: a step must not take long,
-- whatever a job costs. The one in which it was decoded takes none. And whether steps are rare.
local function may_take(self, page)
   local now, all = self.host.now(), #page.data
   local gap = page.taken and now - page.at
   page.at = now
   if not gap then
      page.taken = 0
      if self.whole == 0 then return nil, false end
      self.whole = self.whole - 1
      return all, true
   end
   if gap < RARE then return math.min(page.taken + PART, all), false end
   self.whole = WHOLE
   return all, true
end

-- Takes a part of the page that has come. True: it has ended, and steps are rare.
local function take_part(self)
   local page = self.page
   local last, is_rare = may_take(self, page)
   if not last then return false end
   local first = page.taken + 1
   page.taken = last
   self.union:part(page.data, first, last)
   if last < #page.data or self.page ~= page then return false end -- forgotten: no job was left
   self.page = nil
   local wrong = self.union:end_page(page.pagination)
   if wrong then met(self, nil, core.error { kind = "protocol", operation = "get_page", message = wrong }) end
   return is_rare
end

local function single_came(self, about, status, err)
   local job, hinted = about.job, about.hinted
   if status then
      self.good, self.failures, self.trouble = self.host.now(), 0, nil
      self.union:got(job, status, hinted)
   elseif err.kind == "not_found" then
      self.good, self.failures, self.trouble = self.host.now(), 0, nil
      self.union:gone(job, err, hinted)
   else
      met(self, job, err, nil, hinted)
   end
end

local function begin(self, method, argument, came, about)
   local flight, began = {}, self.host.now()
   if self.count == 0 then self.waits_since = began end
   self.flying[flight], self.count = true, self.count + 1
   self.page_flies = self.page_flies or method == "page"
   local function done(result, err)
      if not self.flying[flight] then return end
      self.flying[flight], self.count, self.waits_since = nil, self.count - 1, self.host.now()
      if method == "page" then self.page_flies = nil end
      if self.scale > 1 then self.not_before = began + math.max(self.host.now() - began, SPACED) * self.scale end
      came(self, about, result, err)
   end
   flight.handle = self.host[method](argument, done)
end

local function may_begin(self)
   local most = self.scale > 1 and 1 or WINDOW
   return not self.page_flies and self.count < most
end

--- Takes what is left of a page that has come.
function Poll:take_page()
   while self.page do take_part(self) end
end

--- Takes a part of a page that has come, and begins what may be begun.
-- @treturn number|nil when it has to be called again, if nothing comes before
function Poll:turn()
   if self.page and not take_part(self) then return self.host.now() end
   while may_begin(self) do
      local now = self.host.now()
      if now < self.not_before then return self.not_before end
      local what, argument, hinted = table.unpack(self.wanted or {})
      if not what then what, argument, hinted = self.union.plan:next() end
      if what == "wait" then return now + argument * self.scale end
      if what == "done" or what == "await" then return nil end
      local allowed, at = self.brake:spend(now)
      if not allowed then
         self.wanted = { what, argument, hinted }
         return at
      end
      self.wanted = nil
      if what == "page" then begin(self, "page", argument, page_came, argument)
      else begin(self, "get", tally.id_of(argument), single_came, { job = argument, hinted = hinted }) end
   end
   return nil
end

--- Whether the API cannot be reached: requests have failed for `failing` seconds, or nothing at all
-- has come for `silent` seconds. A pause that the server wants is an answer.
function Poll:is_deaf(now, failing, silent)
   if now < self.brake.hold then return false end
   return self.failures >= 2 and now - self.good >= failing or self.count > 0 and now - self.waits_since >= silent
end

--- Forgets the requests under way and ends the round.
function Poll:forget()
   local flying = self.flying
   self.flying, self.count, self.page, self.wanted, self.page_flies = {}, 0, nil, nil, nil
   for flight in pairs(flying) do
      if flight.handle then flight.handle:cancel() end
   end
   self.union.plan:abandon()
end

return { new = new }
