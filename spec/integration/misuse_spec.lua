-- Misuse of every function of the Lua layer: it raises at once, names the argument
-- and the caller's line, and sends nothing. And the one rule for a client that was closed.
local core = require "topaz.core"
local loops = require "spec.support.loops"
local progress = require "topaz.progress"
local topaz = require "topaz"
local world = require "spec.support.world"

local ID = "00000000-0000-4000-8000-00000000000f"
local HERE = debug.getinfo(1, "S").short_src

describe("misuse", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   -- Calls f(…) in a line of this file; the message must begin with it, and have the pattern in it.
   local function refused(pattern, f, ...)
      local arguments = table.pack(...)
      local line
      local ok, err = pcall(function()
         line = debug.getinfo(1, "l").currentline + 1
         f(table.unpack(arguments, 1, arguments.n))
      end)
      assert.is_false(ok)
      assert.equal("string", type(err))
      local place = ("%s:%d: "):format(HERE, line)
      assert.equal(place, err:sub(1, #place), err)
      assert.matches(pattern, err)
      assert.is_nil(err:find("topaz/", 1, true), err)
      assert.is_nil(err:find("'?'", 1, true), err)
   end

   it("of the client's methods", function()
      local bad = {
         wait_until_done = { { "process_id", 5 }, { "process_id", "x" }, { "timeout", ID, { timeout = -1 } },
            { "options", ID, 5 }, { "interval", ID, { interval = 1 } }, { "on_progress", ID, { on_progress = 1 } } },
         watch = { { "ids", 5 }, { "ids", { "x" } }, { "ids", { a = ID } }, { "timeout", {}, { timeout = "1" } },
            { "resume", nil, { resume = "x" }, n = 3 } },
         wait_all = { { "ids", nil }, { "timeout", {}, { timeout = {} } }, { "options", {}, "x" } },
         wait_any = { { "ids", {} }, { "timeout", { ID }, { timeout = -1 } } },
         delete_finished = { { "older_than", { older_than = -1 } }, { "status", { status = "Pending" } },
            { "status", { status = {} } }, { "status", { status = { {} } } }, { "options", 5 },
            { "dryrun", { dryrun = true } } },
         sleep = { { "seconds" }, { "seconds", -1 }, { "seconds", 0 / 0 }, { "seconds", "1" } },
         spawn = { { "fn" }, { "fn", 5 }, { "fn", "no_such_method" } },
         start = { { "operation" }, { "operation", {} }, { "operation", "no_such_call" },
            { "process_id", "get_status" }, { "process_id", "delete_status", "x" },
            { "limit", "get_page", { limit = 0 } } },
         step = { { "timeout", "x" }, { "timeout", -1 }, { "budget", 0, "x" }, { "budget", 0, -1 } },
      }
      for name, cases in pairs(bad) do
         for _, case in ipairs(cases) do
            refused("bad argument '" .. case[1] .. "'", client[name], client, table.unpack(case, 2, case.n))
         end
      end
      for _, name in ipairs { "wait_until_done", "watch", "wait_all", "wait_any", "delete_finished", "sleep", "spawn",
         "start", "step", "run", "timeout", "close" } do
         for _, wrong in ipairs { 5, "x", {}, io.stdout } do
            refused("bad argument 'self': expected a topaz.client", client[name], wrong)
         end
         refused("bad argument 'self': expected a topaz.client, got nil", client[name])
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("of a watcher's methods", function()
      local watcher = client:watch { ID }
      for _, name in ipairs { "add", "remove" } do
         for _, wrong in ipairs { 5, "x", { "x" }, { a = ID } } do
            refused("bad argument 'ids'", watcher[name], watcher, wrong)
         end
         refused("bad argument 'ids'", watcher[name], watcher)
      end
      refused("bad argument 'body': expected the text of a status or a table, got number", watcher.offer, watcher, 5)
      for _, name in ipairs { "add", "remove", "offer", "progress", "statuses", "pending", "token", "cancel",
         "close" } do
         refused("bad argument 'self': expected a topaz.watcher, got number", watcher[name], 5)
         refused("bad argument 'self': expected a topaz.watcher, got nil", watcher[name])
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("of a task's methods", function()
      local task = client:spawn("sleep", 3600)
      client:step(0)
      refused("the task still runs", task.result, task)
      for _, name in ipairs { "done", "result", "await", "cancel" } do
         refused("bad argument 'self': expected a topaz.task, got nil", task[name])
         refused("bad argument 'self': expected a topaz.task, got table", task[name], {})
      end
      local own
      own = client:spawn(function() return pcall(function() own:await() end) end)
      client:step(0)
      assert.matches("^" .. HERE .. ":%d+: a task cannot await itself", select(2, own:result()))
      local inside = client:spawn(function() return pcall(function() client:run() end) end)
      client:step(0)
      assert.matches("^" .. HERE .. ":%d+: run%(%) was called in a task", select(2, inside:result()))
   end)

   it("of the bars", function()
      local bars = progress.new()
      refused("bad argument 'options'", progress.new, 5)
      refused("bad argument 'stalled_after'", progress.new, { stalled_after = "x" })
      refused("bad argument 'stalled'", progress.new, { stalled = 1 })
      refused("bad argument 'percent'", progress.bar)
      refused("bad argument 'percent'", progress.bar, 101, 10)
      refused("bad argument 'width'", progress.bar, 50, 2)
      refused("bad argument 'width'", progress.bar, 50, 10.5)
      for _, wrong in ipairs { 5, "x", {}, { process_id = ID }, { process_id = 5, status = "Completed" } } do
         refused("bad argument 'status'", bars.update, bars, wrong)
      end
      refused("bad argument 'now'", bars.update, bars, { process_id = ID, status = "Completed" }, "x")
      refused("bad argument 'process_id'", bars.remove, bars, 5)
      refused("bad argument 'seconds'", bars.set_skew, bars, "x")
      refused("bad argument 'watcher'", bars.look, bars, 5)
      refused("bad argument 'now'", bars.summary, bars, {})
      for _, name in ipairs { "lines", "total_line" } do
         refused("bad argument 'width'", bars[name], bars)
         refused("bad argument 'width'", bars[name], bars, -1)
         refused("bad argument 'now'", bars[name], bars, 80, "x")
         refused("bad argument 'options'", bars[name], bars, 80, nil, "x")
         refused("bad argument 'rows'", bars[name], bars, 80, nil, { rows = -1 })
         refused("bad argument 'color'", bars[name], bars, 80, nil, { color = 1 })
      end
      for _, name in ipairs { "update", "remove", "set_skew", "count", "look", "summary", "lines", "total_line" } do
         refused("bad argument 'self': expected a topaz.progress, got nil", bars[name])
      end
      refused("bad argument 'self': expected a topaz.client", progress.wait_all, 5)
      refused("bad argument 'options'", progress.wait_all, client, {}, 5)
      refused("bad argument 'rows'", progress.wait_all, client, {}, { rows = 0 })
      refused("bad argument 'handle'", progress.wait_all, client, {}, { handle = 5 })
      refused("bad argument 'timeout'", progress.wait_all, client, {}, { timeout = "x" })
      refused("bad argument 'on_progress'", progress.wait_all, client, {}, { on_progress = 5 })
      refused("bad argument 'ids'", progress.wait_all, client, 5)
   end)

   it("is told without a place where the host has taken the debug library away", function()
      if loops[1].missing then return pending(loops[1].missing) end
      local text = world.script(([[
debug = nil
local client = require("topaz").client { api_key = %q, base_url = %q, scheduler = require "topaz.scheduler.luv" }
print(pcall(client.watch, client, 5))
print(select("#", pcall(coroutine.wrap(function() return client:get_page() end))))
require("luv").run()
print(client:get_page().pagination.has_next_page)
]]):format(emulator().key, emulator().url))
      assert.equal("false\tbad argument 'ids': expected a list of UUIDs, got number\n2\nfalse\n", text)
   end)

   it("of the module's functions", function()
      refused("bad argument 'status'", topaz.is_done, 5)
      refused("bad argument 'status'", topaz.options, 5)
   end)
end)

-- A call that begins on a closed client raises an error object of kind "closed".
-- What was under way when it was closed gives that object as it gives other failures: nil, err.
describe("a closed client", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local CALLS = {
      get_status = { ID }, get_page = {}, statuses = {}, delete_status = { ID }, delete_all_statuses = {},
      wait_until_done = { ID },
      watch = { { ID } }, wait_all = { { ID } }, wait_any = { { ID } }, delete_finished = {}, sleep = { 0 },
      spawn = { print }, run = {},
      start = { "get_page" }, step = {}, pollfd = {}, events = {}, timeout = {}, stats = {},
   }

   it("raises in each call that begins", function()
      local client = world.client(emulator())
      client:close()
      for name in pairs(core.client_methods()) do
         if name ~= "close" then
            assert.is_truthy(CALLS[name], name)
            local ok, err = pcall(client[name], client, table.unpack(CALLS[name]))
            assert.is_false(ok, name)
            assert.equal("closed", type(err) == "table" and err.kind or err, name)
         end
      end
      local ok, err = pcall(progress.wait_all, client, { ID })
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      client:close()
      client:close()
      assert.equal("topaz.client (closed)", tostring(client))
   end)

   it("gives the error to what was under way", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      local client = world.client(emulator())
      assert(client:get_page())
      emulator():set { latency = 30 }
      local tasks = {}
      for name, arguments in pairs {
         get_status = { id }, get_page = {}, delete_status = { id }, delete_all_statuses = {}, wait_until_done = { id },
         wait_all = { { id } }, wait_any = { { id } }, sleep = { 3600 }, delete_finished = {},
      } do
         tasks[name] = client:spawn(name, table.unpack(arguments))
      end
      repeat client:step(0.02) until world.seen(emulator()) > 5
      client:close()
      for name, task in pairs(tasks) do
         assert.is_true(task:done(), name)
         local value, err = task:result()
         if name ~= "delete_finished" then assert.is_nil(value, name) end
         assert.equal("closed", err.kind, name)
      end
      emulator():set { latency = 0 }
   end)

   it("that was closed by a callback of a call ends that call with the error", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      for _, name in ipairs { "wait_until_done", "wait_all", "wait_any" } do
         local client = world.client(emulator())
         local value, err = client[name](client, name == "wait_until_done" and id or { id }, { on_progress = function()
            client:close()
         end })
         assert.is_nil(value)
         assert.equal("closed", err.kind)
      end
   end)

   it("names the variable that a wrong value came from", function()
      for variable, value in pairs { TOPAZ_BASE_URL = "foo", TOPAZ_API_KEY = " k" } do
         local out = world.script([[print(select(2, pcall(require("topaz").client)))]],
            ("unset TOPAZ_BASE_URL; TOPAZ_API_KEY=k; export TOPAZ_API_KEY; %s='%s'; export %s"):format(
               variable, value, variable))
         assert.matches("bad argument '" .. variable .. "': ", out)
      end
   end)

   it("leaves watchers, requests and tasks able to say what they know", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      local client = world.client(emulator())
      local watcher, request, task = client:watch { id }, client:start("get_status", id), client:spawn("sleep", 60)
      local token, cursor = watcher:token(), client:statuses()
      client:close()
      local ok, err = pcall(cursor)
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      assert.equal("string", type(cursor:token()))
      cursor:close()
      assert.equal(token, watcher:token())
      assert.equal(1, watcher:pending())
      assert.equal(1, watcher:remove(id))
      assert.same({}, watcher:statuses())
      assert.is_true(request:done())
      assert.equal("closed", select(2, request:result()).kind)
      assert.is_true(task:done())
      watcher:cancel()
      task:cancel()
      request:cancel()
   end)
end)
