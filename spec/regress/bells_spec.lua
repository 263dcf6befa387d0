-- A bell kept each one that had ever waited for it, and the heap each sleeper until its time,
-- though it had been woken long before.
local core = require "topaz.core"
local waiter = require "topaz.waiter"
local world = require "spec.support.world"

describe("sleeps that end early", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local function count(set)
      local n = 0
      for _ in pairs(set) do n = n + 1 end
      return n
   end

   it("by a bell leave nothing behind", function()
      local bell, rounds = { waiters = {} }, 0
      client:spawn(function()
         while rounds < 1000 do
            bell.rung = false
            assert(waiter.sleep(client, 3600, bell))
            rounds = rounds + 1
         end
      end)
      while rounds < 1000 do
         client:step(0)
         waiter.ring(client, bell)
      end
      assert.equal(0, count(bell.waiters))
      assert.is_true(core.state(client).sleepers.size <= 128, core.state(client).sleepers.size)
   end)

   it("by being cancelled leave nothing behind", function()
      for _ = 1, 1000 do
         local task = client:spawn("sleep", 3600)
         client:step(0)
         task:cancel()
         client:step(0)
      end
      local state = core.state(client)
      assert.same({ 0, 0, 0 }, { state.alive, count(state.parked), count(state.waiting) })
      assert.is_true(state.sleepers.size <= 128, state.sleepers.size)
   end)

   it("keep those that sleep on in their order", function()
      local order = {}
      for i = 1, 5 do
         client:spawn(function()
            client:sleep(i * 0.01)
            order[#order + 1] = i
         end)
      end
      for _ = 1, 300 do
         local task = client:spawn("sleep", 3600)
         client:step(0)
         task:cancel()
      end
      client:run()
      assert.same({ 1, 2, 3, 4, 5 }, order)
   end)

   it("and waits for a task, by many in turn, leave nothing behind", function()
      local long = client:spawn("sleep", 3600)
      for _ = 1, 500 do
         local task = client:spawn(function() return pcall(long.await, long) end)
         client:step(0)
         task:cancel()
         client:step(0)
      end
      assert.equal(0, count(long.waiters))
   end)
end)
