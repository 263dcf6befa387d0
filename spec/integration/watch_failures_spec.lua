-- The watcher where lists and statuses cannot be had, or time runs out: what it asks again,
-- what it raises, and that nothing is lost. In simulated time.
local home = require "spec.support.watching"
local world = require "spec.support.world"

describe("client:watch()", function()
   local watching = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add_jobs, asked = watching.emulator, watching.add_jobs, watching.asked
   local times, watched = watching.times, watching.watched
   local client
   before_each(function() client = watching.client end)

   it("counts what it saw of a listing that fails midway, and goes on", function()
      local ids = add_jobs { count = 250, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, status = 503, body = "" }
      local watcher, count, first = client:watch(ids), 0, nil
      for _ in watcher do
         count = count + 1
         if count == 100 then first = asked() end
      end
      assert.equal(250, count)
      assert.same({ list = 1, one = 0 }, first)
      assert.same({ list = 5, one = 0 }, asked()) -- one, the failed one, three
   end)

   it("asks for each job when lists fail again and again", function()
      local ids = add_jobs { count = 5, status = "Completed" }
      emulator():fault { match = { kind = "list" }, status = 500, body = "", times = math.huge }
      assert.equal(5, #(function()
         local list = {}
         for status in client:watch(ids) do list[#list + 1] = status end
         return list
      end)())
      assert.same({ list = 2, one = 5 }, asked())
   end)

   it("obeys Retry-After and does not ask in between", function()
      local ids = add_jobs { status = "Completed" }
      emulator():fault { match = { kind = "one" }, status = 503, headers = { ["Retry-After"] = "40" }, body = "" }
      assert.same({ [ids[1]] = "Completed" }, watched(ids))
      assert.same({ 0, 40 }, times "one")
   end)

   it("ends at once where Retry-After leaves no time for another look", function()
      emulator():fault { match = { kind = "one" }, status = 503, headers = { ["Retry-After"] = "40" }, body = "" }
      local ok, err = pcall(client:watch(add_jobs { status = "Completed" }, { timeout = 30 }))
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.equal(503, err.http_status)
      assert.equal(0, watching.time)
   end)

   it("looks at once when the machine has slept", function()
      local ids = add_jobs { timeline = { processing = 50 } }
      watching.meanwhile = function()
         if watching.time < 3 then return false end
         emulator():advance(100) -- and the clock stood still
         return true
      end
      assert.same({ [ids[1]] = "Completed" }, watched(ids))
      assert.is_true(watching.time < 3.5)
   end)

   it("raises what does not pass, loses nothing and may be asked again", function()
      local ids = add_jobs { count = 250, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, status = 403, body = '{"message":"no"}' }
      local watcher, count = client:watch(ids), 0
      local ok, err = pcall(function() for _ in watcher do count = count + 1 end end)
      assert.is_false(ok)
      assert.equal("forbidden", err.kind)
      assert.equal(100, count)
      assert.equal(150, watcher:pending())
      for _ in watcher do count = count + 1 end
      assert.equal(250, count)
      assert.equal(0, watcher:pending())
   end)

   it("may be asked again after single requests that failed for good", function()
      local ids = add_jobs { count = 3, status = "Completed" }
      emulator():fault { match = { kind = "list" }, status = 200, times = math.huge,
         body = '{"data":[],"pagination":{"has_next_page":false}}' }
      emulator():fault { match = { kind = "one" }, status = 401, body = "" }
      local own <close> = world.client(emulator(), { max_retries = 0, max_connections = 1 })
      local watcher = own:watch(ids)
      local ok, err = pcall(function() for _ in watcher do error "not yet" end end)
      assert.is_false(ok)
      assert.equal("unauthorized", err.kind)
      assert.equal(0, own:stats().pending)
      local count = 0
      for _ in watcher do count = count + 1 end
      assert.equal(3, count)
   end)

   it("calls a cursor that comes again a protocol error", function()
      local ids = add_jobs { count = 250, status = "Processing" }
      emulator():fault { match = { kind = "list" }, cursor_loop = true, times = math.huge }
      local ok, err = pcall(client:watch(ids))
      assert.is_false(ok)
      assert.equal("protocol", err.kind)
      assert.same({ list = 2, one = 0 }, asked())
   end)

   it("ends with the time over, after a last look, and names how many are left", function()
      local ids = add_jobs { count = 3, timeline = { processing = { 1, 60 } } }
      ids[4] = add_jobs { timeline = { processing = 7.9 } }[1]
      local watcher, ended = client:watch(ids, { timeout = 8 }), {}
      local ok, err = pcall(function() for status in watcher do ended[#ended + 1] = status.process_id end end)
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.equal("watch", err.operation)
      assert.equal(8, watching.time)
      assert.equal(ids[4], ended[#ended])
      assert.matches(watcher:pending() .. " of 4 jobs are not finished after 8 s", tostring(err), 1, true)
      assert.is_true(watcher:pending() > 0)
      assert.equal(4, #ended + watcher:pending())
      repeat -- who asks again gets eight more seconds
         ok = pcall(function() for status in watcher do ended[#ended + 1] = status.process_id end end)
      until ok or watching.time > 100
      assert.equal(4, #ended)
   end)

   it("does not finish a round when the time has run out in it", function()
      local ids = add_jobs { count = 250, timeline = { processing = 60 } }
      local changes = 0
      local ok, err = pcall(client:watch(ids, { timeout = 30, on_progress = function()
         changes = changes + 1
         -- in the first page of the second or third round
         if changes > 250 then watching.time = 1000 end
      end }))
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.equal(350, changes)
      assert.equal(1, asked().list % 3)
   end)

   it("does not let a request run on when the time is over", function()
      emulator():set { latency = 1.6 }
      local watcher = client:watch(add_jobs { status = "Completed" }, { timeout = 0 })
      local ok, err = pcall(watcher)
      emulator():set { latency = 0 }
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.matches("the last request failed", tostring(err))
   end)

   it("takes one look with a timeout of 0", function()
      local ids = add_jobs { count = 2, status = { "Completed", "Processing" } }
      local watcher = client:watch(ids, { timeout = 0 })
      assert.equal(ids[1], watcher().process_id)
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.equal("timeout", err.kind)
      assert.same({ list = 1, one = 0 }, asked())
   end)
end)
