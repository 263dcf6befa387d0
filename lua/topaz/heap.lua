--- A binary heap: what is due first comes out first.
local heap = {}
heap.__index = heap

--- An empty one.
function heap.new() return setmetatable({ keys = {}, values = {}, size = 0 }, heap) end

-- Puts key and value where they belong, from the place `i` downward in the heap.
local function sink(self, i, key, value)
   local keys, values, n = self.keys, self.values, self.size
   while 2 * i <= n do
      local child = 2 * i
      if child < n and keys[child + 1] < keys[child] then child = child + 1 end
      if key <= keys[child] then break end
      keys[i], values[i] = keys[child], values[child]
      i = child
   end
   keys[i], values[i] = key, value
end

--- Adds `value` under the number `key`.
function heap:push(key, value)
   local keys, values, i = self.keys, self.values, self.size + 1
   -- The room is there before anything moves: out of memory, the heap is as it was.
   keys[i], values[i] = key, value
   self.size = i
   while i > 1 do
      local parent = i // 2
      if keys[parent] <= key then break end
      keys[i], values[i] = keys[parent], values[parent]
      i = parent
   end
   keys[i], values[i] = key, value
end

--- The least key and its value, or nil when it is empty.
function heap:peek() return self.keys[1], self.values[1] end

--- Takes the least one out: key, value; nil when it is empty.
function heap:pop()
   local keys, values, n = self.keys, self.values, self.size
   if n == 0 then return nil end
   local key, value = keys[1], values[1]
   local last_key, last_value = keys[n], values[n]
   self.size = n - 1
   keys[n], values[n] = nil, nil
   if n > 1 then sink(self, 1, last_key, last_value) end
   return key, value
end

--- Takes out every one whose value `keep` says no to. Nothing is allocated.
function heap:filter(keep)
   local keys, values, kept = self.keys, self.values, 0
   for i = 1, self.size do
      local key, value = keys[i], values[i]
      keys[i], values[i] = nil, nil
      if keep(value) then
         kept = kept + 1
         keys[kept], values[kept] = key, value
      end
   end
   self.size = kept
   for i = kept // 2, 1, -1 do sink(self, i, keys[i], values[i]) end
end

--- Iterates over all values, in no order: index, value.
function heap:each() return ipairs(self.values) end

return heap
