-- Objects made of statuses whose finalizer uses the client: it ran while a record was being read,
-- and its step fed the buffer of that very list, which moved under the reader. Visible under
-- AddressSanitizer. In a process of its own: with a small heap the collector comes often.
local world = require "spec.support.world"

if world.alone(describe, it, "spec/regress/finalizer_feeds_spec.lua") then return end

local SCRIPT = [[
   local topaz = require "topaz"
   local client = topaz.client { api_key = %q, base_url = %q, retry_base = 0.01, retry_cap = 0.05 }
   local deed, inside, acted = %s, false, 0
   local Job = { __gc = function(job)
      if inside then return end
      inside = true
      acted = acted + 1
      local ok, err = pcall(deed, client, job.id)
      assert(ok or err.kind == "closed", err)
      inside = false
   end }
   require("spec.support.collector").%s
   local given, seen = 0, {}
   for status in client:statuses { paginated = false } do
      setmetatable({ id = status.process_id, more = {} }, Job)
      given = given + 1
      seen[status.process_id] = true
   end
   local different = 0
   for _ in pairs(seen) do different = different + 1 end
   print(given, different, acted > 10)
   client:close()
]]

describe("a finalizer of what a list gave, while the list is being read", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local COUNT = 1500

   local deeds = {
      ["steps the client"] = "function(c) c:step(0) end",
      ["makes a blocking call"] = "function(c, id) c:delete_status(id) end",
      ["begins a call and drops it"] = "function(c, id) c:start('get_status', id) end",
      ["reads another list"] = "function(c) for _ in c:statuses { limit = 10, fields = { 'status' } } do break end end",
   }
   for name, deed in pairs(deeds) do
      for mode, how in pairs { incremental = "incremental(100, 8)", generational = "generational(5, 20)" } do
         it(("%s, with an eager %s collector"):format(name, mode), function()
            emulator():add_jobs { count = COUNT, status = "Completed" }
            -- bytes come all the time
            emulator():fault { match = { kind = "list" }, drip = { bytes = 20000, interval = 0.002 } }
            local said = world.script(SCRIPT:format(emulator().key, emulator().url, deed, how))
            assert.equal(("%d\t%d\ttrue\n"):format(COUNT, COUNT), said)
         end)
      end
   end
end)
