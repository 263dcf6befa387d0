-- Reads two pages with topaz, the small one and the large one:
--    hostile.lua SMALL_URL SMALL_FILE LARGE_URL LARGE_FILE N
-- Prints the least CPU time of N readings of each: the one that was disturbed least by whatever
-- else the machine does. Then each is compared with what cjson makes of the same bytes.
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
   sizes[i] = { name = name, client = client, text = text, times = {} }
end
-- All of the small one before the large one: the C library keeps memory at hand once large blocks
-- were freed, and the small page would be the only one that gains from it.
for _, size in ipairs(sizes) do
   for _ = 1, tonumber(arg[5]) do
      collectgarbage() -- so that no reading pays for the garbage of the one before
      local begin = os.clock()
      for status in size.client:statuses() do assert(status.process_id) end
      table.insert(size.times, os.clock() - begin)
   end
end
for _, size in ipairs(sizes) do
   assert(same(read_all(size.client), cjson.decode(size.text).data), "differs from what cjson reads")
   print(("%s_bytes=%d %s_time=%.9f"):format(size.name, #size.text, size.name, math.min(table.unpack(size.times))))
   size.client:close()
end
