--- The state of a job at a given time, and its JSON text. (LuaJIT, inside nginx.)

local cjson = require "cjson"
local members = require "topaz.emulator.members"

local record = {}

local floor, format, concat = math.floor, string.format, table.concat

-- Kinds of work, used in turn: enough variety for filters, and records of about 540 bytes.
local function kind(input, width, height, output, scale, category, model_type, model, crop, options, credits)
   return {
      middle = format('"input_format":"%s","input_height":%d,"input_width":%d,"output_format":"%s",'
         .. '"output_height":%d,"output_width":%d,"category":"%s","model_type":"%s","model":"%s","crop_to_fill":%s,'
         .. '"options_json":%s', input, height, width, output, height * scale, width * scale, category, model_type,
         model, tostring(crop), cjson.encode(options)),
      credits = credits, extension = input,
   }
end
local kinds = {
   kind("jpeg", 1920, 1080, "jpeg", 2, "Enhance", "Standard", "Standard V2", false,
      '{"subject_detection":"All","face_enhancement":true,"face_enhancement_strength":0.8}', 1),
   kind("png", 1024, 1024, "png", 4, "Enhance", "Generative", "Redefine", false,
      '{"prompt":"a caf\\u00e9 in the rain","creativity":3,"texture":2,"autoprompt":false}', 4),
   kind("jpeg", 6000, 4000, "tiff", 1, "Sharpen", "Standard", "Lens Blur V2", true,
      '{"strength":0.61,"minor_denoise":0.1,"subject_detection":"Foreground"}', 2),
   kind("tiff", 4032, 3024, "tiff", 1, "Denoise", "Standard", "High Fidelity V2", false,
      '{"strength":0.4,"original_detail":0.25,"subject_detection":"Background"}', 2),
   kind("webp", 800, 600, "png", 4, "Enhance", "Standard", "Low Resolution V2", true,
      '{"fix_compression":0.72,"sharpen":0.15,"face_enhancement":false,"denoise":0.3}', 1),
}

--- Returns a text in the form of a UUID, the same for the same argument.
function record.uuid(text)
   local hex = ngx.md5(text)
   return format("%s-%s-4%s-a%s-%s", hex:sub(1, 8), hex:sub(9, 12), hex:sub(14, 16), hex:sub(18, 20), hex:sub(21, 32))
end

--- Returns the state of `job` at time `now`: status, progress, eta, modification_time, and whether
-- the job is finished.
function record.state(job, now)
   if job.status then return job.status, job.progress, job.eta, job.modified, true end
   local begins, ends = job.created + job.pending, job.created + job.pending + job.processing
   local eta = floor(ends + 0.5)
   if now < begins then return "Pending", 0, eta, floor(job.created), false end
   if now < ends then
      -- A job that will fail stays at its last progress, so that progress never decreases.
      local last = job.outcome == "Completed" and 99 or math.min(99, job.last_progress)
      return "Processing", math.min(last, floor((now - begins) / job.processing * 100)), eta, floor(now), false
   end
   if job.outcome == "Completed" then return "Completed", 100, eta, floor(ends), true end
   return job.outcome, job.last_progress, eta, floor(ends), true
end

local function plain(job, status, progress, eta, modified)
   local work = kinds[job.seq % #kinds + 1]
   return concat {
      '{"process_id":"', job.id, '","source_id":"', record.uuid("source" .. job.seq),
      format('","filename":"IMG_%06d.%s",', job.seq, work.extension), work.middle,
      format(',"status":"%s","progress":%d,"eta":%d,"creation_time":%d,"modification_time":%d,"credits":%d}',
         status, progress, eta, floor(job.created), modified, work.credits),
   }
end

-- Applies a set of changes to `texts`, a table from member to JSON text. A set is { fields =
-- values, raw_fields = JSON texts, remove = names, floats = bool }.
local function apply(change, texts)
   for name, value in pairs(change.fields or {}) do texts[name] = cjson.encode(value) end
   if change.floats then
      for _, name in ipairs(members.integers) do
         if (texts[name] or ""):find("^%-?%d+$") then texts[name] = texts[name] .. ".0" end
      end
   end
   for name, text in pairs(change.raw_fields or {}) do texts[name] = text end
   for _, name in ipairs(change.remove or {}) do texts[name] = nil end
end

-- Returns the record with changes applied: known members in their order, then the others by name.
local function changed(text, changes)
   local texts, out = {}, {}
   for name, value in pairs(cjson.decode(text)) do texts[name] = cjson.encode(value) end
   for _, change in ipairs(changes) do apply(change, texts) end
   for _, name in ipairs(members.list) do
      if texts[name] then out[#out + 1] = '"' .. name .. '":' .. texts[name] end
   end
   local others = {}
   for name in pairs(texts) do
      if not members.is_one[name] then others[#others + 1] = name end
   end
   table.sort(others)
   for _, name in ipairs(others) do out[#out + 1] = cjson.encode(name) .. ":" .. texts[name] end
   return "{" .. concat(out, ",") .. "}"
end

--- Returns the JSON text of `job` at `now`. The text of a finished job is kept. `edit` changes the
-- text for this response only.
function record.text(job, now, edit)
   local text = job.raw or job.json
   if not text then
      local status, progress, eta, modified, last = record.state(job, now)
      text = plain(job, status, progress, eta, modified)
      if job.change then text = changed(text, { job.change }) end
      if last then job.json = text end
   end
   if edit and not job.raw then return changed(text, { edit }) end
   return text
end

return record
