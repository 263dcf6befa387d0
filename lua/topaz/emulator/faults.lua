--- Faults of the emulator and of its proxy.
local faults = {}

--- Returns the set of the names in a text.
function faults.names(text)
   local set = {}
   for name in text:gmatch "%S+" do set[name] = true end
   return set
end

--- Returns a copy of a fault in the form that the server expects. Raises on the line that called
-- fault() for an unknown name.
-- @tparam table given
-- @tparam table names a set
-- @tparam string module for the message
function faults.read(given, names, module)
   local sent = {}
   for name, value in pairs(given) do
      if not names[name] then error(("%s: unknown fault: %s"):format(module, tostring(name)), 3) end
      sent[name] = value
   end
   if sent.times == math.huge then sent.times = -1 end
   return sent
end

return faults
