-- The reader of csrc/json: pulls, and errors that stay. The grammar is in json_spec,
-- limits in json_limits_spec, records in json_record_spec.

local room = require "json_room"
local support = require "spec.unit.json_support"

local reader_of = support.reader_of

-- A pull function that walks through any document with the small pulls and builds what json_value
-- would. LONG: its steps share what they build.
local function walker()
   local stack, done, root, has_root = {}, false, nil, false

   local function put(value)
      local top = stack[#stack]
      if not top then
         root, has_root = value, true
      elseif top.name ~= nil then
         if value == room.null then value = nil end
         top.table[top.name], top.name = value, nil
      else
         top.table[#top.table + 1] = value
         top.asked = false
      end
   end

   local function take_value(reader)
      local result, type = reader:type()
      if result ~= "ok" then return result end
      local value
      if type == room.OBJECT or type == room.ARRAY then
         result = reader:enter()
         if result == "ok" then stack[#stack + 1] = { table = {}, is_object = type == room.OBJECT } end
         return result
      end
      result, value = reader:value()
      if result == "ok" then put(value) end
      return result
   end

   local function step(reader)
      local top = stack[#stack]
      if not top then
         if not has_root then return take_value(reader) end
         local result = reader:finished()
         done = result == "ok"
         return result
      end
      if top.is_object and top.name == nil or not top.is_object and not top.asked then
         local result, name
         if top.is_object then
            result, name = reader:member()
            top.name = name
         else
            result = reader:element()
            top.asked = result == "ok"
         end
         if result == "close" then
            stack[#stack] = nil
            put(top.table)
            return "ok"
         end
         return result
      end
      return take_value(reader)
   end

   return function(reader)
      local result
      repeat result = step(reader) until result ~= "ok" or done
      if result == "ok" then return result, root end
      return result
   end
end

describe("json: pulls", function()
   it("walk through a document as json_value reads it", function()
      local texts = {
         "[]", "{}", "1", " [ 1 , [ ] , { } , \"a\" ] ", '{"a":1,"b":{"c":[true,null]},"d":null}',
         '{"\\u0061\\n":"\\ud83d\\ude00"}', '[[[]],{"":[{}]}]', '{ "a" : [ ] , "b" : { } }',
      }
      for _, text in ipairs(texts) do
         local expected = support.whole(text)
         assert.equal("ok", expected.result)
         support.each_way(text, function(pieces, how)
            assert.same(expected, support.read(pieces, walker()), how .. ": " .. text)
         end)
      end
   end)

   it("refuse what json_value refuses, at the same place", function()
      local texts = {
         "[1,]", "[,]", "[1 2]", "[1}", "{,}", '{"a"}', '{"a":}', '{"a":1,}', '{"a":1 "b":2}', '{"a" 1}',
         "{1:1}", "[]]", "{}{}", "[tru]", '{"a":"\\q"}',
         '{"\1":1}',
         '{"\\ud800":1}', '{"\xFF":1}', "]", "}", '[{"a":[}]]',
      }
      for _, text in ipairs(texts) do
         local expected = support.whole(text)
         assert.equal("malformed", expected.result)
         support.each_way(text, function(pieces, how)
            local outcome = support.read(pieces, walker())
            local got = { outcome.result, outcome.what, outcome.offset }
            assert.same({ expected.result, expected.what, expected.offset }, got, how .. ": " .. text)
         end)
      end
   end)

   it("consume nothing while they answer more", function()
      local reader = room.reader()
      assert.equal("more", (reader:type()))
      reader:feed " { \"ab"
      assert.same({ "ok", room.OBJECT }, { reader:type() })
      assert.equal("ok", reader:enter())
      assert.equal("more", (reader:member()))
      assert.equal('"ab', reader:unread())
      reader:feed "c\" : tr"
      assert.same({ "ok", "abc" }, { reader:member() })
      assert.equal("more", (reader:value()))
      assert.equal("more", reader:skip())
      assert.equal("tr", reader:unread())
      reader:feed "ue }"
      assert.same({ "ok", true }, { reader:value() })
      assert.equal("close", (reader:member()))
      assert.equal("more", reader:finished())
      reader:finish()
      assert.equal("ok", reader:finished())
   end)

   it("tell the type of what comes next", function()
      local types = {
         ['""'] = room.STRING, ["1"] = room.INTEGER, ["-1.5"] = room.INTEGER, ["true"] = room.BOOLEAN,
         ["false"] = room.BOOLEAN, ["null"] = room.NULL, ["[]"] = room.ARRAY, ["{}"] = room.OBJECT,
      }
      for text, type in pairs(types) do assert.same({ "ok", type }, { reader_of(" " .. text):type() }) end
      assert.equal("malformed", (reader_of("x"):type()))
   end)

   it("may be asked twice for the same element or member", function()
      local reader = reader_of '[1,{"a":2}]'
      reader:enter()
      assert.same({ "ok", "ok" }, { reader:element(), reader:element() })
      assert.same({ "ok", 1 }, { reader:value() })
      assert.same({ "ok", "ok", "ok" }, { reader:element(), reader:element(), reader:enter() })
      assert.same({ "ok", "a" }, { reader:member() })
      assert.same({ "ok", "a" }, { reader:member() })
   end)
end)

describe("json: errors", function()
   it("stay", function()
      local reader = reader_of '[1, x]'
      assert.equal("ok", reader:enter())
      assert.equal("ok", reader:element())
      assert.equal("ok", (reader:value()))
      assert.equal("ok", reader:element())
      assert.equal("malformed", (reader:value()))
      reader:feed "1]"
      for _, pull in ipairs { "type", "enter", "element", "member", "value", "skip", "finished" } do
         assert.equal("malformed", (reader[pull](reader)), pull)
      end
      assert.equal("malformed", (reader:record(room.shape {})))
      assert.same({ "expected a value", "", 4 }, { reader:error() })
      assert.equal("x]", reader:unread())
   end)

   it("are forgotten by reset, memory is not", function()
      local reader = reader_of(("x"):rep(10000))
      assert.equal("malformed", (reader:value()))
      local size = reader:sizes()
      reader:reset()
      assert.is_nil((reader:error()))
      assert.equal("", reader:unread())
      reader:feed "[1]"
      assert.same({ "ok", { 1 } }, { reader:value() })
      assert.equal(size, (reader:sizes()))
   end)

   it("count bytes from the beginning of the text, however many were consumed", function()
      local reader = room.reader()
      reader:feed "["
      reader:enter()
      for _ = 1, 10000 do
         reader:feed "12345678,"
         assert.equal("ok", reader:element())
         assert.equal("ok", (reader:value()))
      end
      reader:feed "x"
      assert.equal("ok", reader:element())
      assert.equal("malformed", (reader:value()))
      assert.equal(1 + 10000 * 9, (select(3, reader:error())))
      assert.is_true(reader:sizes() <= 4096)
   end)
end)
