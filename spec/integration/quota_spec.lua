-- What the server says of its limit, before it refuses: the client waits for the window's end, asks
-- no more often than it may, and no call becomes slower where requests are left. Requests are
-- counted, by the emulator's clock.
local world = require "spec.support.world"

describe("a server that says how many requests are left", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual" })
   local ids, waits

   before_each(function()
      ids, waits = emulator():add_jobs(10), {}
   end)

   -- A client at whose waits the emulator's time goes on by a window.
   local function client(window, more)
      local options = { retry_base = 0, on_event = function(event)
         if event.type ~= "throttle" then return end
         waits[#waits + 1] = event
         emulator():advance(window)
      end }
      for name, value in pairs(more or {}) do options[name] = value end
      return world.client(emulator(), options)
   end

   local function refusals() return emulator():counts().statuses["429"] or 0 end

   for _, form in ipairs { "ratelimit", "fields", "x", "x_unix" } do
      it("in the form " .. form .. ": no request is refused", function()
         emulator():set { quota = { limit = 5, window = 1, form = form } }
         local one <close> = client(1)
         for i = 1, 12 do assert(one:get_status(ids[i % 10 + 1])) end
         assert.equal(12, emulator():counts().total)
         assert.equal(0, refusals())
         assert.equal(2, #waits)
         for _, event in ipairs(waits) do
            assert.equal("quota", event.reason)
            assert.is_true(event.delay > 0 and event.delay <= 1)
         end
         assert.equal(0, one:stats().throttled)
      end)
   end

   it("by refusing alone: some are refused", function()
      emulator():set { quota = { limit = 5, window = 1, form = "none" } }
      local one <close> = client(1, { max_retries = 10 })
      for i = 1, 12 do assert(one:get_status(ids[i % 10 + 1])) end
      assert.equal(2, refusals())
   end)

   it("to many calls at once: the few that were sent before the first response may be refused", function()
      emulator():set { quota = { limit = 20, window = 1 } }
      local one <close> = client(1, { max_connections = 8 })
      local tasks = {}
      for i = 1, 50 do tasks[i] = one:spawn("get_status", ids[i % 10 + 1]) end
      one:run()
      for _, task in ipairs(tasks) do assert(task:result()) end
      assert.equal(50 + refusals(), emulator():counts().total)
      assert.is_true(refusals() <= 2, refusals() .. " were refused")
   end)

   it("is not asked slower while requests are left", function()
      emulator():set { quota = { limit = 1000, window = 60 } }
      local one <close> = client(60)
      local tasks = {}
      for i = 1, 100 do tasks[i] = one:spawn("get_status", ids[i % 10 + 1]) end
      one:run()
      for _, task in ipairs(tasks) do assert(task:result()) end
      assert.equal(100, emulator():counts().total)
      assert.same({}, waits)
   end)

   it("makes no call fail: what cannot wait is sent, and the server decides", function()
      emulator():set { quota = { limit = 2, window = 30 } }
      local one <close> = world.client(emulator(), { max_retries = 0 })
      assert(one:get_status(ids[1]))
      assert(one:get_status(ids[2]))
      local _, err = one:get_status(ids[3], { timeout = 5 })
      assert.equal("rate_limited", err.kind)
      assert.equal(429, err.http_status)
      assert.equal(3, emulator():counts().total)
   end)

   it("makes no call fail that stands behind one that waits", function()
      emulator():set { quota = { limit = 2, window = 30 } }
      local one <close> = world.client(emulator(), { max_retries = 0 })
      assert(one:get_status(ids[1]))
      assert(one:get_status(ids[2]))
      local patient = {}
      for i = 1, 5 do patient[i] = one:spawn("get_status", ids[i]) end
      local hasty = one:spawn("get_status", ids[3], { timeout = 5 })
      while not hasty:done() do one:step(1) end
      local _, err = hasty:result()
      assert.equal("rate_limited", err.kind)
      assert.equal(429, err.http_status)
      assert.equal(3, emulator():counts().total)
      for _, task in ipairs(patient) do task:cancel() end
   end)

   it("makes no call fail that max_rate delays", function()
      emulator():set { quota = { limit = 2, window = 30 } }
      local one <close> = world.client(emulator(), { max_retries = 0, max_rate = 5 })
      assert(one:get_status(ids[1]))
      assert(one:get_status(ids[2]))
      local _, err = one:get_status(ids[3], { timeout = 5 })
      assert.equal("rate_limited", err.kind)
      assert.equal(429, err.http_status)
      assert.equal(3, emulator():counts().total)
   end)

   it("wrongly is not believed again", function()
      emulator():set { quota = { limit = 2, window = 30, wrong = true } }
      local one <close> = world.client(emulator(), { max_retries = 0 })
      -- the third one cannot wait
      for i = 1, 10 do assert(one:get_status(ids[i], { timeout = 5 })) end
      for i = 1, 10 do assert(one:get_status(ids[i])) end
      assert.equal(20, emulator():counts().total)
   end)

   it("of a window that is too long to wait for is left to its 429", function()
      emulator():set { quota = { limit = 2, window = 3600 } }
      local one <close> = world.client(emulator(), { max_retries = 0 })
      for i = 1, 2 do assert(one:get_status(ids[i])) end
      local _, err = one:get_status(ids[3])
      assert.equal(429, err.http_status)
      assert.equal(3, emulator():counts().total)
   end)

   it("in values that make no sense is not heard", function()
      local absurd = {
         { ["X-RateLimit-Remaining"] = "0", ["X-RateLimit-Reset"] = "99999999999999" },
         { ["X-RateLimit-Remaining"] = "0", ["X-RateLimit-Reset"] = "-5" },
         { ["X-RateLimit-Remaining"] = "-1", ["X-RateLimit-Reset"] = "30" },
         { ["X-RateLimit-Remaining"] = "0" }, { ["X-RateLimit-Reset"] = "30" },
         { ["X-RateLimit-Remaining"] = "0", ["X-RateLimit-Reset"] = "30", ["X-RateLimit-Limit"] = "0" },
         { ["RateLimit-Remaining"] = "none", ["RateLimit-Reset"] = "30" },
         { RateLimit = '"default";r=0' }, { RateLimit = '"default";r=-1;t=30' }, { RateLimit = "r=0;t=30;;;\"" },
         { RateLimit = ('"a";r=0;t=30,'):rep(50) },
      }
      for _, headers in ipairs(absurd) do
         emulator():clear_faults()
         emulator():fault { headers = headers, times = math.huge }
         local one <close> = client(1)
         for i = 1, 3 do assert(one:get_status(ids[i])) end
      end
      assert.equal(3 * #absurd, emulator():counts().total)
      assert.same({}, waits)
   end)
end)
