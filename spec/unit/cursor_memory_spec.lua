-- What a cursor remembers of the statuses given out, against a list of them all.
local memory = require "cursor_memory_room"

describe("the memory of a cursor", function()
   it("agrees with a list of the last ones", function()
      for seed = 1, 20 do
         math.randomseed(seed)
         local capacity = 2 ^ math.random(0, 6) // 1 | 0
         local m, all = memory.new(capacity), {}
         -- few different ids: some come again while they are remembered
         local most = math.random(1, 3 * capacity)
         for _ = 1, 6 * capacity do
            local id, first = memory.hash("id " .. math.random(most)), math.random(0, #all)
            local displaced = #all - capacity -- the number of the one that goes, counted from 0
            assert.equal(displaced >= 0 and displaced >= first, memory.add(m, id, first))
            all[#all + 1] = id
            local asked, before = memory.hash("id " .. math.random(most)), math.random(0, #all)
            local expected = false
            for i = math.max(1, #all - capacity + 1), before do expected = expected or all[i] == asked end
            assert.equal(expected, memory.has(m, asked, before))
            local but = math.random(0, 2)
            local from, to = math.max(1, #all - capacity + 1, #all - but - 7), #all - but
            assert.same({ table.unpack(all, from, to) }, { memory.last(m, but) })
         end
      end
   end)

   it("tells ids apart that differ in one place", function()
      local seen, count = {}, 0
      local function try(text)
         local hash = memory.hash(text)
         if seen[hash] then assert.equal(seen[hash], text) else count = count + 1 end
         seen[hash] = text
      end
      for length = 0, 40 do try(("0"):rep(length)) end
      local id = "00000000-0000-4000-8000-000000000000"
      for at = 1, #id do
         for digit in ("123456789abcdef"):gmatch "." do
            try(id:sub(1, at - 1) .. digit .. id:sub(at + 1))
            for other = at + 1, #id do
               try(id:sub(1, at - 1) .. digit .. id:sub(at + 1, other - 1) .. digit .. id:sub(other + 1))
            end
         end
      end
      for i = 1, 100000 do try(("%08x-0000-4000-8000-%012d"):format(i * 2654435761 & 0xffffffff, i)) end
      assert.is_true(count > 100000)
   end)

   it("makes the same of an id on every machine", function()
      -- a token may be read on another one
      assert.equal("ece0383a17d27fc1", ("%016x"):format(memory.hash "00000000-0000-4000-8000-000000000001"))
   end)
end)
