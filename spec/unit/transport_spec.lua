-- The transport room alone, through the test-only binding transport_room, against a server
-- and a proxy that misbehave: what an attempt ends as, and whether anything was sent.
-- What libcurl is, differs; what these say, does not.
local room = require "transport_room"
local socket = require "socket"
local raw_server = require "spec.support.raw_server"
local world = require "spec.support.world"

local _, _, _, has_gzip, is_schannel = room.library()

local DEADLINE = 20 -- seconds after which a test gives up

local server

setup(function() server = raw_server.start() end)
teardown(function() server:stop() end)
before_each(function() server:play "ok" end)

local function open(more)
   local options = { allow_http = true, ca_file = server.ca_file, proxy = "" }
   for name, value in pairs(more or {}) do options[name] = value end
   return room.new(options)
end

local function run(net, ...)
   local until_then = room.now() + DEADLINE
   local transfers = { ... }
   repeat
      net:step(0.2)
      local running = false
      for _, x in ipairs(transfers) do
         local seen = x:look()
         running = running or seen.running
      end
      assert(room.now() < until_then, "it does not end")
   until not running
   return transfers[1]:look()
end

local function get(net, url, more)
   local options = { url = url }
   for name, value in pairs(more or {}) do options[name] = value end
   return run(net, assert(net:start(options)))
end

describe("a kept connection", function()
   for _, kind in ipairs { "plain", "secure" } do
      it("is used again, " .. kind, function()
         local net <close> = open()
         assert.equal("/a", get(net, server[kind] .. "/a").body)
         assert.equal("/b", get(net, server[kind] .. "/b").body)
         assert.same({ 1, 2 }, { server:seen() })
      end)

      for _, late in ipairs { "twice", "line" } do
         it(("on which something came that belongs to no request is not used: %s, %s"):format(late, kind), function()
            local net <close> = open()
            server:play("late", late)
            assert.equal("ok", get(net, server[kind] .. "/a").ending)
            server:wait_late()
            local x = get(net, server[kind] .. "/b")
            if x.ending == "unfit" then -- libcurl did not see it by itself
               assert.equal(0, x.sends)
               assert.equal(0, x.status)
               x = get(net, server[kind] .. "/b", { fresh = true })
            end
            assert.equal("ok", x.ending)
            assert.equal("/b", x.body)
            assert.same({ 2, 2 }, { server:seen() })
         end)
      end

      it("is not taken where a fresh one is asked for, " .. kind, function()
         local net <close> = open()
         get(net, server[kind] .. "/a")
         get(net, server[kind] .. "/b", { fresh = true })
         assert.same({ 2, 2 }, { server:seen() })
      end)
   end

   it("that dies with the request is not replaced: it is sent once", function()
      local net <close> = open()
      get(net, server.plain .. "/a")
      server:play "shut"
      local x = get(net, server.plain .. "/b", { method = "DELETE" })
      assert.equal("lost", x.ending)
      assert.is_true(x.resend_refused)
      assert.equal(1, x.sends)
      assert.same({ 0, 1 }, { server:seen() })
   end)

   it("that was silent is not trusted again", function()
      local net <close> = open()
      get(net, server.plain .. "/a")
      server:play "silent"
      local x = assert(net:start { url = server.plain .. "/b" })
      repeat net:step(0.05) until x:look().sends == 1
      x:distrust()
      x:cancel()
      server:play "ok"
      assert.equal("ok", get(net, server.plain .. "/c").ending)
   end)
end)

describe("what a proxy says to CONNECT is not the server's answer:", function()
   for _, status in ipairs { 302, 400, 401, 403, 404, 407, 409, 429, 502, 503 } do
      it("refused with " .. status, function()
         local net <close> = open { proxy = (server.proxy:gsub("//", "//user:secret@")) }
         server:play("refuse", status)
         local x = get(net, server.secure .. "/a")
         assert.equal("proxy", x.ending)
         assert.equal(status, x.proxy_status)
         assert.equal(0, x.status)
         assert.equal(0, x.sends)
         assert.truthy(x.detail:find(server.proxy:match "//(.*)", 1, true))
         assert.is_nil(x.detail:find("secret", 1, true))
      end)
   end

   it("closed without a response", function()
      local net <close> = open { proxy = server.proxy }
      server:play "proxy_shut"
      local x = get(net, server.secure .. "/a")
      assert.equal("proxy", x.ending)
      assert.same({ 0, 0, 0 }, { x.proxy_status, x.status, x.sends })
   end)

   it("closed when the tunnel stands", function()
      local net <close> = open { proxy = server.proxy }
      server:play "tunnel_shut"
      local x = get(net, server.secure .. "/a")
      assert.equal("connect", x.ending)
      assert.same({ 0, 0 }, { x.status, x.sends })
   end)

   it("silence in the tunnel", function()
      local net <close> = open { proxy = server.proxy, connect_timeout = 0.3 }
      server:play "tunnel_silent"
      local x = get(net, server.secure .. "/a")
      assert.equal("timed_out", x.ending)
      assert.same({ 0, 0 }, { x.status, x.sends })
   end)

   it("a certificate that is not trusted", function()
      local bad <close> = setmetatable(raw_server.start "self_signed",
         { __index = getmetatable(server).__index, __close = function(s) s:stop() end })
      local net <close> = open { proxy = server.proxy }
      local x = get(net, bad.secure .. "/a")
      assert.equal("tls", x.ending)
      assert.same({ 0, 0 }, { x.status, x.sends })
   end)

   it("the server reads the request and closes", function()
      local net <close> = open { proxy = server.proxy }
      server:play "shut"
      local x = get(net, server.secure .. "/a", { method = "DELETE" })
      assert.equal("lost", x.ending)
      assert.same({ 0, 1 }, { x.status, x.sends })
   end)

   it("a response through the tunnel is one", function()
      local net <close> = open { proxy = server.proxy }
      local x = get(net, server.secure .. "/a")
      assert.equal("ok", x.ending)
      assert.same({ 200, 1, "/a" }, { x.status, x.sends, x.body })
      x = get(net, server.secure .. "/b")
      assert.same({ 200, 1, "/b" }, { x.status, x.sends, x.body })
      assert.same({ 2, 3 }, { server:seen() }) -- the proxy's and the server's
   end)
end)

describe("a TLS handshake", function()
   for how, ending in pairs { ["end"] = "connect", reset = "connect", alert = "tls" } do
      it(("that meets %s ends as %s"):format(how, ending), function()
         local net <close> = open()
         server:play("handshake", how)
         local x = get(net, server.secure .. "/a")
         assert.equal(ending, x.ending)
         assert.equal(0, x.sends)
      end)
   end

   it("behind which the connection is reset: it is lost", function()
      local net <close> = open()
      server:play "reset"
      local x = get(net, server.secure .. "/a")
      assert.equal("lost", x.ending)
      assert.equal(1, x.sends)
   end)

   it("with a server that speaks no TLS", function()
      if is_schannel then return pending "wine's Schannel waits for the rest of what is not TLS" end
      local net <close> = open()
      assert.equal("tls", get(net, (server.plain:gsub("^http:", "https:")) .. "/a").ending)
   end)
end)

describe("a compressed body", function()
   for _, more in ipairs { "zeros", "line", "members" } do
      it("with bytes behind its end is garbled, and all there: " .. more, function()
         if not has_gzip then return pending "this libcurl reads no gzip" end
         local net <close> = open()
         server:play("gzip", more)
         local x = get(net, server.plain .. "/a")
         assert.equal('{"a":1}', x.body)
         assert.truthy(x.ending == "ok" or (x.ending == "protocol" and x.garbled))
      end)
   end

   it("with a wrong checksum is not what was sent", function()
      local net <close> = open()
      server:play("gzip", "checksum")
      local x = get(net, server.plain .. "/a")
      assert.equal("protocol", x.ending)
      assert.is_false(x.garbled)
   end)
end)

describe("connections", function()
   it("over plain http do not wait for each other", function()
      local net <close> = open { http2 = true }
      server:play "silent"
      local first = assert(net:start { url = server.plain .. "/a" })
      repeat net:step(0.05) until first:look().sends == 1
      local second = assert(net:start { url = server.plain .. "/b" })
      local until_then = room.now() + DEADLINE
      repeat net:step(0.05) until second:look().sends == 1 or room.now() > until_then
      assert.equal(1, second:look().sends)
   end)

   it("count as being made from when they are, not while a transfer waits for its turn", function()
      local net <close> = open { connections = 1, connect_timeout = 0.2 }
      server:play "silent"
      local first = assert(net:start { url = server.plain .. "/a" })
      local second = assert(net:start { url = server.plain .. "/b" })
      local until_then = room.now() + 0.6
      repeat net:step(0.05) until room.now() > until_then
      assert.is_true(first:look().connecting)
      assert.is_false(second:look().connecting)
      server:play "ok"
      first:cancel()
      assert.equal("ok", run(net, second).ending)
   end)

   it("survive a caller that does not step", function()
      local net <close> = open { connect_timeout = 0.8 }
      local x = assert(net:start { url = server.secure .. "/a" })
      net:step(0)
      for _ = 1, 3 do
         os.execute "sleep 0.9"
         net:step(0)
      end
      assert.equal("ok", run(net, x).ending)
   end)
end)

describe("a step", function()
   it("whose time is over brings what one descriptor has, each in its turn", function()
      local net <close> = open()
      server:play("slow", 0.8)
      local all = {}
      for i = 1, 6 do
         all[i] = assert(net:start { url = ("%s/%d"):format(server.plain, i) })
         repeat net:step(0.01) until all[i]:look().sends == 1
      end
      -- until those of connecting are over, which libcurl serves all at once
      local timers = room.now() + 0.3
      repeat net:step(0.01) until room.now() > timers
      os.execute "sleep 0.8" -- all answers are there
      local function count()
         local n = 0
         for _, x in ipairs(all) do n = n + (x:look().running and 0 or 1) end
         return n
      end
      local done, most, steps = count(), 0, 0
      while done < #all and steps < 100 do
         net:step(0, 0)
         most, done, steps = math.max(most, count() - done), count(), steps + 1
      end
      assert.equal(#all, done)
      assert.is_true(most <= 1)
   end)

   it("is not woken by the clock while it waits for a response", function()
      local net <close> = open()
      server:play "silent"
      local x = assert(net:start { url = server.plain .. "/a" })
      repeat net:step(0.01) until x:look().sends == 1
      for _ = 1, 5 do net:step(0.01) end
      local before = net:wakeups()
      net:step(1)
      net:step(1)
      assert.equal(2, net:wakeups() - before)
      assert.is_true(x:look().running)
   end)
end)

describe("a wait", function()
   it("asks whether it is interrupted, and then does not wait", function()
      local net <close> = open()
      assert.equal(0, net:interrupt(true))
      net:step(60)
      assert.equal(1, net:interrupt(false))
      assert.equal(1, net:wakeups())
      net:step(0)
      assert.equal(1, net:interrupt(false))
   end)

   it("ends when a joined descriptor is readable, once for each time", function()
      local one <close> = open()
      local other <close> = open()
      if other:pollfd() < 0 then return pending "this system has no descriptor for all connections" end
      local x = assert(other:start { url = server.plain .. "/a" })
      assert.is_true(one:join(other:pollfd()))
      assert.is_true(one:join(other:pollfd()))
      repeat
         other:step(0)
         if x:look().running then one:step(1) end
      until not x:look().running
      assert.equal("ok", x:look().ending)
      one:part(other:pollfd())
      one:part(other:pollfd())
      one:step(0.01)
   end)
end)

describe("a URL", function()
   it("has its host behind two slashes", function()
      for _, good in ipairs { "https://host", "http://host/v1", "https://[::1]:8/" } do
         assert.is_true(room.parse_url(good))
      end
      for _, bad in ipairs { "http:///host/v1", "http:/host", "http:host", "https:////host", "host", "" } do
         assert.is_false(room.parse_url(bad), bad)
      end
   end)

   it("goes through a proxy as libcurl takes one", function()
      assert.is_nil(room.proxy_applies("", "https://host/"))
      assert.same({ "proxy:3128", false }, { room.proxy_applies("http://user:secret@proxy:3128", "https://host/") })
      assert.same({ "localhost:1080", true }, { room.proxy_applies("localhost", "http://127.0.0.1/") })
      assert.same({ "proxy:443", false }, { room.proxy_applies("https://proxy", "https://[::1]/") })
   end)

   it("goes without the proxy where no_proxy names the host, or what it ends in", function()
      for list, expected in pairs {
         ["example.test"] = "", [".example.test."] = "", ["other.test, api.example.test"] = "", ["*"] = "",
         ["API.EXAMPLE.TEST"] = "", ["ample.test"] = "proxy:1", ["other.test"] = "proxy:1", ["."] = "proxy:1",
         [""] = "proxy:1",
      } do
         local out = world.script([[
            local room = require "transport_room"
            io.write((room.proxy_applies("http://proxy:1", "https://api.example.test/")) or "")
         ]], ("unset NO_PROXY; export no_proxy='%s'"):format(list))
         assert.equal(expected, out, list)
      end
   end)

   it("uses a connection over IPv6 again", function()
      local listener = socket.tcp6()
      if not (listener and listener:bind("::1", 0) and listener:listen()) then return pending "no IPv6 here" end
      local _, port = listener:getsockname()
      local net <close> = open()
      listener:settimeout(0)
      local accepted
      for _, version in ipairs { "1.1", "1.0" } do
         local x = assert(net:start { url = ("http://[::1]:%d/%s"):format(port, version) })
         local line, until_then = nil, room.now() + DEADLINE
         while x:look().running do
            net:step(0.01)
            accepted = accepted or listener:accept()
            if accepted and not line then
               accepted:settimeout(0)
               line = accepted:receive "*l"
               if line then accepted:send(("HTTP/%s 200 OK\r\nContent-Length: 1\r\n\r\n1"):format(version)) end
            end
            assert(room.now() < until_then, "it does not end")
         end
         repeat line = accepted:receive "*l" until not line or line == ""
         assert.equal("1", x:look().body)
         assert.equal(tonumber(version) * 10, x:look().version)
      end
      assert.equal(1, net:connections())
      accepted:close()
      listener:close()
   end)
end)
