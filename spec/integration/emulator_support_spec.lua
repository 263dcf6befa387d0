-- What stands beside the emulator for the tests: names of several addresses, an address that is
-- silent, the HTTP/2 server.
local socket = require "socket"
local topaz = require "topaz"
local h2_server = require "spec.support.h2_server"
local names = require "spec.support.names"
local world = require "spec.support.world"

describe("an address that drops SYNs", function()
   it("answers no connection, beside one of the same port that does", function()
      local open = assert(socket.bind("127.0.0.1", 0))
      local port = math.tointeger(select(2, open:getsockname()))
      local hole <close> = names.black_hole("127.0.0.2", port)
      for _ = 1, 3 do
         local connection = socket.tcp4()
         connection:settimeout(0.05)
         assert.same({ nil, "timeout" }, { connection:connect(hole.address, hole.port) })
         connection:close()
      end
      assert(socket.connect("127.0.0.1", port)):close()
      open:close()
   end)

   it("comes first of two that a name has", function()
      local before = names.preload { ["two.example.test"] = { "127.0.0.2", "127.0.0.1" },
         ["one.example.test"] = { "127.0.0.3" } }
      if not before then return pending "no compiler, or a sanitizer is preloaded" end
      local out = world.script([[
         local dns = require "socket".dns
         for _, name in ipairs { "two.example.test", "one.example.test", "127.0.0.4" } do
            for _, found in ipairs(assert(dns.getaddrinfo(name))) do io.write(found.addr, " ") end
         end
         print(dns.getaddrinfo(("x"):rep(64) .. ".invalid"))
      ]], before)
      assert.matches("^127.0.0.2 127.0.0.1 127.0.0.3 127.0.0.4 nil", out)
   end)
end)

describe("the HTTP/2 server", function()
   local server

   setup(function() server = h2_server.start() end)
   teardown(function() server:stop() end)

   local LIST = '{"data":[],"pagination":{"has_next_page":false}}'

   local function client(more)
      local options = { api_key = "k", base_url = server.url, ca_file = server.ca_file, max_retries = 0 }
      for name, value in pairs(more or {}) do options[name] = value end
      return topaz.client(options)
   end

   it("speaks HTTP/1.1 with clients that offer nothing else", function()
      server:play("refused_stream", 9, 200, LIST)
      local old <close> = client { http2 = false }
      assert(old:get_page {})
      assert(old:get_page {})
      assert.same({ 2, 1 }, { server:seen() })
   end)

   it("falls silent on a connection, and only there", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      server:play("answered_silent", 1, 200, LIST)
      local first <close> = client { attempt_timeout = 0.2 }
      assert(first:get_page {})
      assert.equal("timeout", select(2, first:get_page {}).kind)
      local other <close> = client()
      assert(other:get_page {})
      assert.same({ 3, 2 }, { server:seen() })
   end)

   it("wants HTTP/1.1 with one stream, or with the connection", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      for _, fault in ipairs { "http1_required", "http1_required_all" } do
         server:play(fault, 1, 200, LIST)
         local one <close> = client()
         -- without retries: it is not asked again
         assert.equal("network", select(2, one:delete_all_statuses()).kind)
         assert.equal(1, (server:seen()))
      end
   end)
end)
