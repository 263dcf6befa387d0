-- The error of a debug hook between the answer of a single request and what the plan was told of it
-- lost the job: the watcher asked for nothing any more, and looped without waiting till its time
-- was over.
local busted = require "busted"
local emulators = require "topaz.emulator"
local interrupted = require "spec.support.interrupted"
local world = require "spec.support.world"

local TIMEOUT = 5 -- seconds; what is lost is given up then

describe("a watcher that was interrupted", function()
   local emulator
   busted.setup(function() emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() emulator:stop() end)

   for _, events in ipairs { "cr", "l" } do
      it("gives its job when it is asked again, by events " .. events, function()
         local id = emulator:add_jobs({ status = "Completed" })[1]
         local client <close> = world.client(emulator)
         local point, stuck, fired = 0, 0
         repeat
            point = point + 1
            local watcher <close> = client:watch({ id }, { timeout = TIMEOUT })
            local first
            fired = interrupted(point, function() first = watcher() end, nil, { events = events })
            local ok, second = pcall(watcher)
            if not ok and tostring(second):find("another task is waiting", 1, true) then
               stuck = stuck + 1 -- where its mark was to be closed, which nothing else does
            else
               assert.is_true(ok, ("point %d: %s"):format(point, tostring(second)))
               -- taken, and lost in the return: the loop has ended
               assert.is_true(second ~= nil or first ~= nil or watcher:pending() == 0)
            end
         until not fired
         assert.is_true(stuck <= 1)
         assert.is_true(point > 100)
      end)
   end
end)
