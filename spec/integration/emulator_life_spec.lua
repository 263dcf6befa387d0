-- The emulator's request log, and its own beginning and end.

local lfs = require "lfs"
local socket = require "socket"
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local probe = require "spec.support.probe"
local process = require "topaz.emulator.process"

local ask = probe.ask

describe("the emulator's log", function()
   local emulator

   setup(function() emulator = emulators.start {} end)
   teardown(function() emulator:stop() end)
   before_each(function() emulator:reset() end)

   it("has one entry for each request with what was sent and answered, and none for the control calls", function()
      local id, before = emulator:add_jobs(1)[1], socket.gettime()
      ask(emulator, "GET", "/status?paginated=true&limit=7", { ["X-Probe"] = "one" })
      ask(emulator, "DELETE", "/status/" .. id)
      ask(emulator, "GET", "/status/" .. id)
      local log = emulator:requests()
      assert.equal(3, #log)
      assert.equal("GET", log[1].method)
      assert.equal("/image/v1/status", log[1].path)
      assert.same({ paginated = "true", limit = "7" }, log[1].args)
      assert.equal("one", log[1].headers["x-probe"])
      assert.equal(emulator.key, log[1].headers["x-api-key"])
      assert.same({ 200, 204, 404 }, { log[1].status, log[2].status, log[3].status })
      assert.equal(1.1, log[1].http_version)
      assert.is_true(before - 1 <= log[1].time and log[1].time <= socket.gettime() + 1)
      local counts = emulator:counts()
      assert.equal(3, counts.total)
      assert.equal(3, counts.connections)
      assert.equal(1, counts.by["DELETE /status/{process_id}"])
      assert.equal(1, counts.kinds.list)
      assert.same({ ["200"] = 1, ["204"] = 1, ["404"] = 1 }, counts.statuses)
      emulator:clear_log()
      assert.same({}, emulator:requests())
      assert.equal(0, emulator:counts().total)
   end)

   it("tells connections apart and counts the requests on each", function()
      local connection = probe.connect(emulator)
      for _ = 1, 3 do
         probe.send(connection, emulator, "GET", "/status")
         repeat local line = connection:receive("*l") until line == ""
         assert.equal("[]", connection:receive(2))
      end
      connection:close()
      local log = emulator:requests()
      assert.equal(log[1].connection, log[3].connection)
      assert.same({ 1, 2, 3 },
         { log[1].connection_requests, log[2].connection_requests, log[3].connection_requests })
      assert.equal(1, emulator:counts().connections)
   end)

   it("shows a request that still runs, and 499 once its client has gone", function()
      emulator:fault { delay = 5 }
      local connection = probe.connect(emulator)
      probe.send(connection, emulator, "GET", "/status")
      local deadline = socket.gettime() + 60 -- given up
      repeat local log = emulator:requests() until #log == 1 or socket.gettime() > deadline
      assert.is_nil(emulator:requests()[1].status)
      connection:close()
      repeat local entry = emulator:requests()[1] until entry.status or socket.gettime() > deadline
      assert.equal(499, emulator:requests()[1].status)
   end)
end)

describe("an emulator's life", function()
   it("leaves neither process nor folder", function()
      local emulator = emulators.start { jobs = 24 }
      local stamp = process.stamp(emulator.pid)
      assert.truthy(process.alive(emulator.pid, stamp))
      assert.equal("directory", lfs.attributes(emulator.dir, "mode"))
      emulator:stop()
      emulator:stop()
      assert.is_false(emulator:running())
      assert.is_false(process.alive(emulator.pid, stamp))
      assert.is_nil(lfs.attributes(emulator.dir, "mode"))
      assert.is_nil((ask(emulator, "GET", "/status")))
   end)

   it("is its own when several run at once", function()
      local all = {}
      for i = 1, 4 do all[i] = emulators.start { jobs = i, seed = i } end
      for i, emulator in ipairs(all) do
         local _, list = ask(emulator, "GET", "/status")
         assert.equal(i, #list)
         assert.equal(1, emulator:counts().total)
      end
      for _, emulator in ipairs(all) do emulator:stop() end
   end)

   it("ends with the block that holds it, and with its collection", function()
      local pid, stamp
      do
         local emulator <close> = emulators.start {}
         pid, stamp = emulator.pid, process.stamp(emulator.pid)
      end
      assert.is_false(process.alive(pid, stamp))
      pid = emulators.start({}).pid
      stamp = process.stamp(pid)
      collectgarbage()
      collectgarbage()
      assert.is_false(process.alive(pid, stamp))
   end)

   it("ends soon after the process that started it was killed", function()
      local pipe = io.popen(("LUA_PATH='%s' %s " .. [[-e 'local e = require("topaz.emulator").start {}
      print(e.pid, e.dir); io.stdout:flush(); io.stdout:close()
      os.execute("kill -KILL " .. require("topaz.emulator.process").self())' 2>/dev/null]]):format(package.path,
         interpreter))
      local pid, dir = pipe:read("a"):match("(%d+)%s+(%S+)")
      pipe:close()
      local stamp, deadline = process.stamp(pid), socket.gettime() + 60 -- given up
      while process.alive(pid, stamp) and socket.gettime() < deadline do socket.sleep(0.05) end
      assert.is_false(process.alive(pid, stamp))
      assert.is_nil(lfs.attributes(dir, "mode"))
   end)

   it("ends when no request has come for long", function()
      local emulator <close> = emulators.start { idle_limit = 0.1 }
      local deadline = socket.gettime() + 60 -- given up
      while emulator:running() and socket.gettime() < deadline do socket.sleep(0.05) end
      assert.is_false(emulator:running())
   end)

   it("says what nginx said when it cannot begin", function()
      local taken = assert(socket.bind("127.0.0.1", 0))
      local _, port = taken:getsockname()
      local ok, why = pcall(emulators.start, { port = tonumber(port) })
      taken:close()
      assert.is_false(ok)
      assert.truthy(why:find("Address already in use", 1, true), why)
      assert.has_error(function() emulators.start { tsl = true } end, "emulator: unknown option: tsl")
      local absent, reason = pcall(emulators.start, { nginx = "/nonexistent/nginx" })
      assert.is_false(absent)
      assert.truthy(reason:find("/nonexistent/nginx", 1, true), reason)
   end)
end)
