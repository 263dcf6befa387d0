-- The cursor iterator: pages, either list shape, guards, projection, filters, resuming,
-- failures in the middle.
local records_of = require "spec.support.records"
local world = require "spec.support.world"

local ids_of, record, same_set = records_of.ids_of, records_of.record, records_of.same_set

local function page(records, pagination)
   return ('{"data":[%s],"pagination":%s}'):format(table.concat(records, ","), pagination or '{"has_next_page":false}')
end

describe("client:statuses()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local function answer(body, more) return records_of.answer(emulator(), body, more) end

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
         ',"progress":42.0,"source_id":null,"later":{"a":[1,null,2.5]},"eta":1e3') .. "," .. record(2) .. "]}",
         { times = 2 })
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

   it("takes null in place of a list as an empty one", function()
      for _, body in ipairs { "null", '{"data":null,"pagination":{"has_next_page":false}}',
         '{"pagination":{"has_next_page":false},"data":null}' } do
         answer(body, { times = 3 })
         assert.same({ data = {}, pagination = { has_next_page = false } }, client:get_page())
         assert.same({}, ids_of(client:statuses()))
         assert.same({}, ids_of(client:statuses { paginated = false }))
      end
      answer '{"data":null,"pagination":{"has_next_page":true,"next_cursor":"two"}}'
      answer("[" .. record(1) .. "]")
      assert.equal(1, #ids_of(client:statuses()))
      assert.equal("two", emulator():requests()[11].args.cursor)
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

      it("as often as it is asked, and goes on when the server has come to its senses", function()
         for _, wrong in ipairs { '"a"', '""' } do
            answer(page({ record(1) }, '{"has_next_page":true,"next_cursor":"a"}'))
            answer(page({ record(2) }, ('{"has_next_page":true,"next_cursor":%s}'):format(wrong)), { times = 3 })
            answer(page({ record(2), record(3) }, '{"has_next_page":true,"next_cursor":"b"}'))
            answer(page { record(4) })
            local cursor <close> = client:statuses()
            local got, errors = {}, 0
            for _ = 1, 20 do
               local ok, status = pcall(cursor)
               if not ok then
                  errors = errors + 1
                  assert.equal("protocol", status.kind)
               elseif status then
                  got[#got + 1] = tonumber(status.process_id:sub(-1))
               else
                  break
               end
            end
            assert.same({ 1, 2, 3, 4 }, got)
            assert.equal(3, errors)
         end
      end)

      it("when a cursor points to the page itself", function()
         answer(page({ record(1) }, '{"has_next_page":true,"next_cursor":"start"}'))
         assert.equal(1, fails("cursor", { cursor = "start" }))
         assert.equal(1, world.seen(emulator()))
      end)

      it("for every wrong shape, naming the member and the byte", function()
         for body, pattern in pairs {
            ["5"] = "list of statuses", ['"x"'] = "list of statuses",
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
         emulator():fault { match = { kind = "list" }, after = 1,
            truncate = { at = 30000, length = cut.length, chunked = cut.chunked } }
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
