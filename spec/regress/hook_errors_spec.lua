-- A debug hook may end a step with an error of its own, such as that of an instruction limit. What
-- a task was given, or had given, was lost with it: "attempt to call a nil value", "out of memory";
-- and where the step had been stepping another client that one was never stepped again.
local world = require "spec.support.world"

describe("the error of a debug hook in the middle of a step", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   -- Whether the hook is in a function of the Lua layer.
   local function is_ours() return debug.getinfo(3, "S").source:find("lua/topaz", 1, true) ~= nil end

   for _, mask in ipairs { "count", "l", "cr" } do
      it("leaves a task its function, arguments and results (" .. mask .. ")", function()
         local client <close> = world.client(emulator())
         for point = 1, mask == "count" and 700 or 250 do
            local calls, count, fired = 0, 0, false
            local task = client:spawn(function(value)
               calls = calls + 1
               client:sleep(0)
               return value, nil, "last"
            end, 42)
            debug.sethook(function()
               if fired or not is_ours() then return end
               count = count + 1
               if count < point then return end
               fired = true
               error("LIMIT", 0)
            end, mask == "count" and "" or mask, mask == "count" and 1 or 0)
            pcall(client.run, client)
            debug.sethook()
            pcall(client.run, client)
            local result = table.pack(pcall(task.result, task))
            if result[1] then assert.same({ true, 42, nil, "last", n = 4 }, result)
            else assert.equal("LIMIT", result[2], point) end
            assert(calls <= 1, point)
         end
      end)
   end

   it("leaves no client that others step no more", function()
      local id = emulator():add_jobs { status = "Completed" }
      for line = 1, 24 do
         local a <close> = world.client(emulator())
         local b <close> = world.client(emulator())
         a:spawn(function() assert(b:get_status(id[1])) end)
         local task = b:spawn(function()
            b:sleep(0.01)
            return a:get_status(id[1])
         end)
         local count, done = 0, false
         debug.sethook(function()
            if done then return end
            local info = debug.getinfo(2, "Sn")
            if info.name ~= "step_visited" or not info.source:find "parking" then return end
            count = count + 1
            if count < line then return end
            done = true
            error("LIMIT", 0)
         end, "l")
         pcall(a.run, a)
         debug.sethook()
         for _ = 1, 300 do
            if task:done() then break end
            b:step(0.02)
         end
         assert(task:done(), line)
         assert.equal(id[1], task:result().process_id)
      end
   end)
end)
