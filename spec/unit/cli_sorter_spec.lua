-- topaz.cli.sorter: the order of statuses by a member of any type, and how many it holds.
local new = require "topaz.cli.sorter"

describe("topaz.cli.sorter", function()
   local function sorted(keys, descending, limit)
      local sorter, out = new("key", descending, limit), {}
      for i, key in ipairs(keys) do sorter:add { key = key ~= "none" and key or nil, i = i } end
      for status in sorter:each() do out[#out + 1] = status.i end
      return out
   end

   it("puts numbers before texts, and what is neither last, both ways round", function()
      local keys = { "b", 2.5, "none", 10, true, "a", -1, {} }
      assert.same({ 7, 2, 4, 6, 1, 3, 5, 8 }, sorted(keys, false))
      assert.same({ 4, 2, 7, 1, 6, 3, 5, 8 }, sorted(keys, true))
   end)

   it("leaves equal ones in the order in which they came", function()
      local keys = {}
      for i = 1, 1000 do keys[i] = i % 3 end
      for _, descending in ipairs { false, true } do
         local before
         for _, i in ipairs(sorted(keys, descending)) do
            if before and keys[before] == keys[i] then assert.is_true(before < i) end
            before = i
         end
      end
   end)

   it("with a limit gives the first ones of the whole, and holds few", function()
      local keys, most = {}, 0
      for i = 1, 5000 do keys[i] = i * 7919 % 5003 end
      local all = sorted(keys, false)
      assert.same(table.move(all, 1, 10, 1, {}), sorted(keys, false, 10))
      local sorter = new("key", true, 10)
      for _, key in ipairs(keys) do
         sorter:add { key = key }
         most = math.max(most, #sorter.items)
      end
      assert.is_true(most <= 120, most)
   end)
end)
