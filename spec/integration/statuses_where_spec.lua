-- client:statuses() with `fields` and `where`: what is chosen, what is built, what is refused.
local records_of = require "spec.support.records"
local world = require "spec.support.world"

local ids_of, record = records_of.ids_of, records_of.record

describe("client:statuses()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator()) end)
   after_each(function() client:close() end)

   local function answer(body, more) return records_of.answer(emulator(), body, more) end

   it("hands out values of any type but in process_id and status, and filters by those that are strings", function()
      local odd = { '"progress":42.5', '"credits":9223372036854775808', '"progress":"42"',
         '"eta":"2026-01-01T00:00:00Z"', '"crop_to_fill":0', '"filename":12', '"model":{}', '"modification_time":true' }
      local records = {}
      for i, text in ipairs(odd) do records[i] = record(i, "," .. text) end
      records[#records + 1] = record(9, ',"filename":"12"')
      answer("[" .. table.concat(records, ",") .. "]", { times = 2 })
      local got = {}
      for status in client:statuses() do got[#got + 1] = status end
      assert.equal(9, #got)
      assert.same({ 42.5, 2.0 ^ 63, "42" }, { got[1].progress, got[2].credits, got[3].progress })
      assert.same({ "2026-01-01T00:00:00Z", 0, 12, {}, true },
         { got[4].eta, got[5].crop_to_fill, got[6].filename, got[7].model, got[8].modification_time })
      assert.equal(1, #ids_of(client:statuses { where = { filename = "12" } }))
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
      assert.equal(20,
         #ids_of(client:statuses { where = { status = { Failed = true, Pending = true, Completed = false } } }))
      assert.equal(0, #ids_of(client:statuses { where = { status = "Failed", model = "none" } }))
   end)

   it("finds ids in where whatever the case of their digits, as get_status does", function()
      local ids = emulator():add_jobs { count = 5, status = "Completed" }
      local asked = { ids[2]:upper(), ids[4] }
      assert.same({ ids[4], ids[2] }, ids_of(client:statuses { where = { process_id = asked } }))
      assert.same({}, ids_of(client:statuses { where = { process_id = ids[1]:sub(1, 35), status = "Completed" } }))
      assert.same({}, ids_of(client:statuses { where = { status = "COMPLETED" } }))
   end)

   it("takes a range for members that are integers, and no record in which that is not a number", function()
      local values = { "10", "49", "50", "50.5", "51.0", "-1", '"50"', "true", "null", "[50]", "99999999999999999999" }
      local records = {}
      for i, value in ipairs(values) do records[i] = record(i, ',"progress":' .. value) end
      records[#records + 1] = record(12)
      answer("[" .. table.concat(records, ",") .. "]", { times = 20 })
      local function chosen(where)
         local numbers = {}
         for i, id in ipairs(ids_of(client:statuses { where = where })) do numbers[i] = tonumber(id:sub(-2)) end
         return numbers
      end
      assert.same({ 3, 4, 5, 11 }, chosen { progress = { min = 50 } })
      assert.same({ 1, 2, 3, 6 }, chosen { progress = { max = 50 } })
      assert.same({ 2, 3, 4 }, chosen { progress = { min = 49, max = 50.5 } })
      assert.same({ 4 }, chosen { progress = { min = 50.1, max = 50.9 }, status = "Completed" })
      assert.same({ 1, 2, 3, 4, 5, 6, 11 }, chosen { progress = { min = -math.huge } })
      assert.same({}, chosen { progress = { min = 50, max = 49 } })
      assert.same({}, chosen { progress = { min = 50 }, status = "Failed" })
      assert.same({ 4, 5, 11 }, chosen { progress = { above = 50 } })
      assert.same({ 1, 2, 6 }, chosen { progress = { below = 50 } })
      assert.same({ 4 }, chosen { progress = { above = 50, below = 51 } })
      assert.same({ 5, 11 }, chosen { progress = { above = 50, min = 50.9 } })
      assert.same({ 1, 2, 3, 4, 5, 6 }, chosen { progress = { below = 99999999999999999999 } })
   end)

   it("takes single numbers, and what a member is not", function()
      local values = { "10", "50", "50.0", "50.5", "-1", '"50"', "true", "null", "[50]" }
      local records = {}
      for i, value in ipairs(values) do records[i] = record(i, ',"progress":' .. value .. ',"model":"A"') end
      records[#records + 1] = record(10, ',"model":"B"')
      records[#records + 1] = record(11, ',"model":50,"progress":10')
      answer("[" .. table.concat(records, ",") .. "]", { times = 20 })
      local function chosen(where)
         local numbers = {}
         for i, id in ipairs(ids_of(client:statuses { where = where })) do numbers[i] = tonumber(id:sub(-2)) end
         return numbers
      end
      assert.same({ 2, 3 }, chosen { progress = 50 })
      assert.same({ 1, 4, 11 }, chosen { progress = { 50.5, 10 } })
      -- alone it lets others pass too: absent members, and those of another type
      assert.same({ 1, 4, 5, 6, 7, 8, 9, 10, 11 }, chosen { progress = { except = 50 } })
      assert.same({ 4, 5, 6, 7, 8, 9, 10 }, chosen { progress = { except = { 50, 10 } } })
      assert.same({ 4, 5 }, chosen { progress = { except = { 50, 10 }, max = 99 } })
      assert.same({ 10, 11 }, chosen { model = { except = "A" } })
      assert.same({ 11 }, chosen { model = { except = { "A", "B" } } })
      assert.same({ 1, 11 }, chosen { progress = 10, model = { except = {} } })
      -- a set of texts, and "except" is one of them
      assert.same({}, chosen { model = { except = true } })
      assert.same({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 11 },
         chosen { process_id = { except = { [records[10]:match '"process_id":"(.-)"':upper()] = true } } })
   end)

   -- Chosen, by the numbers of records with these values of a member.
   local function chooser(member, values)
      local records = {}
      for i, value in ipairs(values) do records[i] = record(i, (',"%s":%s'):format(member, value)) end
      records[#records + 1] = record(#records + 1)
      answer("[" .. table.concat(records, ",") .. "]", { times = math.huge })
      return function(where)
         local numbers = {}
         for i, id in ipairs(ids_of(client:statuses { where = { [member] = where } })) do
            numbers[i] = tonumber(id:sub(-2))
         end
         return numbers
      end
   end

   it("compares integers exactly, however large, with each other and with floats", function()
      local P = 1 << 53
      local chosen = chooser("credits", { P - 1, P, P + 1, P + 2, ("%d.0"):format(P), math.maxinteger,
         "9223372036854775808", math.mininteger, "-9223372036854775809", "1e999", "2.5" })
      assert.same({ 2, 5 }, chosen(P))
      assert.same({ 3 }, chosen(P + 1))
      assert.same({ 3 }, chosen { P + 1, P + 3 })
      assert.same({ 6 }, chosen(math.maxinteger))
      assert.same({ 7 }, chosen(2.0 ^ 63))
      assert.same({ 8, 9 }, chosen(-2.0 ^ 63)) -- as a float, the ninth is this one
      assert.same({ 3, 4, 6, 7, 10 }, chosen { above = P })
      assert.same({ 3, 4, 6, 7, 10 }, chosen { above = P + 0.0 })
      assert.same({ 4, 6, 7, 10 }, chosen { min = P + 1, above = P + 1 })
      assert.same({ 4, 6, 7, 10 }, chosen { above = P + 1, min = 0 })
      assert.same({ 2, 3, 5 }, chosen { min = P, max = P + 1 })
      assert.same({ 1, 2, 5 }, chosen { below = P + 1, above = 3 })
      assert.same({ 7, 10 }, chosen { above = math.maxinteger })
      assert.same({ 10 }, chosen { above = 2.0 ^ 63 })
      assert.same({ 8, 9 }, chosen { max = math.mininteger })
      assert.same({}, chosen { below = math.mininteger })
      assert.same({}, chosen { above = math.huge })
      assert.same({ 10 }, chosen { min = math.huge })
      assert.same({ 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12 }, chosen { except = P + 1 })
      assert.same({ 11 }, chosen { above = 2, below = 3 })
      assert.same({ 11 }, chosen { min = 2.5, max = 2.5 })
   end)

   it("takes true and false for members that are booleans", function()
      local chosen = chooser("crop_to_fill", { "true", "false", "null", '"true"', "1", "0" })
      assert.same({ 1 }, chosen(true))
      assert.same({ 2 }, chosen(false))
      assert.same({ 1 }, chosen { true })
      assert.same({ 1, 2 }, chosen { true, false })
      -- alone it lets others pass too: absent members, and those of another type
      assert.same({ 2, 3, 4, 5, 6, 7 }, chosen { except = true })
      assert.same({ 1, 3, 4, 5, 6, 7 }, chosen { except = { false } })
      assert.same({ 3, 4, 5, 6, 7 }, chosen { except = { true, false } })
   end)

   it("takes ages by the server's clock, both ends included", function()
      local now = emulator():now()
      for _, age in ipairs { 10, 3000, 4000, 90000 } do
         emulator():add_jobs { status = "Completed", age = 100000, modification_time = math.floor(now - age) }
      end
      emulator():add_jobs { status = "Completed", age = 100000, remove = { "modification_time" } }
      local function ages(range)
         local list = {}
         for status in client:statuses { where = { modification_time = range } } do
            list[#list + 1] = math.floor((now - status.modification_time) / 10) * 10
         end
         table.sort(list)
         return list
      end
      assert.same({ 4000, 90000 }, ages { older_than = 3600 })
      assert.same({ 10, 3000 }, ages { newer_than = 3600 })
      assert.same({ 3000, 4000 }, ages { newer_than = 3600 * 2, older_than = 60.5 })
      assert.same({}, ages { newer_than = 3100, older_than = 3600 })
      assert.same({ 10, 3000, 4000, 90000 }, ages { older_than = 0 })
      assert.same({ 3000 }, ages { newer_than = 3600, max = math.floor(now - 3000) })
   end)

   it("refuses unknown members in fields and where", function()
      for options, pattern in pairs {
         [{ fields = { "statsu" } }] = "fields.*'statsu'.*did you mean 'status'",
         [{ fields = {} }] = "fields", [{ fields = { 5 } }] = "fields", [{ fields = { status = true } }] = "fields",
         [{ where = { stauts = "x" } }] = "where.*did you mean 'status'",
         [{ where = { status = 5 } }] = "where.*status",
         [{ where = { "status" } }] = "where",
         [{ where = { crop_to_fill = { min = 1 } } }] =
            "where.*'crop_to_fill' is a boolean member: expected true, false, a list of them or { except = true }",
         [{ where = { crop_to_fill = "true" } }] = "where.*'crop_to_fill' is a boolean member: .*, got string",
         [{ where = { crop_to_fill = {} } }] = "where.*'crop_to_fill' is a boolean member: .*, got an empty table",
         [{ where = { crop_to_fill = { true, 1 } } }] = "where.*'crop_to_fill' is a boolean member",
         [{ where = { crop_to_fill = { except = true, true } } }] = "where.*'crop_to_fill': 'except' stands alone",
         [{ where = { crop_to_fill = { except = {} } } }] = "where.*'crop_to_fill' is a boolean member",
         [{ where = { progress = "5" } }] =
            "where.*'progress' is an integer member: expected a number, .* a range such as .*, got string",
         [{ where = { progress = {} } }] =
            "where.*'progress' is an integer member: expected a number, .* a range such as .*, got an empty table",
         [{ where = { progress = { true } } }] = "where.*'progress': expected numbers, got a boolean",
         [{ where = { progress = { 5, min = 5 } } }] = "where.*'progress': expected a list of numbers",
         [{ where = { progress = 0 / 0 } }] = "where.*'progress': expected numbers, got nan",
         [{ where = { progress = { except = "5" } } }] = "where.*'progress': expected numbers, got a string",
         [{ where = { progress = { except = { "5" } } } }] = "where.*'progress': expected numbers, got a string",
         [{ where = { progress = { [true] = 5 } } }] = "where.*'progress' is an integer member: expected a number",
         [{ where = { status = { "Failed", except = "Pending" } } }] =
            "where.*'status': 'except' stands alone in its table",
         [{ where = { status = { except = 5 } } }] =
            "where.*'status': expected a string or a table of strings, got number",
         [{ where = { progress = { mix = 5 } } }] = "where.*'progress': unknown bound 'mix', did you mean 'm",
         [{ where = { progress = { between = 5 } } }] =
            "where.*'progress': unknown bound 'between', expected min, max,",
         [{ where = { progress = { ["min\0"] = 5 } } }] = "where.*'progress': unknown bound 'min'",
         [{ where = { progress = { min = "5" } } }] = "where.*'progress': expected a number for 'min', got a string",
         [{ where = { progress = { min = 0 / 0 } } }] = "where.*'progress': expected a number for 'min', got %-?nan",
         [{ where = { progress = { older_than = 5 } } }] =
            "where.*'progress': 'older_than' is for creation_time and modification_time",
         [{ where = { creation_time = { newer_than = -1 } } }] =
            "where.*'creation_time': expected a number of seconds, 0 or more, for 'newer_than', got %-1",
         [{ where = { status = { min = 1 } } }] = "where.*'status': expected true or false for 'min', got a number",
         [{ where = { status = { "Failed", 5 } } }] = "where.*'status': expected strings, got a number",
         [{ where = { status = { [true] = true } } }] = "where.*'status': expected strings, got a boolean",
         [{ where = { status = { Failed = "yes" } } }] =
            "where.*'status': expected true or false for 'Failed', got a string",
      } do
         local ok, err = pcall(client.statuses, client, options)
         assert.is_false(ok)
         assert.matches(pattern, err)
      end
      assert.equal(0, world.seen(emulator()))
   end)

   it("lets an infinite number pass where it is within the bounds, and no other", function()
      local inf, ID = math.huge, "00000000-0000-4000-8000-000000000001"
      for _, case in ipairs {
         { "1e999", { above = inf }, false }, { "1e999", { min = inf }, true }, { "1e999", { below = inf }, false },
         { "1e999", { max = inf }, true }, { "-1e999", { below = -inf }, false }, { "-1e999", { above = -inf }, false },
         { "-1e999", { max = -inf }, true }, { "5", { above = -inf, below = inf }, true },
         { "5", { above = inf }, false },
      } do
         local number, range, passes = table.unpack(case)
         emulator():reset()
         emulator():fault { match = { kind = "list" }, status = 200,
            body = ('[{"process_id":"%s","status":"Failed","credits":%s}]'):format(ID, number) }
         local count = 0
         for _ in client:statuses { where = { credits = range } } do count = count + 1 end
         assert.equal(passes and 1 or 0, count, number .. " " .. next(range))
      end
   end)
end)
