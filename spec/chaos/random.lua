--- Random numbers that are the same for the same seed, whatever else uses math.random (splitmix64).
local random = {}
random.__index = random

--- A generator for one purpose: `random.new(seed, round, "script")` differs from all with other
-- words, and repeats itself.
function random.new(...)
   local self = setmetatable({ state = 0 }, random)
   for _, word in ipairs { ... } do
      if type(word) == "string" then
         for i = 1, #word do self.state = self.state * 31 + word:byte(i) end
      else
         self.state = self.state + word
      end
      self.state = self:bits()
   end
   return self
end

function random:bits()
   self.state = self.state + 0x9E3779B97F4A7C15
   local z = self.state
   z = (z ~ (z >> 30)) * 0xBF58476D1CE4E5B9
   z = (z ~ (z >> 27)) * 0x94D049BB133111EB
   return z ~ (z >> 31)
end

--- A float in [0, 1).
function random:share() return (self:bits() >> 11) / (1 << 53) end

--- An integer from `least` to `most`.
function random:integer(least, most) return least + math.floor(self:share() * (most - least + 1)) end

function random:chance(p) return self:share() < p end

function random:pick(list) return list[self:integer(1, #list)] end

--- One of { { weight, value }, … }.
function random:weighted(list)
   local total = 0
   for _, entry in ipairs(list) do total = total + entry[1] end
   local at = self:share() * total
   for _, entry in ipairs(list) do
      at = at - entry[1]
      if at < 0 then return entry[2] end
   end
   return list[#list][2]
end

--- An integer from 1 to `most`, small ones as likely as those of each further power of two.
function random:spread(most) return math.floor(most ^ self:share()) end

--- A UUID.
function random:uuid()
   local a, b = self:bits(), self:bits()
   return ("%08x-%04x-4%03x-a%03x-%012x"):format(a & 0xFFFFFFFF, a >> 32 & 0xFFFF, a >> 48 & 0xFFF, b >> 48 & 0xFFF,
      b & 0xFFFFFFFFFFFF)
end

return random
