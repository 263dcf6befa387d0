-- A server that spoke HTTP/2 at first, and later, behind the same port, only HTTP/1.1:
-- a hundred requests at a time went on to be started for the few connections,
-- and those that waited for one counted as connecting. Even the first of them were started
-- as for HTTP/2, and libcurl put them beside others: a connection was lost for each.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

describe("HTTP/2 at first, later only HTTP/1.1:", function()
   it("what waits for a connection does not time out", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local emulator <close> = emulators.start { tls = true }
      local balancer <close> = proxies.start { to = emulator.tls_address }
      local client <close> = world.client(emulator, {
         base_url = ("https://localhost:%d/image/v1"):format(balancer.port), ca_file = emulator.ca_file,
         max_connections = 4, connect_timeout = 1, max_retries = 0,
      })
      local ids = emulator:add_jobs(49)
      assert.is_true(client:delete_status(table.remove(ids)))
      assert.equal(2, emulator:requests()[1].http_version)
      balancer:set { to = emulator.http1_address }
      balancer:drop()
      client:step(0.1) -- the end of the connection arrives
      emulator:clear_log()
      -- so that the last ones wait for longer than connecting may take
      emulator:set { latency = 0.2 }
      local failed = {}
      for _, id in ipairs(ids) do
         client:spawn(function()
            local ok, err = client:delete_status(id)
            if not ok then failed[#failed + 1] = tostring(err) end
         end)
      end
      client:run()
      assert.same({}, failed)
      assert.equal(0, #emulator:jobs())
      assert.equal(48, emulator:counts().total)
      assert.equal(1.1, emulator:requests()[1].http_version)
      -- four at a time; one more for each answer that came together with the turn of
      -- the next request, in a process that had to wait for its own turn
      assert.is_true(emulator:counts().connections <= 9, emulator:counts().connections)
   end)
end)
