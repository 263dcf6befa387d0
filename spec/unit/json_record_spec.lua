-- Records of csrc/json: rules, projection, filters. What is not JSON is in json_spec,
-- what a shape learns in json_shape_spec.

local room = require "json_room"
local support = require "spec.unit.json_support"

local everywhere, whole = support.everywhere, support.whole

local rules = {
   { "id", room.STRING, true }, { "name", room.STRING }, { "size", room.INTEGER }, { "share", room.FLOAT },
   { "done", room.BOOLEAN }, { "state", room.STRING, true }, { "list", room.ARRAY }, { "more", room.OBJECT },
   { "any", room.STRING | room.INTEGER }, { "null", room.NULL },
}

local function shape(options)
   options = options or {}
   options.rules = options.rules or rules
   return room.shape(options)
end

-- Reads records that follow each other in a list; returns the list of what json_record gave.
local function read_list(text, a_shape, size)
   local reader, given, from = room.reader(), {}, 1
   size = size or #text
   local result = "more"
   local stage = "enter"
   while true do
      if result == "more" then
         if from > #text then return given, result, reader end
         reader:feed(text:sub(from, from + size - 1))
         from = from + size
      end
      local value
      if stage == "record" then
         result, value = reader:record(a_shape)
      else
         result = reader[stage](reader)
      end
      if result == "ok" and stage == "record" then given[#given + 1] = value end
      if result == "ok" or result == "skipped" then
         stage = stage == "element" and "record" or "element"
      elseif result ~= "more" then
         return given, result, reader
      end
   end
end

local function plain(t) return '{"id":"a","state":"b"' .. (t or "") .. "}" end

describe("json records", function()
   it("become tables", function()
      local text = plain(',"name":"n","size":5,"share":0.5,"done":true,"list":[1],"more":{"x":{}},"any":7,'
         .. '"other":[null],"z":"\\u00e9"')
      local expected = {
         id = "a", state = "b", name = "n", size = 5, share = 0.5, done = true, list = { 1 },
         more = { x = {} }, any = 7, other = { room.null }, z = "\xC3\xA9",
      }
      assert.same(expected, everywhere(text, shape).value)
      local a_shape = shape() -- one for all, so that it has learned
      for _ = 1, 3 do assert.same(expected, everywhere(text, a_shape).value) end
   end)

   it("may have any white space", function()
      local text = ' \n{ "id" : "a" ,\t"state":\r\n"b" , "size" : 1 , "list" : [ ] } '
      assert.same({ id = "a", state = "b", size = 1, list = {} }, everywhere(text, shape).value)
      assert.same({}, everywhere(" { } ", room.shape {}).value)
   end)

   it("are objects", function()
      for text, offset in pairs { ["[]"] = 0, ["1"] = 0, [' "a"'] = 1, ["null"] = 0, ["true"] = 0 } do
         local outcome = everywhere(text, shape)
         assert.same({ "wrong", "expected an object", "", offset },
            { outcome.result, outcome.what, outcome.member, outcome.offset })
      end
      assert.same({ result = "malformed", what = "expected a value", member = "", offset = 0 }, everywhere("x", shape))
   end)

   it("follow each other in a list, whatever the pieces", function()
      local texts, expected = {}, {}
      for i = 1, 40 do
         texts[i] = plain(',"size":' .. i .. ',"name":"' .. ("n\\n"):rep(i) .. '","extra":' .. i)
         expected[i] = { id = "a", state = "b", size = i, name = ("n\n"):rep(i), extra = i }
      end
      local text = "[" .. table.concat(texts, ",") .. "]"
      local a_shape = shape()
      for _, size in ipairs { 1, 2, 3, 7, 16, 61, 100, 1000, 100000 } do
         local given, result = read_list(text, a_shape, size)
         assert.equal("close", result)
         assert.same(expected, given)
      end
   end)

   it("take no beginning for the whole", function()
      local text = plain ',"name":"n\\u00e9\xC3\xA9","size":12,"more":{"a":[1.5e3,{}]},"x":null'
      for i = 0, #text - 1 do
         assert.same({ result = "more", member = "" }, whole(text:sub(1, i), shape()))
         assert.same({ result = "more", member = "" },
            support.read(support.pieces(text:sub(1, i), math.random, 4), support.document(shape())))
      end
   end)

   it("name the member in which they are malformed", function()
      local cases = {
         { plain ',"name":"\1"', 30, "control byte in a string", "name" },
         { plain ',"size":1.', 31, "invalid number", "size" },
         { plain ',"more":{"a":tru}', 34, "expected a value", "more" },
         { plain ',"x\\u0079":[1 2]', 35, "expected ',' or ']'", "xy" },
         { plain ',"size"', 28, "expected ':'", "size" }, { plain ",", 22, "expected a member's name", "" },
         { plain '"name":1', 21, "expected ',' or '}'", "" }, { plain ',"name":01', 30, "expected ',' or '}'", "" },
         { plain ',"\\q":1', 23, "invalid escape", "" }, { plain ',"size":1e', 31, "invalid number", "size" },
      }
      for _, case in ipairs(cases) do
         assert.same({ result = "malformed", offset = case[2], what = case[3], member = case[4] },
            everywhere(case[1], shape), case[1])
      end
   end)
end)

describe("json records: rules", function()
   it("say which types a member may have", function()
      local cases = {
         { '"size":"1"', "size", "expected an integer" }, { '"size":42.5', "size", "expected an integer" },
         { '"size":1e19', "size", "expected an integer" }, { '"size":-1e999', "size", "expected an integer" },
         { '"size":9223372036854775808', "size", "expected an integer" },
         { '"size":true', "size", "expected an integer" }, { '"name":1', "name", "expected a string" },
         { '"name":[]', "name", "expected a string" }, { '"share":"0.5"', "share", "expected a number" },
         { '"done":0', "done", "expected a boolean" },
         { '"done":"true"', "done", "expected a boolean" }, { '"list":{}', "list", "expected a list" },
         { '"more":[]', "more", "expected an object" }, { '"any":1.5', "any", "expected another type" },
         { '"null":0', "null", "expected another type" },
      }
      for _, case in ipairs(cases) do
         local text = plain("," .. case[1])
         local offset = select(2, text:find(case[2] .. '":', 1, true))
         local expected = { result = "wrong", offset = offset, what = case[3], member = case[2] }
         assert.same(expected, everywhere(text, shape), text)
      end
   end)

   it("are checked when the whole record is known to be JSON", function()
      local outcome = everywhere('{"id":1,"state":x}', shape)
      assert.same({ "malformed", 16 }, { outcome.result, outcome.offset })
      outcome = everywhere('{"state":1,"id":1}', shape)
      assert.same({ "wrong", "state", 9 }, { outcome.result, outcome.member, outcome.offset })
   end)

   it("say which members must be there", function()
      for text, member in pairs { ['{"id":"a"}'] = "state", [' {"state":"b","x":1}'] = "id", ["{}"] = "id",
         ['{"id":null,"state":""}'] = "id" } do
         local outcome = everywhere(text, shape)
         local offset = text:find "{" - 1
         assert.same({ "wrong", "missing", member, offset },
            { outcome.result, outcome.what, outcome.member, outcome.offset })
      end
   end)

   it("leave null out", function()
      local nulls = plain ',"name":null,"size":null,"list":null,"x":null,"null":null'
      assert.same({ id = "a", state = "b" }, everywhere(nulls, shape).value)
   end)

   it("make integers of floats that are integers", function()
      local integers = {
         ["42.0"] = 42, ["-0.0"] = 0, ["1e3"] = 1000, ["9007199254740992.0"] = 1 << 53,
         ["-9223372036854775808.0"] = math.mininteger,
      }
      for text, value in pairs(integers) do
         local got = everywhere(plain(',"size":' .. text), shape).value.size
         assert.equal(value, got)
         assert.equal("integer", math.type(got))
         assert.equal("float", math.type(everywhere(plain(',"unknown":' .. text), shape).value.unknown))
      end
      assert.equal("wrong", whole(plain ',"size":9223372036854775808.0', shape()).result)
   end)

   it("that are lenient keep another type as it is, and a filter does not match it", function()
      local lenient = { { "id", room.STRING, true }, { "name", room.STRING, false, true },
         { "share", room.FLOAT, true, true } }
      local function new() return room.shape { rules = lenient } end
      assert.same({ id = "a", name = 1.0, share = "x" }, everywhere('{"id":"a","name":1.0,"share":"x"}', new).value)
      assert.equal("float", math.type(everywhere('{"id":"a","share":5}', new).value.share))
      assert.equal("missing", everywhere('{"id":"a","share":null}', new).what)
      assert.equal("expected a string", everywhere('{"id":1,"share":5}', new).what)
      local function filtered()
         local s = new()
         s:filter { name = { ["12"] = true } }
         return s
      end
      assert.same({ id = "a", name = "12", share = 0.5 },
         everywhere('{"id":"a","name":"12","share":0.5}', filtered).value)
      for _, name in ipairs { "12", "[12]", '{"12":12}', "true", "null" } do
         assert.equal("skipped", everywhere(('{"id":"a","share":1,"name":%s}'):format(name), filtered).result)
      end
   end)

   it("pass a filter by a number with a number only", function()
      local function filtered(filter)
         local s = room.shape { rules = { { "id", room.STRING, true }, { "size", room.INTEGER, false, true },
            { "name", room.STRING, false, true } } }
         s:filter(filter)
         return s
      end
      local function result(filter, text)
         return everywhere(('{"id":"a",%s"more":[{"size":5}]}'):format(text),
            function() return filtered(filter) end).result
      end
      for text, passes in pairs {
         ['"size":5,'] = true, ['"size":5.0,'] = true, ['"size":4.5,'] = true, ['"size":4,'] = true,
         ['"size":6,'] = true, ['"size":7,"size":5,'] = true, ['"size":5,"size":7,'] = false, ['"size":3,'] = false,
         ['"size":6.01,'] = false, ['"size":-5,'] = false, ['"size":1e300,'] = false,
         ['"size":18446744073709551616,'] = false, ['"size":"5",'] = false, ['"size":true,'] = false,
         ['"size":null,'] = false, ['"size":[5],'] = false, ['"size":{"min":5},'] = false, [""] = false,
      } do
         assert.equal(passes and "ok" or "skipped", result({ size = { min = 4, max = 6 } }, text), text)
      end
      assert.equal("skipped", result({ name = { ["5"] = true } }, '"name":5,'))
      assert.equal("ok", result({ name = { ["5"] = true }, size = { min = 4, max = 6 } }, '"name":"5","size":5,'))
      assert.equal("skipped", result({ name = { ["5"] = true }, size = { min = 4, max = 6 } }, '"name":"5",'))
   end)

   it("make floats of integers where only floats are expected", function()
      local got = everywhere(plain ',"share":3', shape).value.share
      assert.equal("float", math.type(got))
      assert.equal(3.0, got)
      assert.equal("integer", math.type(everywhere(plain ',"any":3', shape).value.any))
   end)

   it("hold for the last of several members of one name", function()
      local cases = {
         { ',"size":"x","size":2', { size = 2 } }, { ',"size":1,"size":null', {} },
         { ',"size":null,"size":3', { size = 3 } }, { ',"size":1.5,"size":2.0', { size = 2 } },
         { ',"x":1,"x":2', { x = 2 } }, { ',"x":1,"x":null', {} }, { ',"x":1,"\\u0078":"y"', { x = "y" } },
      }
      for _, case in ipairs(cases) do
         case[2].id, case[2].state = "a", "b"
         assert.same(case[2], everywhere(plain(case[1]), shape).value, case[1])
      end
      for text, member in pairs { [plain ',"size":1,"size":"x"'] = "size", [plain ',"id":null'] = "id",
         [plain ',"id":7'] = "id" } do
         local outcome = everywhere(text, shape)
         assert.same({ "wrong", member }, { outcome.result, outcome.member })
      end
   end)

   it("may be 32", function()
      local many, text, expected = {}, {}, {}
      for i = 1, 32 do
         many[i] = { ("m"):rep(i) .. ("x"):rep(63 - i), room.INTEGER, true }
         text[i] = ('"%s":%d'):format(many[i][1], i)
         expected[many[i][1]] = i
      end
      local a_shape = room.shape { rules = many }
      for _ = 1, 2 do assert.same(expected, whole("{" .. table.concat(text, ",") .. "}", a_shape).value) end
      text[32] = nil
      assert.equal(many[32][1], whole("{" .. table.concat(text, ",") .. "}", a_shape).member)
   end)
end)

describe("json records: projection", function()
   local text = plain ',"name":"n","size":1.0,"x":{"y":1},"share":0.5'

   it("builds the members that are kept", function()
      local cases = {
         { { id = true, size = true }, nil, { id = "a", size = 1, x = { y = 1 } } },
         { { id = true, size = true }, false, { id = "a", size = 1 } },
         { {}, false, {} }, { nil, false, { id = "a", state = "b", name = "n", size = 1, share = 0.5 } },
         { { done = true }, false, {} },
      }
      for _, case in ipairs(cases) do
         local a_shape = shape { keep = case[1], keep_unknown = case[2] }
         for _ = 1, 2 do assert.same(case[3], everywhere(text, a_shape).value) end
      end
   end)

   it("checks the others all the same", function()
      local a_shape = function() return shape { keep = { id = true }, keep_unknown = false } end
      local bad_ones = {
         [',"size":"x"'] = "wrong", [',"x":tru'] = "malformed", [',"x":"\\q"'] = "malformed",
         [',"x":1e'] = "malformed",
      }
      for bad, result in pairs(bad_ones) do
         assert.equal(result, everywhere(plain(bad), a_shape).result)
      end
      assert.equal("state", everywhere('{"id":"a"}', a_shape).member)
   end)

   it("drops unknown members that are not learned", function()
      local many = {}
      for i = 1, 2000 do many[i] = (',"name %d":[%d]'):format(i, i) end
      assert.same({ id = "a", state = "b" }, whole(plain(table.concat(many)), shape { keep_unknown = false }).value)
   end)
end)

describe("json records: filters", function()
   local list = '[{"id":"1","state":"b"},{"id":"2","state":"\\u0062"},'
      .. '{"id":"3","state":"c","name":"n"},{"id":"4","state":"b","name":"n"}]'

   local function ids(filter, text, size)
      local a_shape = shape()
      a_shape:filter(filter)
      local given, result, reader = read_list(text or list, a_shape, size)
      local found = {}
      for i, record in ipairs(given) do found[i] = record.id end
      return table.concat(found, " "), result, reader
   end

   it("say which records are wanted", function()
      for _, size in ipairs { 1, 10, 1000 } do
         local found, result = ids({ state = { b = true } }, nil, size)
         assert.same({ "1 2 4", "close" }, { found, result }, size)
         assert.equal("1 2 3 4", (ids({ state = { b = true, c = true } }, nil, size)))
         assert.equal("3 4", (ids({ name = { n = true } }, nil, size)))
         assert.equal("4", (ids({ name = { n = true }, state = { b = true } }, nil, size)))
         assert.equal("", (ids({ name = {} }, nil, size)))
         assert.equal("1 2 3 4", (ids({}, nil, size)))
         assert.equal("1 2 3 4", (ids(nil, nil, size)))
      end
   end)

   it("look at the last of several members of one name", function()
      local twice = '[{"id":"1","state":"b","state":"c"},{"id":"2","state":"c","state":"b"},'
         .. '{"id":"3","state":"b","name":"n","name":null}]'
      assert.equal("2 3", (ids({ state = { b = true } }, twice)))
      assert.equal("", (ids({ name = { n = true } }, twice)))
   end)

   it("do not want a record without the member", function()
      local some = '[{"id":"n","state":"n"},{"id":"2","state":"b","name":"n"},{"id":"n","state":"n","name":null}]'
      assert.equal("2", (ids({ name = { n = true } }, some)))
   end)

   it("are not for what is not a string", function()
      assert.equal("2",
         (ids({ any = { ["7"] = true } }, '[{"id":"1","state":"","any":7},{"id":"2","state":"","any":"7"}]')))
   end)

   it("let no wrong record pass", function()
      local found, result, reader =
         ids({ state = { b = true } }, '[{"id":"1","state":"b"},{"id":"2","state":"c","size":"x"}]')
      assert.same({ "1", "wrong" }, { found, result })
      assert.equal("size", (select(2, reader:error())))
      found, result = ids({ state = { b = true } }, '[{"id":"1","state":"b"},{"id":"2","state":"c","size":x}]')
      assert.same({ "1", "malformed" }, { found, result })
   end)

   it("make no Lua value of what they do not want", function()
      local a_shape = shape()
      a_shape:filter { state = { never = true } }
      local reader = room.reader()
      reader:feed(("[" .. (plain ',"x":[1,2,{"y":"some text"}],"name":"another text"' .. ","):rep(1000)))
      reader:enter()
      collectgarbage()
      collectgarbage "stop"
      reader:element()
      reader:record(a_shape)
      local before = collectgarbage "count"
      for _ = 1, 999 do
         reader:element()
         assert(reader:record(a_shape) == "skipped")
      end
      local grown = collectgarbage "count" - before
      collectgarbage "restart"
      assert.is_true(grown < 1, grown)
   end)
end)
