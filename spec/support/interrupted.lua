-- The error of a debug hook that comes once, as that of Ctrl-C does, at a chosen place.

--- Calls f(argument); a hook of this thread raises at the `point`-th of its events.
-- @tparam integer point
-- @tparam function f
-- @param[opt] argument of f
-- @tparam[opt] table o `events`: "cr" (the default), "l" or "count"; `value` of the error
-- @treturn boolean whether that event has come; then what pcall gave
return function(point, f, argument, o)
   local events, value = o and o.events or "cr", o and o.value or "interrupted!"
   local count, fired, thread = 0, false, coroutine.running()
   local function hook()
      if coroutine.running() ~= thread then return end
      count = count + 1
      if count < point then return end
      fired = true
      debug.sethook()
      error(value, 0)
   end
   local ok, err = pcall(function()
      debug.sethook(hook, events == "count" and "" or events, events == "count" and 1 or 0)
      f(argument)
      debug.sethook()
   end)
   debug.sethook()
   return fired, ok, err
end
