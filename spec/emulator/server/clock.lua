-- The time of the emulated service: the machine's own, or one that stands still until it is moved.
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

-- Unix seconds, with a fraction.
function clock.now()
  if virtual then return start + offset end
  return ngx.now() + offset
end

function clock.advance(seconds)
  offset = offset + seconds
  return clock.now()
end

return clock
