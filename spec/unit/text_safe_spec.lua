-- text.safe, and what topaz.cli.json makes of the same characters.
local cjson = require "cjson"
local hidden = require "spec.support.hidden"
local json = require "topaz.cli.json"
local text = require "topaz.terminal.text"

describe("text.safe", function()
   for _, row in ipairs { hidden.BYTES, table.unpack(hidden.KINDS) } do
      local kind, raw, written = table.unpack(row)
      it("writes out " .. kind, function()
         assert.equal(written, text.safe(raw))
         assert.equal("日" .. written .. "é", text.safe("日" .. raw .. "é"))
         assert.equal(written, text.safe(text.safe(raw)))
      end)
   end

   it("keeps what is seen, in all writings", function()
      for _, s in ipairs {
         "", "a~ ", "é", "e\u{301}", "日本語", "தமிழ்", "हिन्दी", "עברית", "العربية", "한글", "🟠",
         "❤\u{FE0F}", "1\u{FE0F}\u{20E3}",
         "🇩🇪", "👋🏿", "葛\u{E0100}", "\u{E000}", "\u{600}1",
      } do
         assert.equal(s, text.safe(s))
      end
   end)

   it("keeps a joiner where it joins or keeps apart", function()
      for _, s in ipairs {
         "👨\u{200D}👩\u{200D}👧", "🏳\u{FE0F}\u{200D}🌈", "👩🏽\u{200D}🚀", "क\u{94D}\u{200D}ष", "क\u{94D}\u{200C}ष",
         "نمی\u{200C}خواهم",
      } do
         assert.equal(s, text.safe(s))
      end
      for raw, written in pairs {
         ["\u{200D}👧"] = "\\u{200D}👧", ["👨\u{200D}"] = "👨\\u{200D}", ["👨\u{200D}a"] = "👨\\u{200D}a",
         ["👨a\u{200D}👧"] = "👨a\\u{200D}👧", ["👨\u{200C}👧"] = "👨\\u{200C}👧", ["日\u{200D}👧"] = "日\\u{200D}👧",
         ["ی\u{200C}a"] = "ی\\u{200C}a", ["ی\u{200D}ی"] = "ی\\u{200D}ی", ["ی\u{200C}"] = "ی\\u{200C}",
         ["👨\u{200D}\u{200D}👧"] = "👨\\u{200D}\\u{200D}👧",
      } do
         assert.equal(written, text.safe(raw))
      end
   end)

   it("takes any value", function()
      assert.equal("nil 1.5 true", ("%s %s %s"):format(text.safe(nil), text.safe(1.5), text.safe(true)))
   end)
end)

describe("JSON", function()
   it("says every text exactly, with nothing in it that could steer a terminal", function()
      for _, row in ipairs(hidden.KINDS) do
         local written = json.encode { name = "x" .. row[2] .. "é" }
         assert.is_nil(hidden.find(written), written)
         assert.is_nil(written:find "%c")
         assert.equal("x" .. row[2] .. "é", cjson.decode(written).name)
      end
      assert.equal('"é\\u202e\\udb40\\udc41👨\u{200D}👩"', json.encode "é\u{202E}\u{E0041}👨\u{200D}👩")
      assert.equal('"\xFF\\u202e"', json.encode "\xFF\u{202E}")
   end)
end)
