-- Connections to servers of this process that say what Redis never would, and what finalizers do to
-- them.
local connection = require "topaz.share.connection"
local core = require "topaz.core"
local resp = require "topaz.share.resp"
local target = require "topaz.share.target"
local topaz = require "topaz"
local channels = require "spec.support.channels"
local disturb = require "spec.support.disturb"

local step_until, with_client, gather = channels.step_until, channels.with_client, channels.gather

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

   -- A server that sends `text` to a connection that has messages wanted, or not.
   local function meet_subscriber(text, wants)
      local heard, lost, replies = {}, {}, {}
      with_client(function(client)
         local server <close> = channels.listen()
         local self = connection.open(client, target("redis://127.0.0.1:" .. server.port))
         local function hear(channel, message) heard[#heard + 1] = channel .. "=" .. message end
         self.on_message = wants and hear or nil
         function self.on_lost(err) lost[#lost + 1] = err.message end
         self:command({ "SUBSCRIBE", "a" }, function(reply) replies[#replies + 1] = reply or false end)
         step_until(client, function() return self:state() == "ready" end)
         local other = server.accept()
         other:send(text)
         step_until(client, function() return #lost == 1 or #heard + #replies == 3 end)
         self:close()
         other:close()
      end)
      return heard, lost, replies
   end

   local MESSAGE = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n"

   it("hears messages before and behind the reply to its command, where it wants them", function()
      local heard, lost, replies = meet_subscriber(MESSAGE .. "+OK\r\n" .. MESSAGE, true)
      assert.same({ "a=x", "a=x" }, heard)
      assert.same({ "OK" }, replies)
      assert.same({}, lost)
      heard, lost, replies = meet_subscriber(MESSAGE .. MESSAGE, false)
      assert.same({}, heard)
      assert.same({ { "message", "a", "x" } }, replies)
      assert.truthy(lost[1]:find "not asked for")
   end)

   it("is lost by a message that is not one", function()
      for _, text in ipairs { "*1\r\n$7\r\nmessage\r\n", "*2\r\n$7\r\nmessage\r\n$1\r\na\r\n",
         "*3\r\n$7\r\nmessage\r\n$-1\r\n$1\r\nx\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n:1\r\n",
         "*4\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n$1\r\nx\r\n" } do
         local heard, lost, replies = meet_subscriber("+OK\r\n" .. text, true)
         assert.same({}, heard)
         assert.same({ "OK" }, replies)
         assert.truthy(lost[1]:find("message that is not valid", 1, true), lost[1])
      end
   end)

   it("is lost with the words of a server that has no room", function()
      local got, lost, why = meet("-ERR max number of clients reached\27[31m\r\n", true, {})
      assert.equal(0, got.n)
      assert.equal(1, #lost)
      assert.truthy(why:find("ERR max number of clients reached?[31m", 1, true), why)
   end)

   -- Redis does so where AUTH was renamed: 128 bytes of each argument.
   it("never shows the password, which the server may quote", function()
      for _, password in ipairs { "hunter2", "pass%word", ("long"):rep(60), "x\1y-hunter2" } do
         with_client(function(client)
            local server <close> = channels.listen()
            local encoded = password:gsub("[^%w]", function(c) return ("%%%02X"):format(c:byte()) end)
            local self, got, lost = gather(client, target("redis://me:" .. encoded .. "@127.0.0.1:" .. server.port),
               { { "PING" } })
            step_until(client, function() return self.channel:state() == "ready" end)
            local other = server.accept()
            other:send(("-ERR unknown command 'AUTH', with args beginning with: 'me' '%s' \r\n"):format(
               password:sub(1, 128)))
            step_until(client, function() return #lost == 1 end)
            local why = select(2, self:state())
            assert.truthy(why:find("unknown command 'AUTH'", 1, true), why)
            for _, text in ipairs { why, tostring(lost[1]), tostring(got[1].err) } do
               assert.is_nil(text:find(password:match "%w%w%w%w+", 1, true), text)
            end
            other:close()
         end)
      end
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
         local acted, turn = 0, 1
         repeat -- how often the collector runs in a scene depends on what the process holds
            acted, turn = acted + (scene(turn % 60, act) and 1 or 0), turn + 3
         until acted > 5 and turn > 60 or turn > 3000
         assert.is_true(acted > 5, acted)
      end)
   end
end)
