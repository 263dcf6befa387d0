local room = require "json_room"
local support = require "spec.unit.json_support"

local everywhere, whole = support.everywhere, support.whole
local null = room.null

-- { text, value } for texts that are right
local function accepts(cases)
   for _, case in ipairs(cases) do
      local outcome = everywhere(case[1])
      assert.same({ result = "ok", value = case[2] }, { result = outcome.result, value = outcome.value }, case[1])
      assert.equal(math.type(case[2]), math.type(outcome.value), case[1])
      assert.equal("ok", everywhere(case[1], "skip").result)
   end
end

-- { text, offset, what [, member] } for texts that are wrong
local function refuses(cases)
   for _, case in ipairs(cases) do
      local expected = { result = "malformed", offset = case[2], what = case[3], member = case[4] or "" }
      assert.same(expected, everywhere(case[1]), case[1])
      assert.same(expected, everywhere(case[1], "skip"), case[1])
   end
end

describe("json: grammar of RFC 8259", function()
   it("reads every kind of value", function()
      accepts {
         { "null", null }, { "true", true }, { "false", false }, { '""', "" }, { '"a"', "a" },
         { "[]", {} }, { "{}", {} }, { "0", 0 }, { "[0]", { 0 } }, { '{"a":1}', { a = 1 } }, { '{"":0}', { [""] = 0 } },
         { "[1,2,3]", { 1, 2, 3 } }, { "[[],{},[[]]]", { {}, {}, { {} } } },
         { '{"a":{"b":[true,{"c":"d"}]},"e":[]}', { a = { b = { true, { c = "d" } } }, e = {} } },
         { " \t\r\n[ \t1\r\n, 2 ] \n", { 1, 2 } }, { ' { "a" : 1 , "b" : [ ] } ', { a = 1, b = {} } },
         { "[true,false,null]", { true, false, null } },
      }
   end)

   it("leaves null members out and keeps null elements", function()
      accepts {
         { '{"a":null,"b":1}', { b = 1 } }, { "[null]", { null } }, { "[1,null,3]", { 1, null, 3 } },
         { '[{"a":null}]', { {} } }, { '{"a":[null]}', { a = { null } } },
      }
   end)

   it("lets the last of two members of one name count", function()
      accepts {
         { '{"a":1,"a":2}', { a = 2 } }, { '{"a":1,"a":null}', {} }, { '{"a":null,"a":1}', { a = 1 } },
         { '{"a":{"b":1},"a":{"c":2}}', { a = { c = 2 } } }, { '{"a":1,"\\u0061":2}', { a = 2 } },
      }
   end)

   it("refuses what is not a value", function()
      refuses {
         { "nul0", 0, "expected a value" }, { "[nulL]", 1, "expected a value" }, { "tru]", 0, "expected a value" },
         { "fals3", 0, "expected a value" }, { "True", 0, "expected a value" }, { "NaN", 0, "expected a value" },
         { "[Infinity]", 1, "expected a value" }, { "'a'", 0, "expected a value" }, { "<html>", 0, "expected a value" },
         { "\xEF\xBB\xBF{}", 0, "expected a value" }, { "]", 0, "expected a value" }, { "[}", 1, "expected a value" },
         { "[,1]", 1, "expected a value" }, { "[1,]", 3, "expected a value" }, { "[1,,2]", 3, "expected a value" },
         { "[\0]", 1, "expected a value" }, { "\0", 0, "expected a value" }, { "[\f1]", 1, "expected a value" },
         { "[/*c*/1]", 1, "expected a value" }, { "\xFF", 0, "expected a value" },
      }
   end)

   it("refuses what is not a list", function()
      refuses {
         { "[1 2]", 3, "expected ',' or ']'" }, { "[1}", 2, "expected ',' or ']'" },
         { '["a":1]', 4, "expected ',' or ']'" }, { "[truee]", 5, "expected ',' or ']'" },
         { "[1;2]", 2, "expected ',' or ']'" }, { "[1\0]", 2, "expected ',' or ']'" },
         { '["a""b"]', 4, "expected ',' or ']'" },
      }
   end)

   it("refuses what is not an object", function()
      refuses {
         { "{,}", 1, "expected a member's name or '}'" }, { "{a:1}", 1, "expected a member's name or '}'" },
         { "{1:1}", 1, "expected a member's name or '}'" }, { "{]", 1, "expected a member's name or '}'" },
         { '{"a"}', 4, "expected ':'", "a" }, { '{"a" 1}', 5, "expected ':'", "a" },
         { '{"a"::1}', 5, "expected a value", "a" }, { '{"a":}', 5, "expected a value", "a" },
         { '{"a":1,}', 7, "expected a member's name" }, { '{"a":1 "b":2}', 7, "expected ',' or '}'" },
         { '{"a":1]', 6, "expected ',' or '}'" }, { '{"a":1,b:2}', 7, "expected a member's name" },
         { '{"a":1,,"b":2}', 7, "expected a member's name" }, { '{"a":01}', 6, "expected ',' or '}'" },
         { '[{"a":tru}]', 6, "expected a value" }, { '{"a":{"b":tru}}', 10, "expected a value", "a" },
         { '{"a":1,"b":[1,{"c":}]}', 19, "expected a value", "b" },
      }
   end)

   it("refuses what follows the value", function()
      refuses {
         { "1 2", 2, "expected the end of the text" }, { "{}}", 2, "expected the end of the text" },
         { "[]]", 2, "expected the end of the text" }, { "01", 1, "expected the end of the text" },
         { '""x', 2, "expected the end of the text" }, { "null\0", 4, "expected the end of the text" },
         { "truetrue", 4, "expected the end of the text" }, { "1.5.5", 3, "expected the end of the text" },
      }
   end)

   it("takes no beginning of a text for the text", function()
      local text =
         ' {"abc" : [1.5e+3, "x\\u00e9\\ud83d\\ude00\xC3\xA9\xF0\x9F\x98\x80", true, null, {}], "d": {"e": -0.5}}'
      assert.equal("ok", everywhere(text).result)
      for i = 0, #text - 1 do
         for _, how in ipairs { "value", "skip" } do
            local outcome = whole(text:sub(1, i), how)
            assert.same({ result = "more", member = "" }, outcome, i)
            assert.same(outcome, support.read(support.pieces(text:sub(1, i), math.random, 3), support.document(how)))
         end
      end
   end)

   it("names the outermost member in which the error lies", function()
      local name = ("n"):rep(62) .. "\xC3\xA9"
      refuses {
         { '{"a\\u0062":[}', 12, "expected a value", "ab" },
         { '{"' .. name .. '":x}', 68, "expected a value", ("n"):rep(62) }, -- no half characters
         { '{"' .. ("m"):rep(63) .. '":x}', 67, "expected a value", ("m"):rep(63) },
      }
   end)
end)

describe("json: numbers", function()
   it("are integers when they are written so and fit 64 bits", function()
      accepts {
         { "0", 0 }, { "-0", 0 }, { "7", 7 }, { "-7", -7 }, { "10", 10 }, { "123456789012345678", 123456789012345678 },
         { "9007199254740991", 9007199254740991 }, { "9007199254740992", 9007199254740992 },
         { "9007199254740993", 9007199254740993 }, { "-9007199254740993", -9007199254740993 },
         { "999999999999999999", 999999999999999999 }, { "1000000000000000000", 1000000000000000000 },
         { "9223372036854775806", math.maxinteger - 1 }, { "9223372036854775807", math.maxinteger },
         { "-9223372036854775807", math.mininteger + 1 }, { "-9223372036854775808", math.mininteger },
      }
   end)

   it("are floats otherwise, rounded right", function()
      accepts {
         { "9223372036854775808", 2.0 ^ 63 }, { "-9223372036854775809", -2.0 ^ 63 },
         { "18446744073709551616", 2.0 ^ 64 }, { "99999999999999999999", 1e20 }, { "0.0", 0.0 }, { "42.0", 42.0 },
         { "-1.5", -1.5 }, { "1e2", 100.0 }, { "1E2", 100.0 }, { "1e+2", 100.0 }, { "1e-2", 0.01 }, { "0e1", 0.0 },
         { "0e99999", 0.0 }, { "0.1", 0.1 }, { "123.456e-7", 123.456e-7 },
         { "1.7976931348623157e308", 1.7976931348623157e308 }, { "5e-324", 5e-324 },
         { "2.2250738585072014e-308", 2.2250738585072014e-308 }, { "2e-324", 0.0 }, { "1E-400", 0.0 },
         { "1e-99999999999999999999", 0.0 }, { "0.3", 0.3 }, { "3.141592653589793238462643", math.pi },
         { "9007199254740993.0", 9007199254740992.0 }, { "123456789012345e22", 123456789012345e22 }, { "1e23", 1e23 },
         { "8.5e22", 8.5e22 }, { "0.000001", 1e-6 }, { "10e-1", 1.0 },
         -- half way between two floats: to the even one; a last digit far behind decides otherwise
         { "1.00000000000000011102230246251565404236316680908203125", 1.0 },
         { "1.00000000000000011102230246251565404236316680908203124", 1.0 },
         { "1.00000000000000011102230246251565404236316680908203126", 1.0000000000000002 },
         { "100000000000000000000000e-23", 1.0 },
      }
      assert.equal("-0.0", tostring(whole("-0.0").value))
      assert.equal("0", tostring(whole("-0").value))
   end)

   it("may have hundreds of digits", function()
      local half_way = "1.00000000000000011102230246251565404236316680908203125"
      local cases = {
         { ("1"):rep(300), tonumber(("1"):rep(300) .. ".0") }, { "0." .. ("3"):rep(400), 1 / 3 },
         { half_way .. ("0"):rep(1000), 1.0 }, { half_way .. ("0"):rep(1000) .. "1", 1.0000000000000002 },
         { "1" .. ("0"):rep(400) .. "e-400", 1.0 }, { "0." .. ("0"):rep(999) .. "1e1000", 1.0 },
         { "1e-" .. ("0"):rep(500) .. "1", 0.1 }, { "9" .. ("0"):rep(1500) .. "e-1500", 9.0 },
      }
      for _, case in ipairs(cases) do
         assert.equal(case[2], whole(case[1]).value)
         assert.equal(case[2], support.read(support.pieces(case[1], math.random, 100), support.document "value").value)
      end
   end)

   it("that are too large for a float are infinite, with their sign", function()
      local huge = math.huge
      accepts {
         { "1e309", huge }, { "-1e309", -huge }, { "[1,-1e400]", { 1, -huge } }, { "1.7976931348623159e308", huge },
         { "1e99999999999999999999", huge }, { '{"a":1e400,"b":1}', { a = huge, b = 1 } },
      }
      refuses { { '{"a":1e400,"b":x}', 15, "expected a value", "b" }, { "1e400e", 5, "expected the end of the text" } }
      for _, text in ipairs { ("1"):rep(400), "1" .. ("0"):rep(309), ("9"):rep(309) .. ".5" } do
         local outcome = whole(text)
         assert.same({ "ok", huge }, { outcome.result, outcome.value })
         assert.same(outcome, support.read(support.pieces(text, math.random, 100), support.document "value"))
      end
   end)

   it("are refused in other notations", function()
      refuses {
         { "-a", 1, "invalid number" }, { "--1", 1, "invalid number" }, { "+1", 0, "expected a value" },
         { ".5", 0, "expected a value" }, { "1.e1", 2, "invalid number" }, { "[1.]", 3, "invalid number" },
         { "[1e]", 3, "invalid number" }, { "[1e+]", 4, "invalid number" }, { "[1e1.5]", 4, "expected ',' or ']'" },
         { "[0x1]", 2, "expected ',' or ']'" }, { "[-01]", 3, "expected ',' or ']'" },
         { "[1_000]", 2, "expected ',' or ']'" }, { "[-]", 2, "invalid number" }, { "[1,5.]", 5, "invalid number" },
         { "[-Infinity]", 2, "invalid number" }, { "[1e-]", 4, "invalid number" },
         { "[1-1]", 2, "expected ',' or ']'" }, { "[0e]", 3, "invalid number" }, { "[00]", 2, "expected ',' or ']'" },
      }
   end)

   it("at the very end are complete only when the text is finished", function()
      for text, value in pairs { ["12"] = 12, ["-0"] = 0, ["1.5"] = 1.5, ["1e5"] = 1e5 } do
         local reader = room.reader()
         reader:feed(text)
         assert.equal("more", (reader:value()))
         reader:finish()
         local result, got = reader:value()
         assert.same({ "ok", value }, { result, got })
      end
      local reader = room.reader()
      reader:feed "1"
      assert.equal("more", (reader:value()))
      reader:feed "2 "
      local _, got = reader:value()
      assert.equal(12, got)
   end)

   it("do not depend on the locale", function()
      local locale
      for _, name in ipairs { os.getenv "COMMA_LOCALE" or "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE" } do
         locale = locale or os.setlocale(name, "numeric")
      end
      local value = whole("[1.5,1.00000000000000022,123456789.123456789e-3,0.1e400]").value
      local good = whole("[2.5e-7,1e22,1.7976931348623157e308]").value
      os.setlocale("C", "numeric")
      assert.same({ 1.5, 1.00000000000000022, 123456.789123456789, math.huge }, value)
      assert.same({ 2.5e-7, 1e22, 1.7976931348623157e308 }, good)
      if not locale then pending "no locale with a comma here; COMMA_LOCALE may name one" end
   end)
end)

describe("json: strings", function()
   it("have escapes", function()
      accepts {
         { [["\"\\\/\b\f\n\r\t"]], '"\\/\b\f\n\r\t' },
         { [["\u0041\u00e9\u20AC\uFFFF"]], "A\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF" },
         { [["\ud83d\ude00\uD800\uDC00\udbff\udfff"]], "\xF0\x9F\x98\x80\xF0\x90\x80\x80\xF4\x8F\xBF\xBF" },
         { [["a\u0000b"]], "a\0b" }, { [["\\u0041"]], "\\u0041" }, { [["\\"]], "\\" }, { [["\\\\\\"]], "\\\\\\" },
         { [["\"quoted\" and \"again\" and \\ and more"]], '"quoted" and "again" and \\ and more' },
         { [["0123456789abcde\"f"]], '0123456789abcde"f' }, { [["0123456789abcdef\"g"]], '0123456789abcdef"g' },
         { [["0123456789abcd\\\"g"]], '0123456789abcd\\"g' }, { [[{"\u0000":"\u007f"}]], { ["\0"] = "\x7F" } },
      }
   end)

   it("of all lengths are found to their end", function()
      for n = 0, 70 do
         local plain = ("x"):rep(n)
         local tails = {
            [""] = "", ["\\n"] = "\n", ["\xC3\xA9"] = "\xC3\xA9", ["\\\""] = '"',
            ["\xF0\x9F\x98\x80y"] = "\xF0\x9F\x98\x80y",
         }
         for tail, meaning in pairs(tails) do
            assert.equal(plain .. meaning, whole('"' .. plain .. tail .. '"').value)
            assert.equal(meaning .. plain .. meaning, whole('"' .. tail .. plain .. tail .. '"').value)
            local outcome = whole('"' .. tail .. plain .. '\1"')
            assert.same({ "control byte in a string", 1 + #tail + n }, { outcome.what, outcome.offset })
         end
      end
   end)

   it("may hold all characters of UTF-8", function()
      local text = "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBD\xEF\xBF\xBF"
         .. "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"
      accepts { { '"' .. text .. '"', text }, { '{"' .. text .. '":1}', { [text] = 1 } } }
   end)

   it("are refused with invalid UTF-8", function()
      local cases = {
         "\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xC2\xC2\x80", "\xE0\x80\x80",
         "\xE0\x9F\xBF", "\xE2\x82", "\xE2\x82\x41", "\xE2\x28\xA1", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x80\x80\x80",
         "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98", "\xF0\x9F\x98\x41", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80",
         "\xF8\x88\x80\x80\x80", "\xFE", "\xFF",
      }
      for _, bytes in ipairs(cases) do
         refuses {
            { '"ab' .. bytes .. '"', 3, "invalid UTF-8" },
            { '["' .. bytes .. 'abcdefghijklmnopqrst"]', 2, "invalid UTF-8" },
            { '{"a":"' .. bytes .. '"}', 6, "invalid UTF-8", "a" }, { '{"' .. bytes .. '":1}', 2, "invalid UTF-8" },
         }
      end
   end)

   it("are refused with control bytes", function()
      for byte = 0, 31 do
         refuses { { '"a' .. string.char(byte) .. 'b"', 2, "control byte in a string" } }
      end
      refuses { { '"a\\' .. "\n" .. '"', 2, "invalid escape" }, { '"\\\0"', 1, "invalid escape" } }
   end)

   it("are refused with other escapes", function()
      refuses {
         { [["\a"]], 1, "invalid escape" }, { [["\x41"]], 1, "invalid escape" }, { [["ab\'"]], 3, "invalid escape" },
         { [["\u12"]], 1, "invalid escape" }, { [["\u12G4"]], 1, "invalid escape" },
         { [["\U0041"]], 1, "invalid escape" }, { [["\u-123"]], 1, "invalid escape" },
         { [["0123456789abcde\q"]], 16, "invalid escape" },
      }
   end)

   it("are refused with half a surrogate pair", function()
      refuses {
         { [["\ud800"]], 1, "lone surrogate" }, { [["\udc00"]], 1, "lone surrogate" },
         { [["a\udfffb"]], 2, "lone surrogate" }, { [["\ud800\u0041"]], 1, "lone surrogate" },
         { [["\ud800\ud800"]], 1, "lone surrogate" }, { [["\ud800x"]], 1, "lone surrogate" },
         { [["\ud800\n"]], 1, "lone surrogate" }, { [["\ud83d\ude00\ude00"]], 13, "lone surrogate" },
         { [["\ud800\uDG00"]], 1, "invalid escape" },
      }
   end)
end)
