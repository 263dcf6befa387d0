-- Each fault on each operation, as fault_table.lua states it: the outcome, and the number of requests the server saw.
local topaz = require "topaz"
local world = require "spec.support.world"

local calls = {
   get = function(client, id) return client:get_status(id) end,
   page = function(client) return client:get_page { limit = 10 } end,
   list = function(client)
      local ok, err = pcall(function()
         local count = 0
         for _ in client:statuses { prefetch = 0 } do count = count + 1 end
         if count ~= 1 then error { kind = count .. " statuses" } end
      end)
      if ok then return true end
      return nil, err
   end,
   delete = function(client, id) return client:delete_status(id) end,
   all = function(client) return client:delete_all_statuses() end,
}

local function outcome(first, second)
   if first then
      if second == "already_gone" then return "gone" end
      return second or "ok"
   end
   if type(second) == "string" then error(second) end
   assert.is_nil(tostring(second):find "\n")
   return second.kind .. (second.outcome and "/" .. second.outcome or "")
end

describe("fault:", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   for _, row in ipairs(require "spec.integration.fault_table") do
      for name, call in pairs(calls) do
         local expected = row[name]
         if expected then
            it(row.name .. ", " .. name, function()
               local id = emulator():add_jobs { status = "Completed" }[1]
               emulator():fault(row.fault)
               local client <close> = world.client(emulator(), { max_retries = 2, attempt_timeout = row.fault.delay and 0.4 or 5 })
               local got = outcome(call(client, id))
               assert.equal(expected, got .. " " .. world.seen(emulator()))
               assert.equal(client:stats().attempts, world.seen(emulator()))
            end)
         end
      end
   end

   it("refused connection: unsent, whatever the operation", function()
      local id = "00000000-0000-4000-8000-000000000000"
      for _, name in ipairs { "get", "page", "list", "delete", "all" } do
         local client <close> = topaz.client { api_key = "k", base_url = "http://127.0.0.1:1", max_retries = 2, retry_base = 0.01 }
         local ok, err = calls[name](client, id)
         assert.is_nil(ok)
         assert.equal("network", err.kind)
         assert.equal("unsent", err.outcome)
         assert.equal(3, err.attempts)
      end
   end)

   it("a dying reused connection: still one send per attempt", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator(), { max_retries = 0 })
      assert(client:get_page())
      emulator():clear_log()
      emulator():fault { drop = "before", times = 3 }
      local ok, err = client:delete_status(id)
      assert.is_nil(ok)
      assert.equal("network", err.kind)
      assert.equal("unknown", err.outcome)
      assert.matches("get it", tostring(err))
      assert.equal(1, world.seen(emulator()))
      emulator():clear_faults()
      assert(client:get_page())
      emulator():clear_log()
      emulator():fault { drop = "before", times = 3 }
      assert.equal("unknown", select(2, client:delete_all_statuses()).outcome)
      assert.equal(1, world.seen(emulator()))
   end)

   it("a Retry-After is never undercut, and a longer one than the call may take fails at once", function()
      emulator():fault { status = 429, body = "", headers = { ["Retry-After"] = "1" } }
      local client <close> = world.client(emulator())
      local began = topaz.core.now()
      assert(client:get_page())
      assert.is_true(topaz.core.now() - began >= 1)
      emulator():fault { status = 503, body = "", headers = { ["Retry-After"] = "30" } }
      local hasty <close> = world.client(emulator(), { timeout = 5 })
      local _, err = hasty:get_page()
      assert.equal("server_error", err.kind)
      assert.equal(30, err.retry_after)
      assert.matches("does not fit", tostring(err))
   end)

   it("the whole call has its time, however often it is retried", function()
      emulator():fault { delay = 5, times = math.huge }
      local client <close> = world.client(emulator(), { timeout = 0.3 })
      local _, err = client:get_page()
      assert.equal("timeout", err.kind)
      emulator():clear_faults()
   end)

   it("the retry budget ends a storm", function()
      emulator():fault { status = 503, body = "", times = math.huge }
      local client <close> = world.client(emulator(), { retry_base = 0, max_retries = 4 })
      for _ = 1, 30 do client:get_page() end
      assert.equal(30 + 20, world.seen(emulator())) -- 100 tokens, 5 a retry
      local _, err = client:get_page()
      assert.matches("no more retries", tostring(err))
   end)

   it("a response over max_bytes is too large", function()
      emulator():add_jobs { count = 100, status = "Completed" }
      local client <close> = world.client(emulator(), { max_bytes = 20000 })
      local page, err = client:get_page { limit = 100 }
      assert.is_nil(page)
      assert.equal("too_large", err.kind)
      assert.equal(1, err.attempts)
      assert.is_table(client:get_page { limit = 10 })
   end)

   it("the server's words are shown without their control bytes", function()
      emulator():fault { status = 400, body = '{"code":400,"message":"bad \\u001b[31m\\n\\u0000thing"}' }
      local client <close> = world.client(emulator())
      local _, err = client:get_page()
      assert.equal(400, err.code)
      assert.is_nil(tostring(err):find "%c")
      assert.matches("thing", tostring(err))
   end)

   it("the request id of the server is reported", function()
      emulator():fault { status = 404, body = "", headers = { ["X-Request-Id"] = "abc-123" } }
      local client <close> = world.client(emulator())
      assert.equal("abc-123", select(2, client:get_page()).request_id)
   end)
end)

describe("TLS:", function()
   local emulators = require "spec.emulator"

   local function get(options)
      local emulator <close> = emulators.start { tls = options.certificate or true, jobs = 3 }
      local client <close> = topaz.client {
         api_key = emulator.key, base_url = emulator.tls_url, max_retries = 2, retry_base = 0.01,
         ca_file = options.trust ~= false and emulator.ca_file or nil, http2 = options.http2,
      }
      local page, err = client:get_page()
      return page, err, emulator:counts().total, client:stats()
   end

   it("works with a CA that is trusted, over HTTP/2 and HTTP/1.1", function()
      local page, err, _, stats = get {}
      assert.is_nil(err)
      assert.equal(3, #page.data)
      assert.is_true(stats.http2)
      page, err, _, stats = get { http2 = false }
      assert.is_nil(err)
      assert.equal(3, #page.data)
      assert.is_false(stats.http2)
   end)

   for _, case in ipairs { { trust = false }, { certificate = "wrong_host" }, { certificate = "expired" } } do
      it("refuses " .. (case.certificate or "an unknown CA") .. ", sends nothing, retries nothing", function()
         local page, err, seen = get(case)
         assert.is_nil(page)
         assert.equal("tls", err.kind)
         assert.equal("unsent", err.outcome)
         assert.equal(1, err.attempts)
         assert.equal(0, seen)
      end)
   end
end)
