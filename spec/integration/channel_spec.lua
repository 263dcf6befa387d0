-- Channels: bytes to and from another server, in the steps of a client: connecting, both buffers at
-- their bounds, and each way to end.
local core = require "topaz.core"
local socket = require "socket"
local channels = require "spec.support.channels"
local disturb = require "spec.support.disturb"
local names = require "spec.support.names"
local world = require "spec.support.world"

local open, settle, loss, step_until = channels.open, channels.settle, channels.loss, channels.step_until
local with_client = channels.with_client

describe("a channel", function()
   it("carries bytes both ways", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         assert.equal("connecting", one.channel:state())
         assert.equal(5, one.channel:send "hello") -- before it is ready
         assert.equal("ready", settle(client, one))
         local other = server.accept()
         step_until(client, function() return one.channel:unsent() == 0 end)
         assert.equal("hello", other:receive(5))
         assert(other:send "good bye")
         step_until(client, function() return one.text == "good bye" end)
         assert.equal("topaz.channel (ready)", tostring(one.channel))
         other:close()
      end)
   end)

   it("queues no more than it has room for, and says when there is room", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         other:settimeout(0)
         local text, got = ("0123456789abcdef"):rep(256 * 1024), {} -- 4 MiB
         local sent = one.channel:send(text)
         assert.equal(65536, sent)
         assert.equal(0, one.channel:send "x")
         local before = one.news
         step_until(client, function() return sent == #text and one.channel:unsent() == 0 end, function()
            local piece, _, part = other:receive(100000)
            got[#got + 1] = piece or part
            sent = sent + one.channel:send(text, sent + 1)
         end)
         assert.is_true(one.news > before)
         other:settimeout(60)
         local all = table.concat(got)
         all = all .. (#all < #text and other:receive(#text - #all) or "")
         assert.is_true(all == text)
         other:close()
      end)
   end)

   it("reads no more than it has room for, and goes on when that is taken", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         one.reads = false
         local other = server.accept()
         local pattern = "0123456789abcdef"
         local text, sent, stuck = pattern:rep(65536), 0, 0
         other:settimeout(0)
         while stuck < 20 do -- until the buffers between are full
            local all, _, last = other:send(text, sent % #text + 1)
            local progress = (all or last) - sent % #text
            sent = sent + progress
            stuck = progress > 0 and 0 or stuck + 1
            client:step(0)
         end
         local first = one.channel:receive()
         assert.equal(16384, #first)
         one.text, one.reads = first, true
         step_until(client, function() return #one.text == sent end)
         assert.is_true(one.text == pattern:rep(sent // 16) .. pattern:sub(1, sent % 16))
         other:close()
      end)
   end)

   it("wakes nothing up while it is idle, nor while its reader is away", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         client:step(0)
         assert.is_nil(client:timeout())
         local function count()
            local ends, before = core.now() + 1, core.wakeups(client)
            repeat client:step(math.max(0, ends - core.now())) until core.now() >= ends
            return core.wakeups(client) - before
         end
         local wakeups = count()
         assert.is_true(wakeups <= 8, wakeups)
         one.reads = false
         assert(other:send(("x"):rep(100000)))
         step_until(client, function() return one.news > 1 end)
         other:close() -- its end waits behind the bytes
         wakeups = count()
         assert.is_true(wakeups <= 8, wakeups)
         one.reads = true
         one.text = one.channel:receive()
         assert.equal("network", (loss(client, one)))
         assert.equal(100000, #one.text)
      end)
   end)

   it("hands out what came before the other side closed", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         assert(other:send "-ERR max number of clients reached\r\n")
         other:close()
         local kind, message = loss(client, one)
         assert.equal("network", kind)
         assert.equal("the server closed the connection", message)
         step_until(client, function() return one.text ~= "" end)
         assert.equal("-ERR max number of clients reached\r\n", one.text)
         assert.equal(0, one.channel:send "x")
         assert.equal("", one.channel:receive())
      end)
   end)

   it("ends when the other side sends no more, which is its half of a close", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         other:send "the last"
         other:shutdown "send"
         assert.equal("network", (loss(client, one)))
         assert.equal("the last", one.text)
         other:close()
      end)
   end)

   it("is lost after too long a silence, if one was set", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         one.channel:expect(0.2)
         local kind, message = loss(client, one)
         assert.equal("timeout", kind)
         assert.equal("no byte came for 0.2 seconds", message)
         other:close()
      end)
   end)

   it("is not lost for what came while the process was away, nor before its command was sent", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         one.channel:expect(0.3)
         other:send "here"
         socket.sleep(0.6)
         client:step(0)
         assert.equal("ready", one.channel:state())
         assert.equal("here", one.text)
         one.channel:expect(0.5)
         one.channel:send "?"
         socket.sleep(0.8)
         client:step(0)
         assert.equal("ready", one.channel:state())
         assert.equal("?", other:receive(1))
         one.channel:expect(0)
         other:close()
      end)
   end)

   it("is not lost for silence while its reader has no room", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         settle(client, one)
         local other = server.accept()
         one.reads = false
         assert(other:send(("x"):rep(40000)))
         local over = core.now() + 1
         one.channel:expect(0.5)
         step_until(client, function() return core.now() > over end)
         assert.equal("ready", one.channel:state())
         one.channel:expect(30)
         step_until(client, function()
            one.text = one.text .. one.channel:receive()
            return #one.text == 40000
         end)
         one.channel:expect(0.2) -- there is room, and nothing comes
         assert.equal("timeout", (loss(client, one)))
         other:close()
      end)
   end)

   it("says why it does not connect", function()
      with_client(function(client)
         local server = channels.listen()
         server.close()
         local kind, message = loss(client, open(client, { port = server.port }))
         assert.equal("network", kind)
         assert.truthy(message:find(tostring(server.port), 1, true), message)
         kind = loss(client, open(client, { host = "nowhere.invalid", port = 1 }))
         assert.is_true(kind == "network" or kind == "timeout")
      end)
   end)

   it("tries each address of a name", function()
      with_client(function(client)
         local server <close> = channels.listen() -- localhost may be ::1 first
         local one = open(client, { host = "localhost", port = server.port })
         assert.equal("ready", settle(client, one))
         local again, why = pcall(channels.listen, "::1")
         if again then
            local six <close> = why
            assert.equal("ready", settle(client, open(client, { host = "::1", port = six.port })))
         end
      end)
   end)

   it("connects and carries beside the client's own requests", function()
      local emulator <close> = require "topaz.emulator".start { clock = "virtual" }
      world.with_client(emulator, {}, function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         local page = assert(client:get_page { limit = 1 })
         assert.equal("table", type(page.data))
         assert.equal("ready", settle(client, one))
         local other = server.accept()
         for i = 1, 20 do
            local request = client:start("get_page", { limit = 1 })
            one.channel:send("ping" .. i)
            step_until(client, function() return one.channel:unsent() == 0 end)
            assert.equal("ping" .. i, other:receive(#("ping" .. i)))
            other:send "pong"
            assert(request:result())
         end
         step_until(client, function() return one.text == ("pong"):rep(20) end)
         other:close()
      end)
   end)
end)

describe("the news of a channel", function()
   it("come in a blocking call of the client, and in an event loop's step", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local one = open(client, { port = server.port })
         client:sleep(0.01)
         settle(client, one)
         local other = server.accept()
         other:send "x"
         local deadline = core.now() + 60
         while one.text == "" and core.now() < deadline do client:sleep(0.01) end
         assert.equal("x", one.text)
         one.channel:send "y"
         assert.equal(0, client:timeout()) -- a step is due
         other:close()
      end)
   end)

   it("are told again when their function has failed", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local calls = 0
         local channel = core.channel(client, { host = "127.0.0.1", port = server.port }, function()
            calls = calls + 1
            if calls == 1 then error("not now", 0) end
         end)
         local ok, why = pcall(step_until, client, function() return calls > 0 end)
         assert.is_false(ok)
         assert.equal("not now", why)
         client:step(0)
         assert.equal(2, calls)
         assert.equal("ready", channel:state())
      end)
   end)

   it("may close the channel, and the client", function()
      for _, what in ipairs { "channel", "client" } do
         with_client(function(client)
            local server <close> = channels.listen()
            local channel
            channel = core.channel(client, { host = "127.0.0.1", port = server.port }, function()
               if what == "channel" then channel:close() else client:close() end
            end)
            local ok, why = pcall(step_until, client, function() return channel:state() == "lost" end)
            assert.is_true(ok or tostring(why):find "closed" ~= nil, why)
            assert.equal("lost", channel:state())
         end)
      end
   end)
end)

describe("the bytes of a channel", function()
   it("are read once, also by a finalizer in the middle of reading", function()
      local acted = 0
      for turn = 1, 12 do
         with_client(function(client)
            local server <close> = channels.listen()
            local one = open(client, { port = server.port })
            settle(client, one)
            one.reads = false
            local other, got, nested = server.accept(), 0, 0
            other:send(("x"):rep(60000))
            local called, ok, why = disturb(turn, function()
               for _ = 1, 3 do nested = nested + #one.channel:receive() end
            end, function()
               step_until(client, function()
                  got = got + #one.channel:receive()
                  return got + nested == 60000
               end)
            end, 3)
            assert.is_true(ok, why)
            acted = acted + (called and 1 or 0)
            assert.equal(60000, got + nested)
            other:close()
         end)
      end
      assert.is_true(acted > 3, acted)
   end)
end)

describe("a name with two addresses, the first of them silent or refusing", function()
   it("is connected to at the second", function()
      local before = names.preload { ["two.example.test"] = { "127.0.0.2", "127.0.0.1" } }
      if not before then return pending "no compiler, or a sanitizer is preloaded" end
      local server <close> = channels.listen()
      for _, silent in ipairs { true, false } do
         local hole = silent and names.black_hole("127.0.0.2", server.port)
         local out = world.script(([[
            local topaz = require "topaz"
            local client = topaz.client { api_key = "k", base_url = "http://127.0.0.1:1" }
            local options = { host = "two.example.test", port = %d, connect_timeout = 4 }
            local channel = topaz.core.channel(client, options, function() end)
            local ends = topaz.core.now() + 60
            while channel:state() == "connecting" and topaz.core.now() < ends do client:step(1) end
            io.write(table.concat({ channel:state() }, " "))
         ]]):format(server.port), before)
         if hole then hole:close() end
         assert.equal("ready", out)
      end
   end)
end)
