-- The public suite of JSON cases, https://github.com/nst/JSONTestSuite,
-- in the folder that JSON_TEST_SUITE names (its test_parsing). The other specs of csrc/json have
-- cases of their own for the same ground, so that folder is not needed.
local support = require "spec.unit.json_support"

local folder = os.getenv "JSON_TEST_SUITE"

local SURROGATE, UTF8, OTHER = "lone surrogate", "invalid UTF-8", "expected a value"

-- What RFC 8259 leaves to the reader (the suite's files i_…), and how it was decided:
-- true, or what is wrong.
--   numbers      too many digits for 64 bits make a float, as in Lua; too small is 0;
--                too large is infinity, as in Lua: one odd number must not make
--                an account unreadable
--   surrogates   half a pair is not a character, and Lua's strings would carry it on
--                as invalid UTF-8
--   encodings    UTF-8 alone (section 8.1), checked; no byte order mark
--   depth        64, so that no answer can use up the stack
local DECIDED = {
   ["number_double_huge_neg_exp"] = true, ["number_real_underflow"] = true, ["number_too_big_neg_int"] = true,
   ["number_too_big_pos_int"] = true, ["number_very_big_negative_int"] = true,
   ["number_huge_exp"] = true, ["number_neg_int_huge_exp"] = true, ["number_pos_double_huge_exp"] = true,
   ["number_real_neg_overflow"] = true, ["number_real_pos_overflow"] = true,
   ["object_key_lone_2nd_surrogate"] = SURROGATE, ["string_1st_surrogate_but_2nd_missing"] = SURROGATE,
   ["string_1st_valid_surrogate_2nd_invalid"] = SURROGATE, ["string_incomplete_surrogate_and_escape_valid"] = SURROGATE,
   ["string_incomplete_surrogate_pair"] = SURROGATE, ["string_incomplete_surrogates_escape_valid"] = SURROGATE,
   ["string_invalid_lonely_surrogate"] = SURROGATE, ["string_invalid_surrogate"] = SURROGATE,
   ["string_inverted_surrogates_U+1D11E"] = SURROGATE, ["string_lone_second_surrogate"] = SURROGATE,
   ["string_UTF-8_invalid_sequence"] = UTF8, ["string_UTF8_surrogate_U+D800"] = UTF8, ["string_invalid_utf-8"] = UTF8,
   ["string_iso_latin_1"] = UTF8, ["string_lone_utf8_continuation_byte"] = UTF8, ["string_not_in_unicode_range"] = UTF8,
   ["string_overlong_sequence_2_bytes"] = UTF8, ["string_overlong_sequence_6_bytes"] = UTF8,
   ["string_overlong_sequence_6_bytes_null"] = UTF8, ["string_truncated-utf-8"] = UTF8,
   ["string_UTF-16LE_with_BOM"] = OTHER, ["string_utf16BE_no_BOM"] = OTHER, ["string_utf16LE_no_BOM"] = OTHER,
   ["structure_UTF-8_BOM_empty_object"] = OTHER,
   ["structure_500_nested_arrays"] = "nested too deeply",
}

-- The cases of a kind: the file's name without kind and suffix → its text.
local function cases(kind)
   local found, count = {}, 0
   for file in require("lfs").dir(folder) do
      local name = file:match("^" .. kind .. "_(.*)%.json$")
      if name then
         local handle <close> = assert(io.open(folder .. "/" .. file, "rb"))
         found[name], count = handle:read "a", count + 1
      end
   end
   return found, count
end

-- Read whole, byte by byte and, up to 1 kB, cut in two at each place:
-- the outcome, which must be the same each time.
local function outcome(text, name)
   if #text <= 1024 then return support.everywhere(text) end
   local first = support.whole(text)
   assert.same(first, support.read(support.pieces(text, math.random, 1), support.document "value"), name)
   return first
end

describe("json: a public suite of cases", function()
   local run = folder and it or pending

   run("has nothing right that is refused (JSON_TEST_SUITE names its folder)", function()
      local found, count = cases "y"
      for name, text in pairs(found) do assert.equal("ok", outcome(text, name).result, name) end
      assert.is_true(count >= 95)
   end)

   run("has nothing wrong that is accepted (JSON_TEST_SUITE names its folder)", function()
      local found, count = cases "n"
      for name, text in pairs(found) do assert.not_equal("ok", outcome(text, name).result, name) end
      assert.is_true(count >= 188)
   end)

   run("leaves open what was decided here (JSON_TEST_SUITE names its folder)", function()
      local decided = {}
      for name, text in pairs((cases "i")) do
         local read = outcome(text, name)
         decided[name] = read.result == "ok" or read.what
      end
      assert.same(DECIDED, decided)
   end)
end)
