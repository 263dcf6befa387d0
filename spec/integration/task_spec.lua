-- Tasks: coroutines of a client, in which its calls yield. Order and counts are asserted, not time.
local core = require "topaz.core"
local socket = require "socket"
local topaz = require "topaz"
local world = require "spec.support.world"

describe("a task", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function()
      client:close()
      emulator():set { latency = 0 }
   end)

   -- Steps until f() says true.
   local function step_until(f)
      for _ = 1, 1000 do
         if f() then return end
         client:step(0.05)
      end
      error("it never came to that")
   end

   local function step_times(n)
      for _ = 1, n do client:step(0) end
   end

   local function is_under_way(kind) return function() return (emulator():counts().kinds[kind] or 0) > 0 end end

   local function add(n) return emulator():add_jobs { count = n, status = "Completed" } end

   describe("spawned", function()
      it("has its first turn in the next step and keeps arguments and results, nil included", function()
         local turns = 0
         local task = client:spawn(function(...)
            turns = turns + 1
            return select("#", ...), ...
         end, 1, nil, "three", nil)
         assert.equal(0, turns)
         assert.is_false(task:done())
         assert.equal("topaz.task (running)", tostring(task))
         local pending, alive = client:step(0)
         assert.same({ 0, 0 }, { pending, alive })
         assert.equal(1, turns)
         assert.is_true(task:done())
         assert.same({ n = 5, 4, 1, nil, "three", nil }, table.pack(task:result()))
         assert.same({ n = 5, 4, 1, nil, "three", nil }, table.pack(task:await()))
         assert.equal("topaz.task (done)", tostring(task))
      end)

      it("takes the name of a method", function()
         local id = add(1)[1]
         local one, wait = client:spawn("get_status", id), client:spawn("wait_until_done", id, { timeout = 5 })
         assert.equal(0, (client:run()))
         assert.equal(id, one:result().process_id)
         assert.equal("Completed", wait:result().status)
         assert.equal(2, world.seen(emulator(), "one"))
      end)

      it("refuses what cannot run, and a closed client", function()
         for _, wrong in ipairs { 1, "no_such_method", {} } do
            local ok, err = pcall(client.spawn, client, wrong)
            assert.is_false(ok)
            assert.matches("bad argument 'fn'", err)
         end
         client:close()
         local ok, err = pcall(client.spawn, client, function() end)
         assert.is_false(ok)
         assert.equal("closed", err.kind)
      end)

      it("as a bare request tells of misuse where it was called", function()
         for _, wrong in ipairs { { "no_such_call" }, { "get_status", "no UUID" }, { "get_status" } } do
            local ok, err = pcall(function() client:start(table.unpack(wrong)) end)
            assert.is_false(ok)
            assert.matches("task_spec.lua:%d+: bad argument", err)
         end
         assert.equal(0, world.seen(emulator()))
      end)

      it("says so when its result is asked for too early", function()
         local task = client:spawn(function() client:sleep(60) end)
         client:step(0)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.matches("still runs", err)
      end)
   end)

   describe("that calls", function()
      it("lets the others go on, in calls and in a for loop over a cursor", function()
         add(40)
         emulator():set { latency = 0.02 }
         local got, turns = 0, 0
         local lister = client:spawn(function()
            for _ in client:statuses { limit = 10 } do got = got + 1 end
            return client:get_page({ limit = 1 }).data[1].status
         end)
         local other = client:spawn(function()
            while not lister:done() do
               turns = turns + 1
               client:sleep(0.001)
            end
            return got
         end)
         assert.equal(0, (client:run()))
         assert.equal("Completed", lister:result())
         assert.equal(40, other:result())
         assert.equal(5, world.seen(emulator(), "list"))
         assert.is_true(turns > 15, turns) -- five answers of 20 ms, one of them fetched ahead
      end)

      it("shares the time with others like it", function()
         local ids = add(3)
         emulator():set { latency = 0.05 }
         local order = {}
         for i, id in ipairs(ids) do
            client:spawn(function()
               order[#order + 1] = "asks " .. i
               assert.equal(id, client:get_status(id).process_id)
               order[#order + 1] = "got"
            end)
         end
         assert.equal(0, (client:run()))
         assert.equal("asks 1,asks 2,asks 3,got,got,got", table.concat(order, ","))
      end)

      it("may wait for a request together with another", function()
         local id = add(1)[1]
         local request = client:start("get_status", id)
         local a, b = client:spawn(request.result, request), client:spawn(request.result, request)
         assert.equal(0, (client:run()))
         assert.equal(id, a:result().process_id)
         assert.equal(a:result(), b:result())
         assert.equal(1, world.seen(emulator()))
      end)

      it("blocks in a coroutine inside the task and in a callback of C, and does not break", function()
         local id = add(1)[1]
         local task = client:spawn(function()
            local inner = coroutine.wrap(function()
               coroutine.yield(client:get_status(id).status)
               for status in client:statuses() do coroutine.yield(status.process_id) end
               coroutine.yield(client:sleep(0.01))
            end)
            local from_c = ("x"):gsub("x", function() return client:get_status(id).status end)
            return inner(), inner(), inner(), from_c, client:get_status(id).status
         end)
         assert.equal(0, (client:run()))
         assert.same({ "Completed", id, true, "Completed", "Completed" }, { task:result() })
      end)

      it("cannot await where no other task could go on", function()
         local endless = client:spawn(function() client:sleep(3600) end)
         local task = client:spawn(function() return coroutine.wrap(function() endless:await() end)() end)
         client:step(0)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.matches("await%(%)", err)
      end)

      it("gives up its turn by yielding", function()
         local order = {}
         for _, name in ipairs { "a", "b" } do
            client:spawn(function()
               for i = 1, 2 do
                  order[#order + 1] = name .. i
                  assert.equal(0, select("#", coroutine.yield("ignored")))
               end
            end)
         end
         assert.equal(0, (client:run()))
         assert.equal("a1 b1 a2 b2", table.concat(order, " "))
      end)
   end)

   describe("that fails", function()
      it("tells whoever asks, and no other", function()
         local id, problem = add(1)[1], { "mine" }
         local bad = client:spawn(function()
            client:get_status(id)
            error(problem)
         end)
         local good = client:spawn(function() return client:get_status(id).status end)
         local asker = client:spawn(function()
            local ok, err = pcall(bad.await, bad)
            return ok, err
         end)
         step_until(function() return good:done() and asker:done() end)
         assert.equal("Completed", good:result())
         assert.same({ false, problem }, { asker:result() })
         assert.equal(problem, select(2, asker:result()))
         assert.equal("topaz.task (failed)", tostring(bad))
         assert.same({ false, problem }, { pcall(bad.result, bad) })
         assert.equal(0, (client:run()))
      end)

      it("is counted by run() when nobody has asked", function()
         client:spawn(error, "first", 0)
         local asked = client:spawn(error, "second", 0)
         client:step(0)
         pcall(asked.result, asked)
         assert.same({ 1, "first" }, { client:run() })
         assert.same({ 0 }, { client:run() })
      end)

      it("closes what it had open", function()
         add(30)
         local closed
         client:spawn(function()
            local guard <close> = setmetatable({}, { __close = function() closed = true end }) -- luacheck: ignore 211
            for _ in client:statuses { limit = 10 } do error "stop" end
         end)
         assert.equal(1, (client:run()))
         assert.is_true(closed)
         client:step(0)
         assert.equal(0, client:stats().pending)
      end)
   end)

   describe("awaited", function()
      it("gives its results to another task and to the main program", function()
         local id = add(1)[1]
         local first = client:spawn("get_status", id)
         local second = client:spawn(function() return first:await().status, "and more" end)
         assert.same({ "Completed", "and more" }, { second:await() })
         assert.equal(id, first:await().process_id)
      end)

      it("cannot be itself", function()
         local task
         task = client:spawn(function() return task:await() end)
         assert.equal(1, (client:run()))
         assert.matches("cannot await itself", select(2, pcall(task.result, task)))
      end)
   end)

   describe("cancelled", function()
      it("in a request ends that at once, without another attempt", function()
         local id = add(1)[1]
         emulator():fault { match = { kind = "one" }, delay = 30, times = math.huge }
         local task = client:spawn("get_status", id)
         step_until(is_under_way "one")
         task:cancel()
         assert.is_false(task:done())
         step_times(2)
         local status, err = task:result()
         assert.is_nil(status)
         assert.equal("cancelled", err.kind)
         assert.equal("get_status", err.operation)
         assert.equal(id, err.process_id)
         step_times(5)
         assert.same({ 0, 1 }, { client:stats().pending, client:stats().attempts })
         assert.equal(1, world.seen(emulator()))
      end)

      it("in a for loop ends the cursor and what was fetched ahead", function()
         add(30)
         emulator():fault { match = { kind = "list" }, after = 1, delay = 30, times = math.huge }
         local seen = 0
         local task = client:spawn(function()
            for _ in client:statuses { limit = 10 } do seen = seen + 1 end
         end)
         step_until(function() return seen == 10 and emulator():counts().kinds.list == 2 end)
         task:cancel()
         step_times(2)
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.equal("cancelled", err.kind)
         assert.equal(10, seen)
         assert.equal(0, client:stats().pending)
      end)

      it("in a sleep and in an await", function()
         local sleeper = client:spawn(function() return client:sleep(3600) end)
         local awaiting = client:spawn(function() return sleeper:await() end)
         client:step(0)
         awaiting:cancel()
         step_times(2)
         local ok, err = pcall(awaiting.result, awaiting)
         assert.is_false(ok)
         assert.same({ "cancelled", "await" }, { err.kind, err.operation })
         assert.is_false(sleeper:done())
         sleeper:cancel()
         sleeper:cancel()
         step_times(2)
         local slept
         slept, err = sleeper:result()
         assert.is_nil(slept)
         assert.same({ "cancelled", "sleep" }, { err.kind, err.operation })
         sleeper:cancel()
      end)

      it("in a wait gives the last status", function()
         local id = emulator():add_jobs { status = "Processing", progress = 42 }[1]
         local looked
         local task = client:spawn("wait_until_done", id, { on_progress = function() looked = true end })
         step_until(function() return looked end)
         task:cancel()
         step_times(2)
         local status, err = task:result()
         assert.is_nil(status)
         assert.same({ "cancelled", "wait_until_done", id, 42 }, { err.kind, err.operation, err.process_id, err.status.progress })
      end)

      it("before its first turn sends nothing", function()
         local task = client:spawn("get_status", add(1)[1])
         task:cancel()
         assert.equal(0, (client:run()))
         local _, err = task:result()
         assert.equal("cancelled", err.kind)
         assert.equal(0, world.seen(emulator()))
      end)

      -- What tells how many rounds a task did that goes on for ever, and the task.
      local function endless()
         local rounds = 0
         local task = client:spawn(function()
            while true do
               client:sleep(0)
               rounds = rounds + 1
            end
         end)
         return function() return rounds end, task
      end

      it("ends even where it looks at no error", function()
         local rounds, task = endless()
         step_times(3)
         local before = rounds()
         task:cancel()
         assert.equal(1, (client:run()))
         assert.equal(before + 1, rounds())
         local ok, err = pcall(task.result, task)
         assert.is_false(ok)
         assert.equal("cancelled", err.kind)
      end)

      it("before its first turn ends in its first round", function()
         local rounds, task = endless()
         task:cancel()
         assert.equal(1, (client:run()))
         assert.equal(1, rounds())
      end)

      it("by the end of a scope", function()
         local kept
         do
            local task <close> = client:spawn(function() return client:sleep(3600) end)
            client:step(0)
            kept = task
         end
         step_times(2)
         assert.equal("cancelled", select(2, kept:result()).kind)
      end)
   end)

   describe("of a client that is closed", function()
      it("wakes at once with `closed`, wherever it waits", function()
         emulator():set { latency = 30 }
         local id = add(1)[1]
         local request = client:start("get_status", id)
         local tasks = {
            client:spawn("get_status", id), client:spawn("wait_until_done", id),
            client:spawn(request.result, request), client:spawn(request.result, request),
            client:spawn(function() return client:sleep(3600) end),
            client:spawn(function() for _ in client:statuses() do error "no" end end),
         }
         tasks[#tasks + 1] = client:spawn(function() return tasks[5]:await() end)
         local looping = client:spawn(function() while true do client:sleep(3600) end end)
         client:step(0.05)
         client:close()
         for i, task in ipairs(tasks) do
            assert.is_true(task:done(), i)
            local ok, value, err = pcall(task.result, task)
            err = ok and err or value
            assert.equal("closed", err.kind, i)
         end
         assert.is_true(looping:done())
      end)

      it("may be the one that closes it, while others are about to run", function()
         local sleepers, closer = {}, nil
         for i = 1, 6 do
            sleepers[i] = client:spawn(function()
               if i == 3 then closer = client:spawn(function() client:close() end) end
               while true do client:sleep(0) end
            end)
         end
         for _ = 1, 20 do
            if not pcall(client.step, client, 0) then break end
         end
         assert.is_true(closer:done())
         for i = 1, 6 do
            assert.is_true(sleepers[i]:done(), i)
            assert.equal("closed", select(2, pcall(sleepers[i].result, sleepers[i])).kind)
         end
      end)
   end)

   describe("run by client:run()", function()
      it("is not run from inside a task", function()
         local task = client:spawn(function() client:run() end)
         assert.equal(1, (client:run()))
         assert.matches("inside a task", select(2, pcall(task.result, task)))
      end)

      it("takes along those that others spawn", function()
         local order = {}
         client:spawn(function()
            client:spawn(function()
               client:sleep(0.01)
               order[#order + 1] = "child"
            end)
            order[#order + 1] = "parent"
         end)
         client:run()
         assert.same({ "parent", "child" }, order)
      end)
   end)

   it("notices once that the machine has slept", function()
      local wall, ahead = core.wall, 0
      finally(function() core.wall = wall end)
      core.wall = function() return wall() + ahead end
      local ends = 0
      local task = client:spawn(function()
         for _ = 1, 2 do
            assert(client:sleep(1800))
            ends = ends + 1
         end
      end)
      step_times(5)
      assert.equal(0, ends)
      ahead = 3600
      step_times(5)
      assert.equal(1, ends)
      assert.is_false(task:done())
   end)
end)

-- A step that stalls would take as long as what hangs: 3 seconds and more.
describe("client:step(0)", function()
   local function steps_and_closes_quickly(base_url)
      local client = topaz.client { api_key = "k", base_url = base_url, connect_timeout = 30, allow_insecure = true }
      local request = client:start("get_page")
      local task = client:spawn("get_page")
      local began = socket.gettime()
      for _ = 1, 100 do
         client:step(0)
         socket.sleep(0.001)
      end
      assert.is_false(request:done())
      client:close()
      assert.is_true(socket.gettime() - began < 1.5)
      assert.equal("closed", select(2, task:result()).kind)
   end

   it("is not stalled by a connect that hangs", function()
      local server = assert(socket.bind("127.0.0.1", 0, 1))
      local _, port = server:getsockname()
      local fill = {} -- a full queue: the system answers no further connect
      for i = 1, 8 do
         fill[i] = socket.tcp4()
         fill[i]:settimeout(0)
         fill[i]:connect("127.0.0.1", port)
      end
      steps_and_closes_quickly(("http://127.0.0.1:%d"):format(port))
      for _, s in ipairs(fill) do s:close() end
      server:close()
   end)

   it("is not stalled by a server that never answers", function()
      local server = assert(socket.bind("127.0.0.1", 0, 16))
      local _, port = server:getsockname()
      steps_and_closes_quickly(("http://127.0.0.1:%d"):format(port))
      steps_and_closes_quickly(("https://127.0.0.1:%d"):format(port))
      server:close()
   end)

   it("is not stalled by a name that does not resolve", function()
      local client <close> = topaz.client { api_key = "k", base_url = "https://topaz.invalid", max_retries = 0, timeout = 5 }
      local task = client:spawn("get_page")
      for _ = 1, 20 do client:step(0) end
      local page, err = task:await()
      assert.is_nil(page)
      assert.is_true(err.kind == "network" or err.kind == "timeout", err.kind)
      assert.equal("unsent", err.outcome)
   end)

   -- In a process of its own, under a resolver that takes three seconds.
   it("is not stalled by a resolver that hangs", function()
      if not core.libcurl.async_dns then return pending "this libcurl resolves names in the calling thread" end
      local base = os.tmpname()
      local shim = assert(io.open(base .. ".c", "w"))
      shim:write [[
#include <netdb.h>
#include <unistd.h>
int getaddrinfo(const char *n, const char *s, const struct addrinfo *h, struct addrinfo **r) {
  (void)n, (void)s, (void)h, (void)r;
  sleep(3);
  return EAI_AGAIN;
}
]]
      shim:close()
      finally(function() for _, ending in ipairs { "", ".c", ".so" } do os.remove(base .. ending) end end)
      assert.is_true(os.execute(("cc -shared -fPIC -o %s.so %s.c"):format(base, base)))
      local text = world.script([[
local topaz, socket = require "topaz", require "socket"
local began = socket.gettime()
local client = topaz.client { api_key = "k", base_url = "https://topaz.invalid" }
local task = client:spawn("get_page")
for _ = 1, 100 do client:step(0) socket.sleep(0.001) end
local waiting = not task:done()
client:close()
print(waiting, select(2, task:result()).kind, socket.gettime() - began < 1.5)
]], ("export LD_PRELOAD=%s.so"):format(base))
      assert.equal("true\tclosed\ttrue\n", text)
   end)
end)
