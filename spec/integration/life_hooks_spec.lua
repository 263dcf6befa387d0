-- A debug hook that raises (Ctrl-C in lua.c does) after k instructions,
-- for every k through a scenario: the client must work afterwards, and no task may be forgotten.
local world = require "spec.support.world"

describe("a debug hook that raises", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local ids

   before_each(function() ids = emulator():add_jobs { count = 8, status = "Completed" } end)

   -- Calls work(client) with an error after k instructions, for k = 1, 1 + stride,
   -- … until it comes to its end; after each, check.
   local function torture(stride, work, check)
      local points, over = 0, false
      for k = 1, math.huge, stride do
         local client <close> = world.client(emulator())
         assert(client:get_status(ids[1]))
         local ok, err = pcall(function()
            debug.sethook(function()
               debug.sethook()
               error("interrupted!", 0)
            end, "", k)
            work(client)
            over = debug.gethook() ~= nil
            debug.sethook()
         end)
         if not ok then assert.equal("interrupted!", err) end
         check(client)
         if over then break end
         points = points + 1
      end
      assert.is_true(points > 20)
      print(("hook torture: %d points"):format(points))
   end

   it("in calls leaves a client that works", function()
      torture(1, function(client)
         client:get_page()
         local cursor <close> = client:statuses { limit = 3 }
         for _ in cursor do end
         client:wait_until_done(ids[2])
         pcall(client.get_status, client, "no id")
         client:delete_status(ids[3])
      end, function(client)
         local listed = 0
         for _ in client:statuses { limit = 3 } do listed = listed + 1 end
         assert.equal(#emulator():jobs(), listed)
         assert.equal(0, client:stats().pending)
      end)
   end)

   it("in a list loses no status and gives none twice", function()
      local cursor, count, seen
      local function take(status)
         assert.is_nil(seen[status.process_id])
         seen[status.process_id], count = true, count + 1
      end
      torture(3, function(client)
         cursor, count, seen = nil, 0, {}
         cursor = client:statuses { limit = 3 }
         for status in cursor do take(status) end
      end, function()
         if not cursor then return end
         for status in cursor do take(status) end
         -- the hook may have struck while one was on its way to the caller
         assert.is_true(count >= #ids - 1)
         cursor = nil
      end)
   end)

   it("while tasks run forgets none of them", function()
      local tasks = {}
      torture(1, function(client)
         tasks = {}
         for i = 1, 3 do
            tasks[i] = client:spawn(function()
               client:sleep(0.0001)
               return client:get_status(ids[i])
            end)
         end
         tasks[4] = client:spawn(function() return tasks[1]:await() end)
         client:run()
      end, function(client)
         for _ = 1, 3000 do -- half a minute: a busy machine may lose a SYN
            local waits = false
            for _, task in pairs(tasks) do waits = waits or not task:done() end
            if not waits then break end
            client:step(0.01)
         end
         for i, task in pairs(tasks) do
            assert(task:done(), "task " .. i .. " was forgotten: " .. tostring(task))
         end
      end)
   end)
end)
