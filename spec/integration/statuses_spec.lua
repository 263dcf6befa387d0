-- The cursor iterator: pages, either list shape, guards, projection, filters, resuming, failures in the middle.
local world = require "spec.support.world"

local function ids_of(cursor)
   local ids = {}
   for status in cursor do ids[#ids + 1] = status.process_id end
   return ids
end

local function same_set(expected, got)
   local a, b = table.move(expected, 1, #expected, 1, {}), table.move(got, 1, #got, 1, {})
   table.sort(a)
   table.sort(b)
   assert.same(a, b)
end

local function record(n, more)
   return ('{"process_id":"00000000-0000-4000-8000-%012d","status":"Completed"%s}'):format(n, more or "")
end

local function page(records, pagination)
   return ('{"data":[%s],"pagination":%s}'):format(table.concat(records, ","), pagination or '{"has_next_page":false}')
end

-- A token's text with the check that belongs to it (FNV-1a), whether the text makes sense or not.
local function checked(text)
   local sum = 2166136261
   for i = 1, #text do sum = (sum ~ text:byte(i)) * 16777619 & 0xFFFFFFFF end
   return ("%s.%08x"):format(text, sum)
end

describe("client:statuses()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local function answer(body, more)
      local fault = { match = { kind = "list" }, status = 200, body = body, headers = { ["Content-Type"] = "application/json" } }
      for k, v in pairs(more or {}) do fault[k] = v end
      emulator():fault(fault)
   end

   it("gives every status once, page after page", function()
      local ids = emulator():add_jobs { count = 25, status = { "Completed", "Failed" } }
      local got = ids_of(client:statuses { limit = 10 })
      same_set(ids, got)
      assert.equal(3, world.seen(emulator(), "list"))
   end)

   it("gives nothing for an account without statuses", function()
      assert.same({}, ids_of(client:statuses()))
      assert.equal(1, world.seen(emulator()))
   end)

   it("streams the plain array", function()
      local ids = emulator():add_jobs { count = 300, status = "Completed" }
      same_set(ids, ids_of(client:statuses { paginated = false }))
      assert.equal(1, world.seen(emulator()))
      assert.is_nil(emulator():requests()[1].args.limit)
   end)

   it("takes a plain array in answer to paginated=true as the one and last page", function()
      answer("[" .. record(1) .. "," .. record(2) .. "]")
      assert.equal(2, #ids_of(client:statuses()))
      answer("[" .. record(1) .. "]")
      local got = client:get_page()
      assert.equal(1, #got.data)
      assert.is_false(got.pagination.has_next_page)
   end)

   it("takes pagination before data, unknown members, nulls and integral floats", function()
      answer('{"version":2,"pagination":{"total":2,"has_next_page":false},"data":[' .. record(1,
         ',"progress":42.0,"source_id":null,"later":{"a":[1,null,2.5]},"eta":1e3') .. "," .. record(2) .. "]}", { times = 2 })
      local got = client:get_page()
      assert.equal(2, got.version)
      assert.equal(2, got.pagination.total)
      local status = got.data[1]
      assert.equal("integer", math.type(status.progress))
      assert.equal(42, status.progress)
      assert.equal("integer", math.type(status.eta))
      assert.is_nil(status.source_id)
      assert.equal(2.5, status.later.a[3])
      assert.equal(2, #ids_of(client:statuses()))
   end)

   it("keeps an unknown status word, which is not terminal", function()
      answer(page { '{"process_id":"x","status":"Paused"}' })
      local status = client:statuses()()
      assert.equal("Paused", status.status)
      assert.is_false(require("topaz").is_done(status))
   end)

   it("goes on after an empty page", function()
      answer(page({}, '{"has_next_page":true,"next_cursor":"a"}'))
      answer(page { record(1) })
      assert.equal(1, #ids_of(client:statuses()))
      assert.equal(2, world.seen(emulator()))
   end)

   describe("stops with a protocol error", function()
      local function fails(pattern, options)
         local seen = 0
         local ok, err = pcall(function()
            for _ in client:statuses(options) do seen = seen + 1 end
         end)
         assert.is_false(ok)
         assert.equal("protocol", err.kind, tostring(err))
         assert.matches(pattern, err.message)
         return seen, err
      end

      it("when a next page is announced without a cursor", function()
         answer(page({ record(1) }, '{"has_next_page":true}'))
         assert.equal(1, fails "next_cursor")
         answer(page({ record(1) }, '{"has_next_page":true,"next_cursor":""}'))
         assert.equal(1, fails "next_cursor")
         assert.equal(2, world.seen(emulator()))
      end)

      it("when a cursor repeats, after giving what came before", function()
         answer(page({ record(1) }, '{"has_next_page":true,"next_cursor":"a"}'))
         answer(page({ record(2) }, '{"has_next_page":true,"next_cursor":"b"}'))
         answer(page({ record(3) }, '{"has_next_page":true,"next_cursor":"a"}'))
         assert.equal(3, fails "cursor")
         assert.equal(3, world.seen(emulator()))
      end)

      it("when a cursor points to the page itself", function()
         answer(page({ record(1) }, '{"has_next_page":true,"next_cursor":"start"}'))
         assert.equal(1, fails("cursor", { cursor = "start" }))
         assert.equal(1, world.seen(emulator()))
      end)

      it("for every wrong shape, naming the member and the byte", function()
         for body, pattern in pairs {
            ["5"] = "list of statuses", ['"x"'] = "list of statuses", ["null"] = "list of statuses",
            ["{}"] = "'data': missing", ['{"data":[]}'] = "'pagination': missing",
            ['{"pagination":{"has_next_page":false}}'] = "'data': missing",
            ['{"data":{},"pagination":{"has_next_page":false}}'] = "'data': expected an array at byte 8",
            ['{"data":[],"pagination":[]}'] = "'pagination': expected an object at byte 24",
            ['{"data":[],"pagination":{}}'] = "has_next_page",
            ['{"data":[],"pagination":{"has_next_page":"yes"}}'] = "has_next_page",
            ['{"data":[],"pagination":{"has_next_page":true,"next_cursor":5}}'] = "next_cursor",
            ['{"data":[],"data":[],"pagination":{"has_next_page":false}}'] = "'data': present twice",
            ['[{"process_id":5,"status":"x"}]'] = "'process_id'.*at byte 15",
            ['[{"process_id":"x","status":null}]'] = "'status'",
            ['[{"status":"x"}]'] = "'process_id'",
            ['[{"process_id":"x"}]'] = "'status'",
            ["[5]"] = "at byte 1", ["[[]]"] = "at byte 1",
            ['[{"process_id":"x","status":"y","progress":"5"}]'] = "'progress'",
            ['[{"process_id":"x","status":"y","progress":5.5}]'] = "'progress'",
            ["[] x"] = "at byte 3", ["[1,]"] = "byte", ["<html>nope</html>"] = "<html>nope</html>",
         } do
            emulator():clear_log()
            answer(body)
            local _, err = fails(pattern)
            assert.equal(1, err.attempts, body)
            assert.equal(1, world.seen(emulator()), body)
         end
      end)
   end)

   it("reads a cut page again and gives nothing twice", function()
      local ids = emulator():add_jobs { count = 200, status = "Completed" }
      for _, cut in ipairs { { length = true }, { length = false }, { chunked = true } } do
         emulator():clear_log()
         emulator():fault { match = { kind = "list" }, after = 1, truncate = { at = 30000, length = cut.length, chunked = cut.chunked } }
         same_set(ids, ids_of(client:statuses()))
         assert.equal(3, world.seen(emulator()))
      end
   end)

   it("reads a cut plain array again and gives nothing twice", function()
      local ids = emulator():add_jobs { count = 2000, status = "Completed" }
      emulator():fault { match = { kind = "list" }, truncate = { at = 700000, length = true } }
      same_set(ids, ids_of(client:statuses { paginated = false }))
      assert.equal(2, world.seen(emulator()))
   end)

   it("stands where it was after an error, and may be asked again", function()
      local ids = emulator():add_jobs { count = 30, status = "Completed" }
      local cursor <close> = client:statuses { limit = 10 }
      local got = {}
      for _ = 1, 10 do got[#got + 1] = cursor().process_id end
      cursor:close()
      local again <close> = client:statuses { limit = 10, prefetch = 0 }
      got = {}
      for _ = 1, 10 do got[#got + 1] = again().process_id end
      emulator():fault { match = { kind = "list" }, status = 403, body = '{"message":"not now"}' }
      local ok, err = pcall(again)
      assert.is_false(ok)
      assert.equal("forbidden", err.kind)
      assert.matches("not now", tostring(err))
      for status in again do got[#got + 1] = status.process_id end
      same_set(ids, got)
   end)

   it("is the closing value of its loop: break closes it", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      local kept
      do
         local cursor, state, control, closing = client:statuses { limit = 10 }
         kept = cursor
         for _ in cursor, state, control, closing do break end
      end
      assert.equal("topaz.cursor (closed)", tostring(kept))
      local ok, err = pcall(kept)
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      assert.is_nil(kept:close())
   end)

   it("asks for the next page ahead, and not with prefetch = 0", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      local cursor <close> = client:statuses { limit = 10 }
      cursor()
      for _ = 1, 100 do
         if world.seen(emulator(), "list") == 2 then break end
      end
      assert.equal(2, world.seen(emulator(), "list"))
      emulator():clear_log()
      local slow <close> = client:statuses { limit = 10, prefetch = 0 }
      for _ = 1, 10 do slow() end
      assert.equal(1, world.seen(emulator(), "list"))
   end)

   it("builds only the fields asked for, and only the records asked for", function()
      emulator():add_jobs { count = 40, status = { "Completed", "Failed", "Cancelled", "Pending" }, model = "A" }
      local count = 0
      for status in client:statuses { fields = { "status" }, where = { status = "Failed" } } do
         count = count + 1
         assert.equal("Failed", status.status)
         assert.is_string(status.process_id)
         local members = 0
         for _ in pairs(status) do members = members + 1 end
         assert.equal(2, members)
      end
      assert.equal(10, count)
      assert.equal(20, #ids_of(client:statuses { where = { status = { "Failed", "Pending" } } }))
      assert.equal(20, #ids_of(client:statuses { where = { status = { Failed = true, Pending = true, Completed = false } } }))
      assert.equal(0, #ids_of(client:statuses { where = { status = "Failed", model = "none" } }))
   end)

   it("refuses unknown members in fields and where", function()
      for options, pattern in pairs {
         [{ fields = { "statsu" } }] = "fields.*'statsu'.*did you mean 'status'",
         [{ fields = {} }] = "fields", [{ fields = { 5 } }] = "fields", [{ fields = { status = true } }] = "fields",
         [{ where = { stauts = "x" } }] = "where.*did you mean 'status'",
         [{ where = { progress = 5 } }] = "where.*progress", [{ where = { status = 5 } }] = "where.*status",
         [{ where = { "status" } }] = "where",
         [{ where = { status = { "Failed", 5 } } }] = "where.*'status': expected strings, got a number",
         [{ where = { status = { [true] = true } } }] = "where.*'status': expected strings, got a boolean",
         [{ where = { status = { Failed = "yes" } } }] = "where.*'status': expected true or false for 'Failed', got a string",
      } do
         local ok, err = pcall(client.statuses, client, options)
         assert.is_false(ok)
         assert.matches(pattern, err)
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("resumes from a token, inside a page and between pages", function()
      local ids = emulator():add_jobs { count = 25, status = "Completed" }
      for _, stop in ipairs { 1, 9, 10, 11, 24, 25 } do
         local got = {}
         local cursor <close> = client:statuses { limit = 10 }
         for _ = 1, stop do got[#got + 1] = cursor().process_id end
         local token = cursor:token()
         assert.matches("^topaz1%.[%w%%%-_~.]+$", token)
         assert.is_nil(token:find(emulator().key, 1, true))
         for status in client:statuses { resume = token } do got[#got + 1] = status.process_id end
         same_set(ids, got)
      end
   end)

   it("resumes the plain array", function()
      local ids = emulator():add_jobs { count = 50, status = "Completed" }
      local cursor <close> = client:statuses { paginated = false }
      local got = {}
      for _ = 1, 20 do got[#got + 1] = cursor().process_id end
      for status in client:statuses { resume = cursor:token() } do got[#got + 1] = status.process_id end
      same_set(ids, got)
   end)

   it("gives the page again when the status to resume after is gone, rather than lose one", function()
      local ids = emulator():add_jobs { count = 10, status = "Completed" }
      local cursor <close> = client:statuses { limit = 10, prefetch = 0 }
      local first = cursor().process_id
      local token = cursor:token()
      client:delete_status(first)
      local got = ids_of(client:statuses { resume = token })
      got[#got + 1] = first
      same_set(ids, got)
   end)

   it("does not begin the plain array anew when the status to resume after is gone, which would give statuses twice", function()
      emulator():add_jobs { count = 10, status = "Completed" }
      local cursor <close> = client:statuses { paginated = false }
      local first = cursor().process_id
      client:delete_status(first)
      local resumed <close> = client:statuses { resume = cursor:token() }
      for _ = 1, 2 do -- and says so as often as it is asked
         local ok, err = pcall(resumed)
         assert.is_false(ok)
         assert.equal("protocol", err.kind)
         assert.matches("the list changed", err.message)
      end
      assert.equal(2, world.seen(emulator(), "list"))
   end)

   it("keeps a cursor of any bytes in its token", function()
      local cursor = 'v1.a..b%2E /?&="+~é.'
      answer(page({ record(1) }, ('{"has_next_page":true,"next_cursor":%q}'):format(cursor)))
      local first <close> = client:statuses { limit = 1, prefetch = 0 }
      assert.is_table(first())
      local token = first:token()
      assert.matches("^topaz1%.[%w%%%-_~.]+$", token)
      assert.equal(5, select(2, token:gsub("%.", ""))) -- those between its parts
      answer(page { record(2) })
      assert.equal(1, #ids_of(client:statuses { resume = token }))
      local requests = emulator():requests()
      assert.equal(cursor, requests[#requests].args.cursor)
   end)

   it("refuses a token whose parts are wrong, though its check is right", function()
      assert.equal("topaz1.p.100..", client:statuses():token():sub(1, 14))
      for _, right in ipairs { "topaz1.p.100..", "topaz1.a.100..", "topaz1.p.1.%2E%7F.x" } do
         assert.equal(checked(right), client:statuses({ resume = checked(right) }):token())
      end
      for _, wrong in ipairs {
         "topaz1.p.100.%G0.", "topaz1.p.100.%0G.", "topaz1.p.100.%2e.", "topaz1.p.100.%/0.", "topaz1.p.100.%:0.", "topaz1.p.100.%@0.",
         "topaz1.p.100.%00.", "topaz1.p.100.a.%", "topaz1.p.100.a.%4", "topaz1.p.%31%G0.a.", "topaz1.%.100.a.", -- escapes
         "topaz1.x.100..", "topaz1..100..", "topaz1.pp.100..", "topaz1.p.0..", "topaz1.p.101..", "topaz1.p.-1..", "topaz1.p.1000..",
         "topaz1.p...", "topaz1.p.100." .. ("x"):rep(5000) .. ".", "topaz1.p.100.." .. ("x"):rep(200), "topaz1.p.100.", "topaz1.p.100",
         "topaz1.p.100...", "topaz1.p.100.a.b.c",
      } do
         local ok, err = pcall(client.statuses, client, { resume = checked(wrong) })
         assert.is_false(ok, wrong)
         assert.matches("resume.*token", err)
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("refuses a token that is not one of ours", function()
      local token = client:statuses():token()
      for _, wrong in ipairs { "x", "topaz1.p.100...00000000", token .. "0", token:sub(1, -2), token:gsub("100", "101"), "topaz2" .. token:sub(7) } do
         local ok, err = pcall(client.statuses, client, { resume = wrong })
         assert.is_false(ok, wrong)
         assert.matches("resume.*token", err)
      end
   end)

   it("reads two lists at the same time", function()
      local ids = emulator():add_jobs { count = 40, status = "Completed" }
      local a, b = client:statuses { limit = 7 }, client:statuses { limit = 11 }
      local got_a, got_b = {}, {}
      for _ = 1, 40 do
         got_a[#got_a + 1] = a().process_id
         got_b[#got_b + 1] = b().process_id
      end
      assert.is_nil(a())
      assert.is_nil(b())
      same_set(ids, got_a)
      same_set(ids, got_b)
   end)

   it("leaves no descriptor open", function()
      emulator():add_jobs { count = 40, status = "Completed" }
      world.with_client(emulator(), nil, function(c)
         for _ in c:statuses { limit = 10 } do break end
         for _ in c:statuses { limit = 10 } do end -- luacheck: ignore
      end)
   end)
end)
