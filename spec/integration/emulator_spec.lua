-- The emulator's calls and jobs, compared with the contract: the other specs rely on them.

local cjson = require "cjson"
local emulators = require "topaz.emulator"
local probe = require "spec.support.probe"

local ask = probe.ask
local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("the emulator's calls", function()
   local emulator

   setup(function() emulator = emulators.start { clock = "virtual" } end)
   teardown(function() emulator:stop() end)
   before_each(function() emulator:reset() end)

   it("give a status with all twenty members, of the types the contract names", function()
      local file = assert(io.open("spec/contract/image-status.openapi.json"))
      local contract = cjson.decode(file:read("a"))
      file:close()
      local schema = contract.components.schemas.StatusResponse
      local id = emulator:add_jobs(1)[1]
      local status, job, headers = ask(emulator, "GET", "/status/" .. id)
      assert.equal(200, status)
      assert.equal("application/json", headers["content-type"])
      assert.equal(id, job.process_id)
      local names = 0
      for name, member in pairs(schema.properties) do
         names = names + 1
         local value = job[name]
         local kind = type(value) == "number" and value % 1 == 0 and "integer" or type(value)
         assert.equal(member.type, kind, name)
      end
      for name in pairs(job) do assert.is_table(schema.properties[name], name) end
      assert.equal(20, names)
      assert.is_table(cjson.decode(job.options_json))
   end)

   it("accept the key, refuse none or another with 401 and the one without permission with 403", function()
      for _, call in ipairs { { "GET", "/status" }, { "DELETE", "/status" }, { "GET", "/status/" .. UNKNOWN },
         { "DELETE", "/status/" .. UNKNOWN } } do
         local status, body = ask(emulator, call[1], call[2], { ["x-api-key"] = "another" })
         assert.equal(401, status)
         assert.equal(401, body.code)
         assert.is_string(body.message)
         local forbidden, why = ask(emulator, call[1], call[2], { ["x-api-key"] = emulator.forbidden_key })
         assert.equal(403, forbidden)
         assert.equal(403, why.code)
      end
      local status, body = ask(emulator, "GET", "/status", { ["x-api-key"] = false })
      assert.equal(401, status)
      assert.truthy(body.message:find("missing", 1, true))
   end)

   it("refuse a process_id that is not a UUID with 400 and an unknown one with 404", function()
      for _, id in ipairs { "x", "..%2f", UNKNOWN .. "0", UNKNOWN:gsub("-", "+"), "%00" } do
         assert.equal(400, (ask(emulator, "GET", "/status/" .. id)), id)
         assert.equal(400, (ask(emulator, "DELETE", "/status/" .. id)), id)
      end
      assert.equal(404, (ask(emulator, "GET", "/status/" .. UNKNOWN)))
      local status, body = ask(emulator, "DELETE", "/status/" .. UNKNOWN)
      assert.equal(404, status)
      assert.equal(404, body.code)
   end)

   it("find a job by its id in either case of letters", function()
      local id = emulator:add_jobs(1)[1]
      assert.equal(200, (ask(emulator, "GET", "/status/" .. id:upper())))
   end)

   it("list newest first, page by page, and leave next_cursor out at the end", function()
      local ids = emulator:add_jobs(120)
      local seen, cursor, pages = {}, nil, 0
      repeat
         local status, page = ask(emulator, "GET", "/status?paginated=true&limit=50" ..
            (cursor and "&cursor=" .. cursor or ""))
         assert.equal(200, status)
         for _, job in ipairs(page.data) do seen[#seen + 1] = job.process_id end
         pages, cursor = pages + 1, page.pagination.next_cursor
         assert.equal(cursor ~= nil, page.pagination.has_next_page)
      until not cursor
      assert.equal(3, pages)
      for i, id in ipairs(ids) do assert.equal(id, seen[121 - i]) end
   end)

   it("give fifty a page unless told otherwise, and end without an empty page", function()
      emulator:add_jobs(100)
      local _, page = ask(emulator, "GET", "/status?paginated=true")
      assert.equal(50, #page.data)
      local _, last = ask(emulator, "GET", "/status?paginated=true&cursor=" .. page.pagination.next_cursor)
      assert.equal(50, #last.data)
      assert.is_false(last.pagination.has_next_page)
      emulator:reset()
      local _, empty = ask(emulator, "GET", "/status?paginated=true")
      assert.same({ data = {}, pagination = { has_next_page = false } }, empty)
   end)

   it("refuse limits from outside 1 to 100, foreign cursors, and words for paginated that are not booleans", function()
      emulator:add_jobs(3)
      for _, query in ipairs { "limit=0", "limit=101", "limit=1.5", "limit=-1", "limit=", "limit=x", "limit=5&limit=6",
         "cursor=", "cursor=abc", "cursor=MTc2MDAwMDAwMDoxMjA6Mjox", "cursor=%2F" } do
         local status, body = ask(emulator, "GET", "/status?paginated=true&" .. query)
         assert.equal(400, status, query)
         assert.equal(400, body.code)
      end
      for _, query in ipairs { "paginated=yes", "paginated=", "paginated", "paginated=1" } do
         assert.equal(400, (ask(emulator, "GET", "/status?" .. query)), query)
      end
      assert.equal(200, (ask(emulator, "GET", "/status?paginated=true&limit=100")))
   end)

   it("ignore limit and cursor without pagination", function()
      emulator:add_jobs(3)
      for _, query in ipairs { "", "?limit=0&cursor=x", "?paginated=false&limit=1" } do
         local status, list = ask(emulator, "GET", "/status" .. query)
         assert.equal(200, status)
         assert.equal(3, #list)
      end
   end)

   it("leave jobs older than seven days out of the plain array, not out of the pages", function()
      emulator:add_jobs { { age = 8 * 86400 }, { age = 6 * 86400 } }
      local _, list = ask(emulator, "GET", "/status")
      assert.equal(1, #list)
      local _, page = ask(emulator, "GET", "/status?paginated=true")
      assert.equal(2, #page.data)
      emulator:reset()
      assert.equal("[]", probe.body(probe.bytes(emulator, "GET", "/status")))
   end)

   it("keep a cursor's place while jobs come and go", function()
      local ids = emulator:add_jobs(6)
      local _, page = ask(emulator, "GET", "/status?paginated=true&limit=2")
      emulator:add_jobs { { age = 0 } }
      assert.equal(204, (ask(emulator, "DELETE", "/status/" .. ids[5])))
      assert.equal(204, (ask(emulator, "DELETE", "/status/" .. ids[4])))
      local _, rest = ask(emulator, "GET", "/status?paginated=true&cursor=" .. page.pagination.next_cursor)
      local left = {}
      for i, job in ipairs(rest.data) do left[i] = job.process_id end
      assert.same({ ids[3], ids[2], ids[1] }, left)
   end)

   it("delete a finished job with 204 and no byte of body, and then know it no more", function()
      local id = emulator:add_jobs(1)[1]
      local connection = probe.connect(emulator)
      probe.send(connection, emulator, "DELETE", "/status/" .. id)
      probe.send(connection, emulator, "GET", "/status/" .. id)
      connection:settimeout(0.3)
      local _, _, text = connection:receive("*a")
      connection:close()
      assert.truthy(text:find("^HTTP/1.1 204 No Content\r\n"))
      assert.truthy(probe.body(text:match("^.-\r\n\r\n")) == "")
      assert.truthy(text:match("^.-\r\n\r\n(.*)$"):find("^HTTP/1.1 404"))
   end)

   it("refuse to delete a job still running, with 409, and leave it as it is", function()
      local ids = emulator:add_jobs { { status = "Pending" }, { status = "Processing" }, { status = "Failed" },
         { status = "Cancelled" } }
      for i, expected in ipairs { 409, 409, 204, 204 } do
         assert.equal(expected, (ask(emulator, "DELETE", "/status/" .. ids[i])))
      end
      assert.equal(200, (ask(emulator, "GET", "/status/" .. ids[1])))
   end)

   it("delete all and count them", function()
      emulator:add_jobs { count = 7, status = { "Completed", "Pending" } }
      for _, expected in ipairs { 7, 0 } do
         local status, body = ask(emulator, "DELETE", "/status")
         assert.equal(200, status)
         assert.same({ deleted_count = expected }, body)
      end
   end)

   it("know no other path and no other method", function()
      for _, path in ipairs { "/status/", "/statuses", "", "/status/" .. UNKNOWN .. "/x" } do
         assert.equal(404, (ask(emulator, "DELETE", path)), path)
      end
      local status, _, headers = ask(emulator, "PUT", "/status")
      assert.equal(405, status)
      assert.equal("GET, DELETE", headers.allow)
   end)
end)

describe("the emulator's jobs", function()
   local emulator

   setup(function() emulator = emulators.start { clock = "virtual", time = 1700000000 } end)
   teardown(function() emulator:stop() end)
   before_each(function() emulator:reset() end)

   it("live along the clock that tests advance", function()
      local id = emulator:add_jobs { timeline = { pending = 10, processing = 100, outcome = "Failed",
         last_progress = 71 } }[1]
      local function at(seconds)
         emulator:advance(seconds)
         local job = emulator:job(id)
         return { job.status, job.progress, job.modification_time - 1700000000, job.eta - 1700000000 }
      end
      assert.same({ "Pending", 0, 0, 110 }, at(0))
      assert.same({ "Pending", 0, 0, 110 }, at(9.9))
      assert.same({ "Processing", 0, 10, 110 }, at(0.1))
      assert.same({ "Processing", 50, 60, 110 }, at(50))
      -- it stops where it will fail: no progress goes back
      assert.same({ "Processing", 71, 109, 110 }, at(49.9))
      assert.same({ "Failed", 71, 110, 110 }, at(0.1))
      assert.same({ "Failed", 71, 110, 110 }, at(1000))
   end)

   it("appear one after the other when spaced, and not before", function()
      emulator:add_jobs { count = 3, spacing = 10, timeline = { processing = 5 } }
      assert.equal(1, #emulator:jobs())
      emulator:advance(10)
      assert.equal(2, #emulator:jobs())
      emulator:advance(10)
      assert.equal("Processing", emulator:jobs()[1].status)
      assert.equal("Completed", emulator:jobs()[3].status)
   end)

   it("show the service's time in Date", function()
      emulator:advance(86400)
      local _, _, headers = ask(emulator, "GET", "/status")
      assert.equal("Wed, 15 Nov 2023 22:13:20 GMT", headers.date)
      assert.equal(1700086400, emulator:now())
   end)

   it("take any member, any JSON text, and whole records", function()
      emulator:add_jobs {
         { process_id = UNKNOWN, filename = "a\"b.png", fields = { extra = { 1 } }, remove = { "source_id" } },
         { raw_fields = { progress = "42.0", eta = "null" }, age = 90 },
         { raw = '{"anything":1}', age = 120 },
      }
      local text = probe.body(probe.bytes(emulator, "GET", "/status"))
      local list = cjson.decode(text)
      assert.equal('a"b.png', list[1].filename)
      assert.is_nil(list[1].source_id)
      assert.same({ 1 }, list[1].extra)
      assert.truthy(text:find('"progress":42.0,"eta":null', 1, true))
      assert.same({ anything = 1 }, list[3])
   end)

   it("have the same ids at each run, and about 540 bytes each", function()
      local first = emulator:add_jobs(100)
      local _, text = ask(emulator, "GET", "/status?paginated=true&limit=100")
      assert.equal(100, #text.data)
      local size = #probe.body(probe.bytes(emulator, "GET", "/status?paginated=true&limit=100")) / 100
      assert.truthy(size > 520 and size < 600, size)
      emulator:reset()
      assert.same(first, emulator:add_jobs(100))
   end)

   it("are refused when misspelt", function()
      assert.has_error(function() emulator:add_jobs { stauts = "Failed" } end,
         "emulator: unknown member of a job: stauts (any name is allowed in fields = {…})")
   end)
end)
