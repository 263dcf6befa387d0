-- progress.wait_all and client:wait_all differed: in the keys of ids given twice,
-- in the operation of errors, and in what a traceback shows.
local progress = require "topaz.progress"
local world = require "spec.support.world"

describe("progress.wait_all", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local UNKNOWN = "00000000-0000-4000-8000-00000000000F"

   it("gives what client:wait_all gives, under the same keys", function()
      local ids = emulator():add_jobs { count = 3, status = { "Completed", "Failed", "Cancelled" } }
      for _, given in ipairs { ids, { ids[1]:upper(), ids[2] }, { ids[1], ids[1]:upper(), ids[1] }, { UNKNOWN, ids[3] },
         {}, ids[2] } do
         local expected, got = assert(client:wait_all(given)), assert(progress.wait_all(client, given))
         for _, all in ipairs { expected, got } do
            for key, status in pairs(all) do all[key] = status.status or status.kind end
         end
         assert.same(expected, got)
      end
   end)

   it("fails as client:wait_all does", function()
      local ids = emulator():add_jobs { count = 2, status = { "Completed", "Processing" } }
      local _, expected = client:wait_all(ids, { timeout = 0 })
      local _, err = progress.wait_all(client, ids, { timeout = 0 })
      assert.same({ expected.kind, expected.operation, expected.message }, { err.kind, err.operation, err.message })
      assert.equal("Completed", err.statuses[ids[1]].status)
      assert.is_nil(err.statuses[ids[2]])
   end)

   it("lets an error of on_progress through, with the place that raised it in the traceback", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local function raises_it() error "mine" end
      for _, wait_all in ipairs { client.wait_all, progress.wait_all } do
         local ok, trace = xpcall(wait_all, debug.traceback, client, { id }, { on_progress = function()
            raises_it()
         end })
         assert.is_false(ok)
         assert.matches("mine", trace)
         assert.matches("raises_it", trace)
      end
   end)
end)
