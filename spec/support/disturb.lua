-- Disturbs a function by a finalizer, at one of the many places where Lua may run finalizers.
local collector = require "spec.support.collector"
local each_cycle = require "spec.support.each_cycle"

--- Calls f while garbage is collected at nearly every step.
-- @tparam integer turn which finalizer calls `act`; those before it do nothing
-- @tparam function act
-- @tparam function f
-- @tparam integer step_size logarithm of the bytes between two steps of the collector
-- @treturn boolean whether `act` was called; then what pcall(f) returns
return function(turn, act, f, step_size)
   local acted = false
   collector.incremental(4, step_size)
   collectgarbage() -- before the first object: each cycle's end says when the next one begins
   local stop = each_cycle(turn, function()
      acted = true
      act()
   end, true)
   local result = table.pack(pcall(f))
   collector.usual()
   collectgarbage()
   stop()
   return acted, table.unpack(result, 1, result.n)
end
