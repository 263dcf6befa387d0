-- A server that allows few streams at once: requests that waited for one counted as connecting,
-- and timed out unsent.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local world = require "spec.support.world"

describe("a server that allows few streams:", function()
   for _, streams in ipairs { 10, 4, 1 } do
      it(("with %d, all calls wait for their turn"):format(streams), function()
         if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
         local emulator <close> = emulators.start { tls = true, streams = streams }
         local client <close> = world.client(emulator, {
            base_url = emulator.tls_url, ca_file = emulator.ca_file, max_connections = 2, connect_timeout = 1,
            max_retries = 0,
         })
         local count = 4 * 2 * streams
         local ids = emulator:add_jobs(count)
         -- so that the last ones wait for longer than connecting may take
         emulator:set { latency = 0.5 }
         local failed = {}
         for _, id in ipairs(ids) do
            client:spawn(function()
               local ok, err = client:delete_status(id)
               if not ok then failed[#failed + 1] = tostring(err) end
            end)
         end
         client:run()
         assert.same({}, failed)
         assert.equal(count, emulator:counts().total)
         assert.equal(2, emulator:requests()[count].http_version)
         assert.is_true(emulator:counts().connections <= 2)
      end)
   end
end)
