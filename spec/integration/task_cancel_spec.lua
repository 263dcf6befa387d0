-- Tasks that are cancelled, or whose client is closed: wherever they wait, they end.
local home = require "spec.support.tasks"
local world = require "spec.support.world"

describe("a task", function()
   local shared = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local emulator, add, step_until, step_times = shared.emulator, shared.add, shared.step_until, shared.step_times
   local is_under_way = shared.is_under_way
   local client
   before_each(function() client = shared.client end)

   describe("cancelled", function()
      it("in a request ends that at once, without another attempt", function()
         local id = add(1)[1]
         emulator():fault { match = { kind = "one" }, delay = 30, times = math.huge }
         local task = client:spawn("get_status", id)
         step_until(is_under_way "one")
         task:cancel()
         assert.is_false(task:done())
         step_times(2)
         local status, err = task:result()
         assert.is_nil(status)
         assert.equal("cancelled", err.kind)
         assert.equal("get_status", err.operation)
         assert.equal(id, err.process_id)
         step_times(5)
         assert.same({ 0, 1 }, { client:stats().pending, client:stats().attempts })
         assert.equal(1, world.seen(emulator()))
      end)

      it("in a for loop ends the cursor and what was fetched ahead", function()
         add(30)
         emulator():fault { match = { kind = "list" }, after = 1, delay = 30, times = math.huge }
         local seen = 0
         local task = client:spawn(function()
            for _ in client:statuses { limit = 10 } do seen = seen + 1 end
         end)
         step_until(function() return seen == 10 and emulator():counts().kinds.list == 2 end)
         task:cancel()
         step_times(2)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.equal("cancelled", err.kind)
         assert.equal(10, seen)
         assert.equal(0, client:stats().pending)
      end)

      it("in a sleep and in an await", function()
         local sleeper = client:spawn(function() return client:sleep(3600) end)
         local awaiting = client:spawn(function() return sleeper:await() end)
         client:step(0)
         awaiting:cancel()
         step_times(2)
         local ok, err = pcall(awaiting.result, awaiting)
         assert.is_false(ok)
         assert.same({ "cancelled", "await" }, { err.kind, err.operation })
         assert.is_false(sleeper:done())
         sleeper:cancel()
         sleeper:cancel()
         step_times(2)
         local slept
         slept, err = sleeper:result()
         assert.is_nil(slept)
         assert.same({ "cancelled", "sleep" }, { err.kind, err.operation })
         sleeper:cancel()
      end)

      it("in a wait gives the last status", function()
         local id = emulator():add_jobs { status = "Processing", progress = 42 }[1]
         local looked
         local task = client:spawn("wait_until_done", id, { on_progress = function() looked = true end })
         step_until(function() return looked end)
         task:cancel()
         step_times(2)
         local status, err = task:result()
         assert.is_nil(status)
         assert.same({ "cancelled", "wait_until_done", id, 42 },
            { err.kind, err.operation, err.process_id, err.status.progress })
      end)

      it("before its first turn sends nothing", function()
         local task = client:spawn("get_status", add(1)[1])
         task:cancel()
         assert.equal(0, (client:run()))
         local _, err = task:result()
         assert.equal("cancelled", err.kind)
         assert.equal(0, world.seen(emulator()))
      end)

      -- What tells how many rounds a task did that never ends, and the task.
      local function endless()
         local rounds = 0
         local task = client:spawn(function()
            while true do
               client:sleep(0)
               rounds = rounds + 1
            end
         end)
         return function() return rounds end, task
      end

      it("ends even where it looks at no error", function()
         local rounds, task = endless()
         step_times(3)
         local before = rounds()
         task:cancel()
         assert.equal(1, (client:run()))
         assert.equal(before + 1, rounds())
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.equal("cancelled", err.kind)
      end)

      it("before its first turn ends in its first round", function()
         local rounds, task = endless()
         task:cancel()
         assert.equal(1, (client:run()))
         assert.equal(1, rounds())
      end)

      it("by the end of a scope", function()
         local kept
         do
            local task <close> = client:spawn(function() return client:sleep(3600) end)
            client:step(0)
            kept = task
         end
         step_times(2)
         assert.equal("cancelled", select(2, kept:result()).kind)
      end)
   end)

   describe("of a client that is closed", function()
      it("wakes at once with `closed`, wherever it waits", function()
         emulator():set { latency = 30 }
         local id = add(1)[1]
         local request = client:start("get_status", id)
         local tasks = {
            client:spawn("get_status", id), client:spawn("wait_until_done", id),
            client:spawn(request.result, request), client:spawn(request.result, request),
            client:spawn(function() return client:sleep(3600) end),
            client:spawn(function() for _ in client:statuses() do error "no" end end),
         }
         tasks[#tasks + 1] = client:spawn(function() return tasks[5]:await() end)
         local looping = client:spawn(function() while true do client:sleep(3600) end end)
         client:step(0.05)
         client:close()
         for i, task in ipairs(tasks) do
            assert.is_true(task:done(), i)
            local ok, value, err = pcall(task.result, task)
            err = ok and err or value
            assert.equal("closed", err.kind, i)
         end
         assert.is_true(looping:done())
      end)

      it("may be the one that closes it, while others are about to run", function()
         local sleepers, closer = {}, nil
         for i = 1, 6 do
            sleepers[i] = client:spawn(function()
               if i == 3 then closer = client:spawn(function() client:close() end) end
               while true do client:sleep(0) end
            end)
         end
         for _ = 1, 20 do
            if not pcall(client.step, client, 0) then break end
         end
         assert.is_true(closer:done())
         for i = 1, 6 do
            assert.is_true(sleepers[i]:done(), i)
            assert.equal("closed", select(2, pcall(sleepers[i].result, sleepers[i])).kind)
         end
      end)
   end)
end)
