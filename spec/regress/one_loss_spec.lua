-- A connection that many requests share is lost once: each of them paid for it out of the retry
-- budget, which was empty after twenty, and each took a connection of its own.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local h2_server = require "spec.support.h2_server"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

local function ask(client, count, id)
   local failed = {}
   for _ = 1, count do
      client:spawn(function()
         local status, err = client:get_page { limit = 1 }
         if not status then failed[#failed + 1] = tostring(err) end
      end)
   end
   return failed, id
end

describe("an HTTP/2 connection with 60 requests on it", function()
   it("that is lost once costs no call, and one new connection", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local emulator <close> = emulators.start { clock = "virtual", tls = true, latency = 0.1, jobs = 3 }
      local balancer <close> = proxies.start { to = emulator.tls_address }
      local client <close> = world.client(emulator, {
         base_url = ("https://localhost:%d/image/v1"):format(balancer.port), ca_file = emulator.ca_file,
      })
      for _ = 1, 3 do
         ask(client, 100)
         client:run()
      end
      local before = balancer:counts().connections
      local failed = ask(client, 60)
      for _ = 1, 5 do client:step(0.02) end
      balancer:drop()
      client:run()
      assert.same({}, failed)
      assert.is_true(balancer:counts().connections - before <= 2)
   end)

   for _, how in ipairs { "silent", "answered_silent" } do
      it("that falls silent costs no call either, and few new connections: " .. how, function()
         if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
         local server = h2_server.start()
         finally(function() server:stop() end)
         local client <close> = topaz.client {
            api_key = "key-of-the-tests", base_url = server.url, ca_file = server.ca_file, attempt_timeout = 1,
         }
         server:play("none", 0, 200, '{"data":[],"pagination":{"has_next_page":false}}')
         for _ = 1, 3 do
            ask(client, 100)
            client:run()
         end
         server:play(how, 1, 200, '{"data":[],"pagination":{"has_next_page":false}}')
         local before = client:stats().connections
         local failed = ask(client, 15)
         client:run()
         assert.same({}, failed)
         -- it was one for each call
         assert.is_true(client:stats().connections - before <= 8, client:stats().connections - before)
      end)
   end
end)

describe("an error between two instructions", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("leaves no task that never ends", function()
      for n = 1, 400, 3 do
         local client <close> = world.client(emulator())
         local thread = coroutine.create(function() client:spawn(function() return 1 end) end)
         debug.sethook(thread, function() error("interrupted", 0) end, "", n)
         coroutine.resume(thread)
         for _ = 1, 20 do
            local requests, tasks = client:step(0)
            assert.is_true(tasks >= 0)
            if requests + tasks == 0 then break end
         end
         assert.same({ 0, 0 }, { client:step(0) })
      end
   end)
end)
