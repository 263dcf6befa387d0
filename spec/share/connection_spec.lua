-- Connections to Redis: with a real server, through the faulty proxy, and with servers of this
-- process that say what Redis never would.
local core = require "topaz.core"
local connection = require "topaz.share.connection"
local resp = require "topaz.share.resp"
local target = require "topaz.share.target"
local topaz = require "topaz"
local waiter = require "topaz.waiter"
local channels = require "spec.support.channels"
local disturb = require "spec.support.disturb"
local proxies = require "spec.chaos.proxy"
local redis = require "spec.support.redis"

local step_until, with_client = channels.step_until, channels.with_client
local PASSWORD = "a s3cret/p@ssword"

local function escaped(text)
   return (text:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end))
end

-- Sends commands; returns the list of { reply, err }, in the order of their coming, and the losses.
local function gather(client, where, commands)
   local self = connection.open(client, where)
   local got, lost = { n = 0 }, {}
   self.on_lost = function(err) lost[#lost + 1] = err end
   for i, command in ipairs(commands) do
      self:command(command, function(reply, err)
         got.n = got.n + 1
         got[got.n] = { i = i, reply = reply, err = err }
      end)
   end
   return self, got, lost
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

describe("a connection to what is not Redis", function()
   -- A server that reads one command, says `text` and closes if it has to.
   local function meet(text, closes, commands)
      local got, lost, state
      with_client(function(client)
         local server <close> = channels.listen()
         local self
         self, got, lost = gather(client, target("redis://127.0.0.1:" .. server.port),
            commands or { { "PING" }, { "PING" } })
         step_until(client, function() return self:state() == "ready" end)
         local other = server.accept()
         other:send(text)
         if closes then other:close() end
         step_until(client, function() return self:state() == "lost" end)
         state = select(2, self:state())
         other:close()
      end)
      return got, lost, state
   end

   it("is lost by what is not a reply, after the replies before it", function()
      for _, garbage in ipairs { "HTTP/1.1 400 Bad Request\r\n", "$-7\r\n", "\0\1\2\r\n", ":x\r\n" } do
         local got, lost, why = meet("+PONG\r\n" .. garbage)
         assert.equal("PONG", got[1].reply)
         assert.equal("protocol", got[2].err.kind)
         assert.equal(1, #lost)
         assert.truthy(why:find("not valid", 1, true), why)
      end
   end)

   it("is lost by a reply that was not asked for", function()
      local got, lost, why = meet("+PONG\r\n+PONG\r\n+PONG\r\n")
      assert.equal(2, got.n)
      assert.equal(1, #lost)
      assert.equal("protocol", lost[1].kind)
      assert.truthy(why:find "not asked for")
   end)

   it("is lost with the words of a server that has no room", function()
      local got, lost, why = meet("-ERR max number of clients reached\27[31m\r\n", true, {})
      assert.equal(0, got.n)
      assert.equal(1, #lost)
      assert.truthy(why:find("ERR max number of clients reached?[31m", 1, true), why)
   end)

   it("is lost in the middle of a reply, and says nothing of the half", function()
      local got, lost = meet("$10\r\nhalf", true)
      assert.is_nil(got[1].reply)
      assert.equal("network", got[1].err.kind)
      assert.equal("network", got[2].err.kind)
      assert.equal(1, #lost)
   end)

   it("runs the other functions when one has failed", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local self, seen = connection.open(client, target("redis://127.0.0.1:" .. server.port)), {}
         self:command({ "A" }, function() error("first", 0) end)
         self:command({ "B" }, function(reply) seen[1] = reply end)
         self:command({ "C" }, function() error("third", 0) end)
         step_until(client, function() return self:state() == "ready" end)
         local other = server.accept()
         other:send "+a\r\n+b\r\n+c\r\n"
         local ok, why = pcall(step_until, client, function() return seen[1] ~= nil end)
         assert.is_false(ok)
         assert.equal("first", why)
         assert.equal("b", seen[1])
         client:step(0)
         assert.equal("ready", self:state())
         self:command({ "D" }, function() error("late", 0) end)
         self:command({ "E" }, function(_, err) seen[2] = err.kind end)
         self.on_lost = function(err) seen[3] = err.kind end
         other:close()
         ok, why = pcall(step_until, client, function() return seen[3] ~= nil end)
         assert.same({ false, "late", "network", "network" }, { ok, why, seen[2], seen[3] })
      end)
   end)

   it("may be closed by a function that it calls, and step its client there", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local self, seen = connection.open(client, target("redis://127.0.0.1:" .. server.port)), {}
         self:command({ "A" }, function(reply)
            seen[#seen + 1] = reply
            client:step(0)
            self:command({ "C" }, function(_, err) seen[#seen + 1] = err.kind end)
            self:close()
            self:close()
         end)
         self:command({ "B" }, function(_, err) seen[#seen + 1] = err.kind end)
         self.on_lost = function() seen[#seen + 1] = "lost" end
         step_until(client, function() return self:state() == "ready" end)
         local other = server.accept()
         other:send "+a\r\n+b\r\n+c\r\n"
         step_until(client, function() return #seen == 3 end)
         client:step(0)
         assert.same({ "a", "closed", "closed" }, seen)
         other:close()
      end)
   end)

   it("ends with its client", function()
      local client = topaz.client { api_key = channels.nowhere.key, base_url = channels.nowhere.url }
      local server <close> = channels.listen()
      local self, got, lost = gather(client, target("redis://127.0.0.1:" .. server.port), { { "PING" }, { "PING" } })
      client:close()
      assert.equal(2, got.n)
      assert.equal("closed", got[2].err.kind)
      assert.equal("closed", lost[1].kind)
      assert.equal("lost", (self:state()))
   end)

   it("is lost when it takes no bytes any more", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local self = connection.open(client, target("redis://127.0.0.1:" .. server.port))
         step_until(client, function() return self:state() == "ready" end)
         local errors, text = {}, ("x"):rep(1024 * 1024)
         for _ = 1, 100 do
            self:command({ "ECHO", text }, function(_, err) errors[#errors + 1] = err.kind end)
            if self:state() == "lost" then break end
         end
         assert.equal("lost", (self:state()))
         assert.is_true(#errors >= 8 and #errors < 20)
         assert.equal("timeout", errors[1])
      end)
   end)

   it("is fed any bytes without an error of Lua", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local seed = os.time()
         for round = 1, 60 do
            math.randomseed(seed + round)
            local self, got = gather(client, target("redis://127.0.0.1:" .. server.port), { { "A" }, { "B" }, { "C" } })
            step_until(client, function() return self:state() == "ready" end)
            local other, parts = server.accept(), {}
            for i = 1, math.random(40) do
               local pieces = { "\r\n", "+", "-", ":", "$3\r\nabc\r\n", "*2\r\n", "*0\r\n", "$-1\r\n", "1", "x", "\0" }
               parts[i] = pieces[math.random(#pieces)]
            end
            other:send(table.concat(parts))
            other:close()
            step_until(client, function() return self:state() == "lost" end)
            assert.equal(3, got.n, "seed " .. seed + round)
         end
      end)
   end)
end)

describe("a command", function()
   it("that cannot be encoded raises, and leaves the connection as it was", function()
      with_client(function(client)
         local server <close> = channels.listen()
         local self = connection.open(client, target("redis://127.0.0.1:" .. server.port))
         assert.has_error(function() self:command({ "A", {} }, print) end)
         step_until(client, function() return self:state() == "ready" end)
         assert.has_error(function() self:command({ "A", {} }, print) end)
         assert.has_error(function() self:command({}, print) end)
         local seen
         self:command({ "A" }, function(reply) seen = reply end)
         local other = server.accept()
         step_until(client, function() return self.unsent_bytes == 0 and self.channel:unsent() == 0 end)
         assert.equal(resp.encode { "A" }, other:receive(11))
         other:send ":1\r\n"
         step_until(client, function() return seen == 1 end)
         other:close()
         self:close()
      end)
   end)
end)

-- Whatever a finalizer does in the middle of a reply, each command is told once, and in order.
describe("a finalizer in the middle", function()
   local REPLIES = {}
   for i = 1, 40 do REPLIES[i] = ("*3\r\n$4\r\ntext\r\n:%d\r\n*1\r\n+line\r\n"):format(i) end

   local function scene(turn, act)
      local client = topaz.client { api_key = channels.nowhere.key, base_url = channels.nowhere.url }
      local server <close> = channels.listen()
      local self, order = connection.open(client, target("redis://127.0.0.1:" .. server.port)), {}
      local note = core.uninterrupted(function(i) order[#order + 1] = i end)
      step_until(client, function() return self:state() == "ready" end)
      for i = 1, #REPLIES do
         self:command({ "C" }, function(reply, err)
            note(i) -- first: a finalizer may close the connection at any point behind it
            assert(err or reply[2] == i and reply[1] == "text" and reply[3][1] == "line")
         end)
      end
      local other = server.accept()
      other:send(table.concat(REPLIES))
      other:close()
      local acted, ok, why = disturb(turn, function() act(client, self) end, function()
         step_until(client, function() return self:state() == "lost" end)
      end, 3)
      assert.is_true(ok or tostring(why):find "closed" ~= nil, tostring(why))
      if self:state() ~= "lost" then self:close() end
      assert.equal(#REPLIES, #order)
      for i = 1, #order do assert.equal(i, order[i]) end
      client:close()
      return acted
   end

   for name, act in pairs {
      ["steps the client"] = function(client) pcall(client.step, client, 0) end,
      ["closes the connection"] = function(_, self) self:close() end,
      ["closes the client"] = function(client) client:close() end,
      ["sends a command"] = function(_, self) self:command({ "LATE" }, function() end) end,
   } do
      it(name, function()
         local acted = 0
         for turn = 1, 60, 3 do acted = acted + (scene(turn, act) and 1 or 0) end
         assert.is_true(acted > 5, acted)
      end)
   end
end)
