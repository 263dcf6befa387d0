-- What waits for a watcher: tasks, wait_all() and wait_any(); and what ends it before its jobs end.
local topaz = require "topaz"
local home = require "spec.support.watching"
local world = require "spec.support.world"

local UNKNOWN = "00000000-0000-4000-8000-00000000000f"

describe("client:watch()", function()
   local watching = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add_jobs, real_time = watching.emulator, watching.add_jobs, watching.real_time
   local client
   before_each(function() client = watching.client end)

   describe("cancel()", function()
      it("makes the next asking an error, and break is silent", function()
         local ids = add_jobs { count = 3, status = "Completed" }
         local watcher = client:watch(ids)
         for _ in watcher, nil, nil, watcher do break end
         local ok, err = pcall(watcher)
         assert.is_false(ok)
         assert.equal("cancelled", err.kind)
         watcher:cancel()
         watcher:close()
         assert.equal("topaz.watcher (closed, 2 pending)", tostring(watcher))
      end)

      it("wakes a task that waits between rounds, and one that waits for a response", function()
         real_time()
         local ids = add_jobs { count = 2, status = "Processing" }
         for _, case in ipairs { { ids[1], 0 }, { ids[1], 5 }, { ids, 5 } } do
            emulator():set { latency = case[2] }
            local watcher, attempts = client:watch(case[1]), client:stats().attempts
            local task = client:spawn(function() return pcall(watcher) end)
            -- Until the request has gone out, and where it is answered, until that.
            repeat client:step(0.02)
            until client:stats().attempts > attempts and (case[2] > 0 or client:stats().pending == 0)
            client:step(0)
            assert.is_false(task:done())
            watcher:cancel()
            for _ = 1, 3 do client:step(0) end -- no time passes in these
            assert.is_true(task:done())
            local ok, err = task:result()
            assert.is_false(ok)
            assert.equal("cancelled", err.kind)
         end
         emulator():set { latency = 0 }
      end)
   end)

   it("runs in tasks, several at a time, and a cancelled task may leave the rest to another one", function()
      real_time()
      local ids = add_jobs { count = 2, status = "Completed" }
      local stays = add_jobs { status = "Processing" }[1]
      local watcher = client:watch { ids[1], stays }
      local one = client:spawn(function()
         local seen = {}
         local ok, err = pcall(function() for status in watcher do seen[#seen + 1] = status.process_id end end)
         return seen, ok, err
      end)
      local two = client:spawn("wait_any", { ids[2] })
      assert.equal(ids[2], two:await().process_id)
      while watcher:pending() > 1 do client:step(0.02) end
      one:cancel()
      local seen, ok, err = one:await()
      assert.same({ ids[1] }, seen)
      assert.is_false(ok)
      assert.equal("cancelled", err.kind)
      assert.is_true(watcher:remove(stays) == 1 and watcher() == nil)
   end)

   it("does not let two tasks ask one watcher at once", function()
      real_time()
      local watcher = client:watch(add_jobs { status = "Processing" })
      local one = client:spawn(function() return pcall(watcher) end)
      client:step()
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.matches("another task", err)
      watcher:cancel()
      assert.is_false((one:await()))
   end)

   it("says that its own on_progress called it, and goes on", function()
      local ids, why, watcher = add_jobs { count = 2, status = "Completed" }, nil, nil
      watcher = client:watch(ids, { on_progress = function()
         local ok, err = pcall(watcher)
         assert.is_false(ok)
         why = why or err
      end })
      local count = 0
      for _ in watcher do count = count + 1 end
      assert.equal(2, count)
      assert.matches("^spec/.*: the watcher was called inside itself, by its on_progress: return first,", why)
   end)

   it("says that another task waits in it while its on_progress does", function()
      real_time()
      local id = add_jobs { status = "Completed" }[1]
      local inside = false
      local watcher = client:watch(id, { on_progress = function()
         inside = true
         client:sleep(0.01)
      end })
      local one = client:spawn(function() return watcher() end)
      repeat client:step(0.01) until inside
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.matches("another task", err)
      assert.equal(id, one:await().process_id)
   end)

   it("says that the client is closed", function()
      local watcher = client:watch { UNKNOWN }
      client:close()
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      assert.equal(1, watcher:progress().total)
      -- as each call that begins on a closed client
      ok, err = pcall(client.wait_all, client, { UNKNOWN })
      assert.is_false(ok)
      assert.equal("closed", err.kind)
   end)

   it("leaves no descriptor open when it is left in the middle", function()
      local ids = add_jobs { count = 30, status = "Completed" }
      world.with_client(emulator(), {}, function(other)
         for _ in other:watch(ids) do break end
      end)
   end)

   describe("wait_all()", function()
      it("gives all statuses under their ids, and the error of those that are gone", function()
         local ids = add_jobs { count = 3, timeline = { processing = 2, outcome = { "Completed", "Failed" } } }
         local all, err = client:wait_all { ids[1], ids[2]:upper(), UNKNOWN }
         assert.is_nil(err)
         assert.equal("Completed", all[ids[1]].status)
         assert.equal("Failed", all[ids[2]:upper()].status)
         assert.equal(ids[2], all[ids[2]:upper()].process_id)
         assert.equal("not_found", all[UNKNOWN].kind)
      end)

      it("gives an error with what has ended so far", function()
         local ids = add_jobs { count = 2, status = { "Completed", "Processing" } }
         local all, err = client:wait_all(ids, { timeout = 3 })
         assert.is_nil(all)
         assert.equal("timeout", err.kind)
         assert.equal("wait_all", err.operation)
         assert.same({ [ids[1]] = "Completed" }, (function()
            local words = {}
            for id, status in pairs(err.statuses) do words[id] = status.status end
            return words
         end)())
      end)
   end)

   describe("wait_any()", function()
      it("gives the first one that ends, in spite of one that is gone", function()
         local ids = add_jobs { count = 3, timeline = { processing = { 5, 50 } } }
         local status, err = client:wait_any { UNKNOWN, ids[1], ids[2], ids[3] }
         assert.is_nil(err)
         assert.is_true(topaz.is_done(status))
         local first, least = nil, math.huge
         for _, job in ipairs(emulator():jobs()) do
            if topaz.is_done(job.status) and job.modification_time < least then
               first, least = job.process_id, job.modification_time
            end
         end
         assert.equal(first, status.process_id)
      end)

      it("gives the error when all are gone or the time is over", function()
         local status, err = client:wait_any { UNKNOWN }
         assert.is_nil(status)
         assert.equal("not_found", err.kind)
         status, err = client:wait_any(add_jobs { status = "Pending" }, { timeout = 1 })
         assert.is_nil(status)
         assert.equal("timeout", err.kind)
         assert.equal("wait_any", err.operation)
      end)
   end)
end)
