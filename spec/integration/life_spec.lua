-- Life and death of the userdata: closing, collecting, use after close, what tostring says.
local topaz = require "topaz"
local world = require "spec.support.world"

describe("a client", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("says what it is, without the key", function()
      local client = world.client(emulator())
      assert.equal("topaz.client (" .. emulator().url .. ")", tostring(client))
      assert.matches("^topaz.call %(get_page, queued%)$", tostring(client:start "get_page"))
      assert.equal("topaz.cursor (open)", tostring((client:statuses())))
      client:close()
      assert.equal("topaz.client (closed)", tostring(client))
   end)

   it("may be closed twice and says so when used afterwards", function()
      local client = world.client(emulator())
      client:close()
      client:close()
      for _, name in ipairs { "get_page", "delete_all_statuses", "step", "statuses", "stats", "timeout",
         "pollfd", "events" } do
         local ok, err = pcall(client[name], client)
         assert.is_false(ok, name)
         assert.equal("closed", err.kind, name)
         assert.matches("closed", tostring(err))
      end
   end)

   it("fails what is under way with `closed`", function()
      local client = world.client(emulator())
      emulator():set { latency = 2 }
      local request, cursor = client:start "get_page", client:statuses()
      client:step(0.01)
      client:close()
      local page, err = request:result()
      assert.is_nil(page)
      assert.equal("closed", err.kind)
      local ok, raised = pcall(cursor)
      assert.is_false(ok)
      assert.equal("closed", raised.kind)
      emulator():set { latency = 0 }
   end)

   it("can be collected with everything under way, in any order", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      for i = 1, 20 do
         local client = world.client(emulator())
         local request, cursor = client:start "get_page", client:statuses { limit = 5 }
         if i % 2 == 0 then cursor() end
         if i % 3 == 0 then client:step(0) end
         if i % 5 == 0 then client = nil end -- luacheck: ignore
         request, cursor = i % 2 == 0 and request or nil, i % 3 == 0 and cursor or nil -- luacheck: ignore
         collectgarbage()
      end
      collectgarbage()
   end)

   it("keeps living while only a cursor of it is left", function()
      local ids = emulator():add_jobs { count = 30, status = "Completed" }
      local cursor = world.client(emulator()):statuses { limit = 5 }
      local count = 0
      for _ in cursor do
         collectgarbage()
         count = count + 1
      end
      assert.equal(#ids, count)
   end)

   it("does not disturb another one", function()
      emulator():add_jobs { count = 10, status = "Completed" }
      local a, b = world.client(emulator()), world.client(emulator())
      local cursor = a:statuses { limit = 3 }
      cursor()
      b:close()
      local count = 1
      for _ in cursor do count = count + 1 end
      assert.equal(10, count)
      a:close()
   end)

   it("gives back every descriptor", function()
      world.with_client(emulator(), nil, function(client)
         client:get_page()
         client:start "get_page"
         client:step(0)
      end)
   end)

   it("cannot be made without a descriptor left, says so, and can be made when there is one", function()
      local one <close> = world.client(emulator())
      if not one:pollfd() then return pending "this system has no descriptor for all connections" end
      local out = world.script(([[
         local topaz, files = require "topaz", {}
         repeat
            local file = io.open "/dev/null"
            files[#files + 1] = file
         until not file
         local made, why = pcall(topaz.client, { api_key = %q, base_url = %q })
         for _, file in ipairs(files) do file:close() end
         print(#files > 0, made, why)
         local client <close> = topaz.client { api_key = %q, base_url = %q }
         print(client:get_page() ~= nil)
      ]]):format(emulator().key, emulator().url, emulator().key, emulator().url), "ulimit -S -n 40")
      assert.matches("^true\tfalse\t.*could not be started\ntrue\n$", out)
   end)

   it("has one pollable descriptor", function()
      local client <close> = world.client(emulator())
      if not client:pollfd() then return pending "this system has no descriptor for all connections" end
      assert.equal("integer", math.type(client:pollfd()))
      assert.equal("r", client:events())
      assert.is_nil(client:timeout())
      local request <close> = client:start "get_page"
      assert.equal(0, client:timeout())
      repeat client:step(client:timeout()) until request:done()
   end)

   it("hides its metatables", function()
      local client <close> = world.client(emulator())
      assert.is_false(getmetatable(client))
      assert.is_false(getmetatable(client:statuses()))
      assert.is_false(getmetatable(client:start "get_page"))
   end)
end)

describe("events", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("tell of requests, responses, retries and throttling, without the key", function()
      local events = {}
      local client <close> = world.client(emulator(), { on_event = function(e) events[#events + 1] = e end })
      emulator():fault { match = { kind = "list" }, status = 503, body = "" }
      emulator():fault { match = { kind = "list" }, status = 429, body = "" }
      client:get_page()
      local types = {}
      for _, e in ipairs(events) do
         types[#types + 1] = e.type .. (e.http_status and "/" .. e.http_status or "")
         assert.equal("get_page", e.operation)
         for _, value in pairs(e) do assert.is_nil(tostring(value):find(emulator().key, 1, true)) end
      end
      assert.equal("request response/503 retry/503 request response/429 throttle/429 retry/429 request response/200",
         table.concat(types, " "))
      assert.equal(1, events[1].attempt)
      assert.equal(3, events[#events].attempt)
      assert.is_true(events[#events].bytes > 0)
      assert.equal("rate_limited", events[6].reason)
   end)

   it("let an error of the handler through, and go on", function()
      local calls = 0
      local client <close> = world.client(emulator(), { on_event = function()
         calls = calls + 1
         if calls == 1 then error("mine", 0) end
      end })
      assert.same({ false, "mine" }, { pcall(client.get_page, client) })
      assert.is_table(client:get_page())
      -- the answer to the first may have come already; it sends nothing more
      assert.is_true(calls == 3 or calls == 4)
   end)
end)

describe("the core alone, without the Lua layer", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("makes the calls, which block", function()
      local ids = emulator():add_jobs { count = 3, status = "Completed" }
      emulator():set { latency = 0.25 } -- longer than a slice
      local out = world.script(([[
         local core = require "topaz.core"
         local client = core.client { api_key = %q, base_url = %q }
         local count = 0
         for _ in client:statuses { limit = 2 } do count = count + 1 end
         print(count, client:get_status(%q).process_id, client.spawn, package.loaded["topaz.task"])
         client:close()
         print(select(2, pcall(client.get_page, client)).kind)
      ]]):format(emulator().key, emulator().url, ids[2]))
      emulator():set { latency = 0 }
      assert.equal(("3\t%s\tnil\tnil\nclosed\n"):format(ids[2]), out)
      assert.equal(3, world.seen(emulator()))
   end)
end)

describe("the module", function()
   it("names its version and its libcurl", function()
      assert.matches("^%d+%.%d+%.%d+$", topaz.version)
      assert.matches("^%d+%.%d+", topaz.core.libcurl.version)
      assert.is_boolean(topaz.core.libcurl.async_dns)
      assert.equal(require("cjson").null, topaz.null)
   end)

   it("knows which statuses are done", function()
      assert.is_true(topaz.is_done "Completed")
      assert.is_true(topaz.is_done { status = "Failed" })
      assert.is_false(topaz.is_done { status = "Processing" })
      assert.is_false(topaz.is_done { status = "Later" })
      assert.is_false((pcall(topaz.is_done, nil)))
   end)

   it("knows its own types of options and no other", function()
      local function read(given, rows) return pcall(topaz.core.options, given, rows) end
      assert.same({ true, { x = 5 } }, { read({ x = 5 }, { { "x", "integer", false, 1, 9 } }) })
      assert.same({ false, "unknown type of an option: text" }, { read({}, { { "x", "text" } }) })
      assert.same({ false, "unknown type of an option: ?" }, { read({}, { { "x" } }) })
   end)
end)
