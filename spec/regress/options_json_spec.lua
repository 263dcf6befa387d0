-- options_json was read by cjson as the host had set it up:
-- integers became floats and lost digits, NaN and hexadecimal numbers were accepted,
-- and a depth that the host had set for its own texts made it fail.
local cjson = require "cjson"
local topaz = require "topaz"

describe("topaz.options", function()
   local function options(text) return topaz.options { options_json = text } end

   local function refused(pattern, text)
      local value, why = options(text)
      assert.is_nil(value)
      assert.matches(pattern, why)
   end

   it("keeps integers exact, and numbers what they are", function()
      local got = options('{"seed":9007199254740993,"most":9223372036854775807,'
         .. '"ratio":0.5,"whole":42.0,"large":9223372036854775808}')
      assert.same({ seed = 9007199254740993, most = math.maxinteger, ratio = 0.5, whole = 42.0, large = 2.0 ^ 63 }, got)
      for name, kind in pairs { seed = "integer", most = "integer", ratio = "float", whole = "float",
         large = "float" } do
         assert.equal(kind, math.type(got[name]), name)
      end
   end)

   it("refuses what is not JSON, and says where", function()
      for _, text in ipairs { '{"a":NaN}', '{"a":0x10}', '{"a":Infinity}', '{"a":01}', "{'a':1}", '{"a":1,}',
         '{"a":"\1"}', '{} x', '\xEF\xBB\xBF{}', ("["):rep(65) } do
         refused("^options_json is not valid JSON: .+ at byte %d+$", text)
      end
      refused("^options_json is not valid JSON: the text ends too early$", '{"a":')
      refused("^options_json is not valid JSON: the text ends too early$", " ")
   end)

   it("keeps nulls and empty arrays", function()
      local got = options '{"fix":null,"list":[null,1],"deep":{"fix":null,"none":[],"nothing":{}}}'
      assert.equal(topaz.null, got.fix)
      assert.equal(topaz.null, got.deep.fix)
      assert.same({ topaz.null, 1 }, got.list)
      assert.equal(topaz.array_mt, getmetatable(got.deep.none))
      assert.is_nil(getmetatable(got.deep.nothing))
      assert.is_nil(getmetatable(got.list))
   end)

   it("gives nil where there are none, and says so where they are something else", function()
      for _, none in ipairs { "", "null", topaz.null } do assert.same({ n = 1 }, table.pack(options(none))) end
      assert.same({ n = 1 }, table.pack(topaz.options {}))
      refused("^options_json is a number, not a string$", 12)
      refused("^options_json is a boolean, not a string$", true)
      refused("^options_json holds a number, neither an object nor an array$", "12")
      refused("^options_json holds a string, neither an object nor an array$", '"x"')
      local sent = { scale = 2 }
      assert.equal(sent, options(sent))
      assert.has_error(function() topaz.options() end)
   end)

   it("neither reads nor changes what the host has set in cjson", function()
      local before = { cjson.decode_max_depth() }
      finally(function() cjson.decode_max_depth(before[1]) end)
      cjson.decode_max_depth(2)
      assert.same({ a = { b = { c = { 1 } } } }, options '{"a":{"b":{"c":[1]}}}')
      assert.equal(2, cjson.decode_max_depth())
   end)
end)

describe("the command line's JSON", function()
   it("neither reads nor changes what the host has set in cjson", function()
      local json = require "topaz.cli.json"
      local before = { cjson.encode_keep_buffer(), cjson.encode_max_depth(), cjson.encode_number_precision() }
      assert.equal('{"a\\nb":["c\\"d",12345678901234567]}', json.encode { ["a\nb"] = { 'c"d', 12345678901234567 } })
      assert.same(before, { cjson.encode_keep_buffer(), cjson.encode_max_depth(), cjson.encode_number_precision() })
   end)
end)
