--- Random numbers of the library's own: the host's sequence of math.random stays as it is.
local core = require "topaz.core"

local state = 0

-- xorshift64*; seeded at the first use, from both clocks and an address, so that processes drift
-- apart.
local function seed()
   local address = tonumber(tostring {}:match "0x(%x+)" or "0", 16)
   state = (math.floor(core.wall() * 1e6) ~ (math.floor(core.now() * 1e9) << 20) ~ (address << 7)) | 1
end

--- A number in [0, 1).
return function()
   if state == 0 then seed() end
   state = state ~ (state >> 12)
   state = state ~ (state << 25)
   state = state ~ (state >> 27)
   return ((state * 0x2545F4914F6CDD1D) >> 11) * 2.0 ^ -53
end
