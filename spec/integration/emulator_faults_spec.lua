-- The emulator's faults: each is what it says on the wire.
local cjson = require "cjson"
local socket = require "socket"
local emulators = require "topaz.emulator"
local probe = require "spec.support.probe"

local ask, bytes, body, wait_for = probe.ask, probe.bytes, probe.body, probe.wait_for

describe("a fault", function()
   local emulator, ids

   setup(function() emulator = emulators.start { clock = "virtual" } end)
   teardown(function() emulator:stop() end)
   before_each(function()
      emulator:reset()
      ids = emulator:add_jobs(4)
   end)

   local function page(query)
      local status, value = ask(emulator, "GET", "/status?paginated=true&limit=2" .. (query or ""))
      assert.equal(200, status)
      return value
   end

   it("takes the requests it matches, after those it lets through, as often as it says", function()
      local first = emulator:fault { match = { kind = "one" }, after = 1, times = 2, status = 503 }
      emulator:fault { match = { method = "GET", path = "/status$" }, status = 500 }
      local seen = {}
      for i, path in ipairs { "/status/" .. ids[1], "/status", "/status/" .. ids[1], "/status", "/status/" .. ids[1],
         "/status/" .. ids[1] } do
         seen[i] = ask(emulator, "GET", path)
      end
      assert.same({ 200, 500, 503, 200, 503, 200 }, seen)
      assert.equal(first, emulator:requests()[3].fault)
      assert.same({}, emulator:faults())
   end)

   it("comes each time until it is removed, alone or with all others", function()
      local id = emulator:fault { times = math.huge, status = 500 }
      for _ = 1, 3 do assert.equal(500, (ask(emulator, "GET", "/status"))) end
      assert.equal(3, emulator:faults()[1].hits)
      emulator:clear_faults(id)
      assert.equal(200, (ask(emulator, "GET", "/status")))
      emulator:fault { status = 500 }
      emulator:clear_faults()
      assert.equal(200, (ask(emulator, "GET", "/status")))
   end)

   it("comes with a probability, the same at each run", function()
      local function hits()
         emulator:reset()
         emulator:fault { probability = 0.2, times = math.huge, status = 500 }
         for _ = 1, 100 do ask(emulator, "GET", "/status") end
         return emulator:counts().statuses["500"]
      end
      local first = hits()
      assert.truthy(first > 8 and first < 35, first)
      assert.equal(first, hits())
   end)

   it("is refused when misspelt", function()
      assert.has_error(function() emulator:fault { stauts = 503 } end, "emulator: unknown fault: stauts")
   end)

   it("answers any status with the contract's error body, or any headers and body", function()
      emulator:fault { status = 429 }
      local status, value = ask(emulator, "GET", "/status")
      assert.equal(429, status)
      assert.equal(429, value.code)
      emulator:fault { status = 503, headers = { ["Retry-After"] = { "1", "2" }, ["Content-Type"] = "text/html" },
         body = "<html>" }
      local text = bytes(emulator, "GET", "/status")
      assert.truthy(text:find("^HTTP/1.1 503 "))
      assert.truthy(text:find("Retry%-After: 1\r\nRetry%-After: 2\r\n"))
      assert.truthy(text:find("Content-Type: text/html\r\n", 1, true))
      assert.equal("<html>", body(text))
   end)

   it("in place of the response keeps the request from taking effect, unless told otherwise", function()
      emulator:fault { status = 500 }
      ask(emulator, "DELETE", "/status/" .. ids[1])
      assert.is_table(emulator:job(ids[1]))
      emulator:fault { status = 500, effect = true }
      assert.equal(500, (ask(emulator, "DELETE", "/status/" .. ids[1])))
      assert.is_nil(emulator:job(ids[1]))
   end)

   it("waits before or after the effect", function()
      emulator:fault { delay = 60 }
      local connection = probe.connect(emulator)
      probe.send(connection, emulator, "DELETE", "/status/" .. ids[1])
      wait_for(function() return #emulator:requests() == 1 end)
      assert.is_nil(emulator:requests()[1].status)
      assert.is_table(emulator:job(ids[1]))
      connection:close()
      emulator:fault { delay_after = 60 }
      connection = probe.connect(emulator)
      probe.send(connection, emulator, "DELETE", "/status/" .. ids[1])
      wait_for(function() return not emulator:job(ids[1]) end)
      assert.is_nil(emulator:requests()[2].status)
      connection:close()
      emulator:fault { delay = 0.001, delay_after = 0.001 }
      assert.equal(200, (ask(emulator, "GET", "/status")))
   end)

   it("drops the connection before or after the effect, without a byte", function()
      emulator:fault { drop = "before" }
      assert.equal("", bytes(emulator, "DELETE", "/status/" .. ids[1]))
      assert.is_table(emulator:job(ids[1]))
      emulator:fault { drop = "after" }
      assert.equal("", bytes(emulator, "DELETE", "/status/" .. ids[1]))
      assert.is_nil(emulator:job(ids[1]))
      assert.same({ 0, 0 }, { emulator:requests()[1].status, emulator:requests()[2].status })
   end)

   it("resets the connection", function()
      emulator:fault { reset = true }
      assert.is_true(probe.is_reset(emulator, "DELETE", "/status/" .. ids[1]))
      assert.is_table(emulator:job(ids[1]))
      emulator:fault { truncate = { at = 10 }, reset = true }
      assert.is_true(probe.is_reset(emulator, "GET", "/status"))
      emulator:fault { truncate = { at = 10 } }
      assert.is_false(probe.is_reset(emulator, "GET", "/status"))
   end)

   it("cuts the body under each way of framing it", function()
      local whole = body(bytes(emulator, "GET", "/status"))
      emulator:fault { truncate = { at = 100 } }
      local text = bytes(emulator, "GET", "/status")
      assert.truthy(text:find("Content-Length: " .. #whole .. "\r\n", 1, true))
      assert.equal(whole:sub(1, 100), body(text))
      emulator:fault { truncate = { at = 100, length = false } }
      text = bytes(emulator, "GET", "/status")
      assert.is_nil(text:find("Content-Length", 1, true))
      assert.equal(whole:sub(1, 100), body(text))
      emulator:fault { truncate = { at = 100, chunked = true } }
      text = bytes(emulator, "GET", "/status")
      assert.equal(("%x\r\n"):format(#whole) .. whole:sub(1, 100), body(text))
      emulator:fault { truncate = { at = 100, chunked = "boundary" } }
      assert.equal("64\r\n" .. whole:sub(1, 100) .. "\r\n", body(bytes(emulator, "GET", "/status")))
   end)

   it("cuts the header, breaks the chunks, sends without end", function()
      emulator:fault { cut_header = true }
      assert.equal("HTTP/1.1 200 OK\r\n", bytes(emulator, "GET", "/status"))
      emulator:fault { cut_header = 12 }
      assert.equal("HTTP/1.1 200", bytes(emulator, "GET", "/status"))
      for name, size in pairs { garbage = "zz", overflow = "fffffffffffffffff", negative = "-5" } do
         emulator:fault { malformed_chunk = name }
         assert.truthy(bytes(emulator, "GET", "/status"):find("\r\n" .. size .. "\r\n", 1, true))
      end
      emulator:fault { endless_headers = true }
      local connection = probe.connect(emulator)
      probe.send(connection, emulator, "GET", "/status")
      assert.equal(400000, #connection:receive(400000))
      connection:close()
      emulator:fault { repeat_body = { prefix = "[", unit = "1," } }
      connection = probe.connect(emulator)
      probe.send(connection, emulator, "GET", "/status")
      assert.equal(400000, #connection:receive(400000))
      connection:close()
      assert.equal(200, (ask(emulator, "GET", "/status")))
   end)

   it("drips, and falls silent in the middle", function()
      local whole = body(bytes(emulator, "GET", "/status/" .. ids[1]))
      for _, fault in ipairs { { drip = { bytes = 100, interval = 0.02 } }, { stall = { at = 10, seconds = 0.1 } } } do
         emulator:fault(fault)
         assert.equal(whole, body(bytes(emulator, "GET", "/status/" .. ids[1])))
      end
      -- A part is there, and the rest is not while the interval lasts.
      for _, fault in ipairs { { drip = { bytes = 100, interval = 60 } }, { stall = { at = 100, seconds = 60 } } } do
         emulator:fault(fault)
         local connection = probe.connect(emulator)
         probe.send(connection, emulator, "GET", "/status/" .. ids[1])
         local line
         repeat line = assert(connection:receive()) until line == ""
         assert.equal(whole:sub(1, 100), connection:receive(100))
         assert.equal(0, #socket.select({ connection }, nil, 0))
         local log = emulator:requests()
         assert.is_nil(log[#log].finished)
         connection:close()
      end
   end)

   it("sends what is not a response, and bytes around one", function()
      emulator:fault { raw = "SSH-2.0-x\r\n\0\255" }
      assert.equal("SSH-2.0-x\r\n\0\255", bytes(emulator, "GET", "/status"))
      emulator:fault { raw_before = "HTTP/1.1 103 Early Hints\r\n\r\n", raw_before_times = 2, raw_after = "junk" }
      local text = bytes(emulator, "GET", "/status/" .. ids[1])
      assert.truthy(text:find("^HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\n"))
      assert.truthy(text:find("}junk$"))
   end)

   it("redirects, and swells a header", function()
      emulator:fault { redirect = "http://elsewhere.example/x" }
      local status, _, headers = ask(emulator, "GET", "/status")
      assert.equal(302, status)
      assert.equal("http://elsewhere.example/x", headers.location)
      emulator:fault { redirect = "/y", status = 308 }
      assert.equal(308, (ask(emulator, "GET", "/status")))
      emulator:fault { big_header = 200000 }
      _, _, headers = ask(emulator, "GET", "/status")
      assert.equal(200000, #headers["x-filler"])
   end)

   it("compresses, cuts, spoils and explodes", function()
      local function unpacked(text)
         local path = os.tmpname()
         local file = assert(io.open(path, "wb"))
         file:write(body(text))
         file:close()
         local pipe = io.popen("gzip -dc <" .. path .. " 2>/dev/null | wc -c; gzip -t <" .. path .. " 2>&1")
         local size, problem = pipe:read("n", "a")
         pipe:close()
         os.remove(path)
         return size, problem:match("%S.*") or "whole"
      end
      for _, name in ipairs { "gzip_truncated", "gzip_corrupt" } do
         emulator:fault { [name] = true }
         local text = bytes(emulator, "GET", "/status")
         assert.truthy(text:find("Content-Encoding: gzip\r\n", 1, true))
         assert.equal(#body(text), tonumber(text:match("Content%-Length: (%d+)")))
         assert.not_equal("whole", select(2, unpacked(text)))
      end
      local plain = #body(bytes(emulator, "GET", "/status"))
      emulator:fault { gzip_members = { at = 100, text = "\n" } }
      assert.same({ plain + 1, "whole" }, { unpacked(bytes(emulator, "GET", "/status")) })
      emulator:fault { gzip_trailing = "more" }
      local size, problem = unpacked(bytes(emulator, "GET", "/status"))
      assert.equal(plain, size)
      assert.matches("trailing garbage", problem)
      emulator:fault { gzip_bomb = 50 * 1024 * 1024 }
      local bomb = bytes(emulator, "GET", "/status")
      assert.truthy(#bomb < 100000)
      assert.same({ 50 * 1024 * 1024 + 9, "whole" }, { unpacked(bomb) })
   end)

   it("bends the shape of a list", function()
      emulator:fault { list_shape = "array" }
      assert.equal(4, #page())
      emulator:fault { match = { kind = "list" }, list_shape = "page" }
      local _, list = ask(emulator, "GET", "/status")
      assert.equal(4, #list.data)
      emulator:fault { pagination_first = true }
      assert.truthy(body(bytes(emulator, "GET", "/status?paginated=true")):find('^{"pagination"'))
      emulator:fault { has_next_without_cursor = true }
      assert.same({ has_next_page = true }, page().pagination)
      emulator:fault { has_next_without_cursor = "empty" }
      assert.same({ has_next_page = true, next_cursor = "" }, page().pagination)
   end)

   it("puts an empty page before the one asked for", function()
      emulator:fault { empty_page = true, times = 2 }
      local seen, cursor = {}, nil
      repeat
         local value = page(cursor and "&cursor=" .. cursor)
         for _, job in ipairs(value.data) do seen[#seen + 1] = job.process_id end
         assert.not_equal(cursor or "", value.pagination.next_cursor)
         cursor = value.pagination.next_cursor
      until not cursor
      assert.same({ ids[4], ids[3], ids[2], ids[1] }, seen)
   end)

   it("leads cursors in a circle", function()
      for period = 1, 2 do
         emulator:clear_faults()
         emulator:fault { cursor_loop = period, times = math.huge }
         local cursors = {}
         for i = 1, 4 do
            cursors[i] = page(cursors[i - 1] and "&cursor=" .. cursors[i - 1]).pagination.next_cursor
         end
         assert.equal(cursors[1], cursors[1 + period])
         assert.equal(cursors[2], cursors[2 + period])
         assert.equal(period == 1, cursors[1] == cursors[2])
      end
   end)

   it("bends the shape of records, of a list and of one alike", function()
      emulator:fault { nulls = true, floats = true, extra_members = true, times = 2,
         record = { raw_fields = { status = '"Queued"' }, remove = { "model" } } }
      for _, path in ipairs { "/status?paginated=true&limit=1", "/status/" .. ids[1] } do
         local text = body(bytes(emulator, "GET", path))
         assert.truthy(text:find('"progress":100.0,', 1, true))
         assert.truthy(text:find('"source_id":null,', 1, true))
         assert.truthy(text:find('"status":"Queued",', 1, true))
         assert.truthy(text:find('"extra_tree":{', 1, true))
         assert.is_nil(text:find('"model":', 1, true))
         assert.is_table(cjson.decode(text))
      end
      assert.equal("Completed", emulator:job(ids[1]).status)
   end)
end)
