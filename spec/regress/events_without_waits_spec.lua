-- Events were delivered by a step that waits alone: a loop whose pages arrive while its body works
-- never waits, and got none before its end.
local emulators = require "topaz.emulator"
local socket = require "socket"
local world = require "spec.support.world"

describe("events are delivered", function()
   local function watched(emulator)
      local events = {}
      local client = world.client(emulator, { on_event = function(event)
         if event.type ~= "request" then events[#events + 1] = event.type .. " " .. event.operation end
      end })
      return client, events
   end

   it("in a loop that never has to wait, page by page", function()
      local emulator <close> = emulators.start()
      emulator:add_jobs { count = 30, status = "Completed" }
      local client, events = watched(emulator)
      local seen = {}
      local n = 0
      for _ in client:statuses { limit = 10 } do
         n = n + 1
         -- until the next page is there: the emulator has answered it, and the loop need not wait
         while emulator:counts().total < math.min(3, (n + 9) // 10 + 1) do socket.sleep(0.005) end
         if n % 10 == 9 then seen[#seen + 1] = #events end
      end
      assert.equal(30, n)
      assert.same({ 1, 2, 3 }, seen)
      assert.equal(3, #events)
      client:close()
   end)

   it("of a started call by each step: in its result, in another call, in a step", function()
      local emulator <close> = emulators.start()
      local ids = emulator:add_jobs { count = 2, status = "Completed" }
      for _, act in ipairs {
         function(_, call) assert(call:result()) end,
         function(client) assert(client:get_status(ids[2])) end,
         function(client, call) while not call:done() do client:step(0.1) end end,
      } do
         local client, events = watched(emulator)
         local call = client:start("get_status", ids[1])
         act(client, call)
         assert.truthy(call:result())
         assert.truthy(table.concat(events, ", "):find("response get_status", 1, true))
         client:close()
      end
   end)
end)
