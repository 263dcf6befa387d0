--- Text for people: how wide it is on a terminal, what of it may go there, and how a time is said.
local width = require "topaz.terminal.width"

local text = {}

--- How many cells of a terminal a text takes that `text.safe` has been over.
-- @tparam string s
-- @treturn integer
text.width = width.of

-- ---- what may go to a terminal ------------------------------------------------------------------

local ZWNJ, ZWJ = "\u{200C}", "\u{200D}"

-- Whether a joiner before byte `behind` has its place there: between two emoji, behind the sign
-- that mutes a vowel (Indic writings), or, when it keeps apart, between letters that would join.
local function is_joiner(character, before, in_emoji, s, behind)
   if character ~= ZWJ and character ~= ZWNJ or not before then return false end
   if before.virama then return true end
   local _, after = width.character(s, behind)
   if not after then return false end
   if character == ZWJ then return in_emoji and after.kind == "pictograph" end
   return before.joins_next and after.joins_previous
end

--- The text with all that could steer a terminal, or is not seen but changes what is, replaced:
-- control characters, formatting ones of Unicode, such as turn the direction of writing, and bytes
-- that are not UTF-8.
-- @tparam string s
-- @tparam function say (code) gives what to write in place of a code point, (nil, byte) in place of
-- a byte that is not UTF-8; nil: it stays
-- @treturn string
function text.replaced(s, say)
   if not s:find "[\0-\31\127]" and utf8.len(s) and width.lacks(s, "hidden") then return s end
   local out, from, i = {}, 1, 1
   local before, in_emoji, behind -- the class of the character that ended before byte `behind`
   while true do
      i = s:find("[^\32-\126]", i)
      if not i then break end
      local character, class = width.character(s, i)
      if behind ~= i then before, in_emoji = nil, false end
      behind = i + (character and #character or 1)
      local stays = class and (not class.hidden or is_joiner(character, before, in_emoji, s, behind))
      local new = not stays and say(character and utf8.codepoint(character), s:byte(i)) or nil
      if new then
         out[#out + 1] = s:sub(from, i - 1) .. new
         from = behind
      end
      in_emoji = class and (class.kind == "pictograph" or in_emoji and class.kind == "extend") or false
      before, i = class, behind
   end
   return table.concat(out) .. s:sub(from)
end

local ESCAPES = { [10] = "\\n", [13] = "\\r", [9] = "\\t", [27] = "\\e" }

local function escape(code, byte)
   if not code or code < 0x20 or code == 0x7F then return ESCAPES[code] or ("\\x%02X"):format(byte) end
   return ("\\u{%X}"):format(code)
end

--- The text as it may go to a terminal: what `text.replaced` finds is written out.
-- @param s a string, or a value that `tostring` makes one of
-- @tparam[opt=false] boolean ascii whether all that is not ASCII is written out as well
-- @treturn string
function text.safe(s, ascii)
   if type(s) ~= "string" then s = tostring(s) end
   if not s:find "[^\32-\126]" then return s end
   local safe = text.replaced(s, escape)
   return ascii and safe:gsub(utf8.charpattern, function(c) return #c > 1 and escape(utf8.codepoint(c)) or nil end)
      or safe
end

--- A line for a terminal, to be written from its first column: graphemes whose widths differ
-- between terminals are put where they belong, and so is what follows them.
-- @tparam string line `text.safe` has been over its parts; it may have colours
-- @treturn string
function text.anchored(line)
   if width.lacks(line, "unsure") then return line end
   local out, from, column, i = {}, 1, 1, 1
   while true do
      local special = line:find("[\27\128-\255]", i)
      if not special then break end
      -- What is ASCII has a cell each; the last of it may have a mark.
      local last = math.max(special - 1, i)
      column, i = column + last - i, last
      local behind = line:match("^\27%[[%d;]*m()", i)
      if not behind then
         local cells, sure
         behind, cells, sure = width.grapheme(line, i)
         if not sure then
            -- The spaces come first: another terminal may leave some of these cells as they were.
            out[#out + 1] = ("%s%s\27[%dG%s\27[%dG"):format(line:sub(from, i - 1), (" "):rep(cells), column,
               line:sub(i, behind - 1), column + cells)
            from = behind
         end
         column = column + cells
      end
      i = behind
   end
   return table.concat(out) .. line:sub(from)
end

-- ---- words --------------------------------------------------------------------------------------

--- The text as one word of a shell's command.
-- @tparam string s
-- @treturn string
function text.quoted(s)
   return s:find "^[%w%-_./:=,@+]+$" and s or "'" .. s:gsub("'", "'\\''") .. "'"
end

-- The text in at most `room` cells, and how many it takes.
local function fit(s, room, ellipsis)
   local cells = text.width(s)
   if cells <= room then return s, cells end
   if room < 1 then return "", 0 end
   local used, i = 0, 1
   while true do
      local behind, more = width.grapheme(s, i)
      if used + more > room - 1 then break end
      used, i = used + more, behind
   end
   return s:sub(1, i - 1) .. (ellipsis or "…"), used + 1
end

--- The text in at most `room` cells, cut between graphemes; what was cut off shows as `ellipsis`.
-- @tparam string s
-- @tparam integer room
-- @tparam[opt="…"] string ellipsis one cell wide
-- @treturn string
function text.fit(s, room, ellipsis) return (fit(s, room, ellipsis)) end

--- The text in exactly `room` cells: cut, or filled up with spaces.
-- @tparam string s
-- @tparam integer room
-- @tparam[opt="…"] string ellipsis
-- @tparam[opt=false] boolean right whether the spaces come first
-- @treturn string
function text.pad(s, room, ellipsis, right)
   local cut, cells = fit(s, room, ellipsis)
   local spaces = (" "):rep(room - cells)
   return right and spaces .. cut or cut .. spaces
end

local MOST_SECONDS = 1e15 -- beyond it a float may not be an integer

--- Seconds as people say them, in at most two units: "45s", "1m 20s", "2h 5m", "3d 4h".
-- @tparam number seconds
-- @treturn string
function text.duration(seconds)
   local s = math.floor(math.min(math.max(seconds, 0), MOST_SECONDS) + 0.5)
   if s < 60 then return s .. "s" end
   if s < 3600 then return s % 60 == 0 and s // 60 .. "m" or ("%dm %ds"):format(s // 60, s % 60) end
   local m = s // 60
   if m < 1440 then return m % 60 == 0 and m // 60 .. "h" or ("%dh %dm"):format(m // 60, m % 60) end
   local h = m // 60
   return h % 24 == 0 and h // 24 .. "d" or ("%dd %dh"):format(h // 24, h % 24)
end

local UNITS = { [""] = 1, s = 1, m = 60, h = 3600, d = 86400, w = 604800 }

--- The seconds that "7d", "36h", "90m", "45s", "1h30m" or plain "90" mean.
-- @tparam string s
-- @treturn number|nil nil: it is not a duration
function text.seconds(s)
   local total, rest = 0, s
   if s == "" then return nil end
   while rest ~= "" do
      local number, unit, behind = rest:match "^(%d+%.?%d*)(%a?)(.*)$"
      local factor = UNITS[unit]
      if not factor or unit == "" and rest ~= s or unit == "" and behind ~= "" then return nil end
      total, rest = total + tonumber(number) * factor, behind
   end
   return total
end

return text
