-- The library's own random numbers.
local random = require "topaz.random"

describe("topaz.random", function()
   it("gives numbers from 0 to below 1, spread evenly", function()
      local buckets = {}
      for _ = 1, 10000 do
         local x = random()
         assert.is_true(x >= 0 and x < 1)
         local i = math.floor(x * 10)
         buckets[i] = (buckets[i] or 0) + 1
      end
      for i = 0, 9 do assert.is_true(buckets[i] > 800 and buckets[i] < 1200, buckets[i]) end
   end)

   it("leaves the sequence of the host's math.random alone", function()
      math.randomseed(7)
      local expected = { math.random(), math.random() }
      math.randomseed(7)
      random()
      local first = math.random()
      random()
      assert.same(expected, { first, math.random() })
   end)

   it("is what the library uses: no module of it calls math.random", function()
      local found = io.popen "grep -rln 'math[.]random' lua/topaz --include='*.lua'":read "a"
      assert.equal("lua/topaz/random.lua\n", found)
   end)
end)
