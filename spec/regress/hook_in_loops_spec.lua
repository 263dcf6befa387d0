-- The error of a debug hook in a coroutine of an event loop. Where it came while the loop was told
-- of the client, the client counted on the loop to look after it: nothing woke it any more.
local core = require "topaz.core"
local interrupted = require "spec.support.interrupted"
local loops = require "spec.support.loops"
local world = require "spec.support.world"

local LIMIT = 60 -- seconds after which what is waited for is given up

for _, kind in ipairs(loops) do
   describe("the error of a hook in a coroutine of " .. kind.name, function()
      if kind.missing then
         it("leaves the client to its loop", function() pending(kind.missing) end)
         return
      end

      local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

      -- Runs f in a coroutine of the loop until it has returned. Returns what pcall gave.
      local function run(loop, f)
         local ended, ok, err, deadline = false, nil, nil, core.now() + LIMIT
         loop.go(function()
            ok, err = pcall(f)
            ended = true
         end)
         loop.run(function() return ended or core.now() > deadline end)
         assert(ended, "the coroutine never went on")
         return ok, err
      end

      it("leaves the client to its loop", function()
         local ids = emulator():add_jobs { count = 2, status = "Completed" }
         local loop, point, fired = kind.new(), 1, true
         while fired do
            local client = world.client(emulator(), { scheduler = loop.scheduler })
            assert(run(loop, function()
               local ok, err
               fired, ok, err = interrupted(point, function() assert(client:get_status(ids[1])) end)
               if fired then
                  assert.is_false(ok)
                  assert.matches("interrupted!$", err)
               end
               assert(client:get_status(ids[2]))
            end))
            client:close()
            point = point + 1
         end
         assert(point > 20, point)
      end)
   end)
end
