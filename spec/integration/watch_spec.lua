-- The watcher, against the emulator: what it gives, what a round costs and when rounds come,
-- in simulated time. Failures are in watch_failures_spec, tasks in watch_tasks_spec.
local watch_token = require "topaz.watch.token"
local home = require "spec.support.watching"
local world = require "spec.support.world"

local UNKNOWN = "00000000-0000-4000-8000-00000000000f"

describe("client:watch()", function()
   local watching = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add_jobs, asked = watching.emulator, watching.add_jobs, watching.asked
   local times, watched = watching.times, watching.watched
   local client
   before_each(function() client = watching.client end)

   it("gives each job once, as it ends, and reads one page a round", function()
      local ids =
         add_jobs { count = 20, timeline = { processing = { 2, 9 }, outcome = { "Completed", "Failed", "Cancelled" } } }
      local words, ends = {}, {}
      for status, err in client:watch(ids) do
         assert.is_nil(err)
         assert.is_nil(words[status.process_id])
         words[status.process_id] = status.status
         ends[#ends + 1] = status.modification_time
      end
      for i, id in ipairs(ids) do
         assert.equal(({ "Completed", "Failed", "Cancelled" })[(i - 1) % 3 + 1], words[id])
      end
      assert.equal(20, #ends)
      assert.same({ list = #times "list", one = 0 }, asked())
      assert.is_true(#times "list" >= 8 and #times "list" <= 10)
      -- nothing had changed after one second
      assert.same({ 0, 1, 2.5 }, { table.unpack(times "list", 1, 3) })
   end)

   it("asks for a single job by its id, at growing intervals, soon again after a change", function()
      local ids = add_jobs { timeline = { pending = 12, processing = 1 } }
      assert.same({ [ids[1]] = "Completed" }, watched(ids))
      assert.same({ list = 0, one = 7 }, asked())
      assert.same({ 0, 1, 2.5, 4.75, 8.13, 12.63, 13.63 }, times "one")
   end)

   it("stops reading when it has seen all, however long the list is", function()
      emulator():add_jobs { count = 1500, age = 10000 }
      local ids = add_jobs { count = 150, status = "Completed" }
      local count = 0
      for _ in client:watch(ids) do count = count + 1 end
      assert.equal(150, count)
      assert.same({ list = 2, one = 0 }, asked())
   end)

   it("does not page through a big account for a few old jobs", function()
      local ids = add_jobs { count = 6, age = 100000, timeline = { processing = 100003 } }
      emulator():add_jobs { count = 1500, spacing = 1, age = 2000 }
      local count = 0
      for _ in client:watch(ids) do count = count + 1 end
      assert.equal(6, count)
      -- Five pages in vain in each of the first two rounds, none in the third.
      assert.same({ 0, 0, 0, 0, 0, 1, 1, 1, 1, 1 }, (function()
         local list = times "list"
         for i, t in ipairs(list) do list[i] = t > 0 and 1 or 0 end
         return list
      end)())
      assert.equal(18, asked().one)
   end)

   it("asks once for a job that is not in the list before it calls it gone", function()
      local ids = add_jobs { count = 3, status = "Completed" }
      ids[4] = UNKNOWN
      local gone
      local words = {}
      for status, err in client:watch(ids) do
         words[status.process_id] = status.status or "none"
         if err then gone = { status = status, err = err } end
      end
      assert.same({ list = 1, one = 1 }, asked())
      assert.same({ process_id = UNKNOWN }, gone.status)
      assert.equal("not_found", gone.err.kind)
      assert.is_nil(gone.err.status)
      assert.equal("none", words[UNKNOWN])
   end)

   it("gives the last status of a job that vanishes", function()
      local ids = add_jobs { count = 3, status = "Processing" }
      local vanished
      local watcher = client:watch(ids, { on_progress = function(status)
         if status.process_id == ids[2] then assert(client:delete_all_statuses()) end
      end })
      for status, err in watcher do
         vanished = (vanished or 0) + 1
         assert.equal("Processing", status.status)
         assert.equal(42, status.progress)
         assert.equal("not_found", err.kind)
         assert.equal(status, err.status)
      end
      assert.equal(3, vanished)
      assert.same({ total = 3, done = 0, gone = 3, by_status = {}, mean_progress = 100.0, seconds_left = 0 },
         watcher:progress())
   end)

   it("finds a job that exists but is not in the list", function()
      local ids = add_jobs { count = 2, status = "Completed" }
      emulator():fault { match = { kind = "list" }, status = 200, times = math.huge,
         body = '{"data":[],"pagination":{"has_next_page":false}}' }
      assert.same({ [ids[1]] = "Completed", [ids[2]] = "Completed" }, watched(ids))
      assert.same({ list = 1, one = 2 }, asked())
   end)

   it("calls on_progress on changes only, and loses nothing to an error in it", function()
      local ids = add_jobs { count = 2, timeline = { pending = 3, processing = 0, outcome = "Completed" } }
      local seen, raise = {}, true
      local watcher = client:watch(ids, { on_progress = function(status, previous)
         if status.status == "Completed" and raise then
            raise = false
            error("mine", 0)
         end
         seen[#seen + 1] = status.status .. "<" .. (previous and previous.status or "nothing")
      end })
      local ok, err = pcall(function() for _ in watcher do error "nothing has ended" end end)
      assert.is_false(ok)
      assert.equal("mine", err)
      local count = 0
      for _ in watcher do count = count + 1 end
      assert.equal(2, count)
      assert.same({ "Pending<nothing", "Pending<nothing", "Completed<Pending" }, seen)
   end)

   it("takes jobs that are added late and forgets those that are removed", function()
      local ids = add_jobs { count = 2, timeline = { processing = { 3, 20 } } }
      local late = add_jobs { count = 2, status = "Completed" }
      local stays = add_jobs { status = "Processing" }[1]
      local watcher, seen = client:watch { ids[1], stays }, {}
      assert.equal(1, watcher:add(ids[2]))
      assert.equal(0, watcher:add { ids[1], ids[2]:upper() })
      for status in watcher do
         seen[#seen + 1] = status.process_id
         if #seen == 1 then
            assert.equal(2, watcher:add(late))
            assert.equal(1, watcher:remove(stays))
            assert.equal(0, watcher:remove { stays, status.process_id })
         end
         assert.equal(0, watcher:add(status.process_id)) -- it was given already
      end
      table.sort(seen)
      local expected = { ids[1], ids[2], late[1], late[2] }
      table.sort(expected)
      assert.same(expected, seen)
      assert.equal(4, watcher:progress().total)
   end)

   it("looks at a job that is added while it rests after a second, not later", function()
      local ids = add_jobs { status = "Processing" }
      local late = add_jobs { status = "Completed" }
      local watcher = client:watch(ids)
      watching.meanwhile = function()
         if watching.time >= 6 then watcher:add(late) end
      end
      assert.equal(late[1], watcher().process_id)
      assert.is_true(watching.time < 6.5)
      assert.equal(1, asked().list)
   end)

   it("knows how far the jobs are", function()
      local ids = emulator():add_jobs { { status = "Completed" }, { status = "Processing", progress = 50 },
         { status = "Failed" }, { status = "Pending" } }
      local watcher = client:watch(ids, { timeout = 0 })
      assert.same({ total = 4, done = 0, gone = 0, by_status = {}, mean_progress = 0.0 }, watcher:progress())
      watcher()
      local progress = watcher:progress()
      progress.seconds_left = nil
      assert.same({ total = 4, done = 2, gone = 0, mean_progress = 62.5,
         by_status = { Completed = 1, Processing = 1, Failed = 1, Pending = 1 } }, progress)
   end)

   it("estimates the seconds left by the server's clock", function()
      local ids = emulator():add_jobs { count = 2, status = "Processing" }
      emulator():fault { match = { kind = "list" }, times = math.huge,
         record = { fields = { eta = emulator():now() + 100 } } }
      local watcher = client:watch(ids, { timeout = 0 })
      pcall(watcher)
      assert.is_near(100, watcher:progress().seconds_left, 2)
   end)

   it("goes on from a token, in another client, with the jobs that were not given", function()
      local ids = add_jobs { count = 5, status = "Completed" }
      local watcher, seen = client:watch(ids), {}
      for status in watcher do
         seen[status.process_id] = true
         if next(seen, next(seen)) then break end
      end
      local token = watcher:token()
      assert.matches("^topazw1%.%x+%.%x+$", token)
      assert.equal(#"topazw1." + 3 * 32 + 9, #token)
      assert.is_nil(token:find(emulator().key, 1, true))
      local other <close> = world.client(emulator())
      for status in other:watch(nil, { resume = token }) do
         assert.is_nil(seen[status.process_id])
         seen[status.process_id] = true
      end
      for _, id in ipairs(ids) do assert.is_true(seen[id]) end
   end)

   it("refuses a token that is cut, edited or another one", function()
      local token = client:watch({ UNKNOWN }):token()
      for _, wrong in ipairs { token:sub(1, -2), token:gsub("f", "e", 1), "topazw1.", "topaz1.p.50...00000000",
         token .. "\n", watch_token.write { "ab" } } do
         local ok, err = pcall(client.watch, client, nil, { resume = wrong })
         assert.is_false(ok)
         assert.matches("bad argument 'resume'", err, 1, true)
      end
      assert.equal(1, client:watch(nil, { resume = token }):pending())
      assert.equal(0, client:watch(nil, { resume = client:watch({}):token() }):pending())
   end)

   it("watches ids in upper case and ids given twice once", function()
      local ids = add_jobs { count = 2, status = "Completed" }
      local words = watched { ids[1]:upper(), ids[2], ids[1], ids[2]:upper() }
      assert.same({ [ids[1]] = "Completed", [ids[2]] = "Completed" }, words)
      assert.same({ list = 1, one = 0 }, asked())
   end)

   it("ends at once without jobs, and sends nothing", function()
      for _ in client:watch {} do error "there is nothing" end
      assert.same({}, client:wait_all {})
      assert.equal(0, world.seen(emulator()))
   end)

   it("refuses what makes no sense, and sends nothing", function()
      local cases = {
         { nil, nil, "ids" }, { "x", nil, "ids" }, { 5, nil, "ids" }, { { "x" }, nil, "ids" },
         { { UNKNOWN, 7 }, nil, "ids" }, { { a = UNKNOWN }, nil, "ids" }, { { [2] = UNKNOWN }, nil, "ids" },
         { {}, { timeout = -1 }, "timeout" }, { {}, { on_progress = 1 }, "on_progress" },
         { {}, { interval = 1 }, "interval" }, { nil, { resume = "x" }, "resume" },
      }
      for _, name in ipairs { "watch", "wait_all", "wait_any" } do
         for _, case in ipairs(cases) do
            local ok, err = pcall(client[name], client, case[1], case[2])
            assert.is_false(ok)
            assert.matches("bad argument '" .. case[3] .. "'", err, 1, true)
         end
      end
      assert.is_false(pcall(client.wait_any, client, {}))
      local watcher = client:watch {}
      assert.is_false(pcall(watcher.add, watcher, { "x" }))
      local ok, err = pcall(client.watch, client, { "\27[2J" })
      assert.is_false(ok)
      assert.matches("watch_spec.lua", select(2, pcall(function() client:watch "x" end)), 1, true)
      assert.is_nil(err:find("\27", 1, true))
      assert.equal(0, world.seen(emulator()))
   end)
end)
