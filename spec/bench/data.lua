-- Makes the bytes that everyone in the benchmark reads: records of some 540 bytes with the 20
-- members of a status, the same at each run. A set is a folder with the pages p1.json,
-- p2.json … of one list, or with all.json, one plain array.
local data = {}

data.PAGE_SIZE = 100

local format, concat = string.format, table.concat

-- Kinds of work, taken in turn. In options_json the quotes are escaped, as they are on the wire.
local function kind(input, width, height, output, scale, category, model_type, model, crop, options)
   return {
      extension = input,
      middle = format('"input_format":"%s","input_height":%d,"input_width":%d,"output_format":"%s",'
         .. '"output_height":%d,"output_width":%d,"category":"%s","model_type":"%s","model":"%s","crop_to_fill":%s,'
         .. '"options_json":"%s"', input, height, width, output, height * scale, width * scale, category, model_type,
         model, crop, options:gsub('"', '\\"')),
   }
end

local KINDS = {
   kind("jpeg", 1920, 1080, "jpeg", 2, "Enhance", "Standard", "Standard V2", "false",
      '{"subject_detection":"All","face_enhancement":true}'),
   kind("png", 1024, 1024, "png", 4, "Enhance", "Generative", "Redefine", "false",
      '{"prompt":"a quiet harbour","creativity":3}'),
   kind("jpeg", 6000, 4000, "tiff", 1, "Sharpen", "Standard", "Lens Blur V2", "true",
      '{"strength":0.61,"minor_denoise":0.1}'),
   kind("tiff", 4032, 3024, "tiff", 1, "Denoise", "Standard", "High Fidelity V2", "false",
      '{"strength":0.4,"original_detail":0.25}'),
   kind("webp", 800, 600, "png", 4, "Enhance", "Standard", "Low Resolution V2", "true",
      '{"fix_compression":0.72,"sharpen":0.15}'),
}
-- A word for every fifth record, so that a filter for "Failed" keeps 1 in 5.
local WORDS = { "Completed", "Completed", "Failed", "Completed", "Processing" }

-- A number that looks random, the same for the same i and salt.
local function mix(i, salt)
   local x = i * 0x9E3779B97F4A7C15 + salt * 0xD1B54A32D192ED03
   x = (x ~ (x >> 30)) * 0xBF58476D1CE4E5B9
   x = (x ~ (x >> 27)) * 0x94D049BB133111EB
   return x ~ (x >> 31)
end

-- A version 4 UUID.
local function uuid(i, salt)
   local a, b = mix(i, salt), mix(i, salt + 1)
   return format("%08x-%04x-4%03x-a%03x-%012x", a >> 32, a & 0xffff, (a >> 16) & 0xfff, b & 0xfff, b >> 16)
end

--- The JSON text of record number i (from 0), its progress, and its status word.
function data.record(i)
   local work, word = KINDS[i % #KINDS + 1], WORDS[i % #WORDS + 1]
   local progress = word == "Completed" and 100 or mix(i, 5) % 100
   local created = 1760000000 - i * 6
   local text = format('{"process_id":"%s","source_id":"%s","filename":"IMG_%06d.%s",%s,"status":"%s","progress":%d,'
      .. '"eta":%d,"creation_time":%d,"modification_time":%d,"credits":%d}', uuid(i, 1), uuid(i, 3), i, work.extension,
      work.middle, word, progress, created + 90, created, created + 30 + mix(i, 6) % 60, 1 + i % 4)
   return text, progress, word
end

-- What a reader of records first … last must find: counts and sums of progress,
-- of all and of those that failed.
local function expectation()
   return { count = 0, checksum = 0, failed = { count = 0, checksum = 0 } }
end

local function note(expect, progress, word)
   expect.count, expect.checksum = expect.count + 1, expect.checksum + progress
   if word == "Failed" then
      expect.failed.count, expect.failed.checksum = expect.failed.count + 1, expect.failed.checksum + progress
   end
end

local function write(path, text)
   local file = assert(io.open(path, "wb"))
   assert(file:write(text))
   assert(file:close())
end
data.write = write

--- One page as the API sends it.
function data.page(records, next_cursor)
   return concat {
      '{"data":[', concat(records, ","), '],"pagination":{"has_next_page":',
      next_cursor and format('true,"next_cursor":"%s"', next_cursor) or "false", "}}",
   }
end

--- Writes `pages` pages into `folder`; gives what a reader must find.
function data.write_pages(folder, pages)
   local expect = expectation()
   for page = 1, pages do
      local records = {}
      for k = 1, data.PAGE_SIZE do
         local text, progress, word = data.record((page - 1) * data.PAGE_SIZE + k - 1)
         records[k] = text
         note(expect, progress, word)
      end
      write(format("%s/p%d.json", folder, page), data.page(records, page < pages and "p" .. page + 1 or nil))
   end
   return expect
end

--- Writes an array of `count` records to all.json in `folder`;
-- gives what a reader must find, and its size in `bytes`.
function data.write_array(folder, count)
   local expect = expectation()
   local file = assert(io.open(folder .. "/all.json", "wb"))
   assert(file:write("["))
   for i = 0, count - 1 do
      local text, progress, word = data.record(i)
      note(expect, progress, word)
      if i > 0 then assert(file:write(",")) end
      assert(file:write(text))
   end
   assert(file:write("]"))
   expect.bytes = file:seek()
   assert(file:close())
   return expect
end

return data
