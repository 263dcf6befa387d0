-- A debug hook may call anything of topaz between any two instructions of the Lua layer.
-- One that made a blocking call while a task was being parked or woken lost
-- the task's wake-up (it never ended), or ended in "table index is nil";
-- one that called run() while the end of a task was being noted never returned.
local world = require "spec.support.world"

describe("a debug hook between two instructions of a task's wait", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local STRIDE = 3 -- instructions between the points that are tried

   -- Two tasks with a request, a sleep and a wait for each other,
   -- and `act` at the instruction `point`; how many there were.
   local function play(id, point, act)
      local client <close> = world.client(emulator())
      local count, inside = 0, false
      local function hook()
         if inside then return end
         count = count + 1
         if count ~= point then return end
         inside = true
         act(client)
         inside = false
      end
      local function hooked(f)
         return function(...)
            debug.sethook(hook, "", 1)
            return f(...)
         end
      end
      local first = client:spawn(hooked(function()
         client:sleep(0)
         return client:get_status(id)
      end))
      local second = client:spawn(hooked(function() return first:await() end))
      debug.sethook(hook, "", 1)
      for _ = 1, 200 do
         local _, alive = client:step(0.01)
         if second:done() and alive == 0 then break end
      end
      debug.sethook()
      assert(second:done(), ("point %d: the task never ends"):format(point))
      local status, err = second:result()
      assert(status and status.process_id == id, ("point %d: %s"):format(point, tostring(err)))
      local pending, alive = client:step(0)
      assert(pending == 0 and alive == 0, ("point %d: %d requests, %d tasks"):format(point, pending, alive))
      return count
   end

   for name, act in pairs {
      ["a blocking call"] = function(client) assert(client:get_page()) end,
      ["step()"] = function(client) client:step(0) end,
      ["spawn() and step()"] = function(client)
         client:spawn(function() client:sleep(0) end)
         client:step(0)
         client:step(0)
         client:step(0)
      end,
      ["run()"] = function(client) pcall(client.run, client) end,
   } do
      it("makes " .. name .. " and loses nothing", function()
         local id = emulator():add_jobs({ count = 1, status = "Completed" })[1]
         local points = play(id, 0, act)
         for point = 1, points, STRIDE do play(id, point, act) end
      end)
   end
end)
