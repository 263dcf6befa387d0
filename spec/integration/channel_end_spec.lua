-- How channels end, in whichever order with their clients; and their misuse.
local core = require "topaz.core"
local channels = require "spec.support.channels"
local world = require "spec.support.world"

local open, settle = channels.open, channels.settle
local with_client = channels.with_client

describe("the end of a channel", function()
   it("by close() is at once, also while it connects, and twice", function()
      with_client(function(client)
         local server <close> = channels.listen()
         for _, steps in ipairs { 0, 1, 3 } do
            local one = open(client, { port = server.port })
            for _ = 1, steps do client:step(0) end
            one.channel:close()
            one.channel:close()
            local state, kind, message = one.channel:state()
            assert.same({ "lost", "closed", "the channel was closed" }, { state, kind, message })
            assert.equal("topaz.channel (closed)", tostring(one.channel))
            for _, call in ipairs { "send", "receive", "unsent", "expect" } do
               assert.has_error(function() one.channel[call](one.channel, 1) end, "the channel is closed")
            end
            client:step(0)
         end
      end)
   end)

   it("by the client's close() is told to its function", function()
      local client = world.client(channels.nowhere)
      local server <close> = channels.listen()
      local one, unused = open(client, { port = server.port }), open(client, { port = server.port })
      settle(client, one)
      one.channel:send "x"
      local before = one.news
      client:close()
      assert.equal(before + 1, one.news)
      assert.same({ "lost", "closed", "the client was closed" }, { one.channel:state() })
      assert.same({ "lost", "closed", "the client was closed" }, { unused.channel:state() })
      assert.has_error(function() core.channel(client, { host = "127.0.0.1", port = 1 }, print) end)
   end)

   it("by the collector gives everything back", function()
      with_client(function(client)
         local server <close> = channels.listen()
         for _ = 1, 20 do
            open(client, { port = server.port }) -- which nothing keeps
            client:step(0)
         end
         collectgarbage()
         collectgarbage()
         client:step(0)
      end)
   end)

   it("comes in any order with the client's, also when the state is closed", function()
      local server <close> = channels.listen()
      local out = world.script(([[
         local topaz = require "topaz"
         local function make(keep)
            local client = topaz.client { api_key = "k", base_url = "http://127.0.0.1:1" }
            local channel = topaz.core.channel(client, { host = "127.0.0.1", port = %d }, function() end)
            channel:send "text"
            client:step(0)
            client:step(0)
            return keep == "client" and client or keep == "channel" and channel or nil
         end
         make()
         collectgarbage()
         local channel = make "channel"
         collectgarbage()
         print(channel:state())
         kept = { make "client", channel, make "channel" }
         print "over"
      ]]):format(server.port))
      assert.truthy(out:find "over\n$", out)
   end)
end)

describe("the misuse of a channel", function()
   it("names the argument", function()
      with_client(function(client)
         for name, options in pairs {
            host = { port = 1 }, port = { host = "h" }, tls = { host = "h", port = 1, tls = 1 },
            hosts = { hosts = "h" }, connect_timeout = { host = "h", port = 1, connect_timeout = -1 },
         } do
            local ok, why = pcall(core.channel, client, options, print)
            assert.is_false(ok)
            assert.truthy(why:find(name, 1, true), why)
         end
         for _, host in ipairs { "", "a/b", "a@b", "a b", "a?b", "a#b", "[::1]", "1:2", "a\nb", ("x"):rep(256) } do
            assert.is_false(core.is_host(host), host)
            assert.is_false(pcall(core.channel, client, { host = host, port = 1 }, print))
         end
         assert.is_false(pcall(core.channel, client, { host = "h", port = 1 }))
         for _, host in ipairs { "h", "127.0.0.1", "::1", "fe80::1:2", "a-b_c.example" } do
            assert.is_true(core.is_host(host), host)
         end
      end)
   end)
end)
