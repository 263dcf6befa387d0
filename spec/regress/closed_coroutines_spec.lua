-- A coroutine that was closed while it waited was resumed when its wait was over,
-- and the error ended the process.
local loops = require "spec.support.loops"
local world = require "spec.support.world"

describe("a coroutine that is closed while it waits", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   for _, kind in ipairs(loops) do
      it("in " .. kind.name .. "'s loop is skipped, and the others go on", function()
         if kind.missing then return pending(kind.missing) end
         local id = emulator():add_jobs { status = "Completed" }[1]
         local loop = kind.new()
         local client = world.client(emulator(), { scheduler = loop.scheduler })
         emulator():set { latency = 0.05 }
         local waits, got, ended, over = {}, nil, 0, false
         local function go(f)
            loop.go(function()
               waits[#waits + 1] = coroutine.running()
               f()
               error "it goes on"
            end)
         end
         go(function() client:get_status(id) end)
         go(function() client:sleep(0.02) end)
         go(function() for _ in client:statuses() do error "it goes on" end end)
         loop.go(function()
            while #waits < 3 do client:sleep(0) end
            for _, thread in ipairs(waits) do
               if coroutine.status(thread) == "suspended" and coroutine.close(thread) then ended = ended + 1 end
            end
            got = client:get_status(id).process_id
            client:sleep(0.05)
            client:close()
            over = true
         end)
         -- cqueues and copas wait without end for a coroutine that was closed
         assert.same({}, loop.run(function() return over end))
         assert.equal(id, got)
         assert.equal(3, ended)
         emulator():set { latency = 0 }
      end)
   end

   it("as a task ends with an error, and run() with it", function()
      local client <close> = world.client(emulator())
      local thread
      local task = client:spawn(function()
         thread = coroutine.running()
         client:sleep(3600)
      end)
      client:step(0)
      assert.is_true(coroutine.close(thread))
      local count, err = client:run()
      assert.equal(1, count)
      assert.equal("cancelled", err.kind)
      assert.is_true(task:done())
   end)

   it("as a task in its turn of the queue ends with an error, too", function()
      local client <close> = world.client(emulator())
      local thread
      client:spawn(function()
         thread = coroutine.running()
         coroutine.yield()
      end)
      client:step(0)
      assert.is_true(coroutine.close(thread))
      assert.equal(1, (client:run()))
   end)
end)
