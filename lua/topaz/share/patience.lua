--- The option `max_delay`: jobs that were not looked at for so long are asked for one by one,
-- between the requests for all, by the leader.
--
-- A member's patience knows when each of its jobs was looked at last. A heap has each job once, by
-- the time at which it will have waited too long. That time is out of date where the job was looked
-- at since: then it goes back when it is first. So a look costs one assignment.
local heap = require "topaz.heap"
local hints = require "topaz.watch.hints"

local SPARE = 1000 -- jobs that do not wait any more and are still in the heap
local TICK = 1     -- seconds between two turns
local MOST = 10    -- requests at a time, so that a round for all is not held up for long
local SHARE = 0.25 -- of the farm's rate

local Patience = {}
Patience.__index = Patience

--- Without jobs.
-- @tparam number max_delay seconds
local function new(max_delay)
   return setmetatable({
      seconds = math.max(max_delay, hints.EVERY), -- the plan would not ask sooner again
      since = -math.huge, -- nothing counts as older
      entries = {},       -- key -> { key, looked: when it was looked at last }
      count = 0,
      due = heap.new(),
   }, Patience)
end

--- A job that waits from now on.
function Patience:add(key, now)
   local entry = { key = key, looked = now }
   if not self.entries[key] then self.count = self.count + 1 end
   self.entries[key] = entry
   self.due:push(now + self.seconds, entry)
end

--- It was looked at.
function Patience:look(key, now)
   local entry = self.entries[key]
   if entry then entry.looked = now end
end

--- It does not wait any more.
function Patience:remove(key)
   if not self.entries[key] then return end
   self.entries[key], self.count = nil, self.count - 1
   if self.due.size <= 2 * self.count + SPARE then return end
   self.due:filter(function(entry) return self.entries[entry.key] == entry end)
end

--- All wait from now on.
function Patience:restart(now) self.since = now end

--- A job that has waited too long, once: it counts as looked at.
-- @treturn string|nil key; nil: none has
-- @treturn number|nil without a key: when to ask again; nil: not before a job comes
function Patience:overdue(now)
   local at, entry = self.due:peek()
   while at and at <= now do
      self.due:pop()
      if self.entries[entry.key] == entry then
         local due = math.max(entry.looked, self.since) + self.seconds
         if due <= now then entry.looked = now end
         self.due:push(entry.looked == now and now + self.seconds or due, entry)
         if due <= now then return entry.key end
      end
      at, entry = self.due:peek()
   end
   return nil, at
end

-- ---- what the leader asks ----------------------------------------------------------------------

local Turns = {}
Turns.__index = Turns

--- What makes a plan ask for the jobs of impatient members, in turn.
local function new_turns() return setmetatable({ list = {}, at = 0, next = -math.huge, credit = 1 }, Turns) end

function Turns:add(patience) table.insert(self.list, patience) end

function Turns:remove(patience)
   for i, other in ipairs(self.list) do
      if other == patience then return table.remove(self.list, i) end
   end
end

--- Offers the plan the jobs that have waited too long: few at a time, so that the round for all
-- goes on.
-- @tparam number now
-- @tparam topaz.watch.plan plan
-- @tparam number|nil rate requests a second that the farm may send; nil: no limit
-- @treturn number|nil when it has to be called again
function Turns:turn(now, plan, rate)
   local list = self.list
   if #list == 0 then return nil end
   if now < self.next then return self.next end
   local least, none = math.huge, 0
   self.next = now + TICK
   self.credit = math.min(self.credit + TICK * math.min(MOST, rate and rate * SHARE or MOST), MOST)
   while none < #list and self.credit >= 1 and plan.hints.waiting < MOST do
      self.at = self.at % #list + 1
      local key, due = list[self.at]:overdue(now)
      if key then
         none, self.credit = 0, self.credit - 1
         plan:offer(key)
      else
         none, least = none + 1, math.min(least, due or math.huge)
      end
   end
   if none < #list then return self.next end
   return least < math.huge and math.max(least, self.next) or nil
end

return { new = new, turns = new_turns }
