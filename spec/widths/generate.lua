-- Writes lua/topaz/terminal/width_data.lua from the files of the Unicode Character Database:
-- `lua5.4 spec/widths/generate.lua FOLDER`; with the word `hidden` behind it csrc/unicode_hidden.h,
-- which has the same rule of what is hidden. Debian's package unicode-data has the files in
-- /usr/share/unicode. `make widths` calls this.
local generate = {}

local LAST = 0x10FFFF
local LINE = 96 -- columns of a line of ranges

-- Calls f(first, last, fields…) for each line of a file of the database.
local function each(folder, name, f)
   for line in assert(io.open(folder .. "/" .. name)):lines() do
      local first, rest = line:gsub("%s*#.*$", ""):match "^(%x+)(.*)$"
      if first then
         local last, fields = rest:match "^%.%.(%x+)(.*)$"
         local list = {}
         for field in (fields or rest):gmatch ";%s*([^;]*)" do list[#list + 1] = field:match "^(.-)%s*$" end
         f(tonumber(first, 16), tonumber(last or first, 16), table.unpack(list))
      end
   end
end

-- A property: code point → value. `column` is that of the value; `wanted`: only lines with it.
local function property(folder, name, wanted)
   local values = {}
   each(folder, name, function(first, last, value)
      if wanted and value ~= wanted then return end
      for code = first, last do values[code] = value end
   end)
   return values
end

-- General categories and combining classes. UnicodeData.txt names large blocks by their two ends.
local function categories(folder)
   local category, combining, from = {}, {}, nil
   each(folder, "UnicodeData.txt", function(code, _, name, kind, class)
      for c = name:find ", Last>$" and from or code, code do category[c], combining[c] = kind, tonumber(class) end
      from = code
   end)
   return category, combining
end

-- Wide on terminals by an old agreement, the second range in later versions of Unicode too.
local AGREED_WIDE = { { 0x3248, 0x324F }, { 0x4DC0, 0x4DFF } }

local function widths(folder)
   local east_asian = property(folder, "EastAsianWidth.txt")
   for _, range in ipairs(AGREED_WIDE) do
      for code = range[1], range[2] do east_asian[code] = "W" end
   end
   return east_asian
end

-- The vowels and the ends of Hangul syllables written apart: the first letter has their room.
local JAMO = { V = true, T = true }

local function read(folder)
   local category, combining = categories(folder)
   return {
      category = category, combining = combining,
      east_asian = widths(folder),
      breaks = property(folder, "auxiliary/GraphemeBreakProperty.txt"),
      pictographic = property(folder, "emoji/emoji-data.txt", "Extended_Pictographic"),
      modifier = property(folder, "emoji/emoji-data.txt", "Emoji_Modifier"),
      ignorable = property(folder, "DerivedCoreProperties.txt", "Default_Ignorable_Code_Point"),
      visible_format = property(folder, "PropList.txt", "Prepended_Concatenation_Mark"),
      joining = property(folder, "extracted/DerivedJoiningType.txt"),
      variation = property(folder, "emoji/emoji-variation-sequences.txt"),
   }
end

local HIDDEN = { Cc = true, Cf = true, Zl = true, Zp = true }

local function is_hidden(data, code)
   if data.visible_format[code] then return false end
   local category = data.category[code]
   return HIDDEN[category] or data.ignorable[code] and category ~= "Mn" or false
end

local HIDDEN_HEAD = [[
/*
** The code points of Unicode %s that are not seen, but steer what is seen: controls and
** formatting characters, such as those that turn the direction of writing. Made by `make widths`,
** not by hand; lua/topaz/terminal/width_data.lua has the same ones.
*/
#ifndef TOPAZ_UNICODE_HIDDEN_H
#define TOPAZ_UNICODE_HIDDEN_H

#include <stdint.h>

/* clang-format off */
static const struct {
  uint32_t first, last;
} unicode_hidden[] = {
]]

local function version_of(folder)
   for line in assert(io.open(folder .. "/EastAsianWidth.txt")):lines() do
      local version = line:match "^# EastAsianWidth%-([%d.]+)%.txt"
      if version then return version end
   end
end

local function width(data, code, before)
   local category = data.category[code]
   local wide = data.east_asian[code] == "W" or data.east_asian[code] == "F"
   if category == "Mn" or category == "Me" or JAMO[data.breaks[code]] then return 0 end
   if category == "Cf" and not data.visible_format[code] and code ~= 0xAD then return 0 end
   -- A place for an emoji to come: most likely it will be like the one before it.
   if not category and data.pictographic[code] then return before end
   return wide and 2 or 1
end

-- How a code point takes part in a grapheme (UAX #29), in one word.
local BREAKS = {
   CR = "control", LF = "control", Control = "control", Extend = "extend", ZWJ = "zwj", SpacingMark = "spacing",
   Prepend = "prepend", L = "L", V = "V", T = "T", LV = "syllable", LVT = "syllable", Regional_Indicator = "flag",
}

-- All that is known of a code point, as the fields of a table in Lua.
local function describe(data, code, cells)
   local kind = BREAKS[data.breaks[code]] or data.pictographic[code] and "pictograph" or "other"
   local fields = { ("width = %d"):format(cells), ("kind = %q"):format(kind) }
   local function flag(name, is_set)
      if is_set then fields[#fields + 1] = name .. " = true" end
   end
   local joining = data.joining[code]
   flag("hidden", is_hidden(data, code))
   flag("unassigned", not data.category[code])
   flag("varies", data.variation[code])
   flag("modifier", data.modifier[code])
   flag("virama", data.combining[code] == 9)
   flag("joins_next", joining == "D" or joining == "L")
   flag("joins_previous", joining == "D" or joining == "R")
   return "{ " .. table.concat(fields, ", ") .. " }"
end

-- Whether each property of a code point is that of the one before.
local function goes_on(data, code)
   for _, values in pairs(data) do
      if values[code] ~= values[code - 1] then return false end
   end
   return code > 0
end

-- Runs of code points that are described alike: { length, what }.
local function runs(data)
   local list, before = {}, 1
   for code = 0, LAST do
      local last = list[#list]
      if not goes_on(data, code) then
         before = width(data, code, before)
         local what = describe(data, code, before)
         if not last or last.what ~= what then
            last = { length = 0, what = what }
            list[#list + 1] = last
         end
      end
      last.length = last.length + 1
   end
   return list
end

local HEAD = [[
--- What is known of each code point of Unicode %s: made by `make widths`, not by hand.
--
-- width           cells of a terminal
-- kind            how it takes part in a grapheme: UAX #29
-- hidden          it is not seen, but steers what is seen: never written as it is
-- unassigned      not a character yet
-- varies          a variation selector behind it chooses between text and emoji
-- modifier        colours the emoji before it
-- virama, joins_next, joins_previous     a joiner may stand beside it
return {
   unicode = %q,
   classes = {
]]

--- The text of the file.
-- @tparam string folder
-- @treturn string
function generate.text(folder)
   local version = version_of(folder)
   local out, letters, names = { HEAD:format(version, version) }, {}, 0
   local ranges, line = {}, "     "
   for _, run in ipairs(runs(read(folder))) do
      if not letters[run.what] then
         letters[run.what] = string.char(names < 26 and 97 + names or 65 + names - 26)
         names = names + 1
         assert(names <= 52, "more classes than letters")
         out[#out + 1] = ("      %s = %s,\n"):format(letters[run.what], run.what)
      end
      local token = " " .. run.length .. letters[run.what]
      if #line + #token > LINE then
         ranges[#ranges + 1], line = line, "     "
      end
      line = line .. token
   end
   ranges[#ranges + 1] = line
   out[#out + 1] = "   },\n   -- From 0 on: so many code points, and their class.\n   ranges = [[\n"
   out[#out + 1] = table.concat(ranges, "\n") .. "]],\n}\n"
   return table.concat(out)
end

--- The text of the header for the core.
-- @tparam string folder
-- @treturn string
function generate.hidden(folder)
   local data, out, first = read(folder), { HIDDEN_HEAD:format(version_of(folder)) }, nil
   for code = 0, LAST + 1 do
      local hidden = code <= LAST and is_hidden(data, code)
      if hidden and not first then first = code end
      if first and not hidden then
         out[#out + 1] = ("  {0x%04X, 0x%04X},\n"):format(first, code - 1)
         first = nil
      end
   end
   out[#out + 1] = "};\n/* clang-format on */\n\n#endif\n"
   return table.concat(out)
end

if arg and (arg[0] or ""):find "generate%.lua$" then
   io.stdout:write(generate[arg[2] or "text"](assert(arg[1], "no folder")))
end

return generate
