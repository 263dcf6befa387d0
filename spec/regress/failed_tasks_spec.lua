-- A program that only steps, as a game does, kept every task that had failed,
-- and that was not told.
local world = require "spec.support.world"

describe("tasks that fail", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local function fail(client, count)
      for i = 1, count do client:spawn(error, ("error %d"):format(i), 0) end
      client:step(0)
   end

   it("are not kept when their results are not read", function()
      local client <close> = world.client(emulator())
      local alive = setmetatable({}, { __mode = "k" })
      for i = 1, 5000 do
         alive[client:spawn(error, i)] = true
         if i % 100 == 0 then client:step(0) end
      end
      collectgarbage()
      collectgarbage()
      local count = 0
      for _ in pairs(alive) do count = count + 1 end
      assert.is_true(count <= 100, count)
      local failed, err = client:run()
      assert.equal(5000, failed)
      assert.is_true(err <= 100)
      assert.same({ 0 }, { client:run() })
   end)

   it("are counted until their result is read, kept or not", function()
      local client <close> = world.client(emulator())
      local tasks = {}
      for i = 1, 150 do tasks[i] = client:spawn(error, i) end
      client:step(0)
      for i = 1, 150, 2 do assert.is_false(pcall(tasks[i].result, tasks[i])) end
      assert.equal(75, (client:run()))
      assert.is_false(pcall(tasks[150].result, tasks[150])) -- run() has told of it
      assert.equal(0, (client:run()))
   end)

   it("are told to on_event, unless a task waits for them", function()
      local events = {}
      local client <close> = world.client(emulator(), { on_event = function(event) events[#events + 1] = event end })
      fail(client, 2)
      assert.equal(2, #events)
      assert.same({ type = "task", operation = "task", reason = "failed", message = "error 1", call = 0, attempt = 0,
         seconds = 0, delay = 0, bytes = 0, time = events[1].time, clock = events[1].clock }, events[1])
      local awaited = client:spawn(error, "seen", 0)
      assert.same({ false, "seen" }, { pcall(awaited.await, awaited) })
      local other = client:spawn(error, "seen too", 0)
      client:spawn(function() pcall(other.await, other) end)
      client:step(0)
      client:step(0)
      assert.equal(3, #events) -- the last one failed before anything waited for it
      assert.equal("seen too", events[3].message)
      fail(client, 1000)
      assert.equal(103, #events) -- what on_event cannot be told within a step is only counted
   end)

   it("whose errors have no text do not break the step", function()
      local events = {}
      local client <close> = world.client(emulator(), { on_event = function(event)
         events[#events + 1] = event.message
      end })
      client:spawn(error, setmetatable({}, { __tostring = error }))
      client:spawn(error, nil)
      client:step(0)
      local none = _VERSION == "Lua 5.4" and "nil" or "<no error object>" -- Lua 5.5 raises no nil
      assert.same({ "an error value without a text", none }, events)
   end)

   it("raise an error of on_event in step, and tell the rest in the next one", function()
      local seen = {}
      local client <close> = world.client(emulator(), { on_event = function(event)
         seen[#seen + 1] = event.message
         if #seen == 1 then error("mine", 0) end
      end })
      for i = 1, 3 do client:spawn(error, "error " .. i, 0) end
      assert.same({ false, "mine" }, { pcall(client.step, client, 0) })
      client:step(0)
      assert.same({ "error 1", "error 2", "error 3" }, seen)
   end)
end)
