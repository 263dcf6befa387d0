--- Text for people: how wide it is on a terminal, what of it may go there, and how a time is said.
local text = {}

-- Code points that take no cell of their own, and those that take two; inclusive ranges in rising order.
local ZERO = {
   0x0300, 0x036F, 0x0483, 0x0489, 0x0591, 0x05BD, 0x0610, 0x061A, 0x064B, 0x065F, 0x06D6, 0x06DC, 0x0900, 0x0902, 0x093C, 0x093C,
   0x0941, 0x0948, 0x094D, 0x094D, 0x0E31, 0x0E31, 0x0E34, 0x0E3A, 0x0E47, 0x0E4E, 0x1AB0, 0x1AFF, 0x1DC0, 0x1DFF, 0x200B, 0x200D,
   0x20D0, 0x20FF, 0x3099, 0x309A, 0xFE00, 0xFE0F, 0xFE20, 0xFE2F, 0xFEFF, 0xFEFF, 0xE0100, 0xE01EF,
}
local WIDE = {
   0x1100, 0x115F, 0x231A, 0x231B, 0x23E9, 0x23EC, 0x2614, 0x2615, 0x26A1, 0x26A1, 0x2705, 0x2705, 0x2728, 0x2728, 0x274C, 0x274C,
   0x2B1B, 0x2B1C, 0x2B50, 0x2B50, 0x2E80, 0x303E, 0x3041, 0x4DBF, 0x4E00, 0xA4CF, 0xA960, 0xA97C, 0xAC00, 0xD7A3, 0xF900, 0xFAFF,
   0xFE30, 0xFE6F, 0xFF00, 0xFF60, 0xFFE0, 0xFFE6, 0x1F300, 0x1F64F, 0x1F680, 0x1F6FF, 0x1F900, 0x1F9FF, 0x20000, 0x3FFFD,
}
-- They would turn the direction of what follows, or break the line.
local FORMATTING = { 0x061C, 0x061C, 0x200E, 0x200F, 0x2028, 0x202E, 0x2066, 0x2069 }

local function is_in(ranges, code)
   local low, high = 1, #ranges // 2
   while low <= high do
      local middle = (low + high) // 2
      if code < ranges[2 * middle - 1] then high = middle - 1
      elseif code > ranges[2 * middle] then low = middle + 1
      else return true end
   end
   return false
end

-- The length in bytes of the character at `i`, and its code point; nil where the bytes are no UTF-8.
local function character(s, i)
   local byte = s:byte(i)
   local n = byte < 0x80 and 1 or byte >= 0xF0 and 4 or byte >= 0xE0 and 3 or 2
   local one = s:sub(i, i + n - 1)
   if utf8.len(one) ~= 1 then return nil end
   return n, utf8.codepoint(one)
end

local function cells(code)
   if code < 0x300 then return 1 end
   return is_in(ZERO, code) and 0 or is_in(WIDE, code) and 2 or 1
end

--- How many cells of a terminal a text takes that `text.safe` has been over.
-- @tparam string s
-- @treturn integer
function text.width(s)
   if not s:find "[\128-\255]" then return #s end
   local width, i = 0, 1
   while i <= #s do
      local n, code = character(s, i)
      width = width + (n and cells(code) or 1)
      i = i + (n or 1)
   end
   return width
end

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\27"] = "\\e" }

--- The text with all that could steer a terminal written out: control bytes, also those of Unicode, what turns the direction of
-- writing, and bytes that are no UTF-8.
-- @tparam string s
-- @treturn string
function text.safe(s)
   if not s:find "[^\32-\126]" then return s end
   local out, i = {}, 1
   while i <= #s do
      local n, code = character(s, i)
      if not n then
         out[#out + 1] = ("\\x%02X"):format(s:byte(i))
      elseif code < 0x20 or code == 0x7F then
         out[#out + 1] = ESCAPES[s:sub(i, i)] or ("\\x%02X"):format(code)
      elseif code >= 0x80 and code < 0xA0 or is_in(FORMATTING, code) then
         out[#out + 1] = ("\\u{%X}"):format(code)
      else
         out[#out + 1] = s:sub(i, i + n - 1)
      end
      i = i + (n or 1)
   end
   return table.concat(out)
end

--- The text in at most `width` cells; what was cut off shows as `ellipsis`.
-- @tparam string s
-- @tparam integer width
-- @tparam[opt="…"] string ellipsis one cell wide
-- @treturn string
function text.fit(s, width, ellipsis)
   if text.width(s) <= width then return s end
   if width < 1 then return "" end
   local used, i = 0, 1
   while i <= #s do
      local n, code = character(s, i)
      local more = n and cells(code) or 1
      if used + more > width - 1 then break end
      used, i = used + more, i + (n or 1)
   end
   return s:sub(1, i - 1) .. (ellipsis or "…")
end

--- The text in exactly `width` cells: cut, or filled with spaces.
-- @tparam string s
-- @tparam integer width
-- @tparam[opt="…"] string ellipsis
-- @tparam[opt=false] boolean right whether the spaces come first
-- @treturn string
function text.pad(s, width, ellipsis, right)
   local cut = text.fit(s, width, ellipsis)
   local spaces = (" "):rep(width - text.width(cut))
   return right and spaces .. cut or cut .. spaces
end

--- Seconds as people say them, in at most two units: "45s", "1m 20s", "2h 5m", "3d 4h".
-- @tparam number seconds
-- @treturn string
function text.duration(seconds)
   local s = math.max(0, math.floor(seconds + 0.5))
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
-- @treturn number|nil nil: it is no duration
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
