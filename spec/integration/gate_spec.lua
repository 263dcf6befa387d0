-- What may be sent now: by protocol, streams, rate and hold; what waits for its turn,
-- and what a queue costs.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local world = require "spec.support.world"

local function started(client, operation, ids)
   local requests = {}
   for i, id in ipairs(ids) do requests[i] = client:start(operation, id) end
   return requests
end

local function results(requests)
   local counts = {}
   for _, request in ipairs(requests) do
      local ok, err = request:result()
      local word = ok and "ok" or tostring(err)
      counts[word] = (counts[word] or 0) + 1
   end
   return counts
end

describe("over HTTP/2, the gate", function()
   local function with_server(options, f)
      options.clock, options.tls = "virtual", true
      local emulator <close> = emulators.start(options)
      local client <close> = topaz.client {
         api_key = emulator.key, base_url = emulator.tls_url, ca_file = emulator.ca_file, retry_base = 0.01,
         retry_cap = 0.05, connect_timeout = options.connect_timeout, timeout = 60,
      }
      f(emulator, client)
   end

   for _, streams in ipairs { 10, 4, 1 } do
      it(("lets calls wait for one of %d streams without calling that connecting"):format(streams), function()
         with_server({ streams = streams, latency = 0.1 }, function(emulator, client)
            local ids = emulator:add_jobs { count = streams * 20, status = "Completed" }
            assert.same({ ok = #ids }, results(started(client, "delete_status", ids)))
            assert.equal(#ids, world.seen(emulator, "delete_one"))
         end)
      end)
   end

   it("continues at once where the server recycles its connection, and pays nothing for it", function()
      with_server({ keepalive_requests = 50 }, function(emulator, client)
         local ids = emulator:add_jobs { count = 600, status = "Completed" }
         local report, err = client:delete_finished()
         assert.is_nil(err)
         assert.equal(0, report.failed)
         assert.equal(#ids, report.deleted + report.already_gone)
         assert.equal(0, #emulator:jobs())
      end)
   end)

   it("takes the protocol of each answer: few connections again where a balancer later speaks HTTP/1.1", function()
      if not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      local emulator <close> = emulators.start { clock = "virtual", tls = true, latency = 0.02 }
      local balancer <close> = proxies.start { to = emulator.tls_address }
      local client <close> = topaz.client {
         api_key = emulator.key, ca_file = emulator.ca_file, timeout = 60, retry_base = 0.01, retry_cap = 0.05,
         base_url = emulator.tls_url:gsub(":%d+/", ":" .. balancer.port .. "/"),
      }
      local ids = emulator:add_jobs { count = 300, status = "Completed" }
      assert.same({ ok = 300 }, results(started(client, "get_status", ids)))
      assert.is_true(client:stats().http2)
      balancer:set { to = emulator.http1_address }
      balancer:drop()
      assert.same({ ok = 300 }, results(started(client, "get_status", ids)))
      assert.is_false(client:stats().http2)
   end)
end)

describe("over plain HTTP, the gate", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("lets a call go at once beside a long list that is being read slowly", function()
      local ids = emulator():add_jobs { count = 3000, status = "Completed" }
      local client <close> = world.client(emulator())
      emulator():fault { match = { kind = "list" }, drip = { bytes = 2000, interval = 0.01 } }
      local listed, order = 0, {}
      client:spawn(function()
         for _ in client:statuses { paginated = false } do listed = listed + 1 end
         order[#order + 1] = "list"
      end)
      client:spawn(function()
         while listed == 0 do client:sleep(0.001) end
         assert(client:get_status(ids[1]))
         order[#order + 1] = "get"
      end)
      assert.equal(0, (client:run()))
      assert.same({ "get", "list" }, order)
   end)

   for _, paginated in ipairs { true, false } do
      it(("answers calls in the loop over a list with one connection, paginated = %s"):format(paginated), function()
         -- more than the buffer holds
         emulator():add_jobs { count = 2000, status = "Completed", filename = ("x"):rep(600) }
         local client <close> = world.client(emulator(), { max_connections = 1, timeout = 5 })
         local count = 0
         for status in client:statuses { paginated = paginated } do
            count = count + 1
            if count % 500 == 1 then assert(client:get_status(status.process_id)) end
         end
         assert.equal(2000, count)
      end)
   end

   it("holds for max_retry_after at most, whatever a 429 asks for, then lets one request probe", function()
      local ids = emulator():add_jobs { count = 20, status = "Completed" }
      local client <close> = world.client(emulator(), { max_retry_after = 0.2 })
      emulator():fault { status = 429, body = "", headers = { ["Retry-After"] = "999999999999999" } }
      local _, err = client:get_status(ids[1])
      assert.equal("rate_limited", err.kind)
      assert.equal(999999999999999, err.retry_after)
      assert(client:get_status(ids[1]))
      emulator():fault { status = 429, body = "", headers = { ["Retry-After"] = "86400" } }
      assert.is_nil(client:get_status(ids[1]))
      emulator():clear_log()
      emulator():fault { delay = 0.2 } -- the probe's answer
      assert.same({ ok = 20 }, results(started(client, "get_status", ids)))
      local log = emulator():requests()
      assert.equal(20, #log)
      -- all others were sent after it was answered
      for i = 2, 20 do assert.is_true(log[i].time >= log[1].finished) end
   end)

   it("does not count the caller's own time against a page that was fetched ahead", function()
      emulator():add_jobs { count = 300, status = "Completed" }
      local client <close> = world.client(emulator(), { timeout = 0.4, max_retries = 0 })
      local count = 0
      for _ in client:statuses { limit = 100 } do
         count = count + 1
         if count % 100 == 10 then
            local until_ = topaz.core.now() + 0.6
            while topaz.core.now() < until_ do end -- works, and does not step
         end
      end
      assert.equal(300, count)
   end)

   it("ends a call at the time that the caller gave, even while bytes drip", function()
      emulator():add_jobs { count = 50, status = "Completed" }
      local client <close> = world.client(emulator(), { max_retries = 0 })
      emulator():fault { match = { kind = "list" }, drip = { bytes = 1, interval = 0.05 } }
      local page, err = client:get_page { timeout = 0.3 }
      assert.is_nil(page)
      assert.equal("timeout", err.kind)
      assert.equal(1, world.seen(emulator(), "list"))
   end)
end)

describe("a queue of many calls", function()
   it("takes little memory, and a step looks at none that is not due", function()
      local out = world.script([[
         local topaz = require "topaz"
         local function resident()
            for line in io.lines "/proc/self/status" do
               local kilobytes = line:match "VmRSS:%s+(%d+)"
               if kilobytes then return kilobytes / 1024 end
            end
         end
         -- a server that takes connections and never answers
         local socket = require "socket"
         local server = assert(socket.bind("127.0.0.1", 0, 1024))
         local _, port = server:getsockname()
         local url = ("http://127.0.0.1:%d"):format(port)
         local client = topaz.client { api_key = "some-key-here", base_url = url, timeout = 3600 }
         collectgarbage()
         local before, requests = resident(), {}
         for i = 1, 100000 do
            requests[i] = client:start("get_status", ("%08x-0000-4000-8000-000000000000"):format(i))
         end
         for _ = 1, 100 do client:step(0) end
         local used = resident() - before
         print(client:stats().pending, used < 300 and "little" or used)
         for i = 1, 100000 do requests[i]:cancel() end
         client:step(0)
         print(client:stats().pending)
         client:close()
      ]])
      assert.equal("100000\tlittle\n0\n", out)
   end)

   it("ends each call at its own time", function()
      local emulator <close> = emulators.start { clock = "virtual", latency = 5 }
      local client <close> = world.client(emulator, { max_connections = 1 })
      local requests, ended = {}, {}
      for i = 1, 50 do
         requests[i] = client:start("get_status", ("%08x-0000-4000-8000-000000000000"):format(i),
            { timeout = 0.02 + (i * 7 % 50) / 500 })
      end
      local left = 50
      while left > 0 do
         client:step(1)
         for i = 1, 50 do
            if requests[i] and requests[i]:done() then
               local _, err = requests[i]:result()
               assert.equal("timeout", err.kind)
               ended[#ended + 1] = i * 7 % 50
               requests[i], left = nil, left - 1
            end
         end
      end
      assert.equal(50, #ended)
      assert.is_true(world.seen(emulator) < 50) -- the others ended in the queue
   end)
end)
