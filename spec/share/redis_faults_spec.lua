-- What may happen to a real Redis while clients share it: no end is lost, none is given out twice,
-- and the farm is one again afterwards.
local redis = require "spec.support.redis"
local shared = require "spec.share.clients"
local socket = require "socket"
local world = require "spec.support.world"

if not redis.program() then
   describe("faults of a real Redis", function()
      it("are tested", function() pending(select(2, redis.program())) end)
   end)
   return
end

local HOUR = 3600000 -- milliseconds

describe("a farm", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local farm, servers

   before_each(function() farm, servers = shared.of(emulator), {} end)
   after_each(function()
      farm:close()
      for _, server in ipairs(servers) do server:stop() end
   end)

   local function start(options)
      servers[#servers + 1] = assert(redis.start(options))
      return servers[#servers]
   end

   local function watch(number, ids) return farm.watch(farm.clients[number], ids) end

   -- The words of the jobs that have ended, by id.
   local function words(ended)
      local list = {}
      for id, status in pairs(ended) do list[id] = type(status) == "table" and status.status or status end
      return list
   end

   -- Two clients with a job each, one of which leads. Returns what has ended, and their tasks.
   local function begin(url, more)
      local ids = farm:add_jobs(2)
      farm:client(url, more)
      farm:client(url, more)
      local first, one = watch(1, { ids[1] })
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "lead" end, "a leader")
      local second, two = watch(2, { ids[2] })
      farm:step_until(function() return farm.role_of(farm.clients[2]) == "follow" end, "a follower")
      return function()
         emulator():advance(200)
         farm:step_until(function() return one:done() and two:done() end, "all ends")
         one:result()
         two:result()
         assert.same({ [ids[1]] = "Completed" }, words(first))
         assert.same({ [ids[2]] = "Completed" }, words(second))
      end
   end

   -- A job that goes on, so that the clients stay in the farm until the test ends.
   local function until_one_again(what)
      farm:step_until(function() return farm:count "lead" == 1 and farm:count "follow" == #farm.clients - 1 end, what)
   end

   local function is_copy(server)
      return server:call("INFO", "replication"):find("master_link_status:up", 1, true) ~= nil
   end

   local function copy_of(server, other)
      server:call("REPLICAOF", "127.0.0.1", other.port)
      farm:step_until(function() return is_copy(server) end, "a copy")
   end

   local function key_of(server, name)
      local keys = server:call("KEYS", "*:" .. name)
      assert.equal(1, #keys, name)
      return keys[1]
   end

   it("meets a replica that refuses writes, and then one that lags behind", function()
      local options = { config = { "repl-diskless-sync-delay 0" } }
      local server, other = start(options), start(options)
      local finish = begin(server.url)
      local old = farm:epoch()
      copy_of(other, server)
      other:call("REPLICAOF", "NO", "ONE")
      server:call("DEL", key_of(server, "lease"))
      farm:step_until(function() return farm:leader() and farm:epoch() > old end, "a new term")
      local before = farm:epoch()
      copy_of(server, other) -- with the old term in it
      farm:step_until(function() return farm:count "alone" == 2 end, "each alone")
      assert.matches("READONLY", farm:message "alone")
      server:call("REPLICAOF", "NO", "ONE")
      until_one_again "one farm"
      assert.is_true(farm:epoch() > before)
      finish()
   end)

   -- { what Redis says, commands that bring it about, commands that end it }
   local REFUSALS = {
      { "OOM", { { "CONFIG", "SET", "maxmemory", "1" } }, { { "CONFIG", "SET", "maxmemory", "0" } } },
      { "NOPERM", { { "ACL", "SETUSER", "topaz", "-eval", "-evalsha" } },
         { { "ACL", "SETUSER", "topaz", "+eval", "+evalsha" } } },
   }

   for _, case in ipairs(REFUSALS) do
      it("meets " .. case[1] .. ": each asks for itself, and all are one again after it", function()
         local server = start()
         local _, why = server:call("ACL", "SETUSER", "topaz", "on", ">hunter2", "~*", "&*", "+@all")
         if why and case[2][1][1] == "ACL" then return pending "this Redis has no ACL" end
         local finish = begin(why and server.url or (server.url:gsub("//", "//topaz:hunter2@")))
         for _, command in ipairs(case[2]) do assert(server:call(table.unpack(command))) end
         farm:step_until(function() return farm:count "alone" == 2 end, "each alone")
         assert.matches(case[1], farm:message "alone")
         assert.is_nil(farm:message "alone":find("hunter2", 1, true))
         for _, command in ipairs(case[3]) do assert(server:call(table.unpack(command))) end
         until_one_again "one farm"
         finish()
      end)
   end

   it("meets a Redis that is loading its data", function()
      local server, why = redis.start { config = { "rdbcompression no", "loading-process-events-interval-bytes 1024" } }
      if not server then return pending(why) end
      servers[1] = server
      for i = 1, 300 do server:call("SET", "key" .. i, ("x"):rep(2000)) end
      server:call "SAVE"
      local file = assert(io.open(server.folder .. "/conf", "a"))
      file:write "key-load-delay 20000\n" -- microseconds; it hears clients in between
      file:close()
      server:restart()
      local ids = farm:add_jobs(1)
      farm:client(server.url)
      local ended, task = watch(1, ids)
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "alone" end, "alone")
      assert.matches("LOADING", farm:message "alone")
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "lead" end, "a leader")
      emulator():advance(200)
      farm:step_until(function() return task:done() end, "the end")
      task:result()
      assert.same({ [ids[1]] = "Completed" }, words(ended))
   end)

   it("meets a Redis without room for another client", function()
      local server = start { config = { "maxclients 1" } }
      local held = assert(socket.connect("127.0.0.1", server.port))
      farm:step_until(function() -- the connection by which it was started may still be open
         held:settimeout(1)
         assert(held:send "PING\r\n")
         if held:receive "*l" == "+PONG" then return true end
         held:close()
         held = assert(socket.connect("127.0.0.1", server.port))
         return false
      end, "a connection")
      local ids = farm:add_jobs(1)
      farm:client(server.url)
      local ended, task = watch(1, ids)
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "alone" end, "alone")
      assert.matches("max number of clients", farm:message "alone")
      assert(held:send "CONFIG SET maxclients 100\r\n")
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "lead" end, "a leader")
      held:close()
      emulator():advance(200)
      farm:step_until(function() return task:done() end, "the end")
      task:result()
      assert.same({ [ids[1]] = "Completed" }, words(ended))
   end)

   -- Makes all times in the keys others by so many milliseconds, as a clock would have written them
   -- that has been set since.
   local function forge(server, by)
      local function shift(text, format) return (format or "%.0f"):format(tonumber(text) + by) end
      local lease, members, rate = key_of(server, "lease"), key_of(server, "members"), key_of(server, "rate")
      server:call("HSET", lease, "epoch", shift(server:call("HGET", lease, "epoch")))
      local list = server:call("HGETALL", members)
      for i = 1, #list, 2 do
         local about, time = list[i + 1]:match "^(.* )(%d+)$"
         server:call("HSET", members, list[i], about .. shift(time))
      end
      for _, name in ipairs { "tat", "cut" } do
         local text = server:call("HGET", rate, name)
         if text then server:call("HSET", rate, name, shift(text)) end
      end
      for _, key in ipairs(server:call("KEYS", "*")) do
         if server:call("TYPE", key) == "stream" then
            local now = math.tointeger(tonumber(server:call("TIME")[1])) * 1000
            if by < 0 then server:call("DEL", key) end
            assert(server:call("XADD", key, ("%d-0"):format(now + by), "k", "forged"))
            server:call("PEXPIRE", key, 60000)
         end
      end
   end

   for _, hours in ipairs { 1, -1 } do
      it(("goes on with times in the keys that are %+d h"):format(hours), function()
         local server = start()
         local finish = begin(server.url, { max_rate = 50 })
         emulator():fault { status = 429, headers = { ["Retry-After"] = "1" }, times = 1 }
         farm:step_until(function() return #server:call("KEYS", "*:rate") == 1
            and server:call("HEXISTS", key_of(server, "rate"), "cut") == 1 end, "a rate")
         local before = farm:epoch()
         forge(server, hours * HOUR)
         farm:step_until(function() return farm:leader() and farm:epoch() > before end, "a new term")
         finish()
         assert.is_nil(farm:message "alone")
      end)
   end

   it("is not held by a pause that was over when the clock was set back", function()
      local server = start()
      local finish = begin(server.url)
      emulator():fault { status = 429, headers = { ["Retry-After"] = "1" }, times = 1 }
      local function hold()
         local key = server:call("KEYS", "*:rate")[1]
         local text = key and server:call("HGET", key, "hold")
         return tonumber(text), key
      end
      farm:step_until(function()
         local at = hold()
         return at and at < tonumber(server:call("TIME")[1]) * 1000
      end, "the end of the pause")
      local at, key = hold()
      server:call("HSET", key, "hold", ("%.0f"):format(at + HOUR))
      finish()
   end)

   it("has a member that is not stepped, whose stream is cut: it hears all afterwards", function()
      local server = start()
      local ids = farm:add_jobs(30)
      farm:client(server.url)
      local first, one = watch(1, { ids[1] })
      farm:step_until(function() return farm.role_of(farm.clients[1]) == "lead" end, "a leader")
      farm:client(server.url)
      local second, two = watch(2, table.move(ids, 2, 30, 1, {}))
      farm:step_until(function() return farm.role_of(farm.clients[2]) == "follow" end, "a follower")
      local endless = emulator():add_jobs { timeline = { processing = 100000 } }
      local _, three = watch(1, endless) -- it leads on
      local seen = emulator():counts().total
      emulator():advance(200)
      farm:step_until(function() return one:done() and emulator():counts().total > seen + 1 end, "ends",
         { farm.clients[1] })
      for _, key in ipairs(server:call("KEYS", "*:out:*")) do server:call("DEL", key) end
      farm:step_until(function() return two:done() end, "all ends")
      two:result()
      assert.equal("Completed", words(first)[ids[1]])
      local heard = words(second)
      for i = 2, 30 do assert.equal("Completed", heard[ids[i]]) end
      assert.equal(0, farm.clients[2]:stats().calls)
      three:cancel()
   end)

   it("of fifty clients that start and stop at once", function()
      local server = start()
      local ids, tasks, ended = farm:add_jobs(50), {}, {}
      for i = 1, 50 do
         farm:client(server.url)
         ended[i], tasks[i] = watch(i, { ids[i] })
      end
      until_one_again "one farm"
      emulator():advance(200)
      farm:step_until(function()
         for i = 1, 50 do
            if not tasks[i]:done() then return false end
         end
         return true
      end, "all ends")
      for i = 1, 50 do
         tasks[i]:result()
         assert.same({ [ids[i]] = "Completed" }, words(ended[i]))
      end
      farm:close()
      farm:step_until(function() return #server:call("KEYS", "*:lease") + #server:call("KEYS", "*:members") == 0 end,
         "no members", {})
      for _, key in ipairs(server:call("KEYS", "*")) do
         local life = server:call("PTTL", key)
         assert.is_true(life > 0 and life <= 600000, key)
      end
   end)
end)
