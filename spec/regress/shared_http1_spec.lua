-- Old libcurls give a connection over HTTP/1.1 that is in use to a second request, once
-- the server was seen to speak HTTP/2. The plain array has a connection over HTTP/1.1 for itself:
-- other calls were sent on it meanwhile, and got each other's answers.
local world = require "spec.support.world"

describe("plain arrays beside other calls, over HTTP/2", function()
   local emulator = world.emulator(_ENV, { clock = "virtual", tls = true, keepalive_requests = 100 })

   it("get their own answers, all of them", function()
      local ids = emulator():add_jobs { count = 40, status = "Completed" }
      emulator():set { latency = 0.005 }
      local client <close> =
         world.client(emulator(), { base_url = emulator().tls_url, ca_file = emulator().ca_file, max_connections = 4 })
      local wrong, lists = {}, 0
      for at = 1, 10 do
         client:spawn(function()
            for _ = 1, 5 do
               local seen = 0
               for _ in client:statuses { paginated = false } do seen = seen + 1 end
               assert.equal(#ids, seen)
               lists = lists + 1
            end
         end)
         client:spawn(function()
            for i = 1, 30 do
               local id = ids[(at * 7 + i) % #ids + 1]
               local status, err = client:get_status(id)
               if not status or status.process_id ~= id then wrong[#wrong + 1] = tostring(err) end
            end
         end)
      end
      local failed, err = client:run()
      assert(failed == 0, tostring(err))
      assert.same({}, wrong)
      assert.equal(50, lists)
   end)
end)
