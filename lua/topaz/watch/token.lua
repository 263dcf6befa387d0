--- The watcher's token: topazw1.<32 hexadecimal digits for each job>.<check>. Plain text, no key.
local token = {}

local HEAD = "topazw1."
local WORD, EIGHT_WORDS = "<i8", "<i8i8i8i8i8i8i8i8"

-- Finds a token that was cut or edited; it is not a signature. FNV-1a, eight bytes at a time, eight
-- of these at once.
local function check(text)
   local sum, prime, i = 0xCBF29CE484222325, 0x100000001B3, 1
   text = text .. ("\0"):rep(-#text % 8)
   while i + 63 <= #text do
      local a, b, c, d, e, f, g, h = string.unpack(EIGHT_WORDS, text, i)
      sum = ((((sum ~ a) * prime ~ b) * prime ~ c) * prime ~ d) * prime
      sum = ((((sum ~ e) * prime ~ f) * prime ~ g) * prime ~ h) * prime
      i = i + 64
   end
   for at = i, #text, 8 do sum = (sum ~ string.unpack(WORD, text, at)) * prime end
   return ("%016x"):format(sum)
end

--- The token of these jobs.
-- @tparam table packed their ids in lower case, without the dashes
function token.write(packed)
   local text = HEAD .. table.concat(packed)
   return text .. "." .. check(text)
end

--- The ids of a token; nil when the text is not one.
function token.read(text)
   local body, sum = text:match "^(topazw1%.%x*)%.(%x+)$"
   if not body or sum ~= check(body) or (#body - #HEAD) % 32 ~= 0 then return nil end
   local ids = {}
   for i = #HEAD + 1, #body, 32 do
      ids[#ids + 1] = table.concat({
         body:sub(i, i + 7), body:sub(i + 8, i + 11), body:sub(i + 12, i + 15), body:sub(i + 16, i + 19),
         body:sub(i + 20, i + 31),
      }, "-")
   end
   return ids
end

return token
