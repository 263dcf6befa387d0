-- topaz.terminal.width and what text.fit, pad and anchored make of it.
local generate = require "spec.widths.generate"
local process = require "topaz.emulator.process"
local text = require "topaz.terminal.text"
local width = require "topaz.terminal.width"

local UNICODE = "/usr/share/unicode"

local function read(path)
   local file = io.open(path, "rb")
   if not file then return nil end
   local all = file:read "a"
   file:close()
   return all
end

-- As busted's `it`, where Unicode's data are installed.
local function with_data(name, f)
   it(name, function()
      if not read(UNICODE .. "/ReadMe.txt") then return pending "no Unicode data: apt install unicode-data" end
      f()
   end)
end

-- The first and the last code point of ranges where wcwidth and the table differ, and why.
--
-- glibc 2.36 (Debian 12) has Unicode 14; to it these, of Unicode 15, are not characters.
local UNICODE_15 = {
   0x0CF3, 0x0CF3, 0x0ECE, 0x0ECE, 0x10EFD, 0x10EFF, 0x1123F, 0x11241, 0x11B00, 0x11B09, 0x11F00, 0x11F59,
   0x1342F, 0x1342F, 0x13439, 0x13455, 0x1B132, 0x1B132, 0x1B155, 0x1B155, 0x1D2C0, 0x1D2D3, 0x1DF25, 0x1DF2A,
   0x1E030, 0x1E08F, 0x1E4D0, 0x1E4F9, 0x1F6DC, 0x1F6DC, 0x1F774, 0x1F77F, 0x1F7D9, 0x1F7D9, 0x1FA75, 0x1FA77,
   0x1FA87, 0x1FA88, 0x1FAAD, 0x1FAAF, 0x1FABB, 0x1FABF, 0x1FACE, 0x1FADB, 0x1FAE8, 0x1FAE8, 0x1FAF7, 0x1FAF8,
   0x2B739, 0x2B739, 0x31350, 0x323AF,
}
-- They have no width: text.safe writes them out. NUL ends a string, to wcwidth too.
local CONTROLS = { 0x00, 0x1F, 0x7F, 0x9F, 0x2028, 0x2029 }

local function is_in(ranges, code)
   for i = 1, #ranges, 2 do
      if code >= ranges[i] and code <= ranges[i + 1] then return true end
   end
   return false
end

-- Whether a difference is expected. What either side does not know yet, the other may.
local function is_expected(code, theirs, class)
   return class.unassigned or theirs == -1 and is_in(UNICODE_15, code) or theirs <= 0 and is_in(CONTROLS, code)
end

describe("the width of a code point", function()
   it("is that of glibc's wcwidth, for all of them", function()
      -- glibc 2.41 (Debian 13) has Unicode 16, in which more characters are wide, and shows format
      -- characters that the table hides. The table is the same everywhere: one glibc is enough.
      local glibc = process.shell("getconf GNU_LIBC_VERSION"):match "^glibc 2%.(%d+)"
      if glibc and tonumber(glibc) > 36 then
         return pending("glibc 2." .. glibc .. " is compared with a newer Unicode; 2.36 (Debian 12) is the one to ask")
      end
      local program = os.tmpname()
      local lines = process.shell(("cc -std=c11 -o %s spec/widths/wcwidth.c && %s"):format(program, program))
      os.remove(program)
      if lines == "" then return pending "the C library is not glibc, or has no locale C.UTF-8" end
      local compared, wrong = 0, {}
      for from, to, count in lines:gmatch "(%d+) (%d+) (%-?%d+)" do
         local first, last, cells = math.tointeger(from), math.tointeger(to), math.tointeger(count)
         for code = first, last do
            if code < 0xD800 or code > 0xDFFF then -- surrogates are not in UTF-8
               local character, class = width.character(utf8.char(code), 1)
               compared = compared + 1
               if width.of(character) ~= cells and not is_expected(code, cells, class) then
                  wrong[#wrong + 1] = ("U+%04X is %d, not %d"):format(code, width.of(character), cells)
               end
            end
         end
      end
      assert.equal("", table.concat(wrong, "\n", 1, math.min(#wrong, 50)))
      assert.equal(0x110000 - 0x800, compared)
   end)

   with_data("comes from a file that is just what `make widths` makes of Unicode's data", function()
      local ours = read "lua/topaz/terminal/width_data.lua"
      local theirs = generate.text(UNICODE)
      local version = 'unicode = "[%d.]+"'
      if ours:match(version) ~= theirs:match(version) then
         return pending("another version of Unicode is installed: " .. theirs:match(version))
      end
      assert.is_true(ours == theirs, "run `make widths`")
      assert.is_true(read "csrc/unicode_hidden.h" == generate.hidden(UNICODE), "run `make widths`")
   end)
end)

describe("a grapheme", function()
   -- A text, its cells, and whether all terminals agree on them.
   local GRAPHEMES = {
      { "🟠", 2, true }, { "⏳", 2, true }, { "✈", 1, true }, { "ｆ", 2, true }, { "日", 2, true }, { "─", 1, true },
      { "e\u{301}\u{302}", 1, true }, { "한", 2, true }, { "\u{1112}\u{1161}\u{11AB}", 2, true },
      { "각\u{11A8}", 2, true },
      { "🇩🇪", 2, true }, { "\u{1F1E9}", 1, false },
      { "❤\u{FE0F}", 2, false }, { "1\u{FE0F}\u{20E3}", 2, false }, { "⌚\u{FE0E}", 2, false }, { "⌚\u{FE0F}", 2, true },
      { "👋🏿", 2, false }, { "☝🏽", 2, false }, { "👨\u{200D}👩\u{200D}👧", 2, false },
      { "🏳\u{FE0F}\u{200D}🌈", 2, false }, { "👁\u{FE0F}\u{200D}🗨\u{FE0F}", 2, false },
      { "\u{BAE}\u{BBF}", 2, false }, { "\u{BB4}\u{BCD}", 1, true }, { "\u{E01}\u{E33}", 2, false },
      { "\u{1FAE9}", 2, false }, -- an emoji of Unicode 16
      { "\xFF", 1, false },
   }

   it("has the cells that terminals give it", function()
      for _, row in ipairs(GRAPHEMES) do
         local s, cells, sure = table.unpack(row)
         assert.same({ #s + 1, cells, sure }, { width.grapheme(s, 1) }, s)
         assert.same({ #s + 1, cells, sure }, { width.grapheme(s .. "a", 1) }, s)
         assert.equal(cells + 4, text.width("a" .. s .. "日b"), s)
      end
      assert.equal(4, text.width "தமிழ்")
   end)

   it("stays whole when a text is cut, and the text fills its room to the cell", function()
      local list, starts = { "a", "日", "é" }, {}
      for _, row in ipairs(GRAPHEMES) do
         if utf8.len(row[1]) and row[1] ~= "\u{1F1E9}" then list[#list + 1] = row[1] end
      end
      local s = table.concat(list, "-") .. table.concat(list, "日")
      local i = 1
      while i <= #s do
         starts[i] = true
         i = width.grapheme(s, i)
      end
      for room = 0, text.width(s) do
         local cut = text.fit(s, room)
         local kept = cut:gsub("…$", "")
         assert.is_true(cut == s or starts[#kept + 1], cut)
         assert.equal(kept, s:sub(1, #kept))
         assert.is_true(text.width(cut) <= room and text.width(cut) >= room - 1, cut)
         assert.equal(room, text.width(text.pad(s, room)))
         assert.equal(room, text.width(text.pad(s, room, "~", true)))
      end
   end)

   with_data("begins and ends where Unicode's own tests say", function()
      local count = 0
      for line in read(UNICODE .. "/auxiliary/GraphemeBreakTest.txt"):gmatch "[^\n]+" do
         -- CR and LF are one grapheme there; here text.safe has written both out.
         if line:find "^÷" and not line:find "000D × 000A" then
            local s, expected, found = "", {}, { 1 }
            for mark, code in line:gsub("%s*#.*", ""):gmatch "(%S+)%s*(%x*)" do
               if mark == "÷" then expected[#expected + 1] = #s + 1 end
               if code ~= "" then s = s .. utf8.char(tonumber(code, 16)) end
            end
            while found[#found] <= #s do found[#found + 1] = width.grapheme(s, found[#found]) end
            assert.same(expected, found, line)
            count = count + 1
         end
      end
      assert.is_true(count >= 600)
   end)
end)

describe("an anchored line", function()
   it("is the line itself where all terminals agree", function()
      for _, line in ipairs { "", "abc", "日本 é 🟠 한글 …", "\27[31m▕██▏\27[0m" } do
         assert.equal(line, text.anchored(line))
      end
   end)

   it("places each grapheme on which they do not, and what follows it", function()
      assert.equal("a  \27[2G❤\u{FE0F}\27[4Gb", text.anchored "a❤\u{FE0F}b")
      assert.equal("\27[31m日  \27[3G👋🏿\27[5G\27[0m x", text.anchored "\27[31m日👋🏿\27[0m x")
   end)
end)
