-- A client that was used inside a task of another client blocked that one's step for the whole
-- call; with luv the call never ended and used up the processor.
local core = require "topaz.core"
local loops = require "spec.support.loops"
local world = require "spec.support.world"

describe("a client that is used inside a task of another one", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local a, b, id

   before_each(function()
      a, b = world.client(emulator()), world.client(emulator())
      id = emulator():add_jobs { status = "Completed" }[1]
   end)
   after_each(function()
      a:close()
      b:close()
      emulator():set { latency = 0 }
   end)

   it("lets step(0) return, and the other tasks have their turns", function()
      emulator():set { latency = 30 }
      local other, turns = a:spawn(b.get_status, b, id), 0
      a:spawn(function()
         while true do
            turns = turns + 1
            coroutine.yield()
         end
      end)
      for _ = 1, 100 do a:step(0) end
      assert.equal(100, turns)
      assert.is_false(other:done())
   end)

   it("is driven by run() and by await(), in calls, loops, sleeps and watchers", function()
      emulator():add_jobs { count = 24, status = "Failed" }
      local task = a:spawn(function()
         local n = 0
         for _ in b:statuses { limit = 10 } do n = n + 1 end
         assert(b:sleep(0.01))
         return n, b:wait_until_done(id).status, b:wait_all({ id })[id].status
      end)
      assert.equal(0, (a:run()))
      assert.same({ 25, "Completed", "Completed" }, { task:result() })
      assert.equal(id, a:spawn(b.get_status, b, id):await().process_id)
   end)

   it("counts in timeout(): the loop that drives the one comes back in time for the other", function()
      a:spawn(function() b:sleep(0.5) end)
      a:step(0)
      assert.is_true(a:timeout() <= 0.5)
   end)

   it("awaits its tasks, and these may call the first client in turn", function()
      local inner = b:spawn(function() return a:get_status(id).process_id end)
      local outer = a:spawn(function() return inner:await() end)
      local last = b:spawn(function() return outer:await() end)
      assert.equal(0, (a:run()))
      assert.equal(id, outer:result())
      assert.equal(id, last:await())
   end)

   it("is stepped from a generator inside the task, which blocks", function()
      local helper = b:spawn(function() return a:get_status(id).process_id end)
      local task = a:spawn(function() return coroutine.wrap(function() return helper:await() end)() end)
      assert.equal(id, task:await())
   end)

   it("ends only that wait with `closed` when it is closed, and the task goes on", function()
      emulator():set { latency = 30 }
      local woken
      local task = a:spawn(function()
         local _, err = b:get_status(id)
         woken = err.kind
         local ok, why = b:sleep(0) -- raises
         return ok, why
      end)
      local own = a:spawn(function()
         while not woken do a:sleep(0) end
         return a:sleep(0)
      end)
      a:step(0)
      b:close()
      assert.equal(1, (a:run()))
      assert.equal("closed", woken)
      assert.equal("closed", select(2, pcall(task.result, task)).kind)
      assert.is_true(own:result())
   end)

   it("lets the task be cancelled, and the client of the task be closed", function()
      emulator():set { latency = 30 }
      local one, two = a:spawn("sleep", 3600), a:spawn(b.get_status, b, id)
      local three = a:spawn(function() return b:sleep(3600) end)
      a:step(0)
      two:cancel()
      a:step(0)
      a:step(0)
      assert.equal("cancelled", select(2, two:result()).kind)
      a:close()
      for _, task in ipairs { one, three } do assert.equal("closed", select(2, task:result()).kind) end
      b:step(0)
      assert.equal(0, b:stats().pending)
   end)

   it("leaves nothing behind: later steps do not step the other client", function()
      a:spawn(b.get_status, b, id)
      a:run()
      local request = b:start("get_status", id)
      for _ = 1, 50 do a:step(0.01) end
      assert.is_false(request:done())
      assert.is_nil(a:timeout())
   end)

   it("has its descriptor watched by the other one as long as a task waits for it", function()
      local join, part, log = core.join, core.part, {}
      finally(function() core.join, core.part = join, part end) -- luacheck: ignore 122
      function core.join(one, other) -- luacheck: ignore 122
         log[#log + 1] = ("%s joins %s"):format(one == a and "a", other == b and "b")
         return true
      end
      function core.part(one, other) -- luacheck: ignore 122
         log[#log + 1] = ("%s parts %s"):format(one == a and "a", other == b and "b")
      end
      local tasks = { a:spawn(function() b:sleep(3600) end), a:spawn(function() b:sleep(3600) end) }
      a:step(0)
      assert.same({ "a joins b" }, log)
      assert.is_true(a:timeout() > 1)
      tasks[1]:cancel()
      a:step(0)
      assert.same({ "a joins b" }, log)
      tasks[2]:cancel()
      assert.same({ "a joins b", "a parts b" }, log)
      core.join = function() return false end -- luacheck: ignore 122
      a:spawn(function() b:sleep(3600) end)
      a:step(0)
      assert.is_true(a:timeout() <= 0.01)
   end)

   it("ends a long step of the other one by its news", function()
      if not a:pollfd() then return pending "this system has no descriptor for all connections" end
      local sleeper = a:spawn("sleep", 0.8) -- is over by its time if the step went on that long
      a:spawn(function()
         b:get_status(id)
         sleeper:cancel()
      end)
      a:run()
      assert.equal("cancelled", select(2, sleeper:result()).kind)
   end)

   for _, kind in ipairs(loops) do
      it("yields to " .. kind.name .. "'s loop, which sleeps meanwhile", function()
         if kind.missing then return pending(kind.missing) end
         for _, both in ipairs { true, false } do
            local loop = kind.new()
            local first = world.client(emulator(), { scheduler = loop.scheduler })
            local second = world.client(emulator(), both and { scheduler = loop.scheduler } or {})
            local got, ticks, stopped = nil, 0, nil
            local task = first:spawn(function()
               second:sleep(0.01)
               got = second:get_status(id).process_id
               emulator():set { latency = 30 }
               local _, err = second:get_status(id)
               stopped = err.kind
            end)
            loop.go(function() task:await() end)
            loop.every(function() -- is called only while the call does not block the loop
               if got then ticks = ticks + 1 end
               if ticks == 10 then task:cancel() end
               return task:done()
            end)
            assert.same({}, loop.run())
            emulator():set { latency = 0 }
            assert.equal(id, got)
            assert.equal("cancelled", stopped)
            assert.is_true(ticks >= 10)
            first:close()
            second:close()
         end
      end)
   end
end)
