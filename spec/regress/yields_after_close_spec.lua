-- A task that only gave up its turn by coroutine.yield() never ended when it had been
-- cancelled, and was left where it stood when its client had been closed: what it held was never
-- closed, and it never counted as ended. Nor did one that waited for another client after that.
local home = require "spec.support.tasks"
local world = require "spec.support.world"

-- luacheck: ignore 211

describe("a task that gives up its turn", function()
   local shared = home { setup = setup, teardown = teardown, before_each = before_each, after_each = after_each }
   local client
   before_each(function() client = shared.client end)

   -- A task that yields in a loop, told how many rounds it did and whether it has cleaned up.
   local function looping(rounds)
      local told = { rounds = 0, closed = false }
      told.task = client:spawn(function()
         local guard <close> = setmetatable({}, { __close = function() told.closed = true end })
         while told.rounds < rounds do
            told.rounds = told.rounds + 1
            coroutine.yield()
         end
         return "done"
      end)
      return told
   end

   local function ended_with(kind, task)
      assert.is_true(task:done())
      local ok, err = pcall(task.result, task)
      assert.is_false(ok)
      assert.same({ kind, "task" }, { err.kind, err.operation })
   end

   it("has one more turn when its client is closed, and is ended at its next yield", function()
      local told = looping(math.huge)
      client:step(0)
      client:step(0)
      client:close()
      assert.equal(3, told.rounds)
      assert.is_true(told.closed)
      ended_with("closed", told.task)
   end)

   it("has its first turn when its client is closed before that", function()
      local told = looping(math.huge)
      client:close()
      assert.equal(1, told.rounds)
      ended_with("closed", told.task)
   end)

   it("may end by itself in that turn", function()
      local told = looping(1)
      client:step(0)
      client:close()
      assert.equal("done", told.task:result())
   end)

   it("has one more turn when it is cancelled, and is ended at its next yield", function()
      local told = looping(math.huge)
      client:step(0)
      told.task:cancel()
      assert.equal(0, select(2, client:step(0)))
      assert.equal(2, told.rounds)
      assert.is_true(told.closed)
      ended_with("cancelled", told.task)
   end)

   it("is ended there too when it is the one that closes its client, and run() returns", function()
      local closed = false
      local task = client:spawn(function()
         local guard <close> = setmetatable({}, { __close = function() closed = true end })
         client:close()
         while true do coroutine.yield() end
      end)
      assert.equal(1, (client:run()))
      assert.is_true(closed)
      ended_with("closed", task)
   end)

   it("is ended there too when it was told so in a wait", function()
      local kind, cleaned
      local task = client:spawn(function()
         local guard <close> = setmetatable({}, { __close = function() cleaned = true end })
         kind = select(2, client:sleep(3600)).kind
         while true do coroutine.yield() end
      end)
      client:step(0)
      client:close()
      assert.same({ "closed", true }, { kind, cleaned })
      ended_with("closed", task)
   end)

   it("gives those that await it its end, in a task of another client too", function()
      local other <close> = world.client(shared.emulator())
      local told = looping(math.huge)
      local awaiting = other:spawn(function() return pcall(told.task.await, told.task) end)
      other:step(0)
      told.task:cancel()
      for _ = 1, 10 do other:step(0) end
      local ok, err = awaiting:result()
      assert.same({ false, "cancelled" }, { ok, err.kind })
   end)

   it("does not wait for another client after that", function()
      local other <close> = world.client(shared.emulator())
      local kinds = {}
      local task = client:spawn(function()
         coroutine.yield()
         for i = 1, 2 do
            local ok, result, err = pcall(other.sleep, other, 3600)
            kinds[i] = ok and err.kind or result.kind
         end
      end)
      client:step(0)
      client:close()
      assert.same({ "closed", "closed" }, kinds)
      assert.is_true(task:done())
   end)

   it("closes what it holds without waiting, and an error in that does not hide why it ended", function()
      local other <close> = world.client(shared.emulator())
      local kind, last = nil, false
      local task = client:spawn(function()
         local first <close> = setmetatable({}, { __close = function() last = true end })
         local second <close> = setmetatable({}, { __close = function() error "in its end" end })
         local third <close> = setmetatable({}, { __close = function() kind = select(2, other:sleep(3600)).kind end })
         while true do coroutine.yield() end
      end)
      client:step(0)
      client:close()
      assert.same({ "closed", true }, { kind, last })
      ended_with("closed", task)
   end)

   it("still only gives up its turn while nothing has ended it", function()
      local told = looping(3)
      assert.equal(0, (client:run()))
      assert.same({ 3, "done" }, { told.rounds, told.task:result() })
   end)
end)

describe("an error in the middle of a step", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- A debug hook raises an error at one of the lines that a step runs in the Lua layer. Whether it
   -- did.
   local function interrupted(client, line)
      local count, fired = 0, false
      debug.sethook(function()
         if fired or not debug.getinfo(2, "S").source:find("lua/topaz", 1, true) then return end
         count = count + 1
         if count < line then return end
         fired = true
         error("LIMIT", 0)
      end, "l")
      pcall(client.step, client, 0)
      debug.sethook()
      return fired
   end

   it("leaves no task behind when the client is closed after it", function()
      local line, tasks = 0, {}
      repeat
         line = line + 1
         local client <close> = world.client(emulator())
         for i = 1, 3 do
            tasks[i] = client:spawn(function() return client:sleep(3600) end)
         end
         client:step(0)
         for i = 1, 2 do tasks[i]:cancel() end
         local again = interrupted(client, line)
         client:close()
         for i, task in ipairs(tasks) do assert.is_true(task:done(), ("task %d, line %d"):format(i, line)) end
      until not again
      assert.is_true(line > 50)
   end)
end)
