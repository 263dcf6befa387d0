--- Statuses as JSON text. cjson writes the strings; the rest is put together here, so that members stand in the order of the API's
-- contract, integers stay integers, and nothing that could steer a terminal is in it.
local cjson = require "cjson"

local json = {}

--- The members of a status, in the order of the API's contract.
json.MEMBERS = {
   "process_id", "source_id", "filename", "input_format", "input_height", "input_width", "output_format", "output_height",
   "output_width", "category", "model_type", "model", "crop_to_fill", "options_json", "status", "progress", "eta", "creation_time",
   "modification_time", "credits",
}

local known = {}
for _, name in ipairs(json.MEMBERS) do known[name] = true end

local function string_text(s)
   if not s:find '[%c"\\\127-\255]' then return '"' .. s .. '"' end
   local quoted = cjson.encode(s):gsub("\\.", { ["\\/"] = "/" })
   if not quoted:find "[\127-\255]" then return quoted end
   -- Control characters beyond ASCII: JSON allows them as they are, a terminal may act on them.
   return (quoted:gsub("\194([\128-\159])", function(c) return ("\\u%04x"):format(c:byte()) end):gsub("\127", "\\u007f"))
end

local function number_text(n)
   if math.type(n) == "integer" then return ("%d"):format(n) end
   if n ~= n or n == math.huge or n == -math.huge then return "null" end
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
   elseif kind == "table" then return #value > 0 and array_text(value) or json.object(value) end
   return "null"
end
json.encode = encode

return json
