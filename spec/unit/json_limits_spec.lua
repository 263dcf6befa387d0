-- The limits of csrc/json: depth, the size of a value, the buffer, and running out of memory.

local room = require "json_room"
local support = require "spec.unit.json_support"

local reader_of = support.reader_of

describe("json: depth", function()
   local function nested(open, close, n) return open:rep(n) .. close:rep(n) end

   it("64 is read, 65 is refused", function()
      local mixed = '[{"a":'
      for _, how in ipairs { "value", "skip" } do
         assert.equal("ok", support.whole(nested("[", "]", 64), how).result)
         assert.equal("ok", support.whole(('{"a":'):rep(63) .. "{}" .. ("}"):rep(63), how).result)
         assert.equal("ok", support.whole(mixed:rep(32) .. "1" .. ("}]"):rep(32), how).result)
         local too_deep = {
            [nested("[", "]", 65)] = 64, [('{"a":'):rep(64) .. "{}" .. ("}"):rep(64)] = 320,
            [mixed:rep(32) .. "[]"] = 192,
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
               if more == 1 then
                  assert.same({ "nested too deeply", "", entered + 2 + inside - 1 }, { reader:error() })
               end
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

   it("holds for a record like the one before, however much is there at once", function()
      local usual, large = '{"a":"s"}', '{"a":"' .. ("s"):rep(max) .. '"}'
      local text = "[" .. (usual .. ","):rep(3) .. large .. "," .. usual .. "]"
      for _, pieces in ipairs { { text }, support.pieces(text, math.random, 100000) } do
         local shape, entered, count = room.shape {}, false, 0
         local outcome = support.read(pieces, function(reader)
            entered = entered or reader:enter() == "ok"
            local result, records = reader:run(shape)
            count = count + #records
            return result
         end)
         assert.same({ "too_large", 3, #"[" + 3 * #(usual .. ",") }, { outcome.result, count, outcome.offset })
      end
   end)

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
      local text = '["' .. ("\\u00e9"):rep(50000) .. '",' .. ("1"):rep(100000) .. "e-100000,"
         .. ("[" .. (" "):rep(100000) .. "1]") .. "]"
      local pieces = {}
      for i = 1, #text do pieces[i] = text:sub(i, i) end
      local outcome = support.read(pieces, support.document "value")
      assert.equal("ok", outcome.result)
      assert.equal(100000, #outcome.value[1])
   end)
end)

describe("json: out of memory", function()
   local text = '[{"id":"a","x\\u0079":"b\\n",'
      .. '"list":[1,{"y":["a text of some length", "another text of some length"]}]},{"id":"c","z":"d"}]'

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
               reader:release()
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
            reader:release()
            result, value = reader:value()
         end
         assert.same({ "ok", expected }, { result, value })
         k = k + 1
      until not failed
      assert.is_true(k > 10 and failures > 20)
   end)
end)
