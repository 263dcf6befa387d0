-- csrc/json against lua-cjson: random documents and records, written with random freedom,
-- in random pieces; lists of records that are alike; and random damage.

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

-- ---- lists of records that are alike ------------------------------------------------------------

local rules = {
   { "id", room.STRING, true }, { "size", room.INTEGER }, { "share", room.FLOAT, false, true },
   { "state", room.STRING, true }, { "done", room.BOOLEAN, false, true },
}
local kinds = {
   few = function() return pick { '"Completed"', '"Failed"', '"{\\"a\\":[1,2]}"', '"' .. ("long"):rep(60) .. '"' } end,
   like = function() return ('"%s%c"'):format(("long"):rep(20), random(97, 122)) end,
   integer = function() return tostring(random(0, 1 << random(0, 62))) end,
   float = function() return pick { "0.5", "-0.0", "12.25", "1e3" } end,
   boolean = function() return pick { "true", "false" } end,
   text = string_text,
   flag = function() return pick { "1", "null" } end,
   any = function() return value_text(3) end,
}
local kind_of = { id = "text", size = "integer", share = "float", state = "few", done = "boolean" }

-- Names in any order, most of them without a rule; the last may be there twice.
local function some_members()
   local members = {}
   for i, rule in ipairs(rules) do members[i] = { '"' .. rule[1] .. '"', kinds[kind_of[rule[1]]] } end
   for i = 1, pick { 0, 2, 4, 30 } do
      local name = ("n"):rep(pick { 1, 14, 60 }) .. i
      members[#members + 1] = { '"' .. name .. '"', kinds[pick { "few", "like", "integer", "text" }] }
   end
   for i = #members, 2, -1 do
      local j = random(i)
      members[i], members[j] = members[j], members[i]
   end
   for _ = 1, pick { 0, 0, 1, 2 } do members[#members + 1] = { '"flag"', kinds.flag } end
   return members
end

local changes = {
   function(name) return name .. ":null" end,
   function(name) return name .. ":" .. kinds.any() end,
   function(name) return name .. ":" .. string_text() end,
   function(name) return name .. ":" .. number_text() end,
   function(name, value) return name .. ":" .. kinds.any() .. "," .. name .. ":" .. value end,
   function(name, value) return name .. space() .. ":" .. space() .. value .. space() end,
   function(name, value) return ('"\\u00%02x%s:%s'):format(name:byte(2), name:sub(3), value) end,
   function() return name_text() .. ":" .. value_text(3) end,
   function(name, value) return name .. ":" .. value:sub(1, -2) end,
}

-- A list in which one member in so many is not as in the record before.
local function list_of_alike(members, count, rarity)
   local records = {}
   for i = 1, count do
      local parts = {}
      for k, member in ipairs(members) do
         local name, value = member[1], member[2]()
         local changed = random(rarity) == 1
         parts[k] = changed and pick(changes)(name, value) or name .. ":" .. value
      end
      records[i] = "{" .. table.concat(parts, ",") .. "}"
   end
   return "[" .. table.concat(records, pick { ",", " ,\n" }) .. "]"
end

-- All of a value, the kinds of its numbers too.
local function dump(value)
   if type(value) ~= "table" then return type(value) == "userdata" and "null" or ("%q"):format(value) end
   local parts = {}
   for k, v in pairs(value) do parts[#parts + 1] = dump(k) .. "=" .. dump(v) end
   table.sort(parts)
   return "{" .. table.concat(parts, ",") .. "}"
end

-- Reads a list by `some`, which appends records to a list; returns all that came of it as one text.
local function read_list(pieces, some)
   local entered, records = false, {}
   local outcome = support.read(pieces, function(reader)
      entered = entered or reader:enter() == "ok"
      return some(reader, records)
   end)
   return dump { outcome.result, outcome.what, outcome.member, outcome.offset, records }
end

-- One by one, so that none is built while it is read.
local function slowly(shape)
   return function(reader, records)
      local result, record
      repeat
         result, record = reader:element()
         if result == "ok" then result, record = reader:record(shape) end
         records[#records + 1] = record
      until result ~= "ok"
      return result
   end
end

local function in_a_row(shape)
   return function(reader, records)
      local result, more = reader:run(shape)
      table.move(more, 1, #more, #records + 1, records)
      return result
   end
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

   it("gives the same lists in a row as record by record, though the row is built while it is read", function()
      for _ = 1, 150 do
         local members = some_members()
         local keep = pick { kind_of, { id = true, share = true } }
         local like = { rules = rules, keep = keep, keep_unknown = random(3) > 1 }
         local shape = room.shape(like) -- of several lists, as of the pages of one
         for _ = 1, 3 do
            local text = list_of_alike(members, 12, #members * pick { 4, 12, 100 })
            local expected = read_list({ text }, slowly(room.shape(like)))
            for _, pieces in ipairs { { text }, support.pieces(text, random, pick { 20, 400, 4000 }) } do
               assert.is_true(expected == read_list(pieces, in_a_row(shape)), text)
            end
         end
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
