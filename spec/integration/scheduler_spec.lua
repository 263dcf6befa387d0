-- The client in foreign event loops, each the real one, with a timer of the loop ticking beside it:
-- the same tests for each of them. What only one of them has is in scheduler_own_spec.
local core = require "topaz.core"
local loops = require "spec.support.loops"
local world = require "spec.support.world"

local methods = core.client_methods()

for _, kind in ipairs(loops) do
   local name, new, missing = kind.name, kind.new, kind.missing

   describe("in " .. name .. "'s loop", function()
      if missing then
         it("runs", function() pending(missing) end)
         return
      end

      local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
      local loop
      local originals = {}

      -- Replaces a method of the clients until the test is over.
      local function replace(method, f)
         originals[method] = originals[method] or methods[method]
         methods[method] = f
         return originals[method]
      end

      before_each(function() loop = new() end)
      after_each(function()
         for method, f in pairs(originals) do methods[method] = f end
         originals = {}
         emulator():set { latency = 0 }
      end)

      local function client_of_loop(more)
         local options = { scheduler = loop.scheduler }
         for option, value in pairs(more or {}) do options[option] = value end
         return world.client(emulator(), options)
      end

      it("calls of several coroutines yield while a timer ticks, and the loop ends by itself", function()
         local ids = emulator():add_jobs { count = 30, status = "Completed" }
         emulator():set { latency = 0.3 }
         local client = client_of_loop()
         local got, ticks, left = {}, 0, 4
         local function go(f)
            loop.go(function()
               f()
               left = left - 1
            end)
         end
         go(function() got.one = client:get_status(ids[1]).process_id end)
         go(function()
            got.many = 0
            for _ in client:statuses { limit = 15 } do got.many = got.many + 1 end
         end)
         go(function() got.waited = client:wait_until_done(ids[2], { timeout = 20 }).status end)
         go(function()
            local task = client:spawn("get_status", ids[3])
            got.slept = client:sleep(0.01)
            got.awaited = task:await().process_id
            got.inner = coroutine.wrap(function() return client:stats().pending end)() >= 0
         end)
         loop.every(function()
            ticks = ticks + 1
            return left == 0
         end)
         assert.same({}, loop.run())
         assert.same({ one = ids[1], many = 30, waited = "Completed", slept = true, awaited = ids[3], inner = true },
            got)
         -- none came between two answers if a call blocked the loop
         assert.is_true(ticks > 2, ticks)
         client:close()
      end)

      it("nothing of the client is left behind", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local weak = setmetatable({}, { __mode = "v" })
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            weak.client = client
            local status
            loop.go(function() status = client:get_status(id) end)
            assert.same({}, loop.run())
            assert.equal(id, status.process_id)
         end)
         loop = nil
         collectgarbage()
         collectgarbage()
         assert.is_nil(weak.client)
      end)

      it("a client that was forgotten is collected without having been closed", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local weak = setmetatable({ client_of_loop() }, { __mode = "v" })
         loop.go(function() weak[1]:get_status(id) end)
         loop.run()
         loop.run()
         collectgarbage()
         collectgarbage()
         assert.is_nil(weak[1])
      end)

      it("works again after the loop had nothing to do, and without it by blocking", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         for round = 1, 3 do
            local status
            loop.go(function() status = client:get_status(id) end)
            assert.same({}, loop.run())
            assert.equal(id, status.process_id)
            assert.equal(id, client:get_status(id).process_id)
            assert.equal(2 * round, world.seen(emulator()))
         end
         client:close()
      end)

      it("two clients do not disturb each other", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local a, b = client_of_loop(), client_of_loop()
         local got = {}
         loop.go(function()
            got.a = a:get_status(id).process_id
            a:close()
         end)
         loop.go(function() got.b = b:get_status(id).process_id end)
         loop.go(function() got.slept = b:sleep(0.05) end)
         assert.same({}, loop.run())
         assert.same({ a = id, b = id, slept = true }, got)
         b:close()
      end)

      it("a request that is only asked whether it is done gets done", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local request
         loop.go(function() request = client:start("get_status", id) end)
         loop.every(function() return request:done() end)
         assert.same({}, loop.run())
         assert.equal(id, request:result().process_id)
         client:close()
      end)

      it("a task begun outside of it runs in it", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local task, status = client:spawn("get_status", id), nil
         loop.go(function() status = task:await() end)
         assert.same({}, loop.run())
         assert.equal(id, status.process_id)
         client:close()
      end)

      it("closing the client wakes all that wait, with `closed`", function()
         emulator():set { latency = 30 }
         local id = emulator():add_jobs { status = "Completed" }[1]
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            local kinds, ticks = {}, 0
            local function note(ok, value, err) kinds[#kinds + 1] = (ok and err or value).kind end
            loop.go(function() note(true, client:get_status(id)) end)
            loop.go(function() note(pcall(client:statuses())) end)
            loop.go(function() note(true, client:sleep(3600)) end)
            local task = client:spawn("wait_until_done", id)
            loop.go(function() note(pcall(task.await, task)) end)
            loop.every(function()
               ticks = ticks + 1
               if ticks == 5 then client:close() end
               return ticks == 8
            end)
            assert.same({}, loop.run())
            assert.same({ "closed", "closed", "closed", "closed" }, kinds)
            assert.equal("topaz.client (closed)", tostring(client))
         end)
      end)

      it("a coroutine may close the client that it has just used", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            local last
            loop.go(function()
               client:get_status(id)
               client:close()
            end)
            loop.go(function()
               local _, raised = pcall(function()
                  while true do
                     local slept, err = client:sleep(0)
                     if not slept then error(err) end
                  end
               end)
               last = raised.kind
            end)
            assert.same({}, loop.run())
            assert.equal("closed", last)
         end)
      end)

      it("cancelling a task wakes it at once, in the step after", function()
         local client = client_of_loop()
         local steps, before, after, ticks = 0, nil, nil, 0
         local step = replace("step", nil)
         replace("step", function(...)
            steps = steps + 1
            return step(...)
         end)
         local task = client:spawn(function()
            local ok, err = client:sleep(3600)
            after = steps
            return ok, err.kind
         end)
         loop.go(function() task:await() end)
         loop.every(function()
            ticks = ticks + 1
            if ticks == 4 then
               before = steps
               task:cancel()
            end
            return task:done()
         end)
         assert.same({}, loop.run())
         assert.same({ nil, "cancelled" }, { task:result() })
         assert.equal(before + 1, after)
         client:close()
      end)

      it("cancelling a request wakes what waits for it: the loop is told that there is a step to do", function()
         emulator():set { latency = 30 }
         local told = 0
         local scheduler = setmetatable({ attend = function(self, client)
            told = told + 1
            loop.scheduler.attend(self, client)
         end }, { __index = loop.scheduler })
         local client = client_of_loop { scheduler = scheduler }
         local request, err, before, after
         loop.go(function()
            request = client:start "get_page"
            err = select(2, request:result())
         end)
         local ticks = 0
         loop.every(function()
            ticks = ticks + 1
            if ticks == 4 then
               before = told
               request:cancel()
               after = told
            end
            return err ~= nil
         end)
         assert.same({}, loop.run())
         assert.equal("cancelled", err.kind)
         assert.equal(before + 1, after)
         client:close()
         request:cancel() -- nobody is told of a client that is closed
         assert.equal(after, told)
      end)

      it("waiting idly takes no step at all", function()
         local client <close> = client_of_loop()
         if not client:pollfd() then return pending "this system has no descriptor for all connections" end
         local steps, ticks, counted = 0, 0, nil
         local step = replace("step", nil)
         replace("step", function(...)
            steps = steps + 1
            return step(...)
         end)
         local task
         loop.go(function() task = client:spawn("sleep", 10) end)
         loop.every(function()
            ticks = ticks + 1
            if ticks == 5 then counted = steps end
            if ticks < 40 then return false end
            counted = steps - counted
            task:cancel()
            return true
         end)
         assert.same({}, loop.run())
         assert.equal(0, counted)
         assert.is_true(task:done())
      end)

      it("a later deadline does not hide a nearer one", function()
         local client = client_of_loop()
         local order, now = {}, core.now
         local began = now()
         -- all three begin at the same time, however late they have their turn
         core.now = function() return began end
         finally(function() core.now = now end)
         for _, seconds in ipairs { 0.15, 0.01, 0.08 } do
            loop.go(function()
               client:sleep(seconds)
               order[#order + 1] = seconds
            end)
         end
         loop.go(function() core.now = now end)
         assert.same({}, loop.run())
         assert.same({ 0.01, 0.08, 0.15 }, order)
         client:close()
      end)

      it("it works without a descriptor, as on systems that have none", function()
         replace("pollfd", function() return nil end)
         local ids = emulator():add_jobs { count = 30, status = "Completed" }
         local client = client_of_loop()
         local count, slept = 0, nil
         loop.go(function() for _ in client:statuses { limit = 10 } do count = count + 1 end end)
         loop.go(function() slept = client:sleep(0.01) end)
         assert.same({}, loop.run())
         assert.same({ #ids, true }, { count, slept })
         client:close()
      end)

      if name == "luv" then return end -- there an error ends the process: see below

      it("an error of a coroutine reaches the loop's handler, and the others go on", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local status
         loop.go(function()
            client:get_status(id)
            error "mine"
         end)
         loop.go(function()
            client:sleep(0.05)
            status = client:get_status(id)
         end)
         local errors = loop.run()
         assert.equal(1, #errors)
         assert.matches("mine", errors[1])
         assert.equal(id, status.process_id)
         client:close()
      end)

      it("an error of on_event reaches the loop's handler, and the client goes on", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local events, printed = 0, _G.print
         local client = client_of_loop { on_event = function()
            events = events + 1
            if events == 1 then error("in on_event", 0) end
         end }
         local told = {}
         -- what copas does with errors unless told otherwise
         _G.print = function(message) told[#told + 1] = message end
         finally(function() _G.print = printed end)
         local status
         loop.go(function() status = client:get_status(id) end)
         for _, err in ipairs(loop.run()) do told[#told + 1] = err end
         assert.equal(1, #told)
         assert.matches("in on_event", told[1])
         assert.equal(id, status.process_id)
         assert.equal(2, events)
         client:close()
      end)
   end)
end
