-- A game's loop: what a frame does is counted here, in which order, and what a budget leaves
-- for the next frame. What a step costs is measured by spec/bench/scenario/game_loop.lua.
local interpreter = require "spec.support.interpreter"
local preload = require "spec.support.preload"
local world = require "spec.support.world"

describe("a game's loop of 60 frames a second", function()
   it("does everything that was begun beside it", function()
      local command = "LUA_PATH='%s' LUA_CPATH='%s' %s spec/examples/game_loop.lua 2>&1"
      local pipe = assert(io.popen(command:format(package.path, package.cpath, interpreter)))
      local text = pipe:read "a"
      pipe:close()
      local requests, listed, failed, tasks =
         text:match "^%d+ frames, (%d+) requests, (%d+) statuses listed, (%d+) of (%d+) tasks failed\n"
      assert(requests, text)
      -- The jobs take seconds; the list may or may not see what is deleted beside it.
      assert.is_true(tonumber(listed) >= 50 and tonumber(listed) <= 70, text)
      assert.is_true(tonumber(requests) >= 71, text)
      assert.same({ "0", "71" }, { failed, tasks })
   end)
end)

describe("client:step(0, budget)", function()
   local TINY = 1e-9 -- seconds: used up after the first thing that is done, on any machine
   local TASKS, PAGES = 60, 20

   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function()
      emulator():add_jobs { count = 100, status = "Completed" }
      client = world.client(emulator())
   end)
   after_each(function() client:close() end)

   -- Begins tasks that note their turns: { { turn of 1, turn of 2, … }, … }, the list of each step.
   local function begin(turns)
      local order = {}
      for i = 1, TASKS do
         client:spawn(function()
            for _ = 1, turns do
               order[#order + 1] = i
               coroutine.yield()
            end
         end)
      end
      return order
   end

   it("without a budget every task has its turn in each step", function()
      local order = begin(3)
      for step = 1, 3 do
         client:step(0)
         assert.equal(step * TASKS, #order)
      end
   end)

   it("leaves tasks for the next step when the budget is used up, and none is passed over", function()
      local order = begin(3)
      local steps, before, left = 0, 0, false
      while #order < 3 * TASKS do
         client:step(0, TINY)
         steps = steps + 1
         assert.is_true(#order > before, "a step that did nothing")
         left = left or #order - before < TASKS
         before = #order
         assert.is_true(steps <= 3 * TASKS)
      end
      assert.is_true(left)
      assert.is_true(steps > 3, steps .. " steps")
      for i, task in ipairs(order) do assert.equal((i - 1) % TASKS + 1, task) end -- in turn
   end)

   it("leaves answers for the next step, gives each of them, and counts what is under way", function()
      local requests, finished = {}, {}
      for i = 1, PAGES do requests[i] = client:start("get_page", { limit = 100 }) end
      local steps, pending = 0, PAGES
      while pending > 0 do
         pending = client:step(0.01, TINY)
         steps = steps + 1
         for i, request in ipairs(requests) do
            if request:done() and not finished[i] then finished[i] = steps end
         end
      end
      for i, request in ipairs(requests) do
         assert.equal(100, #assert(request:result()).data)
         assert.is_truthy(finished[i])
      end
      assert.equal(PAGES, world.seen(emulator(), "list"))
      assert.is_true(steps > 1)
   end)

   -- Steps until all is done. Returns the most that `count` grew by in one step.
   local function most_in_a_step(count)
      local most, before = 0, count()
      repeat
         local pending, alive = client:step(0.01, TINY)
         local now = count()
         most, before = math.max(most, now - before), now
      until pending == 0 and alive == 0
      return most
   end

   local function attempts() return client:stats().attempts end

   it("sends one request in a step when the budget is used up", function()
      for _ = 1, PAGES do client:start("get_page", { limit = 1 }) end
      assert.equal(1, most_in_a_step(attempts))
      assert.equal(PAGES, world.seen(emulator(), "list"))
   end)

   it("sends no other requests when a list asks for its next page", function()
      local listed = 0
      client:spawn(function()
         for _ in client:statuses { limit = 10 } do
            if listed == 0 then -- the next page is asked for with these in the queue
               for _ = 1, PAGES do client:start("get_page", { limit = 1 }) end
            end
            listed = listed + 1
         end
      end)
      assert.equal(1, most_in_a_step(attempts))
      assert.equal(100, listed)
      assert.equal(10 + PAGES, world.seen(emulator(), "list"))
   end)

   it("counts what libcurl does for a request that was started", function()
      local before = preload.of("slow_send", "SEND_DELAY=20000")
      if not before then return pending "no compiler, or a sanitizer is preloaded" end
      local out = world.script(([[
         local client <close> = require "topaz".client { api_key = %q, base_url = %q }
         local function start() for _ = 1, 8 do client:start("get_page", { limit = 1 }) end end
         start() -- these open the connections, and the others are sent as they are started
         while client:step(1) > 0 do end
         local before = client:stats().attempts
         start()
         client:step(0, 0.01) -- half of what sending one takes
         io.write(before, " ", client:stats().attempts - before)
      ]]):format(emulator().key, emulator().url), before)
      assert.equal("8 1", out)
   end)

   it("counts for the clients that a task waits for, too", function()
      local other <close> = world.client(emulator())
      local task = client:spawn(function()
         for _ = 1, PAGES do other:start("get_page", { limit = 1 }) end
         assert(other:get_page { limit = 1 })
      end)
      assert.equal(1, most_in_a_step(function() return other:stats().attempts end))
      task:result()
   end)

   it("says that it was used up when work is left, also by the only task", function()
      local listed, before = 0, 0
      client:spawn(function()
         for _ in client:statuses { limit = 100 } do listed = listed + 1 end
      end)
      repeat
         local _, alive, over = client:step(0.01, TINY)
         assert.is_true(over or listed == before or listed == 100, listed)
         before = listed
      until alive == 0
      assert.equal(100, listed)
   end)

   for _, paginated in ipairs { true, false } do
      it("gives one status in a step, paginated = " .. tostring(paginated), function()
         local listed = 0
         client:spawn(function()
            for _ in client:statuses { paginated = paginated, limit = paginated and 100 or nil } do
               listed = listed + 1
            end
         end)
         assert.equal(1, most_in_a_step(function() return listed end))
         assert.equal(100, listed)
      end)
   end

   it("is never less than one thing, so that a loop comes to its end with any budget", function()
      local done = 0
      for _ = 1, TASKS do
         client:spawn(function()
            client:sleep(0)
            assert(client:get_page { limit = 1 })
            done = done + 1
         end)
      end
      local _, alive
      repeat _, alive = client:step(0.01, 0) until alive == 0
      assert.equal(TASKS, done)
   end)

   it("refuses what is not a budget", function()
      for _, budget in ipairs { -1, "much", {}, 0 / 0 } do
         local ok, err = pcall(client.step, client, 0, budget)
         assert.is_false(ok)
         assert.matches("budget", tostring(err))
      end
   end)
end)
