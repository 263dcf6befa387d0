-- Channels through a faulty TCP proxy and over TLS: cut, reset, silent at each stage, byte by byte;
-- and certificates that are not valid.
local channels = require "spec.support.channels"
local proxies = require "spec.chaos.proxy"
local raw_server = require "spec.support.raw_server"

local open, settle, loss, step_until = channels.open, channels.settle, channels.loss, channels.step_until
local with_client = channels.with_client

local PROXY = package.cpath:match "([^;]+)/%?%.so" .. "/chaos/proxy"
local REQUEST = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

if not io.open(PROXY) then
   describe("channels through a faulty network", function()
      it("need the proxy", function() pending "the faulty proxy is not built on this system" end)
   end)
   return
end

describe("a channel through a faulty network", function()
   local server, secure, proxy

   setup(function()
      secure = raw_server.start()
      server = channels.listen()
      proxy = proxies.start(PROXY, { server.port, secure.ports[2] })
   end)
   teardown(function()
      proxy:stop()
      server.close()
      secure:stop()
   end)
   after_each(function() proxy:quiesce() end)

   -- Begins a round whose first connection to the listener has these rules: { way, byte, name,
   -- argument }.
   local function begin(listener, rules)
      local list = {}
      for i, rule in ipairs(rules) do
         list[i] = { listener = listener, connection = 1, way = rule[1], at = rule[2], name = rule[3] }
         list[i].arg = rule[4] or 0
      end
      proxy:begin(list)
   end

   local function plain(client, rules)
      begin(0, rules)
      return open(client, { port = proxy.ports[1] })
   end

   local function tls(client, rules, timeout)
      begin(1, rules)
      return open(client, {
         host = "localhost", port = proxy.ports[2], tls = true, ca_file = secure.ca_file,
         connect_timeout = timeout or 30,
      })
   end

   it("carries every byte when they come one by one", function()
      local rules, text = {}, {}
      for at = 0, 960, 64 do
         rules[#rules + 1] = { "s", at, "drip", 0 }
         rules[#rules + 1] = { "c", at, "drip", 0 }
      end
      for i = 1, 1024 do text[i] = string.char(i % 256) end
      text = table.concat(text)
      with_client(function(client)
         local one = plain(client, rules)
         one.channel:send(text)
         settle(client, one)
         local other = server.accept()
         other:send(text)
         step_until(client, function() return #one.text == #text end)
         assert.equal(text, one.text)
         assert.equal(text, other:receive(#text))
         other:close()
      end)
   end)

   it("shakes hands over TLS byte by byte", function()
      local rules = {}
      for at = 0, 1984, 64 do
         rules[#rules + 1] = { "s", at, "drip", 0 }
         rules[#rules + 1] = { "c", at, "drip", 0 }
      end
      with_client(function(client)
         local one = tls(client, rules)
         assert.equal("ready", settle(client, one))
         one.channel:send(REQUEST)
         step_until(client, function() return one.text:find "\r\n\r\n" ~= nil end)
         assert.equal("HTTP/1.1 200 OK", one.text:match "^[^\r]*")
      end)
   end)

   it("that accepts late, connects late", function()
      with_client(function(client)
         local one = plain(client, { { "a", 0, "slow", 300 } })
         settle(client, one)
         one.channel:send "x"
         step_until(client, function() return one.channel:unsent() == 0 end)
         local other = server.accept()
         assert.equal("x", other:receive(1))
         other:close()
      end)
   end)

   it("is lost by a reset or a close at each stage, and keeps what came before", function()
      for _, name in ipairs { "reset", "close" } do
         for _, at in ipairs { 0, 1, 5, 9 } do
            with_client(function(client)
               local one = plain(client, { { "s", at, name } })
               settle(client, one)
               local other = server.accept()
               other:send "0123456789"
               assert.equal("network", (loss(client, one)))
               -- a reset may overtake what came before it
               assert.equal(("0123456789"):sub(1, name == "close" and at or #one.text), one.text)
               assert.is_true(#one.text <= at)
               other:close()
            end)
         end
      end
   end)

   it("is lost by a reset before it is connected, and while it sends", function()
      with_client(function(client)
         local one = plain(client, { { "a", 0, "reset" } })
         one.channel:send(("x"):rep(1000))
         assert.equal("network", (loss(client, one)))
         one = plain(client, { { "c", 500, "reset" } })
         one.channel:send(("x"):rep(60000))
         assert.equal("network", (loss(client, one)))
         assert.equal(0, one.channel:unsent())
         server.accept():close()
      end)
   end)

   it("is lost by a reset or a close in the middle of a TLS handshake, which is not a fault of TLS", function()
      for _, name in ipairs { "reset", "close" } do
         for _, rule in ipairs { { "s", 0 }, { "s", 3 }, { "s", 100 }, { "s", 700 }, { "c", 10 } } do
            with_client(function(client)
               local one = tls(client, { { rule[1], rule[2], name } })
               local kind, message = loss(client, one)
               assert.equal("network", kind, name .. rule[2] .. ": " .. message)
            end)
         end
      end
   end)

   it("does not wait longer than its limit for a handshake that stands still", function()
      with_client(function(client)
         local kind = loss(client, tls(client, { { "s", 0, "hole" } }, 0.3))
         assert.equal("timeout", kind)
         kind = loss(client, tls(client, { { "s", 200, "hole" } }, 0.3))
         assert.equal("timeout", kind)
      end)
   end)

   it("that is half open is lost by its silence, and only if bytes were awaited", function()
      with_client(function(client)
         local one = plain(client, { { "s", 4, "hole" }, { "c", 4, "hole" } })
         settle(client, one)
         local other = server.accept()
         one.channel:send "ping"
         other:send "pong and more"
         step_until(client, function() return one.text == "pong" end)
         client:step(0.2)
         assert.equal("ready", one.channel:state())
         one.channel:send "more"
         one.channel:expect(0.2)
         assert.equal("timeout", (loss(client, one)))
         other:close()
      end)
   end)

   it("is not lost while bytes drip, however long that takes", function()
      with_client(function(client)
         local one = plain(client, { { "s", 0, "drip", 40 } })
         settle(client, one)
         local other = server.accept()
         one.channel:expect(2)
         other:send(("x"):rep(64)) -- which takes longer than that
         step_until(client, function() return #one.text == 64 end)
         one.channel:expect(0)
         other:close()
      end)
   end)

   it("passes on garbage: what it means is not its business", function()
      with_client(function(client)
         local one = plain(client, { { "s", 2, "garbage", 10 } })
         settle(client, one)
         local other = server.accept()
         other:send "abcd"
         step_until(client, function() return #one.text == 14 end)
         assert.equal("ab", one.text:sub(1, 2))
         assert.equal("cd", one.text:sub(-2))
         other:close()
      end)
   end)

   it("is lost by garbage in TLS, and hands none of it out", function()
      with_client(function(client)
         local one = tls(client, { { "s", 0, "garbage", 40 } })
         local kind = loss(client, one)
         assert.is_true(kind == "tls" or kind == "network", kind)
         assert.equal("", one.text)
      end)
   end)
end)

describe("a channel over TLS", function()
   local function try(kind, options)
      local server = raw_server.start(kind)
      local seen, message
      with_client(function(client)
         local one = open(client, {
            host = options.host or "localhost", port = server.ports[2], tls = true,
            ca_file = options.trusts ~= false and server.ca_file or nil,
         })
         one.channel:send(REQUEST)
         step_until(client, function()
            return one.channel:state() == "lost" or one.text:find "\r\n\r\n" ~= nil
         end)
         seen = one.text:match "^[^\r]*"
         if one.channel:state() == "lost" and seen == "" then seen, message = select(2, one.channel:state()) end
      end)
      local _, requests = server:seen()
      server:stop()
      return seen, requests, message
   end

   it("checks the certificate: good", function()
      assert.equal("HTTP/1.1 200 OK", (try("good", {})))
      assert.equal("HTTP/1.1 200 OK", (try("good", { host = "127.0.0.1" })))
   end)

   for name, case in pairs {
      ["of another host"] = { "wrong_host", {} },
      ["that has expired"] = { "expired", {} },
      ["that nobody has signed"] = { "self_signed", {} },
      ["of an authority that is not known"] = { "good", { trusts = false } },
   } do
      it("refuses one " .. name .. ", and sends nothing", function()
         local kind, requests, message = try(case[1], case[2])
         assert.equal("tls", kind, message)
         assert.equal(0, requests)
         assert.is_true(#message > 10)
      end)
   end

   it("refuses a server that does not speak it", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port, tls = true })
         client:step(0.1)
         local other = server.accept()
         other:send "+PONG\r\n+PONG\r\n+PONG\r\n"
         local kind = loss(client, one)
         assert.is_true(kind == "tls" or kind == "network", kind)
         other:close()
      end)
   end)

   it("may meet a server that does, without it", function()
      local server = raw_server.start()
      with_client(function(client)
         local one = open(client, { port = server.ports[2] })
         one.channel:send "PING\r\n\r\n"
         assert.equal("network", (loss(client, one)))
      end)
      server:stop()
   end)
end)
