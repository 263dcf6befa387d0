--- Statuses as JSON text. cjson writes the strings; the rest is put together here, so that members
-- stand in the order of the API's contract, integers stay integers, and nothing that could steer a
-- terminal is in it.
local topaz = require "topaz"
local text = require "topaz.terminal.text"
local cjson = require("cjson").new() -- an instance of its own: a host may have changed its one

local json = {}

--- The members of a status, in the order of the API's contract.
json.MEMBERS = {}

local known = {}
for i, member in ipairs(topaz.core.members) do json.MEMBERS[i], known[member.name] = member.name, true end

-- JSON allows characters that steer a terminal as they are. Beyond U+FFFF they are two units of
-- UTF-16 (RFC 8259, section 7). Bytes that are not UTF-8 stay as they came.
local function escape(code)
   if not code then return nil end
   if code < 0x10000 then return ("\\u%04x"):format(code) end
   code = code - 0x10000
   return ("\\u%04x\\u%04x"):format(0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))
end

local function string_text(s)
   if not s:find '[%c"\\\127-\255]' then return '"' .. s .. '"' end
   local quoted = cjson.encode(s):gsub("\\.", { ["\\/"] = "/" })
   if not quoted:find "[\127-\255]" then return quoted end
   return text.replaced(quoted, escape)
end

local function number_text(n)
   if math.type(n) == "integer" then return ("%d"):format(n) end
   if n ~= n then return "null" end
   -- as it came: JSON has no infinity, but numbers too large for a float
   if n == math.huge or n == -math.huge then return n > 0 and "1e999" or "-1e999" end
   local short = ("%.15g"):format(n)
   return tonumber(short) == n and short or ("%.17g"):format(n)
end

local encode

local function array_text(list)
   local out = {}
   for i, value in ipairs(list) do out[i] = encode(value) end
   return "[" .. table.concat(out, ",") .. "]"
end

--- The names of a status's members: those of the contract first, the others by name.
function json.names(status)
   local names, others = {}, {}
   for _, name in ipairs(json.MEMBERS) do
      if status[name] ~= nil then names[#names + 1] = name end
   end
   for name in pairs(status) do
      if not known[name] then others[#others + 1] = name end
   end
   table.sort(others, function(a, b) return tostring(a) < tostring(b) end)
   return table.move(others, 1, #others, #names + 1, names)
end

--- A table as a JSON object.
-- @tparam table object
-- @tparam[opt] table names these members alone, in this order; absent ones are left out
-- @treturn string
function json.object(object, names)
   local out = {}
   for _, name in ipairs(names or json.names(object)) do
      local value = object[name]
      if value ~= nil then out[#out + 1] = string_text(tostring(name)) .. ":" .. encode(value) end
   end
   return "{" .. table.concat(out, ",") .. "}"
end

--- Any value as JSON.
function encode(value)
   local kind = type(value)
   if kind == "string" then return string_text(value)
   elseif kind == "number" then return number_text(value)
   elseif kind == "boolean" then return tostring(value)
   elseif kind == "table" then
      local is_array = #value > 0 or getmetatable(value) == topaz.array_mt and next(value) == nil
      return is_array and array_text(value) or json.object(value)
   end
   return "null"
end
json.encode = encode

--- Any value as plain text: nothing for nil, a table as JSON.
function json.plain(value)
   if value == nil then return "" end
   return type(value) == "table" and encode(value) or tostring(value)
end

return json
