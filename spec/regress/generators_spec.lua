-- A generator of coroutine.wrap around a loop over a cursor ended at once,
-- without an item and without an error, inside a task and inside a coroutine of luv:
-- its first wait was taken for its end.
local loops = require "spec.support.loops"
local world = require "spec.support.world"

-- A generator of the process_ids of a client's statuses.
local function generator(client)
   return coroutine.wrap(function()
      for status in client:statuses { limit = 10 } do coroutine.yield(status.process_id) end
   end)
end

local function count(client)
   local n = 0
   for _ in generator(client) do n = n + 1 end
   return n
end

for _, kind in ipairs(loops) do
   describe("a generator, with the scheduler of " .. kind.name, function()
      if kind.missing then
         it("runs", function() pending(kind.missing) end)
         return
      end
      local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
      local loop, client

      before_each(function()
         loop = kind.new()
         client = world.client(emulator(), { scheduler = loop.scheduler })
         emulator():add_jobs { count = 25, status = "Completed" }
      end)
      after_each(function() client:close() end)

      it("gives all items in a plain script", function() assert.equal(25, count(client)) end)

      it("gives all items in a task", function()
         local task = client:spawn(count, client)
         loop.go(function() task:await() end)
         assert.same({}, loop.run())
         assert.equal(25, task:result())
      end)

      it("gives all items in a task that blocks", function()
         assert.equal(25, client:spawn(count, client):await())
      end)

      it("gives all items in a coroutine of the loop", function()
         local n
         loop.go(function() n = count(client) end)
         assert.same({}, loop.run())
         assert.equal(25, n)
      end)

      it("that is called by hand gives items or an error that says why", function()
         local n, problem = 0, nil
         loop.go(function()
            local ok, err = pcall(function()
               local get = generator(client)
               local id = get()
               while id do
                  assert(id:find "%x")
                  n, id = n + 1, get()
               end
            end)
            problem = not ok and err or nil
         end)
         loop.run()
         if problem then assert.matches("waits inside luv's loop", problem) else assert.equal(25, n) end
      end)

      it("lets a coroutine that a coroutine begins run beside it", function()
         local id = emulator():add_jobs { status = "Failed" }[1]
         local order = {}
         loop.go(function()
            loop.go(function()
               local word = client:get_status(id).status
               order[#order + 1] = word
            end)
            order[#order + 1] = "begun"
         end)
         assert.same({}, loop.run())
         assert.same({ "begun", "Failed" }, order)
      end)
   end)
end
