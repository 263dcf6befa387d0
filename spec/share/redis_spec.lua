-- Sharing between clients of one process, over a real Redis and the emulator, which counts
-- requests. Jobs end when the test says so: their time is the emulator's.
local core = require "topaz.core"
local redis = require "spec.support.redis"
local shared = require "spec.share.clients"
local world = require "spec.support.world"

describe("sharing over Redis", function()
   if not redis.program() then
      it("is tested", function() pending(select(2, redis.program())) end)
      return
   end

   local farm = shared.new {
      setup = setup, teardown = teardown, before_each = before_each, after_each = after_each,
   }
   local emulator, clients, events, watch, role_of = farm.emulator, farm.clients, farm.events, farm.watch, farm.role_of

   local function new_client(...) return farm:client(...) end
   local function step_until(...) return farm:step_until(...) end
   local function leader() return farm:leader() end
   local function add_jobs(count) return farm:add_jobs(count) end

   local function size(t)
      local count = 0
      for _ in pairs(t) do count = count + 1 end
      return count
   end

   it("one asks, and all hear: each end once, with all its members", function()
      local ids, ended, tasks = add_jobs(6), {}, {}
      for i = 1, 3 do ended[i], tasks[i] = watch(new_client(), { ids[2 * i - 1], ids[2 * i] }) end
      step_until(function() return leader() and emulator():counts().total >= 2 end, "a leader that asks")
      for _ = 1, 3 do
         step_until(function()
            local follows = 0
            for _, client in ipairs(clients) do follows = follows + (role_of(client) == "follow" and 1 or 0) end
            return follows == 2
         end, "two followers")
      end
      emulator():advance(200)
      step_until(function() return tasks[1]:done() and tasks[2]:done() and tasks[3]:done() end, "all ends")
      local first = leader() or 1
      for i = 1, 3 do
         tasks[i]:result()
         assert.equal(2, size(ended[i]))
         for id, status in pairs(ended[i]) do
            local known = assert(clients[first]:get_status(id))
            assert.same(known, status)
         end
      end
   end)

   it("a follower sends no request of its own", function()
      local ids = add_jobs(2)
      watch(new_client(), emulator():add_jobs { timeline = { processing = 100000 } })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local ended, second = watch(new_client(), { ids[2] })
      step_until(function() return role_of(clients[2]) == "follow" end, "a follower")
      emulator():advance(200)
      step_until(function() return second:done() end, "the end")
      second:result()
      assert.equal("Completed", ended[ids[2]].status)
      assert.equal(0, clients[2]:stats().calls)
   end)

   it("wait_until_done, wait_all and wait_any hear too; so does a job that is gone", function()
      local ids = add_jobs(4)
      watch(new_client(), emulator():add_jobs { timeline = { processing = 100000 } }) -- it leads on
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local client, results = new_client(), {}
      local unknown = "00000000-0000-4000-8000-00000000000A"
      local tasks = {
         client:spawn(function() results.one = assert(client:wait_until_done(ids[2])) end),
         client:spawn(function() results.all = assert(client:wait_all { ids[3], unknown }) end),
         client:spawn(function() results.any = assert(client:wait_any { ids[4], ids[3] }) end),
         client:spawn(function() results.none, results.err = client:wait_until_done(unknown) end),
      }
      step_until(function() return role_of(client) == "follow" end, "a follower")
      emulator():advance(200)
      step_until(function()
         for _, task in ipairs(tasks) do
            if not task:done() then return false end
         end
         return true
      end, "all ends")
      for _, task in ipairs(tasks) do task:result() end
      assert.equal(ids[2], results.one.process_id)
      assert.equal("Completed", results.all[ids[3]].status)
      assert.equal("not_found", results.all[unknown].kind)
      assert.equal("Completed", results.any.status)
      assert.is_nil(results.none)
      assert.equal("not_found", results.err.kind)
      assert.equal(unknown, results.err.process_id) -- as it was given
      assert.equal(unknown, results.all[unknown].process_id)
      assert.not_equal(results.err, results.all[unknown])
      assert.equal(0, client:stats().calls)
   end)

   it("progress comes to those that want it", function()
      local ids = add_jobs(2)
      local _, first = watch(new_client(), { ids[1] })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local seen = {}
      local _, second = watch(new_client(), { ids[2] }, { on_progress = function(status) seen[#seen + 1] = status end })
      step_until(function() return #seen > 0 end, "a first status")
      emulator():advance(50)
      local before = #seen
      step_until(function() return #seen > before end, "a change")
      assert.equal(ids[2], seen[#seen].process_id)
      assert.equal("Processing", seen[#seen].status)
      assert.is_true(seen[#seen].progress >= 50)
      emulator():advance(200)
      step_until(function() return first:done() and second:done() end, "both ends")
      assert.is_truthy(seen[#seen].creation_time)
   end)

   it("the leader leaves, and another one asks at once", function()
      local ids = add_jobs(3)
      local _, first = watch(new_client(), { ids[1] })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local ended, second = watch(new_client(), { ids[2] })
      step_until(function() return role_of(clients[2]) == "follow" end, "a follower")
      first:cancel()
      step_until(function() return role_of(clients[2]) == "lead" end, "another leader")
      emulator():advance(200)
      step_until(function() return second:done() end, "the end")
      assert.equal("Completed", ended[ids[2]].status)
   end)

   it("Redis is emptied, loses its scripts, dies and comes back: no end is lost", function()
      local ids = add_jobs(6)
      local ended, tasks = {}, {}
      for i = 1, 2 do ended[i], tasks[i] = watch(new_client(), table.move(ids, 3 * i - 2, 3 * i, 1, {})) end
      step_until(function() return leader() end, "a leader")
      farm.server:call "FLUSHALL"
      farm.server:call("SCRIPT", "FLUSH")
      local epoch = clients[leader()]:stats().share.epoch
      step_until(function() return leader() and clients[leader()]:stats().share.epoch ~= epoch end, "a new term")
      farm.server:restart()
      step_until(function() return #farm.server:call("KEYS", "*lease") == 1 end, "a lease")
      emulator():advance(200)
      step_until(function() return tasks[1]:done() and tasks[2]:done() end, "all ends")
      for i = 1, 2 do
         tasks[i]:result()
         assert.equal(3, size(ended[i]))
      end
   end)

   it("Redis is down from the start: each asks for itself, and an event says so", function()
      local ids = add_jobs(1)
      local ended, task = watch(new_client "redis://:hunter2@127.0.0.1:1/0", ids)
      step_until(function() return role_of(clients[1]) == "alone" end, "alone")
      emulator():advance(200)
      step_until(function() return task:done() end, "the end")
      task:result()
      assert.equal("Completed", ended[ids[1]].status)
      assert.equal(1, #events)
      assert.equal("alone", events[1][2])
      assert.is_nil(events[1][3]:find("hunter2", 1, true))
   end)

   it("a wrong password is an event and not an error, and shows neither password nor key", function()
      local ids = add_jobs(1)
      local ended, task = watch(new_client((farm.server.url:gsub("secret", "hunter2"))), ids)
      emulator():advance(200)
      step_until(function() return task:done() end, "the end")
      task:result()
      assert.equal("Completed", ended[ids[1]].status)
      assert.matches("WRONGPASS", events[1][3])
      assert.is_nil(events[1][3]:find("hunter2", 1, true))
   end)

   it("farms of other keys and names do not meet, and neither key nor password is in Redis", function()
      local ids = add_jobs(2)
      watch(new_client(), { ids[1] })
      watch(new_client { url = farm.server.url, name = "another" }, { ids[2] })
      step_until(function() return role_of(clients[1]) == "lead" and role_of(clients[2]) == "lead" end, "two leaders")
      for _, key in ipairs(farm.server:call("KEYS", "*")) do
         assert.matches("^topaz1:{%x+}:", key)
         assert.is_true(farm.server:call("PTTL", key) > 0, key)
      end
      local dump = {}
      for _, key in ipairs(farm.server:call("KEYS", "*")) do
         dump[#dump + 1] = key .. tostring(farm.server:call("DUMP", key))
      end
      dump = table.concat(dump)
      assert.is_nil(dump:find(emulator().key, 1, true))
      assert.is_nil(dump:find("secret", 1, true))
   end)

   it("a watcher that is dropped without being closed leaves the farm", function()
      local ids = add_jobs(2)
      local client = new_client()
      local task = client:spawn(function()
         local watcher = client:watch(ids)
         watcher()
      end)
      step_until(function() return role_of(client) == "lead" end, "a leader")
      emulator():advance(200)
      step_until(function() return task:done() end, "an end")
      collectgarbage()
      collectgarbage()
      step_until(function() return role_of(client) == "joining" end, "no member")
      assert.equal(0, #farm.server:call("KEYS", "*lease"))
   end)

   it("a client that is closed leaves the farm at once", function()
      local ids = add_jobs(2)
      watch(new_client(), ids)
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      assert.equal(1, #farm.server:call("KEYS", "*lease"))
      clients[1]:close()
      local deadline = core.now() + 60
      while #farm.server:call("KEYS", "*lease") > 0 do assert(core.now() < deadline) end
   end)

   it("a 429 at one member holds and slows all", function()
      local ids = add_jobs(2)
      watch(new_client(nil, { max_retries = 0 }), { ids[1] })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      watch(new_client(), { ids[2] })
      step_until(function() return role_of(clients[2]) == "follow" end, "a follower")
      assert.is_nil(clients[2]:stats().share.rate)
      emulator():fault { status = 429, headers = { ["Retry-After"] = "7" }, times = 1 }
      step_until(function() return clients[2]:stats().share.rate end, "a rate of the farm")
      local keys = farm.server:call("KEYS", "*rate")
      assert.equal(1, #keys)
      local hold = tonumber(farm.server:call("HGET", keys[1], "hold")) - tonumber(farm.server:call("TIME")[1]) * 1000
      assert.is_true(hold <= 8000, hold)
      assert.is_true(clients[1]:stats().hold > 0)
   end)

   it("the rights that the guide names are enough", function()
      local guide = require "spec.docs.blocks".read "spec/guide/many_machines.md"
      local rules = {}
      for word in guide:match "ACL SETUSER topaz ([^`]+)`":gmatch "%S+" do
         rules[#rules + 1] = word == ">PASSWORD" and ">hunter2" or word
      end
      local _, why = farm.server:call("ACL", "SETUSER", "topaz", table.unpack(rules))
      if why and why:find("unknown command", 1, true) then return pending "this Redis has no ACL" end
      local url = farm.server.url:gsub(":secret@", "topaz:hunter2@")
      local ids = add_jobs(2)
      local _, first = watch(new_client(url, { max_rate = 100 }), { ids[1] })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local _, second = watch(new_client(url), { ids[2] })
      step_until(function() return role_of(clients[2]) == "follow" end, "a follower")
      emulator():advance(200)
      step_until(function() return first:done() and second:done() end, "both ends")
      for _, event in ipairs(events) do
         assert.not_equal("alone", event[2])
         assert.is_nil(event[3]:find "publish/subscribe")
      end
   end)

   it("hints of a follower come to the leader", function()
      local plan = require "topaz.watch.plan"
      if not plan.offer then return pending "watchers take no hints yet" end
      local ids = add_jobs(1)
      watch(new_client(), emulator():add_jobs { timeline = { processing = 100000 } })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      local client, watcher = new_client(), nil
      local task = client:spawn(function()
         watcher = client:watch(ids)
         watcher()
      end)
      step_until(function() return role_of(client) == "follow" and emulator():counts().total > 2 end, "a follower")
      emulator():advance(200)
      assert.is_true(watcher:offer { process_id = ids[1] })
      step_until(function() return task:done() end, "the end")
      assert.equal(0, client:stats().calls)
   end)

   it("max_delay lets the leader ask for a follower's job between two looks at all", function()
      local ids = add_jobs(2)
      watch(new_client(), emulator():add_jobs { count = 600, timeline = { processing = 100000 } })
      step_until(function() return role_of(clients[1]) == "lead" end, "a leader")
      emulator():fault { match = { kind = "list" }, delay = 1, times = math.huge } -- of six pages
      watch(new_client { url = farm.server.url, max_delay = 5 }, { ids[1] })
      watch(new_client(), { ids[2] })
      local function asked(id)
         local count = 0
         for _, request in ipairs(emulator():requests()) do
            if request.path:find(id, 1, true) then count = count + 1 end
         end
         return count
      end
      step_until(function() return asked(ids[1]) >= 2 end, "two requests for the job of the impatient one")
      assert.equal(0, asked(ids[2]))
      assert.equal(0, clients[2]:stats().calls + clients[3]:stats().calls)
   end)

   it("a wait that runs out of time says so", function()
      local ids = add_jobs(1)
      local _, err = new_client():wait_until_done(ids[1], { timeout = 0.2 })
      assert.equal("timeout", err.kind)
      assert.equal("wait_until_done", err.operation)
      local _, problem = clients[1]:wait_all(ids, { timeout = 0.2 })
      assert.equal("timeout", problem.kind)
      assert.equal("joining", role_of(clients[1]))
   end)

   it("a watch of no time looks at each job once", function()
      local ids = add_jobs(1)
      local statuses, err = new_client():wait_all({ ids[1], emulator():add_jobs(1)[1] }, { timeout = 0 })
      assert.is_nil(statuses)
      assert.equal("timeout", err.kind)
      assert.matches("^1 of 2 jobs", err.message)
   end)

   it("an error that does not pass ends the loop, as without sharing", function()
      local ids = add_jobs(1)
      local client = new_client(nil, { api_key = "wrong" })
      local _, err = client:wait_all(ids)
      assert.equal("unauthorized", err.kind)
   end)

   it("delete_finished keeps to the farm's rate", function()
      emulator():add_jobs(20)
      local client = new_client(nil, { max_rate = 1000 })
      local report = client:delete_finished()
      assert.equal(20, report.deleted)
   end)

   it("misuse raises before anything is sent, and names what is wrong", function()
      local function message(share)
         local _, text = pcall(world.client, emulator(), { share = share })
         return text
      end
      assert.matches("bad argument 'share': expected a non%-empty string or a table, got number", message(1))
      assert.matches("'url'", message { url = "http://x" })
      assert.matches("url is missing", message {})
      assert.matches("bad argument 'role': expected auto or follow", message { url = farm.server.url, role = "lead" })
      for _, seconds in ipairs { 0, 0.0, -1, math.huge, -math.huge, 0 / 0, "5", true } do
         assert.matches("bad argument 'max_delay': expected ", message { url = farm.server.url, max_delay = seconds })
      end
      assert.matches("bad argument 'rol': unknown option, did you mean 'role'",
         message { url = farm.server.url, rol = "x" })
      assert.is_nil(message("redis://user:hunter2@:99999/0"):find("hunter2", 1, true))
   end)
end)
