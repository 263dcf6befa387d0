-- News by publish/subscribe over a real Redis: what members send it, and what it may not allow.
local connection = require "topaz.share.connection"
local core = require "topaz.core"
local read_target = require "topaz.share.target"
local redis = require "spec.support.redis"
local scripts = require "topaz.share.scripts"
local shared = require "spec.share.clients"

describe("news over Redis", function()
   if not redis.program() then
      it("are tested", function() pending(select(2, redis.program())) end)
      return
   end

   local farm = shared.new {
      setup = setup, teardown = teardown, before_each = before_each, after_each = after_each,
   }
   local clients = farm.clients

   local function member_of(client) return core.state(client).share.member end

   -- A leader and a follower.
   local function start(url, ids)
      ids = ids or farm:add_jobs(2)
      local first = { farm.watch(farm:client(url), { ids[1] }) }
      farm:await(clients[1], "lead")
      local second = { farm.watch(farm:client(url), { ids[2] }) }
      farm:await(clients[2], "follow")
      return first, second
   end

   local function await_subscriptions(count)
      farm:step_until(function()
         local all = 0
         for _, client in ipairs(clients) do
            for _, confirmed in pairs(member_of(client).listen.channels) do all = all + (confirmed and 1 or 0) end
         end
         return all == count and not member_of(clients[1]).inbox.behind and not member_of(clients[2]).inbox.behind
            and not member_of(clients[1]).inbox.reading and not member_of(clients[2]).inbox.reading
      end, count .. " subscriptions")
   end

   local function end_all(...)
      farm.emulator():advance(200)
      for _, watched in ipairs { ... } do
         farm:step_until(function() return watched[2]:done() end, "the end")
         watched[2]:result()
         for _, status in pairs(watched[1]) do assert.equal("Completed", status.status) end
      end
   end

   -- How often clients have sent a command; scripts call none of these.
   local function calls(name)
      local found = farm.server:call("INFO", "commandstats"):match("cmdstat_" .. name .. ":calls=(%d+)")
      return tonumber(found or 0)
   end

   it("come without a command of who hears them", function()
      local long = farm.emulator():add_jobs { timeline = { processing = 100000 } } -- it leads on
      local _, second = start(nil, { long[1], farm:add_jobs(1)[1] })
      await_subscriptions(5)
      local reads, pings = calls "xread", calls "ping"
      end_all(second)
      assert.equal(reads, calls "xread")
      assert.equal(pings, calls "ping")
      for _, event in ipairs(farm.events) do assert.is_nil(event[3]:find "publish/subscribe") end
   end)

   it("that came as no message are read with the next heartbeat", function()
      start()
      await_subscriptions(5)
      local member, reads = member_of(clients[2]), calls "xread"
      local number = member.follow.heard + 1
      local id = farm.server:call("XADD", member.keys.out, "*", "e", member.epoch, "s", number, "k", "G", "d", "")
      farm:step_until(function() return member.last.out == id end, "the entry")
      assert.equal(reads + 1, calls "xread")
      assert.is_nil(member.follow.full_at)
   end)

   it("go on when Redis has cut all subscriptions", function()
      local first, second = start()
      await_subscriptions(5)
      for _ = 1, 3 do
         local before = { member_of(clients[1]).listen.connection, member_of(clients[2]).listen.connection }
         assert.equal(2, farm.server:call("CLIENT", "KILL", "TYPE", "pubsub"))
         farm:step_until(function()
            return member_of(clients[1]).listen.connection ~= before[1]
               and member_of(clients[2]).listen.connection ~= before[2]
         end, "the losses")
         await_subscriptions(5)
      end
      end_all(first, second)
      for _, event in ipairs(farm.events) do assert.not_equal("alone", event[2]) end
   end)

   it("are not changed by garbage on the channels", function()
      local first, second = start()
      await_subscriptions(5)
      local member = member_of(clients[2])
      for _, key in ipairs { member.keys.all, member.keys.out, member.keys["in"] } do
         for _, text in ipairs { "", "x", "\0\0\0\1", ("\255"):rep(1000), "echo 99999999999999999999", "echo 999999",
            "1-1", "1-1 0-0", "1-1 0-0 2 1 a x", "9-9 9-8 4 1 k E d x" } do
            assert.is_number(farm.server:call("PUBLISH", key, text))
         end
      end
      end_all(first, second)
      for _, event in ipairs(farm.events) do assert.not_equal("alone", event[2]) end
   end)

   it("do not come from a leader whose lease is gone", function()
      start()
      local member, client = member_of(clients[2]), clients[2]
      local leader = member_of(clients[1])
      local heard, replies = {}, {}
      local listener <close> = connection.open(client, read_target(farm.server.url))
      local sender <close> = connection.open(client, read_target(farm.server.url))
      function listener.on_message(_, text) heard[#heard + 1] = { scripts.message(text) } end
      local function done(reply) replies[#replies + 1] = reply end
      listener:command({ "SUBSCRIBE", "another" }, done)
      farm:step_until(function() return #replies == 1 end, "a subscription")
      for _, epoch in ipairs { member.epoch - 1, member.epoch } do
         scripts.run(sender, "publish", { member.keys.lease, "another" },
            { leader.name, tostring(epoch), "1", "E", "\0\r\n" .. epoch }, done)
      end
      farm:step_until(function() return #replies == 3 and #heard == 1 end, "two replies and one message")
      assert.same({ 0, 1 }, { replies[2], replies[3] })
      assert.equal(1, farm.server:call("XLEN", "another"))
      local id = farm.server:call("XREVRANGE", "another", "+", "-")[1][1]
      local epoch = tostring(member.epoch)
      assert.same({ id, "0-0", { "e", epoch, "s", "1", "k", "E", "d", "\0\r\n" .. epoch } }, heard[1])
   end)

   local RIGHTS = { "resetkeys", "~topaz1:*", "resetchannels", "&topaz1:*", "+@all" }
   for _, case in ipairs {
      { "may not subscribe", "-subscribe" }, { "may not publish", "-publish" },
      { "may use no channel", "resetchannels" },
   } do
      local what, right = table.unpack(case)
      it("are read by members that " .. what .. ", and one event says so", function()
         local _, why = farm.server:call("ACL", "SETUSER", "limited", "reset", "on", ">hunter2",
            table.unpack(table.move({ right }, 1, 1, #RIGHTS + 1, { table.unpack(RIGHTS) })))
         if why then return pending "this Redis has no rights for channels" end
         local first, second = start((farm.server.url:gsub(":secret@", "limited:hunter2@")))
         farm:step_until(function()
            return member_of(clients[1]).listen.read_at and member_of(clients[2]).listen.read_at
         end, "two that read")
         end_all(first, second)
         local told = { 0, 0 }
         for _, event in ipairs(farm.events) do
            assert.not_equal("alone", event[2])
            if event[3]:find "publish/subscribe" then told[event[1]] = told[event[1]] + 1 end
            assert.is_nil(event[3]:find "hunter2")
         end
         assert.same({ 1, 1 }, told)
      end)
   end
end)
