-- Connections to Redis: with a real server, also through the faulty proxy.
local core = require "topaz.core"
local connection = require "topaz.share.connection"
local target = require "topaz.share.target"
local waiter = require "topaz.waiter"
local channels = require "spec.support.channels"
local proxies = require "spec.chaos.proxy"
local redis = require "spec.support.redis"

local step_until, with_client, gather = channels.step_until, channels.with_client, channels.gather
local PASSWORD = "a s3cret/p@ssword"

local function escaped(text)
   return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function all(client, where, commands)
   local self, got, lost = gather(client, where, commands)
   step_until(client, function() return got.n == #commands end)
   return self, got, lost
end

describe("a connection to Redis", function()
   local server, reason

   setup(function()
      server, reason = redis.start { tls = true, config = { "requirepass \"" .. PASSWORD .. "\"" } }
      if not server then return end
      server.password = PASSWORD
      server.secret = ":" .. escaped(PASSWORD) .. "@"
   end)
   teardown(function() if server then server:stop() end end)

   local function at(database, secure)
      local where = target(("%s://%slocalhost:%d/%d"):format(secure and "rediss" or "redis", server.secret,
         secure and server.tls_port or server.port, database or 0))
      where.ca_file = secure and server.ca_file or nil
      return where
   end

   -- A test that needs the server.
   local function with_redis(name, f)
      it(name, function()
         if not server then return pending(reason) end
         with_client(f)
      end)
   end

   for _, secure in ipairs { false, true } do
      with_redis("runs commands in order" .. (secure and " over TLS" or ""), function(client)
         local self, got, lost = all(client, at(0, secure), {
            { "DEL", "h", "none", "big" }, { "HSET", "h", "a", 1, "b", "\r\n\0\255" }, { "HGETALL", "h" },
            { "HMGET", "h", "b", "none" }, { "GET", "none" }, { "NOSUCH" },
            { "EVAL", "return {1, false, {'x', {}}, redis.error_reply('MY own')}", 0 },
            { "SET", "big", ("0123456789abcdef"):rep(65536) }, { "GET", "big" },
         })
         assert.equal("ready", self:state())
         for i, entry in ipairs(got) do
            assert.equal(i, entry.i)
            assert.is_nil(entry.err)
         end
         assert.equal(2, got[2].reply)
         assert.same({ "a", "1", "b", "\r\n\0\255" }, got[3].reply)
         assert.same({ "\r\n\0\255", false }, got[4].reply)
         assert.is_nil(got[5].reply)
         assert.truthy(got[6].reply.error:find "^ERR unknown command")
         assert.same({ 1, false, { "x", {} }, { error = "MY own" } }, got[7].reply)
         assert.is_true(got[9].reply == ("0123456789abcdef"):rep(65536))
         assert.equal(0, #lost)
         self:close()
      end)
   end

   with_redis("selects its database before the first command", function(client)
      local three = all(client, at(3), { { "SET", "where", "three" } })
      local zero, got = all(client, at(0), { { "DEL", "where" }, { "EXISTS", "where" } })
      assert.equal(0, got[2].reply)
      local again, found = all(client, at(3), { { "GET", "where" } })
      assert.equal("three", found[1].reply)
      for _, one in ipairs { three, zero, again } do one:close() end
   end)

   with_redis("is lost where the password or the database is not accepted", function(client)
      server:call("DEL", "k")
      for kind, where in pairs {
         unauthorized = target(("redis://:not-%s@127.0.0.1:%d"):format(escaped(PASSWORD), server.port)),
         server_error = at(999),
      } do
         local self, got, lost = all(client, where, { { "SET", "k", "1" }, { "GET", "k" } })
         assert.equal("lost", (self:state()))
         assert.equal(1, #lost)
         for i = 1, 2 do
            assert.equal(kind, got[i].err.kind)
            assert.equal(lost[1], got[i].err)
            assert.is_nil(tostring(got[i].err):find(PASSWORD, 1, true))
            assert.is_nil(tostring(self):find(PASSWORD, 1, true))
         end
         assert.equal(0, server:call("EXISTS", "k")) -- no command met another database
      end
      local self, got = all(client, target(("redis://127.0.0.1:%d"):format(server.port)), { { "GET", "k" } })
      assert.truthy(got[1].reply.error:find "^NOAUTH")
      self:close()
   end)

   with_redis("keeps a blocking XREAD beside commands of another", function(client)
      local commands = all(client, at(), { { "DEL", "stream" } })
      local reader, got = gather(client, at(), { { "XREAD", "BLOCK", 60000, "STREAMS", "stream", "$" } })
      step_until(client, function() return reader:state() == "ready" end)
      -- it is waited for only when Redis has read the command
      step_until(client, function() return server:call("CLIENT", "LIST"):find("cmd=xread", 1, true) ~= nil end)
      commands:command({ "XADD", "stream", "1-1", "a", "b" }, function() end)
      step_until(client, function() return got.n == 1 end)
      assert.same({ { "stream", { { "1-1", { "a", "b" } } } } }, got[1].reply)
      commands:close()
      reader:close()
   end)

   with_redis("gives messages of channels to on_message, between replies and in order", function(client)
      local self, heard, replies = connection.open(client, at()), {}, {}
      function self.on_message(channel, text) heard[#heard + 1] = { channel, text } end
      local function send(...) self:command({ ... }, function(reply) replies[#replies + 1] = reply end) end
      send("SUBSCRIBE", "a")
      send("SUBSCRIBE", "b")
      step_until(client, function() return #replies == 2 end)
      assert.same({ { "subscribe", "a", 1 }, { "subscribe", "b", 2 } }, replies)
      local others = all(client, at(), { { "PUBLISH", "a", "1" }, { "PUBLISH", "c", "none" },
         { "PUBLISH", "b", "\r\n\0\255" }, { "PUBLISH", "a", ("x"):rep(300000) } })
      step_until(client, function() return #heard == 3 end)
      assert.same({ "a", "1" }, heard[1])
      assert.same({ "b", "\r\n\0\255" }, heard[2])
      assert.same({ "a", ("x"):rep(300000) }, heard[3])
      send "PING"
      send("UNSUBSCRIBE", "a")
      send("XREAD", "STREAMS", "s", "0")
      send("UNSUBSCRIBE", "b")
      send "PING"
      step_until(client, function() return #replies == 7 end)
      assert.same({ "pong", "" }, replies[3])
      assert.same({ "unsubscribe", "a", 1 }, replies[4])
      assert.truthy(replies[5].error:find "context")
      assert.same({ "unsubscribe", "b", 0 }, replies[6])
      assert.equal("PONG", replies[7])
      self:close()
      others:close()
   end)

   with_redis("that waits for messages makes nothing wake up", function(client)
      local self, replies = connection.open(client, at()), 0
      self.on_message = function() end
      self:command({ "SUBSCRIBE", "a" }, function() replies = replies + 1 end)
      step_until(client, function() return replies == 1 end)
      client:step(0)
      assert.is_nil(client:timeout())
      self:close()
   end)

   with_redis("pipelines more than its buffers hold", function(client)
      local commands, text = {}, ("x"):rep(1000)
      for i = 1, 2000 do commands[i] = { "ECHO", i .. text } end
      local self, got = all(client, at(), commands)
      for i = 1, 2000 do assert.equal(i .. text, got[i].reply) end
      self:close()
   end)

   with_redis("wakes a task, and a bell", function(client)
      local bell = { waiters = {}, rung = false }
      local self = connection.open(client, at())
      local task = client:spawn(function()
         waiter.sleep(client, 60, bell)
         return "woken"
      end)
      self:command({ "PING" }, function() waiter.ring(client, bell) end)
      step_until(client, function() return task:done() end)
      assert.equal("woken", task:result())
      self:close()
   end)

   with_redis("is lost when the server ends, and every command is told once", function(client)
      local self, got, lost = all(client, at(), { { "PING" } })
      local told = 0
      local function count(_, err)
         assert.equal("network", err.kind)
         told = told + 1
      end
      server:pause()
      for _ = 1, 3 do self:command({ "PING" }, count) end
      client:step(0)
      server:kill()
      step_until(client, function() return #lost == 1 end)
      assert.equal(1, got.n)
      assert.equal(3, told)
      self:command({ "PING" }, count)
      assert.equal(4, told)
      assert.equal(1, #lost)
      server:restart()
      local again, found = all(client, at(), { { "DBSIZE" } })
      assert.equal(0, found[1].reply)
      again:close()
   end)

   with_redis("makes nothing wake up while it is idle", function(client)
      local self = all(client, at(0, true), { { "PING" } })
      client:step(0)
      assert.is_nil(client:timeout())
      local ends, before = core.now() + 1, core.wakeups(client)
      repeat client:step(math.max(0, ends - core.now())) until core.now() >= ends
      assert.is_true(core.wakeups(client) - before <= 8)
      self:close()
   end)

   with_redis("survives a faulty network: each command is told once", function(client)
      local program = package.cpath:match "([^;]+)/%?%.so" .. "/chaos/proxy"
      if not io.open(program) then return pending "the faulty proxy is not built on this system" end
      local proxy <close> = proxies.start(program, { server.port, server.tls_port })
      local commands = {}
      for i = 1, 20 do commands[i] = { "ECHO", ("%d"):format(i):rep(50) } end
      for listener, secure in ipairs { false, true } do
         for _, rule in ipairs {
            { "s", 0, "reset" }, { "s", 3, "close" }, { "s", 200, "reset" }, { "s", 900, "close" },
            { "s", 1700, "reset" }, { "c", 0, "reset" }, { "c", 30, "close" }, { "c", 500, "reset" },
            { "c", 1500, "close" }, { "s", 0, "drip" }, { "s", 640, "drip" }, { "c", 0, "drip" },
            { "s", 100, "garbage", 20 }, { "a", 0, "reset" },
         } do
            proxy:begin { {
               listener = listener - 1, connection = 1, way = rule[1], at = rule[2], name = rule[3], arg = rule[4] or 0,
            } }
            local where = at(0, secure)
            where.port = proxy.ports[listener]
            local self, got, lost = gather(client, where, commands)
            step_until(client, function() return got.n == #commands end)
            for i, entry in ipairs(got) do
               assert.equal(i, entry.i)
               assert.is_true(entry.err ~= nil or entry.reply == commands[i][2] or rule[3] == "garbage")
            end
            assert.equal(got[#commands].err and 1 or 0, #lost)
            self:close()
            proxy:quiesce()
         end
      end
   end)
end)
