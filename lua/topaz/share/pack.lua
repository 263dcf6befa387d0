--- How ids, progress and ended statuses travel between members: bytes only, nothing is kept.
--
-- An id is 16 bytes. Progress of a job is 22: the id, the word, whole percent (255: none), the
-- estimate in Unix seconds (0: none). An ended status is JSON as our own decoder reads it back.
local core = require "topaz.core"
local words = require "topaz.words"

local pack = {}

local PROGRESS = ">c16BBI4"
--- Bytes of an id and of a job's progress.
pack.ID_SIZE, pack.PROGRESS_SIZE = 16, string.packsize(PROGRESS)

-- ---- ids ----------------------------------------------------------------------------------------

local BYTE = {}
for byte = 0, 255 do BYTE[("%02x"):format(byte)] = string.char(byte) end

--- The 16 bytes of an id in lower case.
function pack.id(id) return (id:gsub("-", ""):gsub("%x%x", BYTE)) end

--- The id of the 16 bytes at a place of a text.
function pack.unpack_id(text, at)
   local a, b, c, d, e, f = string.unpack(">I4I2I2I2I2I4", text, at)
   return ("%08x-%04x-%04x-%04x-%04x%08x"):format(a, b, c, d, e, f)
end

--- The ids of a text, each 16 bytes; nil where its length is wrong.
function pack.unpack_ids(text)
   if #text % pack.ID_SIZE ~= 0 then return nil end
   local ids = {}
   for at = 1, #text, pack.ID_SIZE do ids[#ids + 1] = pack.unpack_id(text, at) end
   return ids
end

-- Spreads the bits (the end of splitmix64): ids that count upward would cancel out.
local function mixed(x)
   x = (x ~ (x >> 30)) * 0xBF58476D1CE4E5B9
   x = (x ~ (x >> 27)) * 0x94D049BB133111EB
   return x ~ (x >> 31)
end

--- What an id adds to the digest of a set: the digest is the XOR over its ids.
function pack.digest(id)
   local high, low = string.unpack("i8i8", pack.id(id))
   return mixed(high ~ mixed(low + 0x1E3779B97F4A7C15))
end

-- ---- progress -----------------------------------------------------------------------------------

--- The progress of an unfinished job; nil where the word is one of a newer server's.
-- @tparam string id in lower case
-- @tparam table status
function pack.progress(id, status)
   local number = words.number_of[status.status]
   if not number then return nil end
   local progress, eta = status.progress, status.eta
   local percent = type(progress) == "number" and math.floor(words.progress(status)) or 255
   local seconds = type(eta) == "number" and eta > 0 and eta < 0xFFFFFFFF and math.floor(eta) or 0
   return PROGRESS:pack(pack.id(id), number, percent, seconds)
end

--- The statuses of a text of progress: process_id, status, progress and eta are all they have. nil
-- where the text is wrong.
function pack.unpack_progress(text)
   if #text % pack.PROGRESS_SIZE ~= 0 then return nil end
   local list = {}
   for at = 1, #text, pack.PROGRESS_SIZE do
      local _, number, percent, seconds = PROGRESS:unpack(text, at)
      local word = words.statuses[number]
      if not word then return nil end
      list[#list + 1] = {
         process_id = pack.unpack_id(text, at), status = word, progress = percent <= 100 and percent or nil,
         eta = seconds > 0 and seconds or nil,
      }
   end
   return list
end

-- ---- ended statuses -----------------------------------------------------------------------------

local function quoted(text)
   return '"' .. text:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number_text(n)
   if math.type(n) == "integer" then return ("%d"):format(n) end
   if n == math.huge then return "1e999" elseif n == -math.huge then return "-1e999" end
   local text = ("%.17g"):format(n)
   return text:find "[.eEn]" and text or text .. ".0"
end

local encode

local function members_text(object)
   local out = {}
   for name, value in pairs(object) do out[#out + 1] = quoted(name) .. ":" .. encode(value) end
   return "{" .. table.concat(out, ",") .. "}"
end

local function items_text(list)
   local out = {}
   for i, value in ipairs(list) do out[i] = encode(value) end
   return "[" .. table.concat(out, ",") .. "]"
end

local array_mt = core.array_mt(require("cjson").array_mt)

function encode(value)
   local kind = type(value)
   if kind == "string" then return quoted(value)
   elseif kind == "number" then return number_text(value)
   elseif kind == "boolean" then return tostring(value)
   elseif kind ~= "table" then return "null" end
   local is_array = #value > 0 or next(value) == nil and getmetatable(value) == array_mt
   return (is_array and items_text or members_text)(value)
end

--- A status as JSON: what core.decode reads from it is the status.
pack.status = encode

--- The status of such a text; nil where it is not one.
function pack.unpack_status(text)
   local status = core.decode(text)
   if type(status) ~= "table" or type(status.status) ~= "string" or not core.is_process_id(status.process_id) then
      return nil
   end
   return status
end

-- ---- several texts in one -----------------------------------------------------------------------

--- Texts one after the other, each behind its length.
function pack.join(texts)
   local out = {}
   for i, text in ipairs(texts) do out[i] = (">s4"):pack(text) end
   return table.concat(out)
end

--- The texts; nil where a length is wrong.
function pack.split(text)
   local list, at = {}, 1
   while at <= #text do
      if #text - at < 3 then return nil end
      local length, first = (">I4"):unpack(text, at)
      if length > #text - first + 1 then return nil end
      list[#list + 1], at = text:sub(first, first + length - 1), first + length
   end
   return list
end

return pack
