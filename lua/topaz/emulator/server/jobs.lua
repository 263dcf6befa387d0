--- The jobs: listed newest first, found by id, divided into pages by opaque cursors. (LuaJIT,
-- inside nginx.)

local record = require "topaz.emulator.server.record"

local jobs = {}

local by_id, order, seq, gone, unsorted = {}, {}, 0, 0, false
local seed, default_timeline = "", nil
local handed = 0

function jobs.init(settings)
   seed, default_timeline = tostring(settings.seed), settings.timeline
   jobs.clear()
end

function jobs.clear()
   by_id, order, seq, gone, unsorted = {}, {}, 0, 0, false
end

local function older(a, b)
   if a.created ~= b.created then return a.created < b.created end
   return a.seq < b.seq
end

-- `order` has the oldest job first. Deleted jobs are removed from it once they are many.
local function tidy()
   if gone > 1000 and gone > #order / 2 then
      local kept = {}
      for _, job in ipairs(order) do
         if not job.deleted then kept[#kept + 1] = job end
      end
      order, gone = kept, 0
   end
   if unsorted then
      table.sort(order, older)
      unsorted = false
   end
end

-- Returns the value for the job `index`: a specification has one value, or a list used in turn.
local function in_turn(value, index)
   if type(value) ~= "table" then return value end
   return value[(index - 1) % #value + 1]
end

-- Returns seconds: the given number, or a number from { least, most }, spread evenly and the same
-- in each run.
local function in_range(value, index, step)
   if type(value) ~= "table" then return value end
   return value[1] + (value[2] - value[1]) * ((index * step) % 1)
end

-- Makes `job` one that changes with the clock.
local function live(job, timeline, spec, index, now)
   job.pending = in_range(timeline.pending or 0, index, 0.6180339887)
   job.processing = in_range(timeline.processing or 0, index, 0.7548776662)
   job.outcome = in_turn(timeline.outcome, index) or "Completed"
   job.last_progress = timeline.last_progress or 20 + job.seq * 7 % 70
   job.created = now - (spec.age or 0) + (index - 1) * (spec.spacing or 0)
end

local RESTING = { Pending = 0, Processing = 42, Completed = 100, Failed = 63, Cancelled = 21 }

-- Makes `job` one whose status never changes. Such jobs are in the past, one after another.
local function rest(job, status, spec, index, count, now)
   local spacing = spec.spacing or math.min(1, 6 * 86400 / count)
   job.status = status
   job.progress = RESTING[status] or 0
   job.created = now - (spec.age or 60) - (count - index) * spacing
   local work = (status == "Pending" or status == "Processing") and 90 or 45
   job.eta = math.floor(job.created + work)
   job.modified = math.floor(status == "Pending" and job.created or job.created + 45)
end

--- Makes job number `index` of the `count` jobs of a specification, and returns its id.
function jobs.add(spec, index, count, now)
   seq = seq + 1
   local job = { seq = seq, change = spec.change, raw = spec.raw }
   job.id = (spec.process_id or record.uuid("job" .. seed .. ":" .. seq)):lower()
   local timeline = spec.timeline or (not spec.status and default_timeline)
   if timeline then
      live(job, timeline, spec, index, now)
   else
      rest(job, in_turn(spec.status, index) or "Completed", spec, index, count, now)
   end
   if spec.creation_time then job.created = spec.creation_time end
   if by_id[job.id] and not by_id[job.id].deleted then jobs.delete(by_id[job.id]) end
   by_id[job.id] = job
   if #order > 0 and older(job, order[#order]) then unsorted = true end
   order[#order + 1] = job
   return job.id
end

--- Returns the job with that id, unless it is deleted or not made yet.
function jobs.find(id, now)
   local job = by_id[id:lower()]
   if job and job.created <= now then return job end
end

function jobs.delete(job)
   job.deleted = true
   by_id[job.id] = nil
   gone = gone + 1
end

-- Returns the position in `order` of the newest job older than the place (created, number).
local function position(created, number)
   local low, high = 1, #order + 1
   while low < high do
      local middle = math.floor((low + high) / 2)
      local job = order[middle]
      if job.created < created or (job.created == created and job.seq < number) then
         low = middle + 1
      else
         high = middle
      end
   end
   return low - 1
end

--- Returns an iterator over the jobs that exist now, newest first, starting behind `place`: a table
-- { created, number }, or nil for all.
function jobs.newest_first(now, place)
   tidy()
   local created, number = now, math.huge
   if place and place.created <= now then created, number = place.created, place.number end
   local at = position(created, number) + 1
   return function()
      repeat at = at - 1 until at < 1 or not order[at].deleted
      return order[at]
   end
end

--- Returns the cursor of the page behind this place. Each cursor is a new text, also for the same
-- place.
function jobs.cursor(created, number)
   handed = handed + 1
   local text = string.format("%.17g:%.17g:%d", created, number, handed)
   local code = ngx.encode_base64(text .. ":" .. ngx.crc32_short(seed .. text), true)
   return (code:gsub("+", "-"):gsub("/", "_"))
end

--- Returns the place of a cursor; nil: it is not a cursor of this emulator.
function jobs.place(cursor)
   local text = ngx.decode_base64((cursor:gsub("-", "+"):gsub("_", "/")) .. ("="):rep(-#cursor % 4))
   local body, created, number, sum = (text or ""):match("^(([^:]+):([^:]+):%d+):(%d+)$")
   if not body or tonumber(sum) ~= ngx.crc32_short(seed .. body) then return nil end
   return { created = tonumber(created), number = tonumber(number) }
end

return jobs
