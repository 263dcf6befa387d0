-- A server that ends its HTTP/2 connections after some requests, as nginx does after a thousand.
-- Through a proxy libcurl 7.88 sends on a connection whose tunnel is not ready:
-- nothing left, but the outcome was "unknown", and the clean-up stopped.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

describe("an HTTP/2 server that says GOAWAY", function()
   local function clean_up(requests_each, jobs, proxied)
      local emulator <close> = emulators.start { tls = true, latency = 0.02, keepalive_requests = requests_each }
      emulator:add_jobs { count = jobs, status = "Completed" }
      emulator:clear_log()
      local proxy <close> = proxies.start()
      local client <close> = world.client(emulator, {
         base_url = emulator.tls_url, ca_file = emulator.ca_file, proxy = proxied and proxy.url or "",
      })
      local report, err = client:delete_finished()
      return report, err, #emulator:jobs()
   end

   it("after twenty requests loses no deletion", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local report, err, left = clean_up(20, 400)
      assert.is_nil(err)
      assert.equal(400, report.deleted)
      assert.equal(0, left)
   end)

   it("behind a proxy loses no deletion", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local report, err, left = clean_up(100, 1000, true)
      assert.is_nil(err)
      assert.equal(1000, report.deleted)
      assert.equal(0, report.failed)
      assert.equal(0, left)
   end)
end)
