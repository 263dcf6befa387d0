--- How many cells of a terminal a text takes, grapheme by grapheme (UAX #29): letters with their
-- marks, emoji put together from several.
--
-- A code point has the cells that the C library's wcwidth gives it. Newer terminals show some
-- graphemes in other widths than the sum of these: theirs is given, and that it is not sure.
local width = {}

local EMOJI_STYLE, TEXT_STYLE = "\u{FE0F}", "\u{FE0E}"
local NOT_ASCII = "[\194-\244][\128-\191]*" -- of valid UTF-8: one character
local KEPT = 4096                           -- characters whose class is kept at hand

local starts, classes -- of the ranges, once they are needed
local at_hand, kept = {}, 0

-- Kinds of characters that stay in the grapheme before them.
local STAYS = { extend = true, zwj = true, spacing = true }

-- What follows from what the data say of a class.
--
-- combines   in a grapheme it may change the cells of others
-- unsure     it may be in a grapheme whose width differs between terminals
local function complete(class)
   local kind = class.kind
   class.combines = kind == "zwj" or class.modifier or class.style
   class.unsure = class.combines or class.unassigned or kind == "flag" or STAYS[kind] and class.width > 0
   return class
end

local function variant(class, name, value)
   local copy = { [name] = value }
   for member, its in pairs(class) do copy[member] = copy[member] or its end
   return complete(copy)
end

local open, styles -- classes that only single code points have

-- Makes lists for a binary search from the text that `make widths` has written.
local function unpack_data()
   local data, start = require "topaz.terminal.width_data", 0
   starts, classes = {}, {}
   for length, letter in data.ranges:gmatch "(%d+)(%a)" do
      starts[#starts + 1], classes[#classes + 1] = start, complete(data.classes[letter])
      start = start + tonumber(length)
   end
end

local function find(code)
   if not starts then unpack_data() end
   local low, high = 1, #starts
   while low < high do
      local middle = (low + high + 1) // 2
      if starts[middle] > code then high = middle - 1 else low = middle end
   end
   return classes[low]
end

-- The class of a character; nil: it is not one.
local function look_up(character)
   if utf8.len(character) ~= 1 then return nil end
   local code = utf8.codepoint(character)
   local class = find(code)
   if character == EMOJI_STYLE or character == TEXT_STYLE then
      styles = styles or variant(class, "style", true)
      class = styles
   elseif class.kind == "syllable" and (code - 0xAC00) % 28 == 0 then -- of Hangul, without an end
      open = open or variant(class, "kind", "open")
      class = open
   end
   if kept == KEPT then at_hand, kept = {}, 0 end
   kept = kept + 1
   at_hand[character] = class
   return class
end

--- The character at byte `i`.
-- @treturn string|nil nil at the end, and where the bytes are not UTF-8
-- @treturn table what is known of it: see topaz.terminal.width_data
function width.character(s, i)
   local byte = s:byte(i)
   if not byte then return nil end
   local character = byte < 0x80 and s:sub(i, i) or s:match("^" .. NOT_ASCII, i)
   local class = character and (at_hand[character] or look_up(character))
   if class then return character, class end
end

--- Whether no character of a text, which is valid UTF-8, has a flag in its class.
-- @tparam string s
-- @tparam string flag "hidden", "combines", "unsure"
-- @treturn boolean
function width.lacks(s, flag)
   for character in s:gmatch(NOT_ASCII) do
      local class = at_hand[character] or look_up(character)
      if not class or class[flag] then return false end
   end
   return true
end

-- ---- graphemes ----------------------------------------------------------------------------------

local character_at = width.character

-- The parts of a Hangul syllable: what may stand behind what.
local HANGUL = {
   L = { L = true, V = true, syllable = true, open = true }, open = { V = true, T = true }, syllable = { T = true },
   V = { V = true, T = true }, T = { T = true },
}

-- Whether the next character belongs to the grapheme `g`.
local function continues(g, kind)
   local last = g.kind
   if last == "control" then return false end
   if STAYS[kind] then return true end
   if last == "prepend" then return kind ~= "control" end
   if kind == "flag" then return last == "flag" and g.flags % 2 == 1 end
   if kind == "pictograph" then return last == "zwj" and g.pictograph end
   return HANGUL[last] ~= nil and HANGUL[last][kind] == true
end

-- Adds the cells of a character that belongs to the grapheme.
local function widen(g, character, class)
   if class.style then
      if not g.varies or character == EMOJI_STYLE and g.cells == 2 or character == TEXT_STYLE and g.cells == 1 then
         return
      end
      g.cells, g.sure = 2, false
   elseif class.modifier and g.pictograph or class.kind == "pictograph" and g.kind == "zwj" then
      g.cells, g.sure = 2, false
   else
      g.cells = g.cells + class.width
      if class.kind == "flag" then g.sure = true elseif class.unsure and class.width > 0 then g.sure = false end
   end
end

-- Adds a character to the grapheme.
local function add(g, character, class)
   local kind = class.kind
   if g.kind then
      widen(g, character, class)
   else
      g.cells, g.sure = class.width, kind ~= "flag" and not class.unassigned
   end
   g.varies = class.varies
   g.pictograph = kind == "pictograph" or g.pictograph and kind ~= "spacing"
   if kind == "flag" then g.flags = g.flags + 1 end
   g.kind = kind
end

--- The grapheme that begins at byte `i`.
-- @tparam string s
-- @tparam integer i
-- @treturn integer the byte behind it
-- @treturn integer its cells
-- @treturn boolean whether all terminals agree on that
function width.grapheme(s, i)
   local byte, behind = s:byte(i, i + 1)
   if byte < 0x80 and (not behind or behind < 0x80) then return i + 1, 1, true end
   local character, class = character_at(s, i)
   if not character then return i + 1, 1, false end
   local g = { flags = 0 }
   repeat
      add(g, character, class)
      i = i + #character
      character, class = character_at(s, i)
   until not character or not continues(g, class.kind)
   return i, g.cells, g.sure
end

--- The cells of a whole text.
-- @tparam string s
-- @treturn integer
function width.of(s)
   if not s:find "[\128-\255]" then return #s end
   local sum, i = 0, 1
   if utf8.len(s) and width.lacks(s, "combines") then
      for character in s:gmatch(utf8.charpattern) do sum = sum + (at_hand[character] or look_up(character)).width end
      return sum
   end
   while i <= #s do
      local behind, cells = width.grapheme(s, i)
      sum, i = sum + cells, behind
   end
   return sum
end

return width
