-- The watcher, against the emulator. Time is simulated: sleeping moves the service's clock, jitter is none. What a round costs and
-- when rounds come is counted in requests.
local topaz = require "topaz"
local world = require "spec.support.world"
local watch_token = require "topaz.watch_token"
local clock = require("topaz.watch").clock

local NOBODY = "00000000-0000-4000-8000-00000000000f"

describe("client:watch()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client, time, real, meanwhile -- what happens in a sleep, each fifth of a second; true: the sleep ends early

   before_each(function()
      client = world.client(emulator(), { max_retries = 0 })
      time, real, meanwhile = 0, {}, nil
      for name, f in pairs(clock) do real[name] = f end
      clock.now = function() return time end
      clock.random = function() return 0 end
      clock.sleep = function(_, seconds, bell)
         while seconds > 0 and not bell.rung and not (meanwhile and meanwhile()) do
            local slice = meanwhile and math.min(seconds, 0.2) or seconds
            time, seconds = time + slice, seconds - slice
            emulator():advance(slice)
         end
         return true
      end
   end)
   after_each(function()
      for name, f in pairs(real) do clock[name] = f end
      client:close()
      for _ = 1, 3 do emulator():counts() end -- by then the server has read what was cancelled on its way
   end)

   -- Jobs without an estimate, so that the plan's own intervals hold.
   local function add_jobs(spec)
      spec.remove = { "eta" }
      return emulator():add_jobs(spec)
   end

   local function asked()
      local kinds = emulator():counts().kinds
      return { list = kinds.list or 0, one = kinds.one or 0 }
   end

   -- Seconds of simulated time between the requests of a kind.
   local function times(kind)
      local list, first = {}, nil
      for _, request in ipairs(emulator():requests()) do
         if request.kind == kind then
            first = first or request.clock
            list[#list + 1] = math.floor((request.clock - first) * 100 + 0.5) / 100
         end
      end
      return list
   end

   local function watched(...)
      local words = {}
      for status, err in client:watch(...) do
         assert.is_nil(words[status.process_id])
         words[status.process_id] = err and err.kind or status.status
      end
      return words
   end

   it("gives each job once, as it ends, and reads one page a round", function()
      local ids = add_jobs { count = 20, timeline = { processing = { 2, 9 }, outcome = { "Completed", "Failed", "Cancelled" } } }
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
      assert.same({ 0, 1, 2.5 }, { table.unpack(times "list", 1, 3) }) -- nothing had changed after one second
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
      ids[4] = NOBODY
      local gone
      local words = {}
      for status, err in client:watch(ids) do
         words[status.process_id] = status.status or "none"
         if err then gone = { status = status, err = err } end
      end
      assert.same({ list = 1, one = 1 }, asked())
      assert.same({ process_id = NOBODY }, gone.status)
      assert.equal("not_found", gone.err.kind)
      assert.is_nil(gone.err.status)
      assert.equal("none", words[NOBODY])
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
      assert.same({ total = 3, done = 0, gone = 3, by_status = {}, mean_progress = 100.0, seconds_left = 0 }, watcher:progress())
   end)

   it("finds a job that exists but is not in the list", function()
      local ids = add_jobs { count = 2, status = "Completed" }
      emulator():fault { match = { kind = "list" }, status = 200, times = math.huge,
         body = '{"data":[],"pagination":{"has_next_page":false}}' }
      assert.same({ [ids[1]] = "Completed", [ids[2]] = "Completed" }, watched(ids))
      assert.same({ list = 1, one = 2 }, asked())
   end)

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
      assert.equal(0, time)
   end)

   it("looks at once when the machine has slept", function()
      local ids = add_jobs { timeline = { processing = 50 } }
      meanwhile = function()
         if time < 3 then return false end
         emulator():advance(100) -- and the clock stood still
         return true
      end
      assert.same({ [ids[1]] = "Completed" }, watched(ids))
      assert.is_true(time < 3.5)
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
      assert.equal(8, time)
      assert.equal(ids[4], ended[#ended])
      assert.matches(watcher:pending() .. " of 4 jobs have not ended within 8 s", tostring(err), 1, true)
      assert.is_true(watcher:pending() > 0)
      assert.equal(4, #ended + watcher:pending())
      repeat -- who asks again gets eight more seconds
         ok = pcall(function() for status in watcher do ended[#ended + 1] = status.process_id end end)
      until ok or time > 100
      assert.equal(4, #ended)
   end)

   it("does not finish a round when the time has run out in it", function()
      local ids = add_jobs { count = 250, timeline = { processing = 60 } }
      local changes = 0
      local ok, err = pcall(client:watch(ids, { timeout = 30, on_progress = function()
         changes = changes + 1
         if changes > 250 then time = 1000 end -- in the first page of the second or third round
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
      meanwhile = function()
         if time >= 6 then watcher:add(late) end
      end
      assert.equal(late[1], watcher().process_id)
      assert.is_true(time < 6.5)
      assert.equal(1, asked().list)
   end)

   it("knows how far the jobs are", function()
      local ids = emulator():add_jobs { { status = "Completed" }, { status = "Processing", progress = 50 }, { status = "Failed" },
         { status = "Pending" } }
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
      emulator():fault { match = { kind = "list" }, times = math.huge, record = { fields = { eta = emulator():now() + 100 } } }
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
      assert.equal(#"topazw1." + 3 * 32 + 17, #token)
      assert.is_nil(token:find(emulator().key, 1, true))
      local other <close> = world.client(emulator())
      for status in other:watch(nil, { resume = token }) do
         assert.is_nil(seen[status.process_id])
         seen[status.process_id] = true
      end
      for _, id in ipairs(ids) do assert.is_true(seen[id]) end
   end)

   it("refuses a token that is cut, edited or another one", function()
      local token = client:watch({ NOBODY }):token()
      for _, wrong in ipairs { token:sub(1, -2), token:gsub("f", "e", 1), "topazw1.", "topaz1.p.50...00000000", token .. "\n",
         watch_token.write { "ab" } } do
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
         { nil, nil, "ids" }, { "x", nil, "ids" }, { 5, nil, "ids" }, { { "x" }, nil, "ids" }, { { NOBODY, 7 }, nil, "ids" },
         { { a = NOBODY }, nil, "ids" }, { { [2] = NOBODY }, nil, "ids" }, { {}, { timeout = -1 }, "timeout" },
         { {}, { on_progress = 1 }, "on_progress" }, { {}, { interval = 1 }, "interval" }, { nil, { resume = "x" }, "resume" },
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

      it("wakes a task that waits between rounds, and one that waits for an answer", function()
         clock.sleep, clock.now = real.sleep, real.now
         local ids = add_jobs { count = 2, status = "Processing" }
         for _, case in ipairs { { ids[1], 0 }, { ids[1], 5 }, { ids, 5 } } do
            emulator():set { latency = case[2] }
            local watcher = client:watch(case[1])
            local task = client:spawn(function() return pcall(watcher) end)
            local deadline = real.now() + 0.1
            while real.now() < deadline do client:step(0.02) end
            assert.is_false(task:done())
            watcher:cancel()
            local began = real.now()
            local ok, err = task:await()
            assert.is_true(real.now() - began < 1)
            assert.is_false(ok)
            assert.equal("cancelled", err.kind)
         end
         emulator():set { latency = 0 }
      end)
   end)

   it("runs in tasks, several at a time, and a cancelled task may leave the rest to another one", function()
      clock.sleep, clock.now = real.sleep, real.now
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
      clock.sleep, clock.now = real.sleep, real.now
      local watcher = client:watch(add_jobs { status = "Processing" })
      local one = client:spawn(function() return pcall(watcher) end)
      client:step()
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.matches("another task", err)
      watcher:cancel()
      assert.is_false((one:await()))
   end)

   it("says that the client is closed", function()
      local watcher = client:watch { NOBODY }
      client:close()
      local ok, err = pcall(watcher)
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      assert.equal(1, watcher:progress().total)
      local _, why = client:wait_all { NOBODY }
      assert.equal("closed", why.kind)
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
         local all, err = client:wait_all { ids[1], ids[2]:upper(), NOBODY }
         assert.is_nil(err)
         assert.equal("Completed", all[ids[1]].status)
         assert.equal("Failed", all[ids[2]:upper()].status)
         assert.equal(ids[2], all[ids[2]:upper()].process_id)
         assert.equal("not_found", all[NOBODY].kind)
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
         local status, err = client:wait_any { NOBODY, ids[1], ids[2], ids[3] }
         assert.is_nil(err)
         assert.is_true(topaz.is_done(status))
         local first, least = nil, math.huge
         for _, job in ipairs(emulator():jobs()) do
            if topaz.is_done(job.status) and job.modification_time < least then first, least = job.process_id, job.modification_time end
         end
         assert.equal(first, status.process_id)
      end)

      it("gives the error when all are gone or the time is over", function()
         local status, err = client:wait_any { NOBODY }
         assert.is_nil(status)
         assert.equal("not_found", err.kind)
         status, err = client:wait_any(add_jobs { status = "Pending" }, { timeout = 1 })
         assert.is_nil(status)
         assert.equal("timeout", err.kind)
         assert.equal("wait_any", err.operation)
      end)
   end)
end)
