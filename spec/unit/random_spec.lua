-- The library's own random numbers, of a client.
local core = require "topaz.core"
local topaz = require "topaz"

local function new_client() return topaz.client { api_key = "k", base_url = "http://127.0.0.1:9/v1" } end

describe("core.random", function()
   local client
   before_each(function() client = new_client() end)
   after_each(function() client:close() end)

   it("gives numbers from 0 to below 1, spread evenly", function()
      local buckets = {}
      for _ = 1, 10000 do
         local x = core.random(client)
         assert.is_true(x >= 0 and x < 1)
         local i = math.floor(x * 10)
         buckets[i] = (buckets[i] or 0) + 1
      end
      for i = 0, 9 do assert.is_true(buckets[i] > 800 and buckets[i] < 1200, buckets[i]) end
   end)

   it("gives each client a sequence of its own, and a closed one too", function()
      local other <close> = new_client()
      local a, b = core.random(client), core.random(other)
      assert.not_equal(a, b)
      client:close()
      assert.not_equal(a, core.random(client))
      assert.has_error(function() core.random {} end)
   end)

   it("leaves the sequence of the host's math.random alone", function()
      math.randomseed(7)
      local expected = { math.random(), math.random() }
      math.randomseed(7)
      core.random(client)
      local first = math.random()
      core.random(client)
      assert.same(expected, { first, math.random() })
   end)

   it("is what the library uses: no module of it calls math.random", function()
      local found = io.popen "grep -rln 'math[.]random' lua/topaz --include='*.lua'":read "a"
      assert.equal("", found)
   end)
end)
