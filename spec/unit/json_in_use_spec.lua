-- Finalizers run wherever a pull of csrc/json allocates, in the middle of a record:
-- whatever they call on the same reader or the same shape must find it in use, and change nothing.

local room = require "json_room"
local collector = require "spec.support.collector"
local support = require "spec.unit.json_support"

local rules = { { "id", room.STRING, true }, { "more", room.ANY }, { "size", room.INTEGER } }

local function record(i)
   return ([[{"id":"job %d","size":%d,"more":{"list":[1,"two\n",{"three":[]}],"%d":"%s"},"n\u0061me%d":"a\"b"}]])
      :format(i, i, i, ("long "):rep(20), i % 7)
end

local function document(count)
   local records = {}
   for i = 1, count do records[i] = record(i) end
   return "[" .. table.concat(records, ",") .. "]"
end

-- Calls f again and again while `act` runs in a finalizer as often as there can be one,
-- until `enough()`. The results are the last.
local function disturb(act, f, enough)
   local on = true
   local function lay()
      setmetatable({}, { __gc = function()
         if not on then return end
         lay()
         act()
      end })
   end
   collectgarbage()
   collector.incremental(1, 4)
   lay()
   local result
   for _ = 1, 3000 do
      result = table.pack(pcall(f))
      if enough() or not result[1] then break end
   end
   on = false
   collector.usual()
   collectgarbage()
   assert.is_true(result[1], result[2])
   return table.unpack(result, 2, result.n)
end

-- Calls everything on a reader in use. Counts how often it was.
local function intruder(shape)
   local self = { met = 0, failures = {} }
   local reader
   local other = room.reader()
   other:feed '{"id":"other"}'
   local function expect(what, wanted, got)
      if wanted ~= got then self.failures[#self.failures + 1] = what .. " gives " .. tostring(got) end
   end
   function self.enough() return self.met >= 20 end
   function self.reader(text)
      reader = room.reader()
      reader:feed(text)
      return reader
   end
   function self.act()
      if not reader:in_use() then return end
      self.met = self.met + 1
      for _, pull in ipairs { "value", "skip", "type", "enter", "element", "member", "finished", "check" } do
         expect(pull, "busy", (reader[pull](reader)))
      end
      expect("record", "busy", (reader:record(room.shape {})))
      expect("feed", false, reader:feed "garbage")
      expect("reset", false, reader:reset())
      expect("free", false, reader:free())
      reader:full()
      reader:unread()
      if shape then expect("the shape elsewhere", "busy", (other:record(shape))) end
   end
   return self
end

describe("json: a reader in use", function()
   local text = document(60)
   local plain = support.read({ text }, support.document "value").value

   local function check(of, f)
      local value = disturb(of.act, f, of.enough)
      assert.same({}, of.failures)
      assert.is_true(of.enough())
      assert.same(plain, value)
   end

   it("refuses all while a value is built", function()
      local of = intruder()
      check(of, function()
         local reader = of.reader(text)
         local _, value = reader:value()
         reader:finish()
         assert(not reader:in_use() and reader:finished() == "ok")
         return value
      end)
   end)

   it("refuses all while records are built, the shape too", function()
      local shape = room.shape { rules = rules }
      local of = intruder(shape)
      check(of, function()
         local reader, records = of.reader(text), {}
         assert(reader:enter() == "ok")
         while reader:element() == "ok" do
            local result
            result, records[#records + 1] = reader:record(shape)
            assert(result == "ok", result)
         end
         return records
      end)
   end)

   it("refuses all while many records are read in a row", function()
      local shape = room.shape { rules = rules }
      local of = intruder(shape)
      check(of, function()
         local reader = of.reader(text)
         assert(reader:enter() == "ok")
         local result, records = reader:run(shape)
         assert(result == "close", result)
         return records
      end)
   end)

   it("stays in use after an error until it is released, and then reads the same value again", function()
      local shape = room.shape { rules = rules }
      for k = 0, 400 do
         local reader = room.reader()
         reader:feed(record(1))
         local fine, result, value = room.starve(k, reader.record, reader, shape)
         if not fine then
            if reader:in_use() then assert.equal("busy", reader:type()) end
            reader:release()
            result, value = reader:record(shape)
         end
         assert.equal("ok", result)
         assert.same(plain[1], value)
         if fine then
            assert.is_true(k > 5)
            return
         end
      end
      error "never enough memory"
   end)
end)

describe("json: check", function()
   local function check(text)
      local reader = room.reader()
      reader:feed(text)
      local result = reader:check()
      assert.is_nil((reader:error()))
      return result, reader
   end

   it("knows a whole text, however large its values", function()
      for _, text in ipairs { "1", " [1, 2] \n", '{"a":null}', '"x"', "null", "-0.5e3", document(20) } do
         local result, reader = check(text)
         reader:finish()
         assert.equal("ok", result, text)
         assert.equal(text, reader:unread())
         assert.equal("ok", (reader:value()), text)
      end
      assert.equal("ok", (check('["' .. ("x"):rep(room.VALUE_MAX + 10) .. '"]')))
   end)

   it("knows a text that ends too early at any byte", function()
      local text = document(2) .. " "
      assert.equal("more", (check ""))
      assert.equal("more", (check " \n"))
      for i = 1, #text - 2 do assert.equal("more", (check(text:sub(1, i))), i) end
      assert.equal("more", (check "-"))
      assert.equal("more", (check '"\\ud83d'))
      assert.equal("more", (check('["' .. ("x"):rep(room.VALUE_MAX + 10))))
   end)

   it("knows what is not JSON, or has something behind it", function()
      for _, text in ipairs { "x", "[1,]", "1 2", "[]]", '{"a"}', "01", "1.", '"\xFF"', ("["):rep(65), "[]\0",
         "{}\n\0\0" } do
         assert.equal(text == "1." and "more" or "malformed", (check(text)), text)
      end
   end)

   it("says what a reader says that gets all at once", function()
      local random = math.random
      for _ = 1, 3000 do
         local text = record(random(9))
         local at = random(#text)
         local damage = ('{}[]",:0x\\ \n\1\xC3'):sub(random(14), -1):sub(1, random(2))
         text = text:sub(1, at - 1) .. damage .. text:sub(at + random(0, 2))
         local outcome = support.whole(text)
         assert.equal(outcome.result, (check(text)), text)
      end
   end)
end)
