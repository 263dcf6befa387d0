-- The four calls, through real sockets.
local topaz = require "topaz"
local world = require "spec.support.world"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("the four calls", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   it("gets one status with all its members, integers as integers", function()
      local id = emulator():add_jobs { status = "Completed", filename = 'Zoë "1".jpg', progress = 100 }[1]
      local status, err = client:get_status(id)
      assert.is_nil(err)
      assert.equal(id, status.process_id)
      assert.equal('Zoë "1".jpg', status.filename)
      assert.equal("Completed", status.status)
      assert.is_boolean(status.crop_to_fill)
      for _, name in ipairs { "input_height", "input_width", "output_height", "output_width", "progress", "eta",
         "creation_time", "modification_time", "credits" } do
         assert.equal("integer", math.type(status[name]), name)
      end
      assert.is_true(topaz.is_done(status))
   end)

   it("decodes options_json on demand", function()
      local id = emulator():add_jobs { options_json = '{"face":{"strength":40},"fix":null,"ratio":0.5}' }[1]
      local options = topaz.options(client:get_status(id))
      assert.equal("integer", math.type(options.face.strength))
      assert.equal(0.5, options.ratio)
      assert.equal(topaz.null, options.fix)
      assert.is_nil(topaz.options { process_id = id })
      local none, why = topaz.options { options_json = "{" }
      assert.is_nil(none)
      assert.matches("not valid JSON", why)
   end)

   it("gets one page and its cursor, by exactly one request each", function()
      emulator():add_jobs(7)
      local first = client:get_page { limit = 5 }
      assert.equal(5, #first.data)
      assert.is_true(first.pagination.has_next_page)
      local second = client:get_page { limit = 5, cursor = first.pagination.next_cursor }
      assert.equal(2, #second.data)
      assert.is_false(second.pagination.has_next_page)
      assert.is_nil(second.pagination.next_cursor)
      assert.equal(2, world.seen(emulator()))
      assert.not_equal(first.data[1].process_id, second.data[1].process_id)
   end)

   it("gets an empty page", function()
      local page = client:get_page()
      assert.same({ data = {}, pagination = { has_next_page = false } }, page)
   end)

   it("deletes one status", function()
      local id = emulator():add_jobs { status = "Failed" }[1]
      assert.is_true(client:delete_status(id))
      assert.is_nil(emulator():job(id))
   end)

   it("refuses to delete a running job: conflict, sent once", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      local ok, err = client:delete_status(id)
      assert.is_nil(ok)
      assert.equal("conflict", err.kind)
      assert.equal(409, err.http_status)
      assert.equal(id, err.process_id)
      assert.equal(1, err.attempts)
      assert.equal(1, world.seen(emulator()))
   end)

   it("deletes all statuses and counts them", function()
      emulator():add_jobs { count = 12, status = "Completed" }
      assert.equal(12, client:delete_all_statuses())
      assert.equal(0, client:delete_all_statuses())
   end)

   it("tells not found, with the message of the API, in one line", function()
      local status, err = client:get_status(UNKNOWN)
      assert.is_nil(status)
      assert.equal("not_found", err.kind)
      assert.equal(404, err.http_status)
      assert.equal("get_status", err.operation)
      assert.equal(UNKNOWN, err.process_id)
      assert.is_nil(tostring(err):find "\n")
      assert.matches("get_status", tostring(err))
      assert.equal("integer", math.type(err.code))
      local ok, gone = client:delete_status(UNKNOWN)
      assert.is_nil(ok)
      assert.equal("not_found", gone.kind)
      assert.is_nil(gone.outcome)
   end)

   it("tells a wrong key and a forbidden one", function()
      local e = emulator()
      local wrong <close> = world.client(e, { api_key = "not-the-key" })
      assert.equal("unauthorized", select(2, wrong:get_page()).kind)
      local forbidden <close> = world.client(e, { api_key = e.forbidden_key })
      assert.equal("forbidden", select(2, forbidden:delete_all_statuses()).kind)
   end)

   it("sends the key in its header and nowhere else", function()
      client:get_page()
      local request = emulator():requests()[1]
      assert.equal(emulator().key, request.headers["x-api-key"])
      assert.equal("application/json", request.headers.accept)
      assert.matches("^topaz%-lua/", request.headers["user-agent"])
      request.headers["x-api-key"] = nil
      for _, value in pairs(request.headers) do assert.is_nil(tostring(value):find(emulator().key, 1, true)) end
      assert.is_nil((request.query or ""):find(emulator().key, 1, true))
   end)

   it("keeps one connection for one call after the other", function()
      for _ = 1, 5 do client:get_page() end
      assert.equal(1, emulator():counts().connections)
      assert.equal(1, client:stats().connections)
   end)

   it("starts calls without waiting for them", function()
      local ids = emulator():add_jobs { count = 3, status = "Completed" }
      local requests = {}
      for i, id in ipairs(ids) do requests[i] = client:start("get_status", id) end
      repeat client:step(1) until requests[1]:done() and requests[2]:done() and requests[3]:done()
      for i, id in ipairs(ids) do
         assert.equal(id, requests[i]:result().process_id)
         assert.equal(id, requests[i]:result().process_id) -- as often as one likes
      end
   end)

   it("cancels a call that was started", function()
      emulator():set { latency = 5 }
      local request = client:start("get_page")
      client:step(0)
      request:cancel()
      local page, err = request:result()
      assert.is_nil(page)
      assert.equal("cancelled", err.kind)
      emulator():set { latency = 0 }
   end)

   it("shows bytes of the server's message that are not UTF-8 as escapes", function()
      for body, shown in pairs {
         -- a second byte that is none, a third that is missing
         ["caf\xC3( \xE2\x82 \xC3\xA9"] = "caf\\xC3( \\xE2\\x82 \xC3\xA9",
         ["\xE2\x28\xA1 \xF0\x9F\x98! \xC3"] = "\\xE2(\\xA1 \\xF0\\x9F\\x98! \\xC3",
      } do
         emulator():fault { match = { kind = "list" }, status = 400, body = body }
         assert.equal("the server's message: " .. shown, select(2, client:get_page()).message)
      end
   end)

   it("encodes what goes into a URL", function()
      emulator():fault { match = { kind = "list" }, status = 200,
         body = '{"data":[],"pagination":{"has_next_page":false}}' }
      client:get_page { cursor = "a b/c?d&e=é+" }
      assert.equal("a b/c?d&e=é+", emulator():requests()[1].args.cursor)
   end)
end)

describe("misuse is raised at once, names the argument, and sends nothing", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local function raises(pattern, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.is_string(err)
      assert.matches(pattern, err)
      assert.equal(0, world.seen(emulator()))
   end

   it("of process ids", function()
      local client <close> = world.client(emulator())
      for _, id in ipairs { "", "..", ".", "../status", "a/b", "0000", "{00000000-0000-4000-8000-000000000000}",
         "00000000-0000-4000-8000-00000000000g", "00000000-0000-4000-8000-0000000000000",
         "00000000/0000-4000-8000-000000000000", "%2e%2e", "00000000-0000-4000-8000-00000000000\0" } do
         raises("process_id.*UUID", client.get_status, client, id)
         raises("process_id.*UUID", client.delete_status, client, id)
         raises("process_id.*UUID", client.wait_until_done, client, id)
      end
      raises("process_id.*got nil", client.get_status, client)
      raises("process_id.*got nil", client.delete_status, client, nil)
      raises("process_id.*got number", client.get_status, client, 12)
      raises("process_id.*got table", client.delete_status, client, {})
   end)

   it("of limits and cursors", function()
      local client <close> = world.client(emulator())
      for _, limit in ipairs { 0, 101, 1.5, -1, 0 / 0, "50", true } do
         raises("limit", client.get_page, client, { limit = limit })
         raises("limit", client.statuses, client, { limit = limit })
      end
      raises("cursor", client.get_page, client, { cursor = "" })
      raises("cursor", client.get_page, client, { cursor = 5 })
      raises("cursor.*at most 4096 bytes, got 5000", client.get_page, client, { cursor = ("x"):rep(5000) })
      raises("cursor.*at most 4096 bytes, got 5000", client.statuses, client, { cursor = ("x"):rep(5000) })
      raises("options.*table", client.get_page, client, 5)
   end)

   it("of the call that deletes everything, which takes no option that it might be thought to heed", function()
      local client <close> = world.client(emulator())
      for _, options in ipairs { { status = "Failed" }, {}, "00000000-0000-4000-8000-000000000000", false } do
         raises("options.*expected no argument", client.delete_all_statuses, client, options)
         raises("options.*expected no argument", client.start, client, "delete_all_statuses", options)
      end
      assert.equal(0, client:stats().calls)
   end)

   it("of unknown options, with the nearest known name", function()
      local client <close> = world.client(emulator())
      raises("limt.*did you mean 'limit'", client.get_page, client, { limt = 5 })
      raises("onprogress.*did you mean 'on_progress'", client.wait_until_done, client,
         "00000000-0000-4000-8000-000000000000", { onprogress = print })
      raises("apikey.*did you mean 'api_key'", topaz.client, { apikey = "x" })
      raises("zzzz.*unknown option", topaz.client, { zzzz = 1 })
      raises("number", topaz.client, { "x" })
   end)

   it("of keys", function()
      local url = emulator().url
      raises("api_key.*empty", topaz.client, { base_url = url, api_key = "" })
      raises("api_key.*line break", topaz.client, { base_url = url, api_key = "abc\r\nX-Injected: yes" })
      raises("api_key.*line break", topaz.client, { base_url = url, api_key = "abc\n" })
      raises("api_key.*NUL", topaz.client, { base_url = url, api_key = "abc\0" })
      raises("api_key.*space", topaz.client, { base_url = url, api_key = " abc" })
      raises("api_key.*string", topaz.client, { base_url = url, api_key = 5 })
      if not os.getenv "TOPAZ_API_KEY" then raises("api_key.*TOPAZ_API_KEY", topaz.client, { base_url = url }) end
   end)

   it("of base URLs", function()
      local function client(url) return topaz.client { api_key = "k", base_url = url } end
      raises("base_url.*unencrypted", client, "http://api.example.com/image/v1")
      raises("base_url.*unencrypted", client, "http://127.evil.example/image/v1")
      raises("base_url.*unencrypted", client, "http://localhost.example/")
      raises("base_url.*query", client, "https://api.example.com/image/v1?x=1")
      raises("base_url.*query", client, "https://api.example.com/image/v1?")
      raises("base_url.*fragment", client, "https://api.example.com/image/v1#x")
      raises("base_url.*user name", client, "https://user:pass@api.example.com/image/v1")
      raises("base_url.*https", client, "ftp://api.example.com/")
      raises("base_url.*https", client, "file:///etc/passwd")
      raises("base_url.*https", client, "api.example.com/image/v1")
      raises("base_url.*line break", client, "https://api.example.com/\r\nX: y")
   end)

   it("of other options", function()
      local function client(more) return world.client(emulator(), more) end
      raises("timeout.*0.001", client, { timeout = 0 })
      raises("timeout.*number", client, { timeout = "5" })
      raises("timeout", client, { timeout = math.huge })
      raises("max_retries.*integer", client, { max_retries = 1.5 })
      raises("on_event.*function", client, { on_event = true })
      raises("scheduler.*current", client, { scheduler = {} })
      raises("user_agent.*line break", client, { user_agent = "a\nb" })
   end)
end)
