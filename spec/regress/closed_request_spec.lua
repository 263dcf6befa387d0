-- A request that its scope had closed stayed "active":
-- asking for its result never came back. And a delete_all_statuses whose answer was there, but
-- not yet asked for, was told to be `unsent` when the client was closed or the request cancelled.
local world = require "spec.support.world"

describe("a request", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("that its scope has closed says so", function()
      for steps = 0, 3 do
         local client <close> = world.client(emulator())
         local kept
         do
            local request <close> = client:start "get_page"
            kept = request
            for _ = 1, steps do client:step(0.001) end
         end
         assert.is_true(kept:done())
         local page, err = kept:result()
         assert.is_true(page ~= nil or err.kind == "cancelled")
      end
   end)

   it("that its scope has closed wakes the task that waits for it", function()
      emulator():set { latency = 5 }
      local client <close> = world.client(emulator())
      local request = client:start "get_page"
      local task = client:spawn(function() return select(2, request:result()).kind end)
      client:step(0.01)
      client:step(0.01)
      do local _ <close> = request end
      for _ = 1, 5 do client:step(0) end
      assert.is_true(task:done())
      assert.equal("cancelled", task:result())
      emulator():set { latency = 0 }
   end)

   for _, how in ipairs { "cancel", "close" } do
      it("that has deleted everything is not `unsent` after " .. how, function()
         emulator():add_jobs { count = 3, status = "Completed" }
         local client <close> = world.client(emulator())
         local request = client:start "delete_all_statuses"
         while not request:done() do client:step(0.1) end
         if how == "cancel" then request:cancel() else client:close() end
         local count, note = request:result()
         assert.is_truthy(count)
         assert.equal("count_unknown", note)
         assert.equal(0, #emulator():jobs())
      end)

      it("whose answer is there was sent, after " .. how, function()
         local client <close> = world.client(emulator())
         local request = client:start("get_status", "00000000-0000-4000-8000-000000000001")
         emulator():fault { status = 200, body = '{"process_id":"x","status":"Pending"}' }
         while not request:done() do client:step(0.1) end
         if how == "cancel" then request:cancel() else client:close() end
         local status, err = request:result()
         assert.is_nil(status)
         assert.is_nil(err.outcome)
      end)
   end
end)
