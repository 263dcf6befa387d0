-- The client in foreign event loops, each the real one, with a timer of the loop ticking beside it.
local core = require "topaz.core"
local topaz = require "topaz"
local world = require "spec.support.world"

local methods = core.client_methods()

-- ---- the loops: what each of them needs to be tested alike ----------------------------------------------------------
--   new() → loop; loop.go(f): runs f as a coroutine of the loop; loop.every(f): calls f every 5 ms until it returns true;
--   loop.run(): until nothing is left → the list of errors that reached the loop

local function luv()
   local uv = require "luv"
   local loop = { scheduler = require "topaz.scheduler.luv" }
   function loop.go(f) coroutine.wrap(f)() end
   function loop.every(f)
      local timer = uv.new_timer()
      timer:start(5, 5, function()
         if f() then timer:close() end
      end)
   end
   function loop.run()
      uv.run()
      uv.walk(function(handle) error("a handle was left: " .. tostring(handle)) end)
      return {}
   end
   return loop
end

local function queues()
   local cqueues = require "cqueues"
   local loop = { scheduler = require "topaz.scheduler.cqueues" }
   local queue = cqueues.new()
   function loop.go(f) queue:wrap(f) end
   function loop.every(f)
      queue:wrap(function() repeat cqueues.sleep(0.005) until f() end)
   end
   function loop.run()
      local errors = {}
      for err in queue:errors() do errors[#errors + 1] = err end
      assert(queue:empty())
      return errors
   end
   return loop
end

-- Debian has copas for Lua 5.1 and 5.2 alone; its files run on 5.4, too. It must come before socket.http, which the emulator uses,
-- and puts functions of its own into LuaSocket.
local function load_copas()
   local socket, http, path = require "socket", package.loaded["socket.http"], package.path
   local protect, newtry, try = socket.protect, socket.newtry, socket.try
   package.path = path .. ";/usr/share/lua/5.1/?.lua"
   package.loaded["socket.http"] = nil
   local ok, copas = pcall(require, "copas")
   package.loaded["socket.http"], package.path = http, path
   socket.protect, socket.newtry, socket.try = protect, newtry, try
   return ok and copas or nil, copas
end

-- Version 1 has neither timers nor an end of its loop: there a tick is a step, and the spec counts its coroutines.
local function copas_loop()
   local copas = load_copas()
   local loop = { scheduler = require "topaz.scheduler.copas" }
   local alive, tickers, errors = 0, {}, {}
   local function handler(message) errors[#errors + 1] = message end
   function loop.go(f)
      alive = alive + 1
      copas.addthread(function()
         copas.setErrorHandler(handler)
         local ok, err = pcall(f)
         alive = alive - 1
         if not ok then error(err, 0) end
      end)
   end
   function loop.every(f)
      if not copas.pause then
         tickers[#tickers + 1] = f
         return
      end
      loop.go(function() repeat copas.pause(0.005) until f() end)
   end
   local function tick()
      for i = #tickers, 1, -1 do
         if tickers[i]() then table.remove(tickers, i) end
      end
   end
   function loop.run()
      if copas.finished then
         copas.loop()
      else
         while alive > 0 or #tickers > 0 do
            copas.step(#tickers > 0 and 0.005 or nil)
            tick()
         end
         repeat until not copas.step(0.02) -- what drove the client ends one step later
      end
      return errors
   end
   return loop
end

local LOOPS = { { "luv", luv, pcall(require, "luv") }, { "cqueues", queues, pcall(require, "cqueues") },
   { "copas", copas_loop, load_copas() ~= nil } }

-- ---- the same for each of them ----------------------------------------------------------------------------------------

for _, kind in ipairs(LOOPS) do
   local name, new, installed = table.unpack(kind)

   describe("in " .. name .. "'s loop", function()
      if not installed then
         it("runs", function() pending(name .. " is not installed") end)
         return
      end

      local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
      local loop
      local originals = {}

      -- Replaces a method of the clients until the test is over.
      local function replace(method, f)
         originals[method] = originals[method] or methods[method]
         methods[method] = f
         return originals[method]
      end

      before_each(function() loop = new() end)
      after_each(function()
         for method, f in pairs(originals) do methods[method] = f end
         originals = {}
         emulator():set { latency = 0 }
      end)

      local function client_of_loop(more)
         local options = { scheduler = loop.scheduler }
         for option, value in pairs(more or {}) do options[option] = value end
         return world.client(emulator(), options)
      end

      it("calls of several coroutines yield while a timer ticks, and the loop ends by itself", function()
         local ids = emulator():add_jobs { count = 30, status = "Completed" }
         emulator():set { latency = 0.3 }
         local client = client_of_loop()
         local got, ticks, left = {}, 0, 4
         local function go(f)
            loop.go(function()
               f()
               left = left - 1
            end)
         end
         go(function() got.one = client:get_status(ids[1]).process_id end)
         go(function()
            got.many = 0
            for _ in client:statuses { limit = 15 } do got.many = got.many + 1 end
         end)
         go(function() got.waited = client:wait_until_done(ids[2], { timeout = 20 }).status end)
         go(function()
            local task = client:spawn("get_status", ids[3])
            got.slept = client:sleep(0.01)
            got.awaited = task:await().process_id
            got.inner = coroutine.wrap(function() return client:stats().pending end)() >= 0
         end)
         loop.every(function()
            ticks = ticks + 1
            return left == 0
         end)
         assert.same({}, loop.run())
         assert.same({ one = ids[1], many = 30, waited = "Completed", slept = true, awaited = ids[3], inner = true }, got)
         assert.is_true(ticks > 20, ticks)
         client:close()
      end)

      it("nothing of the client is left behind", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local weak = setmetatable({}, { __mode = "v" })
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            weak.client = client
            local status
            loop.go(function() status = client:get_status(id) end)
            assert.same({}, loop.run())
            assert.equal(id, status.process_id)
         end)
         loop = nil
         collectgarbage()
         collectgarbage()
         assert.is_nil(weak.client)
      end)

      it("a client that was forgotten is collected without having been closed", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local weak = setmetatable({ client_of_loop() }, { __mode = "v" })
         loop.go(function() weak[1]:get_status(id) end)
         loop.run()
         loop.run()
         collectgarbage()
         collectgarbage()
         assert.is_nil(weak[1])
      end)

      it("works again after the loop had nothing to do, and without it by blocking", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         for round = 1, 3 do
            local status
            loop.go(function() status = client:get_status(id) end)
            assert.same({}, loop.run())
            assert.equal(id, status.process_id)
            assert.equal(id, client:get_status(id).process_id)
            assert.equal(2 * round, world.seen(emulator()))
         end
         client:close()
      end)

      it("two clients do not disturb each other", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local a, b = client_of_loop(), client_of_loop()
         local got = {}
         loop.go(function()
            got.a = a:get_status(id).process_id
            a:close()
         end)
         loop.go(function() got.b = b:get_status(id).process_id end)
         loop.go(function() got.slept = b:sleep(0.05) end)
         assert.same({}, loop.run())
         assert.same({ a = id, b = id, slept = true }, got)
         b:close()
      end)

      it("a request that is only asked whether it is done gets done", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local request
         loop.go(function() request = client:start("get_status", id) end)
         loop.every(function() return request:done() end)
         assert.same({}, loop.run())
         assert.equal(id, request:result().process_id)
         client:close()
      end)

      it("a task begun outside of it runs in it", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local task, status = client:spawn("get_status", id), nil
         loop.go(function() status = task:await() end)
         assert.same({}, loop.run())
         assert.equal(id, status.process_id)
         client:close()
      end)

      it("closing the client wakes all who wait, with `closed`", function()
         emulator():set { latency = 30 }
         local id = emulator():add_jobs { status = "Completed" }[1]
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            local kinds, ticks = {}, 0
            local function note(ok, value, err) kinds[#kinds + 1] = (ok and err or value).kind end
            loop.go(function() note(true, client:get_status(id)) end)
            loop.go(function() note(pcall(client:statuses())) end)
            loop.go(function() note(true, client:sleep(3600)) end)
            local task = client:spawn("wait_until_done", id)
            loop.go(function() note(pcall(task.await, task)) end)
            loop.every(function()
               ticks = ticks + 1
               if ticks == 5 then client:close() end
               return ticks == 8
            end)
            assert.same({}, loop.run())
            assert.same({ "closed", "closed", "closed", "closed" }, kinds)
            assert.equal("topaz.client (closed)", tostring(client))
         end)
      end)

      it("a coroutine may close the client that it has just used", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         world.with_client(emulator(), { scheduler = loop.scheduler }, function(client)
            local last
            loop.go(function()
               client:get_status(id)
               client:close()
            end)
            loop.go(function()
               local _, raised = pcall(function()
                  while true do
                     local slept, err = client:sleep(0)
                     if not slept then error(err) end
                  end
               end)
               last = raised.kind
            end)
            assert.same({}, loop.run())
            assert.equal("closed", last)
         end)
      end)

      it("cancelling a task wakes it at once, in the step after", function()
         local client = client_of_loop()
         local steps, before, after, ticks = 0, nil, nil, 0
         local step = replace("step", nil)
         replace("step", function(...)
            steps = steps + 1
            return step(...)
         end)
         local task = client:spawn(function()
            local ok, err = client:sleep(3600)
            after = steps
            return ok, err.kind
         end)
         loop.go(function() task:await() end)
         loop.every(function()
            ticks = ticks + 1
            if ticks == 4 then
               before = steps
               task:cancel()
            end
            return task:done()
         end)
         assert.same({}, loop.run())
         assert.same({ nil, "cancelled" }, { task:result() })
         assert.equal(before + 1, after)
         client:close()
      end)

      it("cancelling a request wakes who waits for it: the loop is told that there is a step to do", function()
         emulator():set { latency = 30 }
         local told = 0
         local scheduler = setmetatable({ attend = function(self, client)
            told = told + 1
            loop.scheduler.attend(self, client)
         end }, { __index = loop.scheduler })
         local client = client_of_loop { scheduler = scheduler }
         local request, err, before, after
         loop.go(function()
            request = client:start "get_page"
            err = select(2, request:result())
         end)
         local ticks = 0
         loop.every(function()
            ticks = ticks + 1
            if ticks == 4 then
               before = told
               request:cancel()
               after = told
            end
            return err ~= nil
         end)
         assert.same({}, loop.run())
         assert.equal("cancelled", err.kind)
         assert.equal(before + 1, after)
         client:close()
         request:cancel() -- nobody is told of a client that is closed
         assert.equal(after, told)
      end)

      it("waiting idly takes no step at all", function()
         local client = client_of_loop()
         local steps, ticks, counted = 0, 0, nil
         local step = replace("step", nil)
         replace("step", function(...)
            steps = steps + 1
            return step(...)
         end)
         local task
         loop.go(function() task = client:spawn("sleep", 10) end)
         loop.every(function()
            ticks = ticks + 1
            if ticks == 5 then counted = steps end
            if ticks < 40 then return false end
            counted = steps - counted
            task:cancel()
            return true
         end)
         assert.same({}, loop.run())
         assert.equal(0, counted)
         assert.is_true(task:done())
         client:close()
      end)

      it("a later deadline does not hide a nearer one", function()
         local client = client_of_loop()
         local order = {}
         for _, seconds in ipairs { 0.15, 0.01, 0.08 } do
            loop.go(function()
               client:sleep(seconds)
               order[#order + 1] = seconds
            end)
         end
         assert.same({}, loop.run())
         assert.same({ 0.01, 0.08, 0.15 }, order)
         client:close()
      end)

      it("it works without a descriptor, as on systems that have none", function()
         replace("pollfd", function() return nil end)
         local ids = emulator():add_jobs { count = 30, status = "Completed" }
         local client = client_of_loop()
         local count, slept = 0, nil
         loop.go(function() for _ in client:statuses { limit = 10 } do count = count + 1 end end)
         loop.go(function() slept = client:sleep(0.01) end)
         assert.same({}, loop.run())
         assert.same({ #ids, true }, { count, slept })
         client:close()
      end)

      if name == "luv" then return end -- there an error ends the process: see below

      it("an error of a coroutine reaches the loop's handler, and the others go on", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local client = client_of_loop()
         local status
         loop.go(function()
            client:get_status(id)
            error "mine"
         end)
         loop.go(function()
            client:sleep(0.05)
            status = client:get_status(id)
         end)
         local errors = loop.run()
         assert.equal(1, #errors)
         assert.matches("mine", errors[1])
         assert.equal(id, status.process_id)
         client:close()
      end)

      it("an error of on_event reaches the loop's handler, and the client goes on", function()
         local id = emulator():add_jobs { status = "Completed" }[1]
         local events, printed = 0, _G.print
         local client = client_of_loop { on_event = function()
            events = events + 1
            if events == 1 then error("in on_event", 0) end
         end }
         local told = {}
         _G.print = function(message) told[#told + 1] = message end -- what copas does with errors unless told otherwise
         finally(function() _G.print = printed end)
         local status
         loop.go(function() status = client:get_status(id) end)
         for _, err in ipairs(loop.run()) do told[#told + 1] = err end
         assert.equal(1, #told)
         assert.matches("in on_event", told[1])
         assert.equal(id, status.process_id)
         assert.equal(2, events)
         client:close()
      end)
   end)
end

-- ---- what only one of them has ------------------------------------------------------------------------------------------

describe("luv", function()
   if not pcall(require, "luv") then return end
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("reports the error of a coroutine as one of its callbacks, with where it was", function()
      local path, out = os.tmpname(), os.tmpname()
      local script = assert(io.open(path, "w"))
      script:write(([[
local uv, topaz = require "luv", require "topaz"
local client = topaz.client { api_key = %q, base_url = %q, scheduler = require "topaz.scheduler.luv" }
local function fails() error "mine" end
coroutine.wrap(function()
   client:get_page()
   fails()
end)()
coroutine.wrap(function()
   client:get_page()
   print "the other went on"
   io.stdout:flush()
end)()
uv.run()
]]):format(emulator().key, emulator().url))
      script:close()
      local ok = os.execute(("LUA_PATH='%s' LUA_CPATH='%s' lua5.4 %s >%s 2>&1"):format(package.path, package.cpath, path, out))
      local text = assert(io.open(out)):read "a"
      os.remove(path)
      os.remove(out)
      assert.is_falsy(ok)
      assert.matches("Uncaught Error", text)
      assert.matches("mine", text)
      assert.matches("in upvalue 'fails'", text)
   end)
end)

describe("cqueues", function()
   local ok, cqueues = pcall(require, "cqueues")
   if not ok then return end
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("drives a client in each controller that uses it", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client = world.client(emulator(), { scheduler = require "topaz.scheduler.cqueues" })
      local outer, inner, got = cqueues.new(), cqueues.new(), {}
      outer:wrap(function() got[1] = client:get_status(id).process_id end)
      inner:wrap(function() got[2] = client:get_status(id).process_id end)
      outer:wrap(function() assert(inner:loop()) end)
      assert(outer:loop())
      assert.same({ id, id }, got)
      client:close()
   end)

   it("blocks in a coroutine that is not the controller's own", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client = world.client(emulator(), { scheduler = require "topaz.scheduler.cqueues" })
      local queue, got = cqueues.new(), nil
      queue:wrap(function() got = coroutine.wrap(function() return client:get_status(id).process_id end)() end)
      assert(queue:loop())
      assert.equal(id, got)
      client:close()
   end)
end)

describe("a scheduler", function()
   it("must have its five methods", function()
      local ok, err = pcall(topaz.client, { api_key = "k", scheduler = { current = print, suspend = print, resume = print, attend = print } })
      assert.is_false(ok)
      assert.matches("scheduler.*'leave'", tostring(err))
   end)
end)
