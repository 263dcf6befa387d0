-- A second reader of RESP2, written otherwise than topaz.share.resp: it reads a whole text, and
-- calls itself for lists. Both must agree on every text.
local second = {}

local WRONG, MORE = {}, {} -- raised: the text is not valid; it ends too early

-- Returns the value at `at` and the place behind it.
local function value_at(text, at, limits, count, depth)
   local ends = text:match("^[^\r]*()\r\n", at)
   if not ends then
      local other = text:find("\r", at, true)
      if other and other < #text then error(WRONG) end
      if (other or #text + 1) - at > limits.line then error(WRONG) end
      error(MORE)
   end
   if ends - at > limits.line then error(WRONG) end
   local kind, rest, after = text:sub(at, at), text:sub(at + 1, ends - 1), ends + 2
   if kind == "+" then return rest, after end
   if kind == "-" then return { error = rest }, after end
   if kind == ":" then
      local sign, digits = rest:match "^([+-]?)(%d+)$"
      local number = digits and math.tointeger(tonumber((sign == "-" and "-" or "") .. digits))
      if not number then error(WRONG) end
      return number, after
   end
   if kind ~= "$" and kind ~= "*" then error(WRONG) end
   if rest == "-1" then return nil, after end
   if not rest:find "^%d%d?%d?%d?%d?%d?%d?%d?%d?%d?$" then error(WRONG) end
   local length = tonumber(rest)
   if kind == "$" then
      count.bytes = count.bytes + length
      if length > limits.bulk or count.bytes > limits.bytes then error(WRONG) end
      if #text < after + length + 1 then error(MORE) end
      if text:sub(after + length, after + length + 1) ~= "\r\n" then error(WRONG) end
      return text:sub(after, after + length - 1), after + length + 2
   end
   count.elements = count.elements + length
   if count.elements > limits.elements then error(WRONG) end
   if length > 0 and depth == limits.depth then error(WRONG) end
   local list = {}
   for i = 1, length do
      local value
      value, after = value_at(text, after, limits, count, depth + 1)
      list[i] = value ~= nil and value
   end
   return list, after
end

--- Reads a whole text.
-- @treturn table its replies, with `n`
-- @treturn boolean whether what is behind them may still become one
function second.read(text, limits)
   local replies, at = { n = 0 }, 1
   while at <= #text do
      local ok, value, after = pcall(value_at, text, at, limits, { bytes = 0, elements = 0 }, 0)
      if not ok then
         if value ~= WRONG and value ~= MORE then error(value, 0) end
         return replies, value == MORE
      end
      replies.n = replies.n + 1
      replies[replies.n] = value
      at = after
   end
   return replies, true
end

return second
