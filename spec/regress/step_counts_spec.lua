-- What step() returned had been counted before tasks had their turn: a loop that ran until it was 0
-- left what they had begun. And one that gave it no limit never returned when nothing was under
-- way.
local world = require "spec.support.world"

describe("client:step()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("counts what its own tasks have begun", function()
      local client <close> = world.client(emulator())
      client:spawn(function() client:start("get_page") end)
      assert.same({ 1, 0 }, { client:step(0) })
      client:step(0)
      assert.equal(1, client:stats().attempts)
   end)

   it("without a limit waits for what is under way, and not for nothing", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator())
      assert.same({ 0, 0 }, { client:step(math.huge) })
      local call, other = client:start("get_status", id), client:start("get_status", id)
      local task = client:spawn(client.sleep, client, 0.01)
      local steps = 0
      repeat
         local requests, tasks = client:step(math.huge)
         steps = steps + 1
      until requests + tasks == 0
      assert.is_true(call:done() and other:done() and task:done())
      assert.is_true(steps < 20)
      assert.same({ 0, 0 }, { client:step(math.huge) })
   end)
end)
