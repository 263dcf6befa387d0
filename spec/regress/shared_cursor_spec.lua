-- A cursor that several tasks read. Cancelling one of them ended the request of the page:
-- the others were told "cancelled", or waited without end for a request that was gone.
-- A task that waited while another one closed the cursor was never woken.
local world = require "spec.support.world"

describe("a cursor that tasks share", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local function each(cursor, seen)
      for status in cursor do
         assert.is_nil(seen[status.process_id])
         seen[status.process_id] = true
      end
   end

   -- Steps until all tasks have ended, within bounds.
   local function run(client)
      for _ = 1, 200 do
         local _, alive = client:step(0.05)
         if alive == 0 then return true end
      end
      return false
   end

   local function count(set)
      local n = 0
      for _ in pairs(set) do n = n + 1 end
      return n
   end

   it("goes on for others when one of them is cancelled, which is told so", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      emulator():fault { match = { kind = "list" }, delay = 0.3 }
      local client <close> = world.client(emulator())
      local cursor, seen = client:statuses { limit = 10 }, {}
      local one = client:spawn(each, cursor, seen)
      local other = client:spawn(each, cursor, seen)
      for _ = 1, 3 do client:step(0.01) end
      one:cancel()
      assert.is_true(run(client))
      local ok, err = pcall(one.result, one)
      assert.same({ false, "cancelled", "statuses" }, { ok, err.kind, err.operation })
      other:result()
      assert.equal(#ids, count(seen))
      assert.equal(3, world.seen(emulator(), "list"))
   end)

   it("can be read on where its reader was cancelled", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, delay = 0.3 }
      local client <close> = world.client(emulator())
      local cursor, seen = client:statuses { limit = 10 }, {}
      local task = client:spawn(each, cursor, seen)
      while count(seen) < 10 do client:step(0.01) end
      task:cancel()
      assert.is_true(run(client))
      assert.equal("cancelled", select(2, pcall(task.result, task)).kind)
      each(cursor, seen)
      assert.equal(#ids, count(seen))
      assert.equal(3, world.seen(emulator(), "list"))
   end)

   it("ends the waits of all when it is closed", function()
      emulator():add_jobs { count = 25, status = "Completed" }
      emulator():fault { match = { kind = "list" }, delay = 5 }
      local client <close> = world.client(emulator())
      local cursor, tasks = client:statuses { limit = 10 }, {}
      for i = 1, 3 do tasks[i] = client:spawn(each, cursor, {}) end
      for _ = 1, 3 do client:step(0.01) end
      cursor:close()
      assert.is_true(run(client), "a task was never woken")
      for _, task in ipairs(tasks) do assert.equal("closed", select(2, pcall(task.result, task)).kind) end
   end)

   it("wakes the one that waits for a page which the other has read to its end", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      local client <close> = world.client(emulator())
      local cursor, seen = client:statuses { limit = 5 }, {}
      local tasks = {}
      for i = 1, 4 do tasks[i] = client:spawn(each, cursor, seen) end
      local direct = client:spawn(function()
         while not tasks[1]:done() do
            local status = cursor()
            if not status then break end
            seen[status.process_id] = true
            client:sleep(0)
         end
      end)
      assert.is_true(run(client), "a task was never woken")
      for _, task in ipairs(tasks) do task:result() end
      direct:result()
      assert.equal(#ids, count(seen))
   end)
end)
