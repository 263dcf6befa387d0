-- How fast a client asks, against a server that limits it;
-- and that it does nothing while there is nothing to do.
local core = require "topaz.core"
local socket = require "socket"
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local world = require "spec.support.world"

local CALLS, SENT_MOST = 200, 260

-- Begins so many get_status at once and runs them to their end.
-- Returns how many succeeded, and the first error.
local function call_all(client, ids, calls)
   local tasks, done, first = {}, 0, nil
   for i = 1, calls do tasks[i] = client:spawn("get_status", ids[(i - 1) % #ids + 1]) end
   client:run()
   for _, task in ipairs(tasks) do
      local status, err = task:result()
      if status then done = done + 1 else first = first or tostring(err) end
   end
   return done, first
end

-- Each success gives the budget of retries one token back, up to all 100 of them.
-- A retry meanwhile takes some: then it is tried again.
local function fill_budget(client, ids)
   for _ = 1, 20 do
      local before = client:stats()
      for i = 1, 100 - before.retry_tokens do assert(client:get_status(ids[i % #ids + 1])) end
      if client:stats().retries == before.retries then return assert.equal(100, client:stats().retry_tokens) end
   end
   error "the budget is never full"
end

-- The most requests that arrived within one second, wherever that second begins.
local function busiest_second(requests)
   local most, from = 0, 1
   for i, request in ipairs(requests) do
      while request.time - requests[from].time >= 1 do from = from + 1 end
      most = math.max(most, i - from + 1)
   end
   return most
end

-- The most requests that the server had at the same time.
local function most_at_once(requests)
   local edges, now, most = {}, 0, 0
   for _, request in ipairs(requests) do
      edges[#edges + 1] = { request.time, 1 }
      edges[#edges + 1] = { request.finished, -1 }
   end
   table.sort(edges, function(a, b) return a[1] < b[1] or (a[1] == b[1] and a[2] < b[2]) end)
   for _, edge in ipairs(edges) do
      now = now + edge[2]
      most = math.max(most, now)
   end
   return most
end

for _, burst in ipairs { 10, 0 } do
   describe(("200 calls at once against 50 a second and a burst of %d"):format(burst), function()
      local emulator, ids

      setup(function() emulator = emulators.start { tls = true, rate_limit = { rate = "50r/s", burst = burst } } end)
      teardown(function() emulator:stop() end)
      before_each(function()
         emulator:reset()
         ids = emulator:add_jobs(20)
      end)

      for _, version in ipairs { "1.1", "2.0" } do
         it("all succeed by at most 260 requests, and the client tells what it does, HTTP/" .. version, function()
            if version == "2.0" and not topaz.core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
            local client, events, least_tokens, rates = nil, {}, math.huge, {}
            local options = {
               api_key = emulator.key, base_url = version == "2.0" and emulator.tls_url or emulator.url,
               ca_file = emulator.ca_file, on_event = function(event)
                  events[event.type] = (events[event.type] or 0) + 1
                  if event.type == "throttle" then
                     local stats = client:stats()
                     least_tokens = math.min(least_tokens, stats.retry_tokens)
                     rates[#rates + 1] = stats.rate
                     assert(event.reason == "rate_limited" and event.http_status == 429 and event.delay >= 0,
                        "a throttle event is wrong")
                  end
               end,
            }
            client = topaz.client(options)
            assert.is_nil(client:stats().rate)
            local done, err = call_all(client, ids, CALLS)
            local stats, seen = client:stats(), emulator:counts()
            local least = least_tokens
            fill_budget(client, ids)
            client:close()

            assert.same({ CALLS }, { done, err })
            assert.is_true(seen.total <= SENT_MOST, seen.total .. " requests were sent")
            assert.equal(CALLS, seen.statuses["200"])
            local refused = seen.total - CALLS
            assert.equal(refused, seen.statuses["429"])
            assert.is_true(refused > 0)
            assert.equal(version, emulator:requests()[1].http_version == 2 and "2.0" or "1.1")
            assert.same({ seen.total, refused, refused, 0 },
               { stats.attempts, stats.retries, stats.throttled, stats.failures })
            assert.same({ request = seen.total, response = seen.total, retry = refused, throttle = refused }, events)
            assert.equal(refused, #rates)
            for _, rate in ipairs(rates) do assert.is_true(rate >= 0.25) end
            assert.is_true(least < 100)
         end)
      end
   end)
end

describe("a client's limits", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real" })
   local ids

   before_each(function() ids = emulator():add_jobs(20) end)
   after_each(function() emulator():set { latency = 0 } end)

   it("max_rate is a ceiling in every second, also at the start and after a pause", function()
      world.with_client(emulator(), { max_rate = 20, max_connections = 2 }, function(client)
         assert.equal(25, (call_all(client, ids, 25)))
         client:sleep(0.5)
         assert.equal(25, (call_all(client, ids, 25)))
         assert.is_nil(client:stats().rate)
         assert.equal(0, client:stats().throttled)
      end)
      local requests = emulator():requests()
      assert.equal(50, #requests)
      -- 21 are sent in a second; a server that is late has at most the 2 in flight besides
      local most = busiest_second(requests)
      assert.is_true(most <= 23, most .. " requests in a second")
   end)

   for _, connections in ipairs { 1, 3, 8 } do
      it(("max_connections = %d is what the server sees, and no more at once"):format(connections), function()
         emulator():set { latency = 0.01 }
         world.with_client(emulator(), { max_connections = connections }, function(client)
            assert.equal(40, (call_all(client, ids, 40)))
         end)
         assert.equal(40, emulator():counts().total)
         assert.equal(connections, emulator():counts().connections)
         assert.is_true(most_at_once(emulator():requests()) <= connections)
      end)
   end
end)

describe("a call that cannot be sent in its time", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real" })
   local id

   before_each(function() id = emulator():add_jobs(1)[1] end)
   after_each(function() emulator():set { latency = 0 } end)

   local function outcome(client, request)
      while not request:done() do client:step(1) end
      return request:result()
   end

   it("because others have all connections fails as unsent, wherever it stands among those that wait", function()
      emulator():set { latency = 30 }
      local client <close> = world.client(emulator(), { max_connections = 1 })
      local sent, patient = client:start("get_status", id), client:start "get_page"
      for _, request in ipairs { client:start("get_status", id, { timeout = 0.2 }),
         client:start("get_status", id, { timeout = 0.05 }) } do
         local status, err = outcome(client, request)
         assert.is_nil(status)
         assert.same({ "timeout", "unsent", id }, { err.kind, err.outcome, err.process_id })
         assert.matches("before the request could be sent", err.message)
         assert.is_nil(err.attempts)
      end
      assert.same({ false, false }, { sent:done(), patient:done() })
      assert.same({ 2, 1, 2 }, { client:stats().pending, client:stats().attempts, client:stats().failures })
      assert.equal(1, world.seen(emulator()))
   end)

   it("because no step was made in it is not sent afterwards", function()
      local client <close> = world.client(emulator())
      local request = client:start("get_status", id, { timeout = 0.001 })
      socket.sleep(0.02)
      client:step(0)
      assert.is_true(request:done())
      local _, err = request:result()
      assert.same({ "timeout", "unsent" }, { err.kind, err.outcome })
      assert.same({ 0, 0 }, { client:stats().attempts, world.seen(emulator()) })
   end)

   it("because the server wants none for longer fails at once, and says for how long", function()
      emulator():fault { status = 429, body = "", headers = { ["Retry-After"] = "30" } }
      local client <close> = world.client(emulator(), { max_retries = 0 })
      assert.equal(30, select(2, client:get_page()).retry_after)
      local request = client:start("get_status", id, { timeout = 20 })
      client:step(0)
      assert.is_true(request:done())
      local _, err = request:result()
      assert.same({ "rate_limited", "unsent" }, { err.kind, err.outcome })
      assert.is_true(err.retry_after > 20 and err.retry_after <= 30)
      assert.same({ nil, nil }, { err.http_status, err.attempts })
      assert.equal(1, world.seen(emulator()))
   end)

   it("another time, because the server wants none meanwhile, tells that and not its own answer before", function()
      emulator():fault { match = { kind = "one" }, delay_after = 1, status = 503, body = "" }
      emulator():fault { match = { kind = "list" }, status = 429, body = "", headers = { ["Retry-After"] = "30" } }
      local client <close> = world.client(emulator())
      local request = client:start("get_status", id, { timeout = 20 })
      client:start "get_page"
      local _, err = outcome(client, request)
      assert.same({ "rate_limited", 1 }, { err.kind, err.attempts })
      assert.same({ nil, nil }, { err.http_status, err.outcome })
      assert.is_true(err.retry_after > 20 and err.retry_after <= 30)
      assert.equal(2, world.seen(emulator()))
   end)

   it("because of max_rate fails at once", function()
      local client <close> = world.client(emulator(), { max_rate = 0.05 })
      assert(client:get_status(id))
      local request = client:start("get_status", id, { timeout = 10 })
      client:step(0)
      assert.is_true(request:done())
      local _, err = request:result()
      assert.same({ "rate_limited", "unsent" }, { err.kind, err.outcome })
      assert.matches("max_rate", err.message)
      assert.is_true(err.retry_after > 10 and err.retry_after <= 20)
      assert.equal(1, world.seen(emulator()))
   end)
end)

-- client:step(client:timeout()) until no task is left: as an event loop does.
-- Returns the steps, and those of them that began with no request under way.
local function drive(client)
   local steps, idle = 0, 0
   repeat
      if client:stats().pending == 0 then idle = idle + 1 end
      local timeout = client:timeout()
      assert(timeout, "nobody would ever wake the tasks")
      local _, alive = client:step(timeout)
      steps = steps + 1
   until alive == 0
   return steps, idle
end

describe("an idle client in a loop driven by client:timeout()", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "real" })
   local client, random

   before_each(function()
      client = world.client(emulator())
      random = core.random
      core.random = function() return 0.3 end
   end)
   after_each(function()
      core.random = random
      client:close()
      emulator():set { latency = 0 }
   end)

   it("has no time to name when nothing is under way", function()
      assert.is_nil(client:timeout())
   end)

   it("makes one step for each time at which tasks wake, however many they are", function()
      for i = 1, 100 do client:spawn("sleep", 0.05 * (i % 5 + 1)) end
      local steps = drive(client)
      assert.is_true(steps >= 2 and steps <= 1 + 5 * 5, steps .. " steps")
      client:spawn("sleep", 0.3)
      assert.equal(2, (drive(client))) -- it takes its first turn, and wakes
   end)

   it("makes two steps between two polls of a wait: libcurl tidies up, and the task wakes", function()
      local id = emulator():add_jobs { status = "Processing", remove = { "eta" } }[1]
      client:spawn("wait_until_done", id, { timeout = 3 })
      local _, idle = drive(client)
      local polls = world.seen(emulator(), "one")
      assert.is_true(polls >= 3)
      assert.is_true(idle <= 2 * polls - 1, ("%d steps without a request, %d polls"):format(idle, polls))
   end)

   it("makes few steps while a request is not answered", function()
      local id = emulator():add_jobs(1)[1]
      assert(client:get_status(id)) -- the connection is there
      emulator():set { latency = 0.7 }
      client:spawn("get_status", id)
      local steps = drive(client)
      assert.equal(2, world.seen(emulator(), "one"))
      assert.is_true(steps <= 6, steps .. " steps")
   end)
end)
