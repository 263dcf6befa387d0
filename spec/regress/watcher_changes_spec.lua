-- A watcher whose last job was removed went on until its next round;
-- one that had been cancelled still took jobs.
local world = require "spec.support.world"

describe("a watcher", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function()
      client:close()
      emulator():set { latency = 0 }
   end)

   -- Steps without waiting, so that nothing can be over by time.
   local function steps(n) for _ = 1, n do client:step(0) end end

   it("ends at once when another task removes its last job between rounds", function()
      local ids = emulator():add_jobs { count = 2, status = "Processing" }
      local watcher = client:watch(ids)
      local task = client:spawn(function() return watcher() == nil end)
      repeat client:step(0.05) until world.seen(emulator()) > 0 and client:stats().pending == 0
      steps(3)
      assert.equal(1, watcher:remove(ids[1]))
      steps(3)
      assert.is_false(task:done())
      assert.equal(1, watcher:remove(ids[2]))
      steps(3)
      assert.is_true(task:done())
      assert.is_true(task:result())
   end)

   it("ends at once when its last job is removed while answers are awaited, and takes others later", function()
      for _, count in ipairs { 1, 30 } do
         emulator():reset()
         emulator():set { latency = 30 }
         local ids = emulator():add_jobs { count = count, status = "Completed" }
         local watcher = client:watch(ids)
         local task = client:spawn(function() return watcher() == nil end)
         repeat client:step(0.05) until world.seen(emulator()) > 0
         assert.equal(count, watcher:remove(ids))
         steps(5)
         assert.is_true(task:done())
         assert.is_true(task:result())
         assert.equal(0, client:stats().pending)
         emulator():set { latency = 0 }
         local others = emulator():add_jobs { count = 3, status = "Failed" }
         assert.equal(3, watcher:add(others))
         local n = 0
         for _ in watcher do n = n + 1 end
         assert.equal(3, n)
      end
   end)

   it("takes no job once it has been closed, and says why", function()
      local ids = emulator():add_jobs { count = 2, status = "Processing" }
      local watcher = client:watch { ids[1] }
      watcher:cancel()
      local count, err = watcher:add(ids[2])
      assert.equal(0, count)
      assert.equal("cancelled", err.kind)
      assert.equal(1, watcher:pending())
      local other = client:watch { ids[1] }
      client:close()
      count, err = other:add(ids[2])
      assert.equal(0, count)
      assert.equal("closed", err.kind)
   end)

   it("refuses a list whose ids are not seen, such as one that was made read-only", function()
      local ids = emulator():add_jobs { count = 2, status = "Processing" }
      local list = setmetatable({}, { __index = ids })
      -- wait_all gave {}, as if all were finished
      for _, name in ipairs { "watch", "wait_all", "wait_any" } do
         local ok, message = pcall(client[name], client, list)
         assert.is_false(ok)
         assert.matches("bad argument 'ids': expected a list of UUIDs", message, nil, true)
      end
   end)
end)
