-- csrc/json against lua-cjson: random documents and records, written with random freedom,
-- in random pieces; and random damage.

local cjson = require "cjson"
local room = require "json_room"
local support = require "spec.unit.json_support"

local random = math.random
local seed = tonumber(os.getenv "JSON_SEED") or 1

local function pick(list) return list[random(#list)] end

-- ---- writing random JSON ------------------------------------------------------------------------

local function space()
   if random(6) > 1 then return "" end
   return pick { " ", "\n", "\t ", "  \r\n" }
end

local characters = {
   "a", "b", "xyz", "0123456789", " ", "/", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x7F",
   "lorem ipsum dolor sit amet", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t", "\\u0041", "\\u00e9",
   "\\u20Ac", "\\ud83d\\uDE00", "\\u0000", "\\uFFFD", '{\\"a\\":[1,2]}',
}

local function string_text()
   local parts = {}
   for i = 1, random(0, random(3) == 1 and 30 or 4) do parts[i] = pick(characters) end
   return '"' .. table.concat(parts) .. '"'
end

local function number_text()
   local kind = random(8)
   if kind <= 3 then return tostring(random(-1000, 1000)) end
   if kind == 4 then return tostring(random(-(1 << 53), 1 << 53)) end
   if kind == 5 then return ("%.17g"):format((random() - 0.5) * 10.0 ^ random(-300, 300)) end
   if kind == 6 then return ("%.3f"):format((random() - 0.5) * 1e6) end
   if kind == 7 then
      return ("%d%s%s%d"):format(random(-99, 99), pick { "e", "E" }, pick { "", "+", "-" }, random(0, 30))
   end
   return pick { "0", "-0", "0.0", "1e0", "1.0", "100000000000000000000", "-12345678901234567890.5", "0.1e1", "5e-324" }
end

local function name_text()
   return random(3) == 1 and string_text() or pick { '"id"', '"state"', '"size"', '"share"', '"a"', '"\\u0069d"' }
end

local value_text

local function list_text(depth)
   local parts = {}
   for i = 1, random(0, 4) do parts[i] = space() .. value_text(depth + 1) .. space() end
   return "[" .. table.concat(parts, ",") .. space() .. "]"
end

local function object_text(depth, first)
   local parts = { first }
   for i = #parts + 1, random(#parts, 6) do
      parts[i] = space() .. name_text() .. space() .. ":" .. space() .. value_text(depth + 1) .. space()
   end
   return "{" .. table.concat(parts, ",") .. space() .. "}"
end

function value_text(depth)
   local kind = random(depth > 4 and 5 or 8)
   if kind <= 2 then return string_text() end
   if kind <= 4 then return number_text() end
   if kind == 5 then return pick { "true", "false", "null" } end
   if kind == 6 then return list_text(depth) end
   return object_text(depth)
end

-- ---- comparing ----------------------------------------------------------------------------------

-- What cjson gives, as json should: null members absent.
-- (cjson knows floats only, so numbers are compared as such.)
local function without_nulls(value, is_element)
   if type(value) ~= "table" then
      if value == cjson.null and not is_element then return nil end
      return value
   end
   for k, v in pairs(value) do value[k] = without_nulls(v, math.type(k) and true) end
   return value
end

-- Where they differ; nil: nowhere.
local function difference(a, b, path)
   path = path or "value"
   if type(a) == "number" and type(b) == "number" then
      if a + 0.0 == b + 0.0 then return nil end
   elseif type(a) == "table" and type(b) == "table" then
      for k, v in pairs(a) do
         local found = difference(v, b[k], path .. "." .. tostring(k))
         if found then return found end
      end
      for k in pairs(b) do
         if a[k] == nil then return path .. "." .. tostring(k) end
      end
      return nil
   elseif a == b then
      return nil
   end
   return path .. ": " .. tostring(a) .. " is not " .. tostring(b)
end

-- Cuts at random and gives the same outcome.
local function again(text, how, outcome)
   local this = support.read(support.pieces(text, random, pick { 1, 3, 20, 200 }), support.document(how))
   assert.same(outcome, this, text)
end

describe("json against lua-cjson (seed " .. seed .. ")", function()
   setup(function() math.randomseed(seed) end)

   it("gives the same values", function()
      for _ = 1, 2500 do
         local text = space() .. value_text(0) .. space()
         local outcome = support.whole(text)
         assert.equal("ok", outcome.result, text)
         assert.is_nil(difference(outcome.value, without_nulls(cjson.decode(text), true)), text)
         again(text, "value", outcome)
         again(text, "skip", { result = "ok", member = "", value = nil })
      end
   end)

   it("gives the same records", function()
      local kept = room.shape { rules = { { "id", room.ANY }, { "size", room.ANY } } }
      local some = room.shape { rules = { { "id", room.ANY }, { "size", room.ANY } }, keep = { id = true },
         keep_unknown = false }
      for _ = 1, 2500 do
         local text = object_text(0, random(2) == 1 and '"id":' .. string_text() .. ',"size":' .. number_text()
            .. ',"a":' .. value_text(2) or nil)
         local expected = without_nulls(cjson.decode(text))
         local outcome = support.whole(text, kept)
         assert.equal("ok", outcome.result, text)
         assert.is_nil(difference(outcome.value, expected), text)
         again(text, kept, outcome)
         outcome = support.whole(text, some)
         assert.is_nil(difference(outcome.value, { id = expected.id }), text)
         again(text, some, outcome)
      end
   end)

   it("accepts nothing damaged that cjson refuses, and finds the damage at one place whatever the pieces", function()
      local shape = room.shape {}
      local accepted = 0
      for _ = 1, 4000 do
         local text = object_text(0)
         local at = random(#text)
         local kind = random(3)
         local new = kind == 1 and "" or kind == 2 and string.char(random(0, 255))
            or pick { '"', "\\", ",", ":", "{", "]", "0", ".", "\xC3", "\\ud800" }
         text = text:sub(1, at - 1) .. new .. text:sub(at + random(0, 1))
         local outcome = support.whole(text)
         if outcome.result == "ok" then
            accepted = accepted + 1
            local fine, value = pcall(cjson.decode, text)
            assert.is_true(fine, text)
            assert.is_nil(difference(outcome.value, without_nulls(value, true)), text)
         end
         again(text, "value", outcome)
         if outcome.result == "ok" or outcome.result == "malformed" then
            local of_record = support.whole(text, shape)
            if of_record.result ~= "wrong" then assert.same(outcome, of_record, text) end
            again(text, shape, of_record)
         end
      end
      assert.is_true(accepted > 100)
   end)
end)
