-- Reads two pages with topaz, the small and the large in turn:  hostile.lua SMALL_URL SMALL_FILE LARGE_URL LARGE_FILE N
-- First each is compared with what cjson makes of the same bytes; then N readings of each are timed, and the least of
-- their CPU times is printed: the one that was disturbed least by whatever else the machine does.
local cjson = require "cjson"
local topaz = require "topaz"

local function same(a, b)
   if type(a) ~= "table" or type(b) ~= "table" then return a == b end
   for key, value in pairs(a) do
      if not same(value, b[key]) then return false end
   end
   for key in pairs(b) do
      if a[key] == nil then return false end
   end
   return true
end

local function read_all(client)
   local list = {}
   for status in client:statuses() do list[#list + 1] = status end
   return list
end

local function read_file(path)
   local file <close> = assert(io.open(path, "rb"))
   return file:read "a"
end

local sizes = {}
for i, name in ipairs { "small", "large" } do
   local client = topaz.client { api_key = "bench", base_url = arg[2 * i - 1] }
   local text = read_file(arg[2 * i])
   assert(same(read_all(client), cjson.decode(text).data), "differs from what cjson reads")
   sizes[i] = { name = name, client = client, bytes = #text, times = {} }
end
for _ = 1, tonumber(arg[5]) do
   for _, size in ipairs(sizes) do
      collectgarbage() -- so that no reading pays for the garbage of the one before
      local begin = os.clock()
      for status in size.client:statuses() do assert(status.process_id) end
      table.insert(size.times, os.clock() - begin)
   end
end
for _, size in ipairs(sizes) do
   print(("%s_bytes=%d %s_time=%.9f"):format(size.name, size.bytes, size.name, math.min(table.unpack(size.times))))
   size.client:close()
end
