-- The emulator over TLS: protocols, streams, how long a connection lasts, and bad certificates.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local certificates = require "topaz.emulator.certificates"
local probe = require "spec.support.probe"

local ask = probe.ask

describe("the emulator's TLS", function()
   -- What openssl says of a handshake that checks the certificate as a client would.
   local function handshake(emulator, ca_file)
      local pipe = io.popen(("openssl s_client -connect 127.0.0.1:%s -CAfile %s -servername localhost "
         .. "-verify_hostname localhost -alpn h2,http/1.1 </dev/null 2>&1"):format(
         emulator.tls_url:match(":(%d+)/"), ca_file or emulator.ca_file))
      local text = pipe:read("a")
      pipe:close()
      return text:match("Verify return code: %d+ %((.-)%)"), text:match("ALPN protocol: (%S+)")
   end

   it("is trusted by its own authority and offers HTTP/2", function()
      local emulator <close> = emulators.start { tls = true }
      assert.same({ "ok", "h2" }, { handshake(emulator) })
      assert.equal(200, (ask(emulator, "GET", "/status")))
   end)

   it("offers HTTP/1.1 alone when told to, and on the port for that", function()
      local emulator <close> = emulators.start { tls = true, protocols = "http/1.1", tls_versions = "TLSv1.2" }
      assert.same({ "ok", "http/1.1" }, { handshake(emulator) })
      local both <close> = emulators.start { tls = true }
      assert.same({ "ok", "http/1.1" }, { handshake { tls_url = both.http1_url, ca_file = both.ca_file } })
      assert.has_error(function() emulators.start { protocols = "h3" } end)
   end)

   local function client_of(emulator)
      return topaz.client { api_key = emulator.key, base_url = emulator.tls_url, ca_file = emulator.ca_file }
   end

   -- How many of these requests ran at the same time.
   local function most_at_once(log)
      local most = 0
      for _, one in ipairs(log) do
         local count = 0
         for _, other in ipairs(log) do
            if other.time <= one.time and other.finished > one.time then count = count + 1 end
         end
         most = math.max(most, count)
      end
      return most
   end

   it("allows as many streams at once as told", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      for _, streams in ipairs { 10, 4, 1 } do
         local emulator <close> = emulators.start { tls = true, streams = streams, latency = 0.02 }
         local client <close> = client_of(emulator)
         for _ = 1, 20 do client:spawn(client.get_page, client) end
         client:run()
         local log = emulator:requests()
         assert.equal(2, log[1].http_version)
         local by_connection = {}
         for _, entry in ipairs(log) do
            local list = by_connection[entry.connection] or {}
            by_connection[entry.connection] = list
            list[#list + 1] = entry
         end
         for _, list in pairs(by_connection) do assert.is_true(most_at_once(list) <= streams) end
      end
   end)

   it("goes away after so many requests on a connection: a thousand, unless told", function()
      local emulator <close> = emulators.start { tls = true, keepalive_requests = 10 }
      local client <close> = client_of(emulator)
      for _ = 1, 25 do assert(client:get_page {}) end
      local counts, log = emulator:counts(), emulator:requests()
      assert.same({ 25, 3 }, { counts.total, counts.connections })
      assert.same({ 10, 1 }, { log[10].connection_requests, log[11].connection_requests })
      local usual <close> = emulators.start {}
      local connection = probe.connect(usual)
      for i = 1, 1000 do
         probe.send(connection, usual, "GET", "/status")
         local closes = false
         repeat
            local line = connection:receive("*l")
            closes = closes or line == "Connection: close"
         until line == ""
         connection:receive(2)
         assert.equal(i == 1000, closes)
      end
      connection:close()
   end)

   it("fails as each bad certificate should", function()
      local outcomes = {
         wrong_host = "hostname mismatch", expired = "certificate has expired",
         self_signed = "self%-signed certificate",
      }
      for kind, expected in pairs(outcomes) do
         local emulator <close> = emulators.start { tls = kind }
         assert.truthy((handshake(emulator) or ""):find(expected), kind)
      end
      local good <close> = emulators.start { tls = "good" }
      local other <close> = emulators.start { tls = "expired" }
      assert.not_equal("ok", (handshake(good, other.ca_file)))
      assert.has_error(function() certificates.get("none") end)
   end)
end)
