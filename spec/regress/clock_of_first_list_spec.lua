-- The server's clock was learned when its first answer was over.
-- So a new client that read a list while it arrived went by its own clock: where that one is ahead,
-- `older_than` let younger statuses pass, and delete_finished deleted them.
local world = require "spec.support.world"

describe("the first list of a client", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("goes by the server's clock while it still arrives", function()
      emulator():advance(-5 * 86400) -- the server is five days behind this machine
      local now = emulator():now()
      local young = {}
      for i = 1, 20 do
         young[i] = emulator():add_jobs({ { status = "Completed", modification_time = math.floor(now - 10 - i) } })[1]
         emulator():add_jobs({ { status = "Completed", modification_time = math.floor(now - 5000 - i) } })
      end
      emulator():fault { match = { kind = "list" }, drip = { bytes = 2000, interval = 0.01 } }
      local client <close> = world.client(emulator())
      local seen = 0
      for status in client:statuses { limit = 100, where = { modification_time = { older_than = 3600 } } } do
         assert.is_true(status.modification_time <= now - 3600)
         seen = seen + 1
      end
      assert.equal(20, seen)
      emulator():fault { match = { kind = "list" }, drip = { bytes = 2000, interval = 0.01 } }
      local other <close> = world.client(emulator())
      local report = assert(other:delete_finished { older_than = 3600 })
      assert.equal(20, report.deleted)
      for _, id in ipairs(young) do assert(other:get_status(id)) end
   end)
end)

describe("the server's clock", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real", skew = 0.5 })

   -- A Date has whole seconds. Taken against our own whole seconds it could be a second ahead, and
   -- delete_finished deleted statuses younger than `older_than`.
   it("is never taken to be ahead of what it is", function()
      for _ = 1, 10 do
         local client <close> = world.client(emulator())
         assert(client:get_page {})
         local skew = client:stats().clock_skew
         assert.is_true(skew <= 0.5 and skew > -1.5, skew)
         client:sleep(0.11) -- another part of a second
      end
   end)
end)
