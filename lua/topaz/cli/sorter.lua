--- Statuses in the order of a member. With a limit it holds about twice as many at most.
local Sorter = {}
Sorter.__index = Sorter

-- Numbers stand before texts, what is neither stands behind both, and both ways round.
local RANK = { number = 1, string = 2 }

-- Whether the item a comes before b; equal ones stay in the order in which they came.
local function order(descending)
   return function(a, b)
      if a.rank ~= b.rank then return a.rank < b.rank end
      if a.key == b.key or a.rank == 3 then return a.number < b.number end
      if descending then return a.key > b.key end
      return a.key < b.key
   end
end

local function sort(self)
   local items = self.items
   table.sort(items, self.before)
   for i = #items, self.limit + 1, -1 do items[i] = nil end
end

--- Adds a status.
function Sorter:add(status)
   local key = status[self.member]
   self.count = self.count + 1
   table.insert(self.items, { rank = RANK[type(key)] or 3, key = key, number = self.count, status = status })
   if #self.items >= 2 * self.limit + 100 then sort(self) end
end

--- Iterates over the statuses in their order.
function Sorter:each()
   sort(self)
   local i = 0
   return function()
      i = i + 1
      return self.items[i] and self.items[i].status
   end
end

--- An empty one.
-- @tparam string member
-- @tparam boolean descending
-- @tparam[opt] integer limit only the first so many are wanted
return function(member, descending, limit)
   return setmetatable({ member = member, before = order(descending), limit = limit or math.maxinteger // 4,
      items = {}, count = 0 }, Sorter)
end
