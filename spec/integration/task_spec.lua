-- Tasks: coroutines of a client, in which its calls yield. Order and counts are asserted, not time.
-- How they are cancelled is in task_cancel_spec.
local core = require "topaz.core"
local home = require "spec.support.tasks"
local world = require "spec.support.world"

describe("a task", function()
   local shared = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add, step_until, step_times = shared.emulator, shared.add, shared.step_until, shared.step_times
   local client
   before_each(function() client = shared.client end)

   describe("spawned", function()
      it("has its first turn in the next step and keeps arguments and results, nil included", function()
         local turns = 0
         local task = client:spawn(function(...)
            turns = turns + 1
            return select("#", ...), ...
         end, 1, nil, "three", nil)
         assert.equal(0, turns)
         assert.is_false(task:done())
         assert.equal("topaz.task (running)", tostring(task))
         local pending, alive = client:step(0)
         assert.same({ 0, 0 }, { pending, alive })
         assert.equal(1, turns)
         assert.is_true(task:done())
         assert.same({ n = 5, 4, 1, nil, "three", nil }, table.pack(task:result()))
         assert.same({ n = 5, 4, 1, nil, "three", nil }, table.pack(task:await()))
         assert.equal("topaz.task (done)", tostring(task))
      end)

      it("takes the name of a method", function()
         local id = add(1)[1]
         local one, wait = client:spawn("get_status", id), client:spawn("wait_until_done", id, { timeout = 5 })
         assert.equal(0, (client:run()))
         assert.equal(id, one:result().process_id)
         assert.equal("Completed", wait:result().status)
         assert.equal(2, world.seen(emulator(), "one"))
      end)

      it("refuses what cannot run, and a closed client", function()
         for _, wrong in ipairs { 1, "no_such_method", {} } do
            local ok, err = pcall(client.spawn, client, wrong)
            assert.is_false(ok)
            assert.matches("bad argument 'fn'", err)
         end
         client:close()
         local ok, err = pcall(client.spawn, client, function() end)
         assert.is_false(ok)
         assert.equal("closed", err.kind)
      end)

      it("as a bare request tells of misuse where it was called", function()
         for _, wrong in ipairs { { "no_such_call" }, { "get_status", "no UUID" }, { "get_status" } } do
            local ok, err = pcall(function() client:start(table.unpack(wrong)) end)
            assert.is_false(ok)
            assert.matches("task_spec.lua:%d+: bad argument", err)
         end
         assert.equal(0, world.seen(emulator()))
      end)

      it("says so when its result is asked for too early", function()
         local task = client:spawn(function() client:sleep(60) end)
         client:step(0)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.matches("still runs", err)
      end)
   end)

   describe("that calls", function()
      it("lets the others go on, in calls and in a for loop over a cursor", function()
         add(40)
         emulator():set { latency = 0.02 }
         local got, turns = 0, 0
         local lister = client:spawn(function()
            for _ in client:statuses { limit = 10 } do got = got + 1 end
            return client:get_page({ limit = 1 }).data[1].status
         end)
         local other = client:spawn(function()
            while not lister:done() do
               turns = turns + 1
               client:sleep(0.001)
            end
            return got
         end)
         assert.equal(0, (client:run()))
         assert.equal("Completed", lister:result())
         assert.equal(40, other:result())
         assert.equal(5, world.seen(emulator(), "list"))
         assert.is_true(turns > 15, turns) -- five answers of 20 ms, one of them fetched ahead
      end)

      it("shares the time with others like it", function()
         local ids = add(3)
         emulator():set { latency = 0.05 }
         local order = {}
         for i, id in ipairs(ids) do
            client:spawn(function()
               order[#order + 1] = "asks " .. i
               assert.equal(id, client:get_status(id).process_id)
               order[#order + 1] = "got"
            end)
         end
         assert.equal(0, (client:run()))
         assert.equal("asks 1,asks 2,asks 3,got,got,got", table.concat(order, ","))
      end)

      it("may wait for a request together with another", function()
         local id = add(1)[1]
         local request = client:start("get_status", id)
         local a, b = client:spawn(request.result, request), client:spawn(request.result, request)
         assert.equal(0, (client:run()))
         assert.equal(id, a:result().process_id)
         assert.equal(a:result(), b:result())
         assert.equal(1, world.seen(emulator()))
      end)

      it("blocks in a coroutine inside the task and in a callback of C, and does not break", function()
         local id = add(1)[1]
         local task = client:spawn(function()
            local inner = coroutine.wrap(function()
               coroutine.yield(client:get_status(id).status)
               for status in client:statuses() do coroutine.yield(status.process_id) end
               coroutine.yield(client:sleep(0.01))
            end)
            local from_c = ("x"):gsub("x", function() return client:get_status(id).status end)
            return inner(), inner(), inner(), from_c, client:get_status(id).status
         end)
         assert.equal(0, (client:run()))
         assert.same({ "Completed", id, true, "Completed", "Completed" }, { task:result() })
      end)

      it("cannot await where no other task could go on", function()
         local endless = client:spawn(function() client:sleep(3600) end)
         local task = client:spawn(function() return coroutine.wrap(function() endless:await() end)() end)
         client:step(0)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.matches("await%(%)", err)
      end)

      it("gives up its turn by yielding", function()
         local order = {}
         for _, name in ipairs { "a", "b" } do
            client:spawn(function()
               for i = 1, 2 do
                  order[#order + 1] = name .. i
                  assert.equal(0, select("#", coroutine.yield("ignored")))
               end
            end)
         end
         assert.equal(0, (client:run()))
         assert.equal("a1 b1 a2 b2", table.concat(order, " "))
      end)
   end)

   describe("that fails", function()
      it("tells the task that asks, and no other", function()
         local id, problem = add(1)[1], { "mine" }
         local bad = client:spawn(function()
            client:get_status(id)
            error(problem)
         end)
         local good = client:spawn(function() return client:get_status(id).status end)
         local asker = client:spawn(function()
            local ok, err = pcall(bad.await, bad)
            return ok, err
         end)
         step_until(function() return good:done() and asker:done() end)
         assert.equal("Completed", good:result())
         assert.same({ false, problem }, { asker:result() })
         assert.equal(problem, select(2, asker:result()))
         assert.equal("topaz.task (failed)", tostring(bad))
         assert.same({ false, problem }, { pcall(bad.result, bad) })
         assert.equal(0, (client:run()))
      end)

      it("is counted by run() when its result is not read", function()
         client:spawn(error, "first", 0)
         local asked = client:spawn(error, "second", 0)
         client:step(0)
         pcall(asked.result, asked)
         assert.same({ 1, "first" }, { client:run() })
         assert.same({ 0 }, { client:run() })
      end)

      it("closes what it had open", function()
         add(30)
         local closed
         client:spawn(function()
            -- luacheck: ignore 211
            local guard <close> = setmetatable({}, { __close = function() closed = true end })
            for _ in client:statuses { limit = 10 } do error "stop" end
         end)
         assert.equal(1, (client:run()))
         assert.is_true(closed)
         client:step(0)
         assert.equal(0, client:stats().pending)
      end)
   end)

   describe("awaited", function()
      it("gives its results to another task and to the main program", function()
         local id = add(1)[1]
         local first = client:spawn("get_status", id)
         local second = client:spawn(function() return first:await().status, "and more" end)
         assert.same({ "Completed", "and more" }, { second:await() })
         assert.equal(id, first:await().process_id)
      end)

      it("cannot be itself", function()
         local task
         task = client:spawn(function() return task:await() end)
         assert.equal(1, (client:run()))
         assert.matches("cannot await itself", select(2, pcall(task.result, task)))
      end)
   end)

   describe("run by client:run()", function()
      it("is not run from inside a task", function()
         local task = client:spawn(function() client:run() end)
         assert.equal(1, (client:run()))
         assert.matches("called in a task", select(2, pcall(task.result, task)))
      end)

      it("takes along those that others spawn", function()
         local order = {}
         client:spawn(function()
            client:spawn(function()
               client:sleep(0.01)
               order[#order + 1] = "child"
            end)
            order[#order + 1] = "parent"
         end)
         client:run()
         assert.same({ "parent", "child" }, order)
      end)
   end)

   it("notices once that the machine has slept", function()
      local wall, ahead = core.wall, 0
      finally(function() core.wall = wall end)
      core.wall = function() return wall() + ahead end
      local ends = 0
      local task = client:spawn(function()
         for _ = 1, 2 do
            assert(client:sleep(1800))
            ends = ends + 1
         end
      end)
      step_times(5)
      assert.equal(0, ends)
      ahead = 3600
      step_times(5)
      assert.equal(1, ends)
      assert.is_false(task:done())
   end)
end)
