-- client:step(timeout, budget): how much of the tasks' work one step does.
-- Counted on a clock that stands still between the tasks.
local core = require "topaz.core"
local world = require "spec.support.world"

describe("client:step() with a budget", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local now, time, client = core.now, 0, nil

   before_each(function()
      client = world.client(emulator())
      time = now()
      core.now = function() return time end -- luacheck: ignore 122
   end)
   after_each(function()
      core.now = now -- luacheck: ignore 122
      client:close()
   end)

   -- Tasks that each take a second of the clock in a turn, and what says whose turns there were.
   local function busy(count, turns)
      local order = {}
      for i = 1, count do
         client:spawn(function()
            for _ = 1, turns or 1 do
               time = time + 1
               order[#order + 1] = i
               coroutine.yield()
            end
         end)
      end
      return order
   end

   it("leaves what does not fit for the next step, in its order", function()
      local order = busy(10)
      assert.same({ 0, 10, true }, { client:step(0, 3) })
      assert.same({ 1, 2, 3 }, order)
      assert.same({ 0, 10, true }, { client:step(0, 2.5) })
      assert.same({ 1, 2, 3, 4, 5, 6 }, order)
      client:step(0, 100)
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, order)
   end)

   it("runs one task at least in each step, and each in its turn", function()
      local order = busy(3, 2)
      for _ = 1, 6 do client:step(0, 0) end
      assert.same({ 1, 2, 3, 1, 2, 3 }, order)
      for _ = 1, 3 do client:step(0, 0) end
      assert.same({ 0, 0, false }, { client:step(0, 0) })
   end)

   it("takes no time for those that only wait", function()
      for _ = 1, 5 do client:spawn("sleep", 3600) end
      local order = busy(2)
      assert.same({ 0, 7, true }, { client:step(0, 1) })
      assert.same({ 1 }, order)
      assert.equal(0, client:timeout()) -- a loop comes back at once
      client:step(0, 1)
      assert.same({ 1, 2 }, order)
   end)

   it("wakes a crowd of sleepers over several steps", function()
      local woken, calls = 0, 0
      for _ = 1, 1000 do
         client:spawn(function()
            client:sleep(5)
            woken = woken + 1
         end)
      end
      client:step(0)
      time = time + 10
      core.now = function() -- luacheck: ignore 122
         calls = calls + 1
         return time + calls * 0.001
      end
      local steps = 0
      repeat
         local before = woken
         client:step(0, 0.1)
         steps = steps + 1
         assert.is_true(woken - before < 200, woken - before)
      until woken == 1000 or steps == 1000
      assert.equal(1000, woken)
      assert.is_true(steps > 5)
   end)

   it("without one runs all", function()
      local order = busy(10)
      assert.same({ 0, 10 }, { client:step(0) })
      assert.equal(10, #order)
   end)

   it("refuses what makes no sense where it is called", function()
      for _, wrong in ipairs { { "x" }, { -1 }, { 0 / 0 }, { {} }, { 0, "x" }, { 0, -1 }, { 0, 0 / 0 }, { 0, {} } } do
         local ok, err = pcall(function() client:step(table.unpack(wrong)) end)
         assert.is_false(ok)
         assert.matches("^spec/integration/step_budget_spec.lua:%d+: bad argument '%l+': expected seconds", err)
      end
   end)
end)
