--- A binary heap: what is due first comes out first.
local heap = {}
heap.__index = heap

--- An empty one.
function heap.new() return setmetatable({ keys = {}, values = {}, size = 0 }, heap) end

--- Adds `value` under the number `key`.
function heap:push(key, value)
   local keys, values, i = self.keys, self.values, self.size + 1
   keys[i], values[i] = key, value -- the room is there before anything moves: want of memory leaves the heap as it was
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
   if n == 1 then return key, value end
   local i = 1
   while 2 * i < n do
      local child = 2 * i
      if child + 1 < n and keys[child + 1] < keys[child] then child = child + 1 end
      if last_key <= keys[child] then break end
      keys[i], values[i] = keys[child], values[child]
      i = child
   end
   keys[i], values[i] = last_key, last_value
   return key, value
end

--- Iterates over all values, in no order: index, value.
function heap:each() return ipairs(self.values) end

return heap
