-- watcher:offer(): what webhooks bring, against the emulator. What hints cost at most is in
-- spec/unit/watch_offer_spec.lua.
local core = require "topaz.core"
local topaz = require "topaz"
local home = require "spec.support.watching"

local UNKNOWN = "00000000-0000-4000-8000-00000000000f"

describe("watcher:offer()", function()
   local watching = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add_jobs, asked = watching.emulator, watching.add_jobs, watching.asked
   local client
   before_each(function() client = watching.client end)

   local function body_of(id, word, more)
      return ('{"process_id":"%s","status":"%s","progress":100%s}'):format(id, word or "Completed", more or "")
   end

   -- Watches jobs of which none ends by itself; `bring(watcher, time)` is called in each sleep.
   local function watch(ids, seconds, bring)
      local watcher = client:watch(ids, { timeout = seconds })
      function watching.meanwhile() bring(watcher, watching.time) end
      local given = {}
      local ok, err = pcall(function() for status in watcher do given[#given + 1] = status end end)
      watching.meanwhile = nil
      return given, not ok and err or nil, watcher
   end

   it("has the job asked for once, and its end comes from the server", function()
      local ids = add_jobs { timeline = { processing = 1.5 } }
      table.move(add_jobs { count = 2, timeline = { processing = 1000 } }, 1, 2, 2, ids)
      local used
      local given, err = watch(ids, 2, function(watcher, time)
         if time > 1.5 and not used then used = { watcher:offer(body_of(ids[1], "Failed", ',"filename":"forged"')) } end
      end)
      assert.same({ true }, used)
      assert.equal(1, #given)
      assert.equal("Completed", given[1].status)
      assert.not_equal("forged", given[1].filename)
      assert.equal("timeout", err.kind)
      assert.equal(1, asked().one)
   end)

   it("does not believe what a body says", function()
      local ids = add_jobs { count = 2, status = "Processing" }
      local bodies = 0
      local given, err, watcher = watch(ids, 12, function(watcher)
         for _ = 1, 50 do
            bodies = bodies + 1
            assert.is_true(watcher:offer(body_of(ids[1])))
            assert.is_true(watcher:offer { process_id = ids[1]:upper(), status = "Cancelled" })
         end
      end)
      assert.same({}, given)
      assert.equal("timeout", err.kind)
      assert.equal(2, watcher:pending())
      assert.is_true(bodies > 2000)
      -- one in five seconds
      assert.is_true(asked().one >= 2 and asked().one <= 3, asked().one)
   end)

   it("says why it does not use what is not a hint, and asks nothing for it", function()
      local ids = add_jobs { { status = "Completed" }, { status = "Processing" }, { status = "Processing" } }
      local watcher = client:watch(ids)
      assert.equal(ids[1], watcher().process_id)
      watcher:remove(ids[3])
      local before = emulator():counts().total
      for _, case in ipairs {
         { body_of(ids[1]), "finished" },
         { body_of(ids[3]), "not_watched" },
         { body_of(UNKNOWN), "not_watched" },
         { "", "not_a_status" }, { "{", "not_a_status" }, { "null", "not_a_status" }, { "[]", "not_a_status" },
         { "7", "not_a_status" }, { "\0\255", "not_a_status" }, { body_of(ids[2]) .. "}", "not_a_status" },
         { ("["):rep(60000), "not_a_status" }, { ('{"a":'):rep(12000), "not_a_status" },
         { '{"process_id":7}', "not_a_status" }, { '{"process_id":"../status"}', "not_a_status" },
         { '{"process_id":["' .. ids[2] .. '"]}', "not_a_status" },
         { {}, "not_a_status" }, { { process_id = 7 }, "not_a_status" }, { { ids[2] }, "not_a_status" },
         { body_of(ids[2], nil, ',"more":"' .. ("x"):rep(65536) .. '"'), "too_large" },
      } do
         assert.same({ false, case[2] }, { watcher:offer(case[1]) })
      end
      assert.is_true(watcher:offer(body_of(ids[2], nil, ',"more":"' .. ("x"):rep(60000) .. '"')))
      assert.equal(before, emulator():counts().total)
      watcher:cancel()
   end)

   it("says so when the watcher or its client was closed", function()
      local ids = add_jobs { count = 2, status = "Processing" }
      local watcher, other = client:watch(ids), client:watch(ids)
      watcher:cancel()
      local used, err = watcher:offer(body_of(ids[1]))
      assert.is_nil(used)
      assert.equal("cancelled", err.kind)
      client:close()
      used, err = other:offer "not even JSON"
      assert.is_nil(used)
      assert.equal("closed", err.kind)
   end)

   it("raises for misuse, at the caller's place", function()
      local watcher <close> = client:watch { UNKNOWN }
      for _, value in ipairs { 7, true, print } do
         local ok, message = pcall(function() watcher:offer(value) end)
         assert.is_false(ok)
         assert.matches("^spec/integration/watch_offer_spec.lua:%d+: bad argument 'body': "
            .. "expected the text of a status or a table, got " .. type(value), message)
      end
      assert.has_error(function() watcher:offer() end)
      assert.has_error(function() watcher.offer { process_id = UNKNOWN } end)
   end)

   it("does not end the watching by a request that fails", function()
      local ids = add_jobs { count = 2, timeline = { processing = 6 } }
      local offered
      emulator():fault { times = 1, match = { kind = "one" }, status = 503 }
      local given, err = watch(ids, 60, function(watcher, time)
         if time > 0.5 and not offered then offered = watcher:offer(body_of(ids[1])) end
      end)
      assert.is_true(offered)
      assert.is_nil(err)
      assert.equal(2, #given)
   end)

   it("wakes the loop of another task, also one with a single job", function()
      watching.real_time()
      local ids = add_jobs { timeline = { processing = 50 } }
      local watcher = client:watch(ids)
      local task = client:spawn(function() return watcher() end)
      -- Until the first response has come and the task sleeps.
      repeat client:step(0.02) until watcher:statuses()[1] and client:stats().pending == 0
      local before = emulator():counts().total
      emulator():advance(60)
      watcher.plan.due = core.now() + 1000 -- no round comes
      assert.is_true(watcher:offer(body_of(ids[1], "Processing")))
      assert.equal("Completed", task:await().status)
      assert.equal(before + 1, emulator():counts().total)
   end)

   it("is asked for between the pages of a long list, which go on", function()
      watching.real_time()
      emulator():add_jobs { count = 500, age = 10000 }
      local ids = add_jobs { count = 350, status = "Processing" }
      local watcher, pages = nil, 0
      local function on_event(event)
         if event.type ~= "response" or event.operation ~= "get_page" then return end
         pages = pages + 1
         for i = 1, 30 do watcher:offer { process_id = ids[i] } end
      end
      local other <close> = topaz.client { api_key = emulator().key, base_url = emulator().url, on_event = on_event }
      watcher = other:watch(ids)
      other:spawn(function() return pcall(watcher) end)
      while pages < 8 do other:step(0.02) end
      watcher:cancel()
      local times = {}
      for _, request in ipairs(emulator():requests()) do
         if request.kind == "one" then times[request.path] = (times[request.path] or 0) + 1 end
      end
      local one = 0
      for _ in pairs(times) do one = one + 1 end
      assert.is_true(one >= 20 and one <= 30, one)
   end)
end)
