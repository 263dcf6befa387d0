--- The watcher's token: topazw1.<32 hexadecimal digits for each job>.<check>. Plain text, no key.
local token = {}

local HEAD = "topazw1."
local WORDS = "<i8"

-- Finds a token that was cut or edited; it is no signature. FNV-1a, eight bytes at a time.
local function check(text)
   local sum = 0xCBF29CE484222325
   text = text .. ("\0"):rep(-#text % 8)
   for i = 1, #text, 8 do sum = (sum ~ string.unpack(WORDS, text, i)) * 0x100000001B3 end
   return ("%016x"):format(sum)
end

--- The token of these jobs.
-- @tparam table ids in lower case
function token.write(ids)
   local packed = {}
   for i, id in ipairs(ids) do packed[i] = id:gsub("-", "") end
   local text = HEAD .. table.concat(packed)
   return text .. "." .. check(text)
end

--- The ids of a token; nil when the text is none.
function token.read(text)
   local body, sum = text:match "^(topazw1%.%x*)%.(%x+)$"
   if not body or sum ~= check(body) or (#body - #HEAD) % 32 ~= 0 then return nil end
   local ids = {}
   for i = #HEAD + 1, #body, 32 do
      ids[#ids + 1] = table.concat({
         body:sub(i, i + 7), body:sub(i + 8, i + 11), body:sub(i + 12, i + 15), body:sub(i + 16, i + 19), body:sub(i + 20, i + 31),
      }, "-")
   end
   return ids
end

return token
