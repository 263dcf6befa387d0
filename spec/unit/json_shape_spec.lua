-- What a shape of csrc/json learns from records: names and their order;
-- and that strings that come again and again stay right.

local room = require "json_room"
local support = require "spec.unit.json_support"

local everywhere, whole = support.everywhere, support.whole

local rules = {
   { "id", room.STRING, true }, { "name", room.STRING }, { "size", room.INTEGER }, { "state", room.STRING, true },
}

local function shape() return room.shape { rules = rules } end

local function plain(more) return '{"id":"a","state":"b"' .. (more or "") .. "}" end

describe("json records: names", function()
   it("are found in any order", function()
      local members = {}
      for i = 1, 20 do members[i] = ('"m%d":%d'):format(i, i) end
      local expected = {}
      for i = 1, 20 do expected["m" .. i] = i end
      local a_shape = room.shape { rules = { { "m7", room.INTEGER, true }, { "m3", room.INTEGER, true } } }
      for _ = 1, 200 do
         for i = 20, 2, -1 do
            local j = math.random(i)
            members[i], members[j] = members[j], members[i]
         end
         assert.same(expected, whole("{" .. table.concat(members, ",") .. "}", a_shape).value)
      end
      assert.equal(20, (a_shape:sizes()))
   end)

   it("are found when written with escapes", function()
      local a_shape = shape()
      local text = [[{"\u0069d":"a","st\u0061te":"b","si\u007ae":1,"\"\\":2}]]
      for _ = 1, 3 do assert.same({ id = "a", state = "b", size = 1, ['"\\'] = 2 }, everywhere(text, a_shape).value) end
      assert.same({ id = "a", state = "b", size = 1, ['"\\'] = 2 },
         everywhere([[{"id":"a","state":"b","size":1,"\u0022\u005C":2}]], a_shape).value)
      assert.equal(#rules + 1, (a_shape:sizes()))
   end)

   it("that hold quotes are never taken for text that ends there", function()
      local a_shape = room.shape {}
      assert.same({ ['a"b'] = 1 }, whole([[{"a\"b":1}]], a_shape).value)
      assert.equal("malformed", whole('{"a"b":1}', a_shape).result)
      assert.same({ ["a\n"] = 1 }, whole([[{"a\n":1}]], a_shape).value)
      assert.equal("malformed", whole('{"a\n":1}', a_shape).result)
      assert.same({ ["a\0"] = 1 }, whole([[{"a\u0000":1}]], a_shape).value)
      assert.equal("malformed", whole('{"a\0":1}', a_shape).result)
   end)

   it("may be empty, long, or begin alike", function()
      local expected, text = {}, {}
      for _, n in ipairs { 0, 1, 14, 15, 16, 17, 31, 32, 33, 47, 48, 62, 63, 64, 65, 200 } do
         expected[("n"):rep(n)] = n
         text[#text + 1] = ('"%s":%d'):format(("n"):rep(n), n)
      end
      local a_shape = room.shape {}
      for _ = 1, 3 do assert.same(expected, everywhere("{" .. table.concat(text, ",") .. "}", a_shape).value) end
   end)

   it("are learned up to a bound, and read right beyond it", function()
      local a_shape = room.shape { rules = rules }
      local text, expected = {}, { id = "a", state = "b" }
      for i = 1, 10000 do
         text[i] = (',"name %d":%d'):format(i, i)
         expected["name " .. i] = i
      end
      local long = plain(table.concat(text))
      for _ = 1, 3 do assert.same(expected, whole(long, a_shape).value) end
      local slots, fields = a_shape:sizes()
      assert.is_true(slots <= 512)
      assert.is_true(fields <= 4096)
      -- duplicates and null among those that are not learned
      local value = whole(plain(table.concat(text) .. ',"name 9999":"x","name 10000":null,"na\\u006de 9998":2'),
         a_shape).value
      expected["name 9999"], expected["name 10000"], expected["name 9998"] = "x", nil, 2
      assert.same(expected, value)
   end)

   -- The hash of json_fnv, as shape.c uses it.
   local function hash(name)
      local h = 2166136261
      for i = 1, #name do h = ((h ~ name:byte(i)) * 16777619) & 0xFFFFFFFF end
      return h ~ h >> 15
   end

   -- `count` names whose hashes agree in the low bits `mask`.
   local function alike(count, mask)
      local places = {}
      for i = 1, math.huge do
         local name = "k" .. i
         local place = hash(name) & mask
         places[place] = places[place] or {}
         table.insert(places[place], name)
         if #places[place] == count then return places[place] end
      end
   end

   it("that find a free place in the middle of the record are removed by null all the same", function()
      -- the last is too far from its place, until the others make the table grow
      local names = alike(9, 127)
      local text, expected = {}, {}
      for i, name in ipairs(names) do
         text[i] = ('"%s":%d'):format(name, i)
         expected[name] = i < 9 and i or nil
      end
      for i = 1, 60 do
         text[#text + 1] = ('"z%d":%d'):format(i, i)
         expected["z" .. i] = i
         local with_null = "{" .. table.concat(text, ",") .. ',"' .. names[9] .. '":null}'
         assert.same(expected, whole(with_null, room.shape {}).value)
      end
   end)

   it("however many a server invents, need no more memory", function()
      local a_shape = room.shape {}
      for i = 1, 20000 do
         assert.same({ ["k" .. i] = i }, whole(('{"k%d":%d}'):format(i, i), a_shape).value)
      end
      assert.is_true(a_shape:sizes() <= 512)
   end)
end)

describe("json records: strings that come again", function()
   -- { how it is written, what it means }: of all lengths, with the one difference in many places
   local words = {}
   for _, word in ipairs { "Pending", "Processing", "Completed", "Cancelled", "Failed", "", "a", "ab", "abc", "abcd",
      "abcdefg", "abcdefgh" } do
      words[#words + 1] = { word, word }
   end
   for n = 9, 140 do
      local at = n // 3
      words[#words + 1] = { ("w"):rep(n), ("w"):rep(n) }
      words[#words + 1] =
         { ("w"):rep(at) .. "v" .. ("w"):rep(n - at - 1), ("w"):rep(at) .. "v" .. ("w"):rep(n - at - 1) }
      words[#words + 1] =
         { ("w"):rep(at) .. '\\"' .. ("w"):rep(n - at - 2), ("w"):rep(at) .. '"' .. ("w"):rep(n - at - 2) }
      words[#words + 1] =
         { ("w"):rep(at) .. "\\n" .. ("w"):rep(n - at - 2), ("w"):rep(at) .. "\n" .. ("w"):rep(n - at - 2) }
   end

   local function check(a_shape, state, name)
      local text = ('{"id":"%s","state":"%s","name":"%s","x":"%s"}'):format(name[1], state[1], name[1], state[1])
      assert.same({ id = name[2], state = state[2], name = name[2], x = state[2] }, whole(text, a_shape).value)
   end

   it("are right however they change", function()
      local a_shape = shape()
      for _ = 1, 2000 do check(a_shape, words[math.random(#words)], words[math.random(#words)]) end
   end)

   it("are right when few of them come again and again", function()
      for from = 1, #words - 4, 4 do
         local a_shape = shape()
         for _ = 1, 12 do check(a_shape, words[from + math.random(0, 4)], words[from + math.random(0, 4)]) end
      end
   end)
end)

describe("json records: names on the stack", function()
   local function text_of(i)
      local more = {}
      for k = 1, i % 50 do more[k] = (',"m%d":%d'):format(k, k) end
      return plain(',"size":' .. i .. ',"na\\u006de":"n"' .. table.concat(more))
   end
   local texts, expected = {}, {}
   for i = 1, 120 do
      texts[i] = text_of(i)
      expected[i] = whole(texts[i], shape()).value
   end
   local text = "[" .. table.concat(texts, ",") .. "]"

   it("make no difference, with more names than are kept there", function()
      for _, size in ipairs { 100, 3000, #text } do
         local reader, a_shape, given, result = room.reader(), shape(), {}, "more"
         for i, piece in ipairs(support.pieces(text, math.random, size)) do
            local records
            reader:feed(piece)
            if i == 1 then reader:enter() end
            result, records = reader:run(a_shape)
            table.move(records, 1, #records, #given + 1, given)
         end
         assert.equal("close", result)
         assert.same(expected, given)
      end
   end)

   it("are pushed anew after a run that ended out of memory", function()
      local failures, k = 0, 0
      repeat
         local reader, a_shape = room.reader(), shape()
         reader:feed("[" .. texts[1] .. "," .. texts[49] .. "]")
         reader:enter()
         local fine, result, records = room.starve(k, reader.run, reader, a_shape)
         if not fine then
            failures = failures + 1
            assert.equal("not enough memory", result)
            reader:release()
            result, records = reader:run(a_shape)
         end
         assert.equal("close", result)
         assert.is_true(#records > 0)
         assert.same(expected[49], records[#records])
         k = k + 1
      until fine
      assert.is_true(failures > 10)
   end)
end)

describe("json records: strings that come again in a run", function()
   -- Alike at both ends and in the middle, of lengths around those that are kept; the same text in
   -- two ways of writing; different texts of one length.
   local pool = { "", "a", "ab", "abcdefg", "abcdefgh", "\\u0041bc", "Abc", "caf\\u00e9", "café", "\\\\\\\"",
      "\\ud83d\\ude00" }
   for _, length in ipairs { 15, 16, 17, 63, 64, 239, 240, 241, 300 } do
      for i = 1, 4 do
         local text = ("x"):rep(length)
         local at = 9 + (i * length) // 9 % math.max(length - 17, 1)
         pool[#pool + 1] = text:sub(1, at - 1) .. i .. text:sub(at + 1)
      end
   end

   local function texts_of(count, pick)
      local texts, expected = {}, {}
      for i = 1, count do
         texts[i] = ('{"id":"%d","state":"%s","name":"%s","note":"%s"}'):format(i, pick(), pick(), pick())
         expected[i] = whole(texts[i], shape()).value
      end
      return "[" .. table.concat(texts, ",") .. "]", expected
   end

   local function read_all(a_shape, text)
      local reader = room.reader()
      reader:feed(text)
      reader:enter()
      local result, records = reader:run(a_shape)
      assert.equal("close", result)
      return records
   end

   it("are what they would be alone", function()
      local a_shape = shape()
      for _ = 1, 5 do
         local text, expected = texts_of(180, function() return pool[math.random(#pool)] end)
         assert.same(expected, read_all(a_shape, text))
      end
   end)

   it("are right with far more of them than are kept", function()
      local a_shape = shape()
      for _ = 1, 10 do
         local text, expected = texts_of(150, function() return ("word %d of many"):format(math.random(400)) end)
         assert.same(expected, read_all(a_shape, text))
      end
   end)

   it("are made once only, while they are kept", function()
      local text = "[" .. ('{"id":"1","state":"' .. ("long "):rep(40) .. '"},'):rep(150):sub(1, -2) .. "]"
      local a_shape = shape()
      local first = read_all(a_shape, text)
      collectgarbage()
      collectgarbage "stop"
      local before = collectgarbage "count"
      local again = read_all(a_shape, text)
      local grown = (collectgarbage "count" - before) * 1024
      collectgarbage "restart"
      assert.same(first, again)
      -- 150 tables of two members, and not 150 strings of 200 bytes
      assert.is_true(grown < 150 * 180, grown)
   end)
end)
