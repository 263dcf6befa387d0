--- Ctrl-Z, going on after it, and another size of the terminal, for programs that draw: their
-- signals wait until the program looks, at each drawing, and can give the terminal back first.
local core = require "topaz.core"

local stops = {}

local Stops = {}
Stops.__index = Stops

--- Lets the signals wait. Until it is closed, look() has to be called often.
function stops.hold() return setmetatable({ signals = core.signals() }, Stops) end

--- Does what the signals that have come ask for.
-- @tparam function give gives the terminal back, before the process stops
-- @treturn string|nil "resumed": the process has been stopped since, and what was on the terminal
-- may be gone; "resized"
function Stops:look(give)
   local seen
   while true do
      local what = self.signals:next()
      if what == "stop" then
         give()
         self.signals:stop()
         seen = "resumed"
      elseif what == "continue" then seen = "resumed"
      elseif what == "resize" then seen = seen or "resized"
      else return seen end
   end
end

--- Lets them go. May be called again.
function Stops:close() self.signals:close() end

Stops.__close = Stops.close

return stops
