-- Records of csrc/json in a list, with one byte changed: what the fast path for records
-- of the usual kind gives must be what reading them one by one gives.
local room = require "json_room"

local RECORD =
   '{"process_id":"9ceed412-0b1c-4bb5-8f7a-0c9e3f1d2a77","source_id":"5b0f4a7e-93c2-4f6e-a1f5-1d2c3b4a5968",'
   .. '"filename":"caf\\u00e9 \195\169.jpeg","input_format":"jpeg","input_height":1080,"input_width":1920,'
   .. '"output_format":"png","output_height":2160,"output_width":-0,"category":"Enhance","model_type":"Standard",'
   .. '"model":"Standard V2","crop_to_fill":false,'
   .. '"options_json":"{\\"a\\":0.8}","status":"Completed","progress":100,"eta":null,"creation_time":1764032000123,'
   .. '"modification_time":1764032060123,"credits":12}'

local STRING, INTEGER = room.STRING, room.INTEGER
local RULES = {
   { "process_id", STRING, true }, { "source_id", STRING }, { "filename", STRING }, { "input_format", STRING },
   { "input_height", INTEGER }, { "input_width", INTEGER }, { "output_format", STRING }, { "output_height", INTEGER },
   { "output_width", INTEGER }, { "category", STRING }, { "model_type", STRING }, { "model", STRING },
   { "crop_to_fill", room.BOOLEAN }, { "options_json", STRING }, { "status", STRING, true }, { "progress", INTEGER },
   { "eta", INTEGER }, { "creation_time", INTEGER }, { "modification_time", INTEGER }, { "credits", INTEGER },
}

local function one_by_one(reader, shape)
   local records = {}
   while true do
      local result, record = reader:element()
      if result == "ok" then result, record = reader:record(shape) end
      if result ~= "ok" then return result, records end
      records[#records + 1] = record
   end
end

-- What a list gives: { result, records, what is wrong, in which member, at which byte }.
local function read(text, shape, how)
   local reader = room.reader()
   reader:feed(text)
   reader:finish()
   assert(reader:enter() == "ok")
   local result, records = how(reader, shape)
   return { result, records, reader:error() }
end

local function run(reader, shape) return reader:run(shape) end

local function same(a, b)
   if type(a) ~= "table" or type(b) ~= "table" then return a == b and math.type(a) == math.type(b) end
   for k, v in pairs(a) do
      if not same(v, b[k]) then return false end
   end
   for k in pairs(b) do
      if a[k] == nil then return false end
   end
   return true
end

describe("json: a record with one byte changed", function()
   -- in the second record, after which the third has to be read right again,
   -- with room behind it for the fast path
   local before, behind = "[" .. RECORD .. ",", "," .. RECORD .. "," .. RECORD .. "]"

   it("gives the same, however it is read", function()
      local counts = {}
      for at = 1, #RECORD do
         local careful = room.shape { rules = RULES }
         for byte = 0, 255 do
            local text = before .. RECORD:sub(1, at - 1) .. string.char(byte) .. RECORD:sub(at + 1) .. behind
            -- a used one would know that records are damaged, and take care
            local quick = room.shape { rules = RULES }
            local a, b = read(text, quick, run), read(text, careful, one_by_one)
            if not same(a, b) then assert.same(b, a, text) end
            counts[a[1]] = (counts[a[1]] or 0) + 1
         end
      end
      assert.equal(256 * #RECORD, counts.close + counts.malformed + counts.wrong)
      for _, count in pairs(counts) do assert.is_true(count > 1000) end
   end)

   it("takes none that is cut short", function()
      for at = 0, #RECORD - 1 do
         local result, records =
            table.unpack(read("[" .. RECORD .. "," .. RECORD:sub(1, at), room.shape { rules = RULES }, run))
         assert.equal("more", result)
         assert.equal(1, #records)
      end
   end)
end)
