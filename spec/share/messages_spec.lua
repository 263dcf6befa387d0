-- News by publish/subscribe on the simulated clock: what a message saves, and what heals when one
-- is lost.
local scripts = require "topaz.share.scripts"
local world = require "spec.share.world"

local BEAT = 3 * 1.2   -- seconds between two beats at most
local GRACE = 0.6      -- and what a message may be later than the reply to a beat

-- A farm whose commands are counted by name: farm.sent.XREAD.
local function new(options)
   local farm = world.new(options)
   local connect = farm.redis.connect
   farm.sent = {}
   function farm.redis.connect(...)
      local connection = connect(...)
      local command = connection.command
      function connection.command(self, arguments, done)
         farm.sent[arguments[1]] = (farm.sent[arguments[1]] or 0) + 1
         return command(self, arguments, done)
      end
      return connection
   end
   return farm
end

local function reads(farm) return farm.sent.XREAD or 0 end

local function check(farm)
   assert.equal(0, farm:missing())
   assert.equal(0, farm.doubled)
end

-- No member has gone alone, and the only changes were those of the beginning.
local function assert_quiet(farm)
   for _, process in ipairs(farm.processes) do assert.equal(1, #process.events) end
end

local function is_out(channel) return channel:find(":out:", 1, true) ~= nil end
local function is_echo(text) return text:sub(1, 5) == "echo " end

local function longest(farm)
   local most = 0
   for _, delay in ipairs(farm.delays) do most = math.max(most, delay) end
   return most
end

describe("news of a farm", function()
   it("come as messages: nothing is read any more once all have subscribed", function()
      local farm = new { members = 10, jobs = 1000, seed = 1 }
      farm:run(5)
      local before = reads(farm)
      assert.is_true(before <= 4 * 10, before)
      farm:run()
      check(farm)
      assert.equal(before, reads(farm))
      assert.is_true(farm.redis.messages > 500, farm.redis.messages)
      assert_quiet(farm)
   end)

   it("cost as many commands as members beat and things are told", function()
      local farm = new { members = 20, jobs = 4000, seed = 1 }
      farm:run(20)
      local before = farm.redis.commands
      farm:run(60)
      local each = (farm.redis.commands - before) / 40
      assert.is_true(each <= 50, each)
   end)

   it("are read once where one message was lost, and no ids are announced again", function()
      local farm = new { members = 2, jobs = 200, seed = 1 }
      local lost = 0
      function farm.redis.copies(channel, text)
         if farm.time < 30 or lost > 0 or not is_out(channel) or is_echo(text) then return 1 end
         lost = 1
         return 0
      end
      local before
      farm:at(29, function() before = reads(farm) end)
      farm:run()
      check(farm)
      assert.equal(1, lost)
      assert.equal(before + 1, reads(farm))
      for _, process in ipairs(farm.processes) do
         if process.member.role == "follow" then assert.is_nil(process.member.follow.full_at) end
      end
      assert_quiet(farm)
   end)

   it("are heard a heartbeat later at most where the last message was lost", function()
      local without = new { members = 2, jobs = 100, seed = 1 }
      without:run()
      local farm = new { members = 2, jobs = 100, seed = 1 }
      function farm.redis.copies(channel, text)
         return (farm.time < 10 or not is_out(channel) or is_echo(text)) and 1 or 0
      end
      farm:run()
      check(farm)
      assert.is_true(longest(farm) > longest(without))
      assert.is_true(longest(farm) <= longest(without) + BEAT + 0.1, longest(farm) - longest(without))
      assert_quiet(farm)
   end)

   it("that come twice are dropped", function()
      local farm = new { members = 3, jobs = 200, seed = 1 }
      function farm.redis.copies() return 2 end
      farm:run(5)
      local before = reads(farm)
      farm:run()
      check(farm)
      assert.equal(before, reads(farm))
   end)

   it("are read where every second message is lost", function()
      local farm = new { members = 5, jobs = 400, seed = 1 }
      function farm.redis.copies() return farm.random() < 0.5 and 1 or 0 end
      farm:run()
      check(farm)
      for _, process in ipairs(farm.processes) do
         for _, event in ipairs(process.events) do assert.not_equal("alone", event.role) end
      end
   end)

   it("do not come from a leader whose lease is gone", function()
      local farm = new { members = 2, jobs = 20, seed = 1 }
      farm:run(15)
      local key, heard = farm:of_role("follow")[1].member.keys.out, {}
      local connection = farm.redis:connect(function(f) f() end)
      function connection.on_message(channel, text) heard[#heard + 1] = { channel, text } end
      connection:command({ "SUBSCRIBE", key }, function() end)
      farm:run(15.1)
      heard = {}
      local other, replies = farm.redis:connect(function(f) f() end), {}
      local lease = farm:leader().member.keys.lease
      local function publish(epoch)
         scripts.run(other, "publish", { lease, key }, { farm:leader().member.name, tostring(epoch), "1", "?", "" },
            function(reply) replies[#replies + 1] = reply end)
      end
      publish(farm:leader().member.epoch - 1)
      farm:run(15.11)
      assert.same({ 0 }, replies)
      assert.same({}, heard)
      publish(farm:leader().member.epoch)
      farm:run(15.12)
      assert.same({ 0, 1 }, replies)
      assert.equal(1, #heard)
   end)

   it("are not changed by garbage on the channels", function()
      local farm = new { members = 3, jobs = 100, seed = 1 }
      for i = 1, 200 do
         farm:at(5 + i / 4, function()
            local keys, bytes = farm.processes[i % 3 + 1].member.keys, {}
            for k = 1, 40 do bytes[k] = string.char(math.floor(farm.random() * 256)) end
            for _, key in ipairs { keys.all, keys.out, keys["in"] } do
               for _, text in ipairs { table.concat(bytes), "echo 999999999999", "echo x", "echo 1e400", "" } do
                  require "spec.share.simulated_commands".commands.PUBLISH(farm.redis, key, text)
               end
            end
         end)
      end
      farm:run()
      check(farm)
      assert.equal(1, #farm.leads)
   end)

   it("go on where a forged message had moved the place in the stream", function()
      local farm = new { members = 2, jobs = 100, seed = 1 }
      farm:at(20, function()
         local member = farm:of_role("follow")[1].member
         require "spec.share.simulated_commands".commands.PUBLISH(farm.redis, member.keys.out,
            ("99999999999999-0 %s 8 0 e 1 s 1 k P d "):format(member.last.out))
      end)
      farm:run()
      check(farm)
      assert.is_true(farm:p95() < 5, farm:p95())
   end)
end)

describe("a member whose subscription", function()
   local function reader_of(process) return process.member.listen.connection end

   it("is lost has another one soon, and reads what it has missed", function()
      local farm = new { members = 3, jobs = 200, seed = 1 }
      for i = 1, 10 do
         farm:at(10 + 3 * i, function()
            for _, process in ipairs(farm.processes) do reader_of(process).lose() end
         end)
      end
      farm:run()
      check(farm)
      assert.is_true(reads(farm) <= 3 * 11 * 4, reads(farm))
      for _, process in ipairs(farm.processes) do
         assert.equal(1, #process.events)
         assert.is_false(process.member.listen.reads)
         assert.is_true(reader_of(process).subscribed >= 2)
      end
   end)

   it("is half open hears by its beats, and opens another one", function()
      local farm = new { members = 2, jobs = 100, seed = 1 }
      local process, before
      farm:at(20, function()
         process = farm:of_role("follow")[1]
         before = reader_of(process)
         before.deaf = true
      end)
      local without = new { members = 2, jobs = 100, seed = 1 }
      without:run()
      farm:run(31)
      assert.is_false(before.open)
      assert.is_true(reader_of(process).open)
      farm:run()
      check(farm)
      assert.is_true(longest(farm) <= longest(without) + BEAT + GRACE, longest(farm) - longest(without))
      assert_quiet(farm)
   end)

   for _, name in ipairs { "SUBSCRIBE", "PUBLISH" } do
      it("Redis does not allow (" .. name .. ") reads its stream at a modest pace, and one event says so", function()
         local farm = new { members = 10, jobs = 1000, seed = 1 }
         farm.redis.bars[name] = "NOPERM this user has no permissions to run the '" .. name:lower() .. "' command"
         farm:run(60)
         local before = farm.redis.commands
         farm:run(90)
         assert.is_true((farm.redis.commands - before) / 30 <= 110, (farm.redis.commands - before) / 30)
         farm:run()
         check(farm)
         assert.equal(1, #farm.leads)
         for _, process in ipairs(farm.processes) do
            local told = 0
            for _, event in ipairs(process.events) do
               assert.not_equal("alone", event.role)
               if event.text:find "publish/subscribe" then told = told + 1 end
            end
            assert.equal(1, told)
            assert.is_true(#process.events <= 2)
            assert.is_true(process.member.listen.reads)
         end
         assert.is_true(farm:p95() <= 4, farm:p95())
      end)
   end

   it("never brings a message is given up after some tries", function()
      local farm = new { members = 3, jobs = 200, seed = 1 }
      function farm.redis.copies() return 0 end
      farm:run(60)
      for _, process in ipairs(farm.processes) do
         assert.is_true(process.member.listen.reads)
         assert.equal(2, #process.events)
      end
      farm:run()
      check(farm)
   end)

   it("may not end is opened anew where its channels change", function()
      local farm = new { members = 3, jobs = 200, seed = 1 }
      farm.redis.bars.UNSUBSCRIBE = "NOPERM"
      farm:run(15)
      local follower = farm:of_role("follow")[1]
      follower:rejoin()
      farm:run(20)
      assert.equal(2, reader_of(follower).subscribed)
      assert.is_true(follower.member.listen.channels[follower.member.keys.out])
      assert.is_false(follower.member.listen.reads)
      farm:run()
      check(farm)
   end)

   it("is allowed again subscribes with its next connection", function()
      local farm = new { members = 3, jobs = 200, seed = 1 }
      farm.redis.bars.SUBSCRIBE = "NOPERM"
      farm:at(20, function()
         farm.redis.bars.SUBSCRIBE = nil
         for _, process in ipairs(farm.processes) do reader_of(process).lose() end
      end)
      farm:run(30)
      for _, process in ipairs(farm.processes) do assert.is_false(process.member.listen.reads) end
      farm:run()
      check(farm)
   end)
end)

describe("a member that changes", function()
   it("its role follows other channels, by the same connection", function()
      local farm = new { members = 3, jobs = 300, seed = 1 }
      farm:run(15)
      local follower = farm:of_role("follow")[1]
      local connection = follower.member.listen.connection
      assert.equal(2, connection.subscribed)
      assert.equal(3, farm:leader().member.listen.connection.subscribed)
      farm:leader():kill()
      farm:run(40)
      local leader = farm:leader()
      assert.equal(3, leader.member.listen.connection.subscribed)
      assert.is_true(follower.member.listen.connection == connection)
      farm:run()
      check(farm)
   end)

   it("its name leaves the old channel", function()
      local farm = new { members = 3, jobs = 300, seed = 1 }
      farm:run(15)
      local follower = farm:of_role("follow")[1]
      local old, connection = follower.member.keys.out, follower.member.listen.connection
      function farm.redis.copies(channel, text) return (channel ~= old or not is_echo(text)) and 1 or 0 end
      while not follower.member.listen.awaited do farm:run(farm.time + 0.1) end
      follower:rejoin()
      farm:run(25)
      assert.not_equal(old, follower.member.keys.out)
      assert.is_nil(farm.redis.subscribers[old])
      assert.is_true(follower.member.listen.connection == connection)
      assert.equal(1, #farm.redis.subscribers[follower.member.keys.out])
      farm:run()
      check(farm)
   end)
end)
