--- Options of the emulator and of its proxy.
--
-- Not read by topaz.core, as those of the library are: the emulator is the server's side. It starts
-- where the core is missing or broken, for other clients and for the core's own specs. And many of
-- its options may be of several types, which the core's reader does not know.

local function shown(value) return type(value) == "string" and "'" .. value .. "'" or tostring(value) end

-- Whether the value is in the range: { least, most, whether it must be an integer }.
local function is_in(range, value)
   return type(value) == "number" and value >= range[1] and value <= range[2]
      and (not range[3] or math.tointeger(value) ~= nil)
end

--- Returns a table with the given value, or the default, of each option. Raises on the line that
-- called start() for an unknown name, and for a number that is out of its range.
-- @tparam table|nil given
-- @tparam table defaults
-- @tparam string name of the module, for the message
-- @tparam table ranges option → { least, most, whether it must be an integer }
return function(given, defaults, name, ranges)
   local options = {}
   for option in pairs(given or {}) do
      if defaults[option] == nil then error(name .. ": unknown option: " .. tostring(option), 3) end
   end
   for option, value in pairs(defaults) do
      local own, range = given and given[option], ranges[option]
      if own ~= nil then
         if range and own ~= defaults[option] and not is_in(range, own) then
            error(("%s: %s: expected %s from %.14g to %.14g, got %s"):format(name, option,
               range[3] and "an integer" or "a number", range[1], range[2], shown(own)), 3)
         end
         value = own
      end
      options[option] = value
   end
   return options
end
