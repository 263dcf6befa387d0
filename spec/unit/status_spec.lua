-- The shapes of what the API sends, without HTTP: a status, the two lists,
-- a deletion, an error body.
local cjson = require "cjson"
local room = require "status_room"

local ID = "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"
local function record(more) return ('{"process_id":"%s","status":"Pending"%s}'):format(ID, more or "") end

describe("the members of a status", function()
   it("are those of the contract, with its types", function()
      local file = assert(io.open "spec/contract/image-status.openapi.json")
      local schema = cjson.decode(file:read "a").components.schemas.StatusResponse
      file:close()
      local types, seen = { string = 1, integer = 2, boolean = 8 }, {}
      for _, rule in ipairs(room.rules()) do
         local name = rule[1]
         seen[name] = true
         assert.is_table(schema.properties[name], name)
         assert.equal(types[schema.properties[name].type], rule[2], name)
         assert.equal(name == "process_id" or name == "status", rule[3], name)
         assert.equal(not rule[3], rule[4], name)
      end
      for name in pairs(schema.properties) do assert.is_true(seen[name], name) end
   end)

   it("may be absent or null but for two", function()
      assert.same({ process_id = ID, status = "Pending" }, room.read(record ',"eta":null,"source_id":null'))
      assert.same({ nil, "wrong", "member 'status': missing at byte 0" }, { room.read('{"process_id":"x"}') })
      assert.equal("wrong", select(2, room.read '{"status":"Pending"}'))
      assert.equal("wrong", select(2, room.read '{"process_id":"x","status":null}'))
   end)

   it("that are promised have their type, or the member and the byte are named", function()
      for _, member in ipairs { "process_id", "status" } do
         for _, value in ipairs { "1", "true", "{}", "[]", "1.5" } do
            local text = ('{"process_id":"a","status":"b","%s":%s}'):format(member, value)
            local _, result, what = room.read(text)
            assert.equal("wrong", result, member)
            assert.matches("^member '" .. member .. "': expected a string at byte %d+$", what)
            assert.equal(text:find(":" .. value, 1, true), tonumber(what:match "byte (%d+)"), member)
         end
      end
   end)

   -- One odd value made a whole account unreadable.
   it("that are not promised are handed out as they came, whatever their type", function()
      local values = {
         ["42.5"] = 42.5, ['"42"'] = "42", ["true"] = true, ["false"] = false, ["{}"] = {}, ["[]"] = {},
         ['"\\u0041"'] = "A", ["7"] = 7, ['{"a":[1,"b",{"c":null}]}'] = { a = { 1, "b", {} } },
         ["9223372036854775808"] = 2.0 ^ 63, ["-9223372036854775809"] = -2.0 ^ 63, ["1e300"] = 1e300,
         ['"2026-01-01T00:00:00Z"'] = "2026-01-01T00:00:00Z", ["0"] = 0, ["9223372036854775807"] = math.maxinteger,
      }
      for _, rule in ipairs(room.rules()) do
         for text, value in pairs(rule[4] and values or {}) do
            local status = room.read(record(('  , "%s" : %s '):format(rule[1], text)))
            assert.same({ process_id = ID, status = "Pending", [rule[1]] = value }, status)
            assert.equal(math.type(value), math.type(status[rule[1]]), rule[1] .. text)
         end
      end
   end)

   it("are integers where the contract says so, also when written as 42.0", function()
      local written = { ["42.0"] = 42, ["1e2"] = 100, ["-0.0"] = 0, ["1E+3"] = 1000, ["-7"] = -7, ["4200e-2"] = 42,
         ["1e18"] = 10 ^ 18 // 1 | 0 }
      for _, rule in ipairs(room.rules()) do
         for text, value in pairs(rule[2] == 2 and written or {}) do
            local got = room.read(record(',"' .. rule[1] .. '":' .. text))[rule[1]]
            assert.equal("integer", math.type(got), rule[1] .. " " .. text)
            assert.equal(value, got)
         end
      end
      assert.equal("float", math.type(room.read(record ',"filename":42.0').filename))
      assert.equal("float", math.type(room.read(record ',"new":42.0').new))
   end)

   it("may change their types from record to record, in pieces of any size", function()
      local odd = { "1", "42.0", "42.5", '"42"', "true", "{}", "[1]", "null", "1e2", "9223372036854775808" }
      local values = { 1, 42, 42.5, "42", true, {}, { 1 }, nil, 100, 2.0 ^ 63 }
      local records, expected = {}, {}
      for i = 1, 300 do
         local k, j = math.random(#odd), math.random(#odd)
         records[i] = record((',"progress":%s,"filename":%s'):format(odd[k], i % 3 == 0 and odd[j] or '"x"'))
         expected[i] = { process_id = ID, status = "Pending", progress = values[k] }
         expected[i].filename = "x"
         if i % 3 == 0 then
            expected[i].filename = odd[j] == "42.0" and 42.0 or odd[j] == "1e2" and 100.0 or values[j]
         end
      end
      local text = "[" .. table.concat(records, ",") .. "]"
      for _, piece in ipairs { #text, 1, 7, 200 } do assert.same(expected, (room.list(text, piece))) end
   end)

   it("are kept when unknown, as is an unknown word", function()
      local status = room.read(('{"process_id":"%s","status":"Paused","new":{"a":[1,2.5,null,"x"]}}'):format(ID))
      assert.equal("Paused", status.status)
      assert.same({ 1, 2.5, cjson.null, "x" }, status.new.a)
   end)

   it("need nothing behind the document", function()
      assert.is_table(room.read(record() .. " \n"))
      assert.equal("malformed", select(2, room.read(record() .. "x")))
      assert.equal("more", select(2, room.read(record():sub(1, -2))))
      assert.equal("wrong", select(2, room.read "[]"))
   end)
end)

describe("a list", function()
   local data = "[" .. record() .. "," .. record ',"progress":5' .. "]"
   local pagination = '{"has_next_page":true,"next_cursor":"abc"}'

   it("is a page with its pagination before or behind its data, in pieces of any size", function()
      for _, text in ipairs { ('{"data":%s,"pagination":%s}'):format(data, pagination),
         ('{"pagination":%s,"data":%s}'):format(pagination, data),
         (' { "x" : [ { } ] , "pagination" : %s , "data" : %s , "y" : null } '):format(pagination, data) } do
         for piece = 1, #text do
            local statuses, page, facts = room.list(text, piece)
            assert.equal(2, #statuses)
            assert.equal(5, statuses[2].progress)
            assert.same({ has_next_page = true, next_cursor = "abc" }, page.pagination)
            assert.same({ is_array = false, has_next_page = true, next_cursor = "abc" }, facts)
            assert.is_nil(page.y)
         end
      end
   end)

   it("is a plain array, which is the one and last page", function()
      local statuses, _, facts = room.list(data, 7)
      assert.equal(2, #statuses)
      assert.same({ is_array = true, has_next_page = false, next_cursor = "" }, facts)
      assert.equal(0, #room.list "[]")
   end)

   it("is empty where null stands for it", function()
      for _, text in ipairs { "null", " null\n", '{"data":null,"pagination":{"has_next_page":false}}',
         '{"pagination":{"has_next_page":false},"data": null }' } do
         for piece = 1, #text do
            local statuses, _, facts = room.list(text, piece)
            assert.same({}, statuses, text)
            assert.is_false(facts.has_next_page)
            assert.equal(text:find "null" < 3, facts.is_array)
         end
      end
      local _, page, facts = room.list('{"data":null,"pagination":{"has_next_page":true,"next_cursor":"two"}}', 3)
      assert.same({ has_next_page = true, next_cursor = "two" }, page.pagination)
      assert.equal("two", facts.next_cursor)
      for _, text in ipairs { "nul", "null 1", "nulll", '{"data":nul,"pagination":{"has_next_page":false}}' } do
         assert.is_nil((room.list(text)))
      end
   end)

   it("keeps unknown members of the envelope", function()
      local _, page = room.list('{"data":[],"total":12,"pagination":{"has_next_page":false,"extra":"y"}}')
      assert.equal(12, page.total)
      assert.equal("y", page.pagination.extra)
   end)

   it("takes an absent, null or empty cursor as none", function()
      for _, cursor in ipairs { "", ',"next_cursor":null', ',"next_cursor":""' } do
         local _, _, facts = room.list(('{"data":[],"pagination":{"has_next_page":true%s}}'):format(cursor))
         assert.equal("", facts.next_cursor)
      end
   end)

   local wrong = {
      ["5"] = "expected a list of statuses", ['"x"'] = "expected a list of statuses",
      ["{}"] = "member 'data': missing", ['{"data":[]}'] = "member 'pagination': missing",
      ['{"pagination":{"has_next_page":false}}'] = "member 'data': missing",
      ['{"data":{},"pagination":{"has_next_page":false}}'] = "member 'data': expected an array",
      ['{"data":[],"pagination":[]}'] = "member 'pagination': expected an object",
      ['{"data":[],"pagination":null}'] = "member 'pagination': missing",
      ['{"data":null}'] = "member 'pagination': missing",
      ['{"data":null,"data":[],"pagination":{"has_next_page":false}}'] = "member 'data': present twice",
      ['{"data":null,"pagination":{"has_next_page":null}}'] = "member 'pagination.has_next_page': expected a boolean",
      ['{"data":[],"pagination":{}}'] = "member 'pagination.has_next_page': expected a boolean",
      ['{"data":[],"pagination":{"has_next_page":"no"}}'] = "member 'pagination.has_next_page': expected a boolean",
      ['{"data":[],"pagination":{"has_next_page":true,"next_cursor":5}}'] =
         "member 'pagination.next_cursor': expected a string",
      ['{"data":[],"pagination":{"has_next_page":true,"next_cursor":"a\\u0000b"}}'] =
         "member 'pagination.next_cursor': too long, or contains a NUL",
      ['{"data":[],"data":[],"pagination":{"has_next_page":false}}'] = "member 'data': present twice",
      ['{"data":[],"pagination":{"has_next_page":false},"pagination":{"has_next_page":false}}'] =
         "member 'pagination': present twice",
   }
   for text, expected in pairs(wrong) do
      it("is refused: " .. text, function()
         for _, piece in ipairs { #text, 1 } do
            local statuses, result, what = room.list(text, piece)
            assert.is_nil(statuses)
            assert.equal("wrong", result)
            assert.equal(expected, what:match "^(.*) at byte %d+$")
         end
      end)
   end

   it("has elements that are records", function()
      for _, text in ipairs { "[5]", "[null]", "[[]]", '["x"]' } do
         assert.equal("wrong", select(2, room.list(text)))
      end
   end)

   it("is complete or refused, wherever it is cut", function()
      local text = ('{"data":%s,"pagination":%s}'):format(data, pagination)
      for n = 0, #text - 1 do assert.equal("more", select(2, room.list(text:sub(1, n), 5)), n) end
   end)
end)

describe("the response to a deletion of all", function()
   it("has its count, or none", function()
      assert.equal(12, room.deletion '{"deleted_count":12}')
      assert.equal(0, room.deletion '{"deleted_count":0,"x":[]}')
      for _, text in ipairs { "{}", "[]", '{"deleted_count":-1}', '{"deleted_count":"5"}',
         '{"deleted_count":1.5}', "5" } do
         assert.is_true(room.deletion(text) < 0, text)
      end
      assert.equal("malformed", select(2, room.deletion "<html>"))
   end)
end)

describe("an error body", function()
   it("has its message and its code where they have their types", function()
      assert.same({ "slow", 429 }, { room.error_body '{"code":429,"message":"slow"}' })
      assert.same({ "slow" }, { room.error_body '{"message":"slow"}' })
      assert.same({ nil, 7 }, { room.error_body '{"code":7}' })
      for _, text in ipairs { "", "{}", "[]", '{"message":5}', '{"message":', "<h1>" } do
         assert.is_nil((room.error_body(text)))
      end
   end)
end)

describe("a process_id", function()
   it("is a UUID in either case, and nothing else", function()
      assert.is_true(room.is_process_id(ID))
      assert.is_true(room.is_process_id(ID:upper()))
      for _, text in ipairs { "", ID .. "0", ID:sub(1, -2), ID:gsub("-", "_"), ID:gsub("6b", "g0"), (ID:gsub("-", "")),
         "/" .. ID:sub(2) } do
         assert.is_false(room.is_process_id(text), text)
      end
   end)

   it("is the same in either case", function()
      assert.is_true(room.same_id(ID, ID:upper()))
      assert.is_true(room.same_id("", ""))
      for _, other in ipairs { ID:sub(1, -2), ID .. "0", "", ID:gsub("b$", "c"), ID:gsub("-", "\r") } do
         assert.is_false(room.same_id(ID, other))
         assert.is_false(room.same_id(other, ID))
      end
   end)
end)
