-- A debug hook or a finalizer that stepped the client just before a task parked took the news
-- for which the task then never woke.
local core = require "topaz.core"
local parking = require "topaz.parking"
local waiter = require "topaz.waiter"
local world = require "spec.support.world"

describe("news that comes just before a task parks", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client, park, id

   before_each(function()
      client, park = world.client(emulator()), parking.park
      id = emulator():add_jobs { status = "Completed" }[1]
   end)
   after_each(function()
      parking.park = park
      client:close()
   end)

   -- Lets f happen at the first time that something is about to park, as a hook would.
   local function before_parking(f)
      function parking.park(...)
         parking.park = park
         f()
         return park(...)
      end
   end

   local function runs_to_its_end(task)
      for _ = 1, 200 do
         if task:done() then return task:result() end
         client:step(0.02)
      end
      error "it never wakes"
   end

   it("ends its wait for a request", function()
      local request = client:start("get_status", id)
      before_parking(function() repeat client:step(0.01) until request:done() end)
      assert.equal(id, runs_to_its_end(client:spawn(request.result, request)).process_id)
   end)

   it("ends its wait for a cursor", function()
      before_parking(function() for _ = 1, 50 do client:step(0.01) end end)
      local task = client:spawn(function()
         local n = 0
         for _ in client:statuses() do n = n + 1 end
         return n
      end)
      assert.equal(1, runs_to_its_end(task))
   end)

   it("ends its wait for a task", function()
      local other = client:spawn(function() return 42 end)
      local task
      before_parking(function()
         local running = core.state(client).running
         core.state(client).running = nil -- as where the main program is interrupted
         client:step(0)
         core.state(client).running = running
      end)
      task = client:spawn(function() return other:await() end)
      assert.equal(42, runs_to_its_end(task))
   end)

   it("ends its sleep by a bell, and by being cancelled", function()
      local bell = { waiters = {} }
      before_parking(function() waiter.ring(client, bell) end)
      assert.is_true(runs_to_its_end(client:spawn(waiter.sleep, client, 3600, bell)))
      local task
      before_parking(function() task:cancel() end)
      task = client:spawn("sleep", 3600)
      assert.is_nil((runs_to_its_end(task)))
      assert.equal("cancelled", select(2, task:result()).kind)
   end)
end)
