--- The time of the emulated service: the machine's clock, or a clock that changes only on command.
-- (LuaJIT, inside nginx.)

local clock = {}

local virtual, start, offset = false, 0, 0
local first = {}

function clock.init(settings)
   first = { virtual = settings.clock == "virtual", start = settings.time, skew = settings.skew }
   clock.reset()
end

function clock.reset()
   virtual, start, offset = first.virtual, first.start, first.skew
end

--- Returns Unix seconds, with a fraction.
function clock.now()
   if virtual then return start + offset end
   return ngx.now() + offset
end

function clock.advance(seconds)
   offset = offset + seconds
   return clock.now()
end

return clock
