-- A finalizer that runs at the end of each cycle of the collector.

--- Makes an object whose finalizer calls `act` in the cycle number `point`, and makes the next one.
-- @tparam integer|nil point
-- @tparam function act
-- @tparam[opt=false] boolean once no object is made after `act`
-- @treturn function stop(): makes no more objects, and returns how many cycles there were
return function(point, act, once)
   local count, armed = 0, true
   local function lay()
      setmetatable({}, { __gc = function()
         count = count + 1
         if count == point then
            if once then armed = false end
            act()
         end
         if armed then lay() end
      end })
   end
   lay()
   return function()
      armed = false
      return count
   end
end
