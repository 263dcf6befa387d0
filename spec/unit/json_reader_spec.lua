-- The reader of csrc/json: pulls, limits, memory, errors that stay. The grammar is in json_spec, records are in json_record_spec.

local room = require "json_room"
local support = require "spec.unit.json_support"

local function reader_of(text)
   local reader = room.reader()
   reader:feed(text)
   return reader
end

-- A pull function that walks through any document with the small pulls and builds what json_value would.
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
         "[]", "{}", "1", " [ 1 , [ ] , { } , \"a\" ] ", '{"a":1,"b":{"c":[true,null]},"d":null}', '{"\\u0061\\n":"\\ud83d\\ude00"}',
         '[[[]],{"":[{}]}]', '{ "a" : [ ] , "b" : { } }',
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
         '{"\\ud800":1}', '{"\xFF":1}', "]", "}", "[1e400]", '[{"a":[}]]',
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
         ['""'] = room.STRING, ["1"] = room.INTEGER, ["-1.5"] = room.INTEGER, ["true"] = room.BOOLEAN, ["false"] = room.BOOLEAN,
         ["null"] = room.NULL, ["[]"] = room.ARRAY, ["{}"] = room.OBJECT,
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

describe("json: depth", function()
   local function nested(open, close, n) return open:rep(n) .. close:rep(n) end

   it("64 is read, 65 is refused", function()
      local mixed = '[{"a":'
      for _, how in ipairs { "value", "skip" } do
         assert.equal("ok", support.whole(nested("[", "]", 64), how).result)
         assert.equal("ok", support.whole(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63), how).result)
         assert.equal("ok", support.whole(mixed:rep(32) .. "1" .. ("}]"):rep(32), how).result)
         local too_deep = {
            [nested("[", "]", 65)] = 64, [('{"a":'):rep(64) .. "{}" .. ("}"):rep(64)] = 320, [mixed:rep(32) .. "[]"] = 192,
         }
         for text, offset in pairs(too_deep) do
            local outcome = support.whole(text, how)
            assert.same({ "malformed", "nested too deeply", offset }, { outcome.result, outcome.what, outcome.offset })
            assert.same(outcome, support.read(support.pieces(text, math.random, 5), support.document(how)))
         end
      end
   end)

   it("counts the brackets that were entered", function()
      for entered = 1, 64 do
         for more = 0, 1 do
            local inside = 64 - entered + more
            local text = ("["):rep(entered) .. "0," .. nested("[", "]", inside) .. ("]"):rep(entered)
            local reader = reader_of(text)
            for _ = 1, entered do
               assert.equal("ok", reader:enter())
               reader:element()
            end
            assert.equal("ok", (reader:value()))
            assert.equal("ok", reader:element())
            if inside == 0 then
               assert.equal("malformed", (reader:value()))
               assert.equal("expected a value", (reader:error()))
            else
               assert.equal(more == 0 and "ok" or "malformed", (reader:value()))
               if more == 1 then assert.same({ "nested too deeply", "", entered + 2 + inside - 1 }, { reader:error() }) end
            end
         end
      end
      local reader = reader_of(("["):rep(65))
      for _ = 1, 64 do
         assert.equal("ok", reader:enter())
         reader:element()
      end
      assert.equal("malformed", reader:enter())
      assert.same({ "nested too deeply", "", 64 }, { reader:error() })
   end)

   it("of a record counts too", function()
      local shape = room.shape {}
      local function record_of(n) return '{"a":' .. nested("[", "]", n) .. "}" end
      assert.equal("ok", (reader_of(record_of(63)):record(shape)))
      local reader = reader_of(record_of(64))
      assert.equal("malformed", (reader:record(shape)))
      assert.same({ "nested too deeply", "a", 5 + 63 }, { reader:error() })
      reader = reader_of(("["):rep(64) .. "{}")
      for _ = 1, 64 do
         reader:enter()
         reader:element()
      end
      assert.equal("malformed", (reader:record(shape)))
      assert.same({ "nested too deeply", "", 64 }, { reader:error() })
   end)

   it("needs no memory for what is refused", function()
      local reader = reader_of(("["):rep(1000000))
      local before = collectgarbage "count"
      assert.equal("malformed", (reader:value()))
      assert.is_true(collectgarbage "count" - before < 10)
   end)
end)

describe("json: the size of a value", function()
   local max = room.VALUE_MAX

   -- texts of exactly n bytes
   local kinds = {
      string = function(n) return '"' .. ("s"):rep(n - 2) .. '"' end,
      escaped = function(n) return '"' .. ("\\n"):rep((n - 2) // 2) .. ("x"):rep(n % 2) .. '"' end,
      list = function(n) return "[" .. ("1,"):rep((n - 3) // 2) .. (" "):rep((n - 3) % 2) .. "1]" end,
      number = function(n) return "0." .. ("1"):rep(n - 2) end,
      object = function(n) return '{"a":"' .. ("s"):rep(n - 8) .. '"}' end,
   }

   for name, make in pairs(kinds) do
      it("may be JSON_VALUE_MAX and no more: " .. name, function()
         for _, size in ipairs { max, max + 1 } do
            local text = make(size)
            assert.equal(size, #text)
            local result = size == max and "ok" or "too_large"
            for _, pieces in ipairs { { text }, support.pieces(text, math.random, 100000) } do
               local how = name == "object" and room.shape {} or "skip"
               assert.equal(result, support.read(pieces, support.document(how)).result)
               local outcome = support.read(pieces, support.document "value")
               assert.equal(result, outcome.result)
               if result ~= "ok" then assert.same({ "a value is too large", 0 }, { outcome.what, outcome.offset }) end
            end
         end
      end)
   end

   it("counts for each value, not for the text", function()
      local reader = reader_of "["
      reader:enter()
      for i = 1, 3 do
         reader:feed((i > 1 and "," or "") .. '"' .. ("s"):rep(max - 2) .. '"')
         assert.equal("ok", reader:element())
         assert.equal("ok", reader:skip())
      end
   end)

   it("holds for names", function()
      for _, size in ipairs { max, max + 1 } do
         local reader = reader_of "{"
         reader:enter()
         for _, piece in ipairs(support.pieces('"' .. ("n"):rep(size - 2) .. '"', math.random, 300000)) do
            assert.equal("more", (reader:member()))
            reader:feed(piece)
         end
         reader:feed ":1}"
         assert.equal(size == max and "ok" or "too_large", (reader:member()))
      end
   end)

   it("an error within it comes first", function()
      local outcome = support.whole("[x" .. (" "):rep(max))
      assert.same({ "malformed", 1 }, { outcome.result, outcome.offset })
      outcome = support.whole("[" .. (" "):rep(max) .. "x")
      assert.equal("too_large", outcome.result)
   end)
end)

describe("json: the buffer", function()
   it("asks to hold back when it is full, until the next pull", function()
      local reader = room.reader()
      reader:feed("[")
      reader:enter()
      reader:feed(("1,"):rep(room.BUFFER_FULL // 2 - 1) .. "2")
      assert.is_false(reader:full())
      reader:feed ","
      assert.is_true(reader:full())
      for _ = 1, 3 do
         reader:element()
         reader:value()
      end
      assert.is_false(reader:full())
   end)

   it("lets one long value through", function()
      local reader = room.reader()
      reader:feed '["'
      reader:enter()
      reader:element()
      local piece, fed = ("x"):rep(16 * 1024), 0
      while fed + #piece < room.VALUE_MAX do
         assert.equal("more", (reader:value()))
         assert.is_false(reader:full())
         reader:feed(piece)
         fed = fed + #piece
         assert.equal(fed + 1 >= room.BUFFER_FULL, reader:full())
      end
      reader:feed '"]'
      local result, value = reader:value()
      assert.same({ "ok", fed }, { result, #value })
      assert.is_false(reader:full())
   end)

   it("stays small when what comes is consumed", function()
      local reader = room.reader()
      reader:feed "["
      reader:enter()
      local list = ('["0123456789",1.5,{"a":null}],'):rep(1000)
      for _ = 1, 50 do
         reader:feed(list)
         repeat
            reader:element()
            local result = reader:value()
         until result == "more"
      end
      assert.is_true(reader:sizes() <= 2 * (#list + 4096))
   end)

   it("takes values of 100 kB in single bytes", function() -- forever, if the time were not linear
      local text = '["' .. ("\\u00e9"):rep(50000) .. '",' .. ("1"):rep(100000) .. "e-100000," .. ("[" .. (" "):rep(100000) .. "1]") .. "]"
      local pieces = {}
      for i = 1, #text do pieces[i] = text:sub(i, i) end
      local outcome = support.read(pieces, support.document "value")
      assert.equal("ok", outcome.result)
      assert.equal(100000, #outcome.value[1])
   end)
end)

describe("json: want of memory", function()
   local text = '[{"id":"a","x\\u0079":"b\\n","list":[1,{"y":["a text of some length", "another text of some length"]}]},{"id":"c","z":"d"}]'

   it("of Lua leaves the value where it is", function()
      local failures, k = 0, 0
      repeat
         local reader, shape = reader_of(text), room.shape { rules = { { "id", room.STRING } } }
         local values, failed = {}, false
         reader:enter()
         for i = 1, 2 do
            assert.equal("ok", reader:element())
            local fine, result, value = room.starve(k, reader.record, reader, shape)
            if not fine then
               assert.equal("not enough memory", result)
               failed, failures = true, failures + 1
               result, value = reader:record(shape)
            end
            assert.equal("ok", result)
            values[i] = value
         end
         assert.equal("close", reader:element())
         local list = { 1, { y = { "a text of some length", "another text of some length" } } }
         local expected = { { id = "a", xy = "b\n", list = list }, { id = "c", z = "d" } }
         assert.same(expected, values)
         reader = reader_of(text)
         local fine, result, value = room.starve(k, reader.value, reader)
         if not fine then
            failed, failures = true, failures + 1
            result, value = reader:value()
         end
         assert.same({ "ok", expected }, { result, value })
         k = k + 1
      until not failed
      assert.is_true(k > 10 and failures > 20)
   end)
end)
