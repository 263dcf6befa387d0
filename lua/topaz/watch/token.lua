--- The watcher's token: topazw1.<32 hexadecimal digits for each job>.<check>. Plain text, no key.
local check_sum = require("topaz.core").check_sum

local token = {}

local HEAD = "topazw1."

--- The token of these jobs.
-- @tparam table packed their ids in lower case, without the dashes
function token.write(packed)
   local text = HEAD .. table.concat(packed)
   return text .. "." .. check_sum(text)
end

--- The ids of a token; nil when the text is not one.
function token.read(text)
   local body, sum = text:match "^(topazw1%.%x*)%.(%x+)$"
   if not body or sum ~= check_sum(body) or (#body - #HEAD) % 32 ~= 0 then return nil end
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
