-- Where a process has to wait for its turn between two requests, the first may be answered before
-- the second is sent. libcurl then sends the second on that connection, which seemed to be in use:
-- it was closed, and another one opened in its place.
local emulators = require "topaz.emulator"
local preload = require "spec.support.preload"
local world = require "spec.support.world"

describe("a request that is answered before the next one is sent", function()
   for _, http in ipairs { "http", "https" } do
      it("leaves it its connection, over " .. http, function()
         local before = preload.of("slow_send", "SEND_DELAY=20000")
         if not before then return pending "no compiler, or a sanitizer is preloaded" end
         local emulator <close> = emulators.start { tls = true }
         local ids = emulator:add_jobs { count = 10, status = "Completed" }
         emulator:clear_log()
         local out = world.script(([[
            local topaz = require "topaz"
            local client <close> = topaz.client {
               api_key = %q, ca_file = %q, base_url = %q, max_connections = 3, http2 = false,
            }
            local ids, calls = { "%s" }, {}
            for i = 1, 12 do calls[i] = client:start("get_status", ids[(i - 1) %% #ids + 1]) end
            while client:step(0.1) > 0 do end
            for i = 1, 12 do assert(assert(calls[i]:result()).process_id == ids[(i - 1) %% #ids + 1]) end
            io.write "done"
         ]]):format(emulator.key, emulator.ca_file, http == "http" and emulator.url or emulator.tls_url,
            table.concat(ids, '", "')), before)
         assert.equal("done", out)
         assert.equal(12, emulator:counts().total)
         assert.is_true(emulator:counts().connections <= 3, emulator:counts().connections)
      end)
   end
end)
