-- Headers of the caller's own: which calls send them, what is refused, and that no text of ours
-- shows a value.
local emulators = require "topaz.emulator"
local proxies = require "topaz.emulator.proxy"
local topaz = require "topaz"
local world = require "spec.support.world"

local ID = "00000000-0000-4000-8000-00000000000f"
local PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
local SECRET = "Bearer SENTINEL-31c7a9e0-value"
local NAME = "api.example.test"

-- Whether a part of the secret is in the value, or in what can be reached from it.
local function holds_secret(value, seen)
   seen = seen or {}
   if type(value) == "string" then return value:find("SENTINEL", 1, true) or value:find("31c7a9e0", 1, true) end
   if type(value) ~= "table" or seen[value] then return false end
   seen[value] = true
   for k, v in next, value do
      if holds_secret(k, seen) or holds_secret(v, seen) then return true end
   end
   return holds_secret(tostring(value), seen)
end

describe("headers of the caller", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual" })
   local id

   before_each(function() id = emulator():add_jobs(1, { pending = 0, processing = 0 })[1] end)

   local function client(more) return world.client(emulator(), more) end

   -- The header of that name in each request that came, "-" where one had none; and forgets them.
   local function sent(name)
      local list = {}
      for i, request in ipairs(emulator():requests()) do list[i] = request.headers[name] or "-" end
      emulator():clear_log()
      return list
   end

   it("go with every request of a client", function()
      local one <close> = client { headers = { traceparent = PARENT, ["X-Empty"] = "" } }
      assert(one:get_status(id))
      assert(one:get_page())
      for _ in one:statuses() do break end
      local requests = emulator():requests()
      assert.equal(3, #requests)
      for _, request in ipairs(requests) do
         assert.equal(PARENT, request.headers.traceparent)
         assert.equal("", request.headers["x-empty"])
         assert.equal(emulator().key, request.headers["x-api-key"])
         assert.equal("application/json", request.headers.accept)
      end
   end)

   it("go with each kind of call, and with no other one", function()
      local one <close> = client()
      local options = function() return { headers = { traceparent = PARENT } } end
      local calls = {
         get_status = function() return one:get_status(id, options()) end,
         get_page = function() return one:get_page(options()) end,
         start = function() return one:start("get_status", id, options()):result() end,
         start_page = function() return one:start("get_page", options()):result() end,
         wait_until_done = function() return one:wait_until_done(id, options()) end,
         wait_all = function() return one:wait_all({ id }, options()) end,
         wait_any = function() return one:wait_any({ id }, options()) end,
         statuses = function()
            for _ in one:statuses(options()) do return true end
         end,
         watch = function()
            for _ in one:watch({ id }, options()) do return true end
         end,
         delete_status = function()
            return one:delete_status(emulator():add_jobs(1, { pending = 0, processing = 0 })[1], options())
         end,
         delete_finished = function()
            emulator():add_jobs(2, { pending = 0, processing = 0 })
            local report = assert(one:delete_finished(options()))
            id = emulator():add_jobs(1, { pending = 0, processing = 0 })[1]
            return report.deleted >= 2
         end,
         delete_all_statuses = function()
            local count = one:delete_all_statuses(options())
            id = emulator():add_jobs(1, { pending = 0, processing = 0 })[1]
            return count
         end,
      }
      for name, call in pairs(calls) do
         emulator():clear_log()
         assert(call(), name)
         local list = sent "traceparent"
         assert.is_true(#list > 0, name)
         for _, value in ipairs(list) do assert.equal(PARENT, value, name) end
         assert(one:get_status(id))
         assert.same({ "-" }, sent "traceparent", name)
      end
   end)

   it("of a call replace the client's of the same name in any case, and leave the others", function()
      local one <close> = client { headers = { TraceParent = "client's", ["X-Team"] = "blue" } }
      assert(one:get_status(id, { headers = { traceparent = "call's" } }))
      local headers = emulator():requests()[1].headers
      assert.equal("call's", headers.traceparent)
      assert.equal("blue", headers["x-team"])
      assert(one:get_status(id, { headers = {} }))
      assert.equal("client's", emulator():requests()[2].headers.traceparent)
   end)

   it("go with every attempt and every page", function()
      emulator():add_jobs(30)
      emulator():fault { match = { kind = "list" }, times = 2, status = 503 }
      local one <close> = client { retry_base = 0 }
      local count = 0
      for _ in one:statuses { limit = 10, headers = { traceparent = PARENT } } do count = count + 1 end
      assert.equal(31, count)
      local list = sent "traceparent"
      assert.equal(6, #list)
      for _, value in ipairs(list) do assert.equal(PARENT, value) end
   end)

   it("are those of the moment of the call: the caller's table may change", function()
      local one <close> = client()
      local given = { traceparent = "first" }
      local request = one:start("get_status", id, { headers = given })
      given.traceparent = "second\r\nX-API-Key: other"
      assert(request:result())
      assert.same({ "first" }, sent "traceparent")
   end)

   it("are refused, naming the argument, before anything is sent", function()
      local one <close> = client()
      local bad = {
         { { ["X-API-Key"] = "k" }, "'X%-API%-Key' may not be set: the key" }, { { ["x-api-KEY"] = "k" }, "api_key" },
         { { host = "h" }, "'host' may not be set" }, { { ["Content-Length"] = "0" }, "Content%-Length" },
         { { ["transfer-encoding"] = "chunked" }, "transfer" }, { { Connection = "close" }, "Connection" },
         { { ["User-Agent"] = "me" }, "set user_agent" }, { { ["Proxy-Authorization"] = "Basic x" }, "set proxy" },
         { { Range = "bytes=0-1" }, "what a response" }, { { ["X-HTTP-Method-Override"] = "DELETE" }, "method" },
         { { a = "x\r\ny: z" }, "'a' has a line break at byte 2" }, { { a = "x\ny" }, "line break" },
         { { a = "x\0y" }, "control byte at byte 2" }, { { a = "\127" }, "control byte" }, { { a = "\tx" }, "control" },
         { { a = " x" }, "space" }, { { a = "x " }, "space" }, { { ["a b"] = "x" }, "byte 2 of the header name 'a" },
         { { ["a:"] = "x" }, "byte 2" }, { { ["a\r\nb"] = "x" }, "byte 2" }, { { [""] = "x" }, "is empty" },
         { { ["\xC3\xA4"] = "x" }, "byte 1" }, { { "a: b" }, "expected header names as keys, got a number" },
         { { a = 5 }, "expected a string as the value of 'a', got number" }, { { a = true }, "got boolean" },
         { { Trace = "1", trace = "2" }, "given twice" }, { { a = ("x"):rep(9000) }, "8192 bytes" },
         { "a: b", "expected a table, got string" },
         { (function()
            local many = {}
            for i = 1, 33 do many["x-" .. i] = "v" end
            return many
         end)(), "at most 32" },
      }
      for i, case in ipairs(bad) do
         local headers, pattern = case[1], case[2]
         for what, f in pairs {
            client = function() return topaz.client { api_key = "key", headers = headers } end,
            call = function() return one:get_status(id, { headers = headers }) end,
            list = function() return one:statuses { headers = headers } end,
            all = function() return one:delete_all_statuses { headers = headers } end,
            wait = function() return one:wait_until_done(id, { headers = headers }) end,
            watch = function() return one:watch({ id }, { headers = headers }) end,
            clean = function() return one:delete_finished { headers = headers } end,
         } do
            local ok, message = pcall(f)
            assert.is_false(ok, i .. what)
            assert.matches("bad argument 'headers': ", message)
            assert.matches(pattern, message)
            assert.matches("headers_spec", message)
         end
      end
      assert.equal(0, emulator():counts().total)
   end)

   it("never show a value: not in an error, an event or a message of the server", function()
      local told = {}
      local one <close> = client { headers = { Authorization = SECRET, ["X-One"] = SECRET }, max_retries = 1,
         retry_base = 0, on_event = function(event) told[#told + 1] = event end }
      local quotes = ('{"code":1,"message":"not with %s, nor SENTINEL-31c7a9e0-value"}'):format(SECRET)
      for _, status in ipairs { 400, 401, 404, 409, 429, 503 } do
         emulator():clear_faults()
         emulator():fault { status = status, body = quotes, headers = { ["X-Request-Id"] = SECRET } }
         local _, err = one:get_status(id)
         assert.is_false(holds_secret(err) or false, tostring(err))
         local other <close> = client { max_retries = 0 }
         _, err = other:get_status(id, { headers = { Authorization = SECRET } })
         assert.is_false(holds_secret(err) or false, tostring(err))
      end
      -- quoted, and cut in its middle
      emulator():fault { status = 400, body = ("x"):rep(175) .. SECRET }
      local _, err = one:get_status(id)
      assert.is_false(holds_secret(err) or false, tostring(err))
      assert.is_true(#told > 5)
      assert.is_false(holds_secret(told) or false)
      local ok, message = pcall(one.get_status, one, ID, { headers = { Authorization = SECRET .. "\n" } })
      assert.is_false(ok)
      assert.is_nil(holds_secret(message))
      ok, message = pcall(one.get_status, one, ID, { headers = { ["Authorization: " .. SECRET] = "" } })
      assert.is_false(ok)
      assert.is_nil(holds_secret(message))
      assert.is_false(holds_secret(tostring(one)) or false)
   end)

   -- a value as it is sent, and what of it a server quotes
   it("never show a value that is quoted in another form", function()
      for value, quoted in pairs {
         ['Digest username="bob", response="SENTINEL-31c7a9e0"'] = "SENTINEL-31c7a9e0",
         ["'SENTINEL-31c7a9e0'"] = "SENTINEL-31c7a9e0",
         ["[(<{SENTINEL-31c7a9e0}>)]"] = "(SENTINEL-31c7a9e0)",
         ["caf\xE9-SENTINEL-31c7a9e0"] = "caf\xE9-SENTINEL-31c7a9e0",
         ["\u{200B}SENTINEL-31c7a9e0\xFF"] = "\u{200B}SENTINEL-31c7a9e0\xFF",
      } do
         for _, status in ipairs { 200, 400, 503 } do
            for _, body in ipairs { "no: %s", '{"message":"no: %s"}' } do
               local told
               local one <close> = client { headers = { ["X-One"] = value }, max_retries = 0,
                  on_event = function(event) told = event.request_id or told end }
               emulator():clear_faults()
               emulator():fault { status = status, body = (body:gsub("%%s", (quoted:gsub("%%", "%%%%")))),
                  headers = { ["X-Request-Id"] = quoted } }
               local _, err = one:get_status(id)
               assert.is_false(holds_secret(err) or false, tostring(err))
               assert.is_string(told)
               assert.is_false(holds_secret(told) or false, told)
            end
         end
      end
   end)

   it("delete everything only where that is meant", function()
      local one <close> = client()
      for _, given in ipairs { { {} }, { { status = "Failed" } }, { "x" }, { { older_than = 5 } } } do
         assert.is_false((pcall(one.delete_all_statuses, one, given[1])))
      end
      assert.equal(0, emulator():counts().total)
      assert.equal(1, one:delete_all_statuses { timeout = 10 })
   end)
end)

describe("headers of the caller, through a proxy,", function()
   it("go to the API, and not to the proxy with CONNECT", function()
      local emulator <close> = emulators.start { tls = true }
      local name = NAME .. emulator.tls_address:match ":%d+"
      local proxy <close> = proxies.start { map = { [name] = emulator.tls_address } }
      local one <close> = world.client(emulator, { base_url = ("https://%s/image/v1"):format(name),
         ca_file = emulator.ca_file, proxy = proxy.url, headers = { traceparent = PARENT } })
      assert(one:get_status(emulator:add_jobs(1)[1], { headers = { Authorization = SECRET } }))
      local asked = proxy:log()[1]
      assert.equal("CONNECT", asked.method)
      assert.is_nil(asked.headers.traceparent)
      assert.is_nil(asked.headers.authorization)
      assert.equal(PARENT, emulator:requests()[1].headers.traceparent)
      assert.equal(SECRET, emulator:requests()[1].headers.authorization)
   end)
end)
