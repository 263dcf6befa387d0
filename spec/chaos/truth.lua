--- What was true on the server, and whether what an operation was told agrees with it.
-- Knows no client and no socket: world = {
--    jobs = { [id] = { record | epochs = { [n] = record }, born, dead_from, dead_to } }
--                                         times in seconds, nil: always, never
--    deletes = { [id] = { status, … } }   the answers to DELETE /status/{id}, in the order
--                                         of arrival; 0: none was sent
--    left = { [id] = true }               the jobs that exist at the end
--    excused = { [http_status] = true }   answers that are not the server's
--    clean                                nothing went wrong on the network or the server
-- }
-- A finished operation has `began` and `ended` (seconds), `first_epoch` and `last_epoch`,
-- and what it was told.
local truth = {}

-- seconds: the two processes' clocks are read in milliseconds, and not at the same moment
local MARGIN = 0.03
-- What the answer to an earlier request looks like that came in place of the right one.
local LATE = { "^not_found, and the job was there", "^HTTP %d+, which the server never said", "^true, and the job is",
   "^true, and the server never said 204", "^already_gone, and the server never" }

--- Whether the answer to another request, come late, explains what is wrong.
function truth.may_be_late(why)
   for _, pattern in ipairs(LATE) do
      if why:find(pattern) then return true end
   end
   return false
end

local FINISHED = { Completed = true, Failed = true, Cancelled = true }

-- ---- records ------------------------------------------------------------------------------------

local function differs(record, original, fields)
   local asked = fields or nil
   if asked then
      local only = {}
      for _, name in ipairs(asked) do only[name] = original[name] end
      original = only
   end
   for name, value in pairs(original) do
      if record[name] ~= value or math.type(record[name]) ~= math.type(value) then
         return ("%s is %s, and %s in truth"):format(name, tostring(record[name]), tostring(value))
      end
   end
   for name in pairs(record) do
      if original[name] == nil then return ("%s is not a member of it"):format(tostring(name)) end
   end
end

--- Why `record` is not what the server had for it in one of the epochs; nil: it is.
function truth.record(jobs, record, first_epoch, last_epoch, fields)
   local id = type(record) == "table" and record.process_id
   local job = jobs[id]
   if not job then return "a record of no job: " .. tostring(id) end
   if job.record then
      local why = differs(record, job.record, fields)
      return why and ("record of %s: %s"):format(id, why)
   end
   local why
   for epoch = first_epoch, last_epoch do
      why = job.epochs[epoch] and differs(record, job.epochs[epoch], fields)
      if job.epochs[epoch] and not why then return nil end
   end
   return ("record of %s, in no epoch from %d to %d: %s"):format(id, first_epoch, last_epoch, why or "there is none")
end

local function existed_throughout(job, op)
   return (job.born or -math.huge) < op.began - MARGIN and (job.dead_from or math.huge) > op.ended + MARGIN
end

-- ---- one deletion -------------------------------------------------------------------------------

local function has(list, value)
   for _, one in ipairs(list) do
      if one == value then return true end
   end
   return false
end

local function check_deleted(world, op, seen)
   if world.left[op.id] then return "true, and the job is still there" end
   if op.second == "already_gone" then
      if not has(seen, 404) then return "already_gone, and the server never said 404" end
   elseif op.second ~= nil then return "an unknown second value: " .. tostring(op.second)
   elseif not has(seen, 204) then return "true, and the server never said 204" end
end

local REFUSALS = { [404] = true, [409] = true, [429] = true }

-- Ended by the caller, or in an attempt that was not sent, after the server had said that it would
-- not.
local function was_refused(seen)
   for _, status in ipairs(seen) do
      if not REFUSALS[status] then return false end
   end
   return #seen > 0
end

local function check_failed_deletion(world, op, seen)
   local err = op.err
   if #seen > (err.attempts or 0) then
      return ("%s attempts, and the server saw %d requests"):format(tostring(err.attempts), #seen)
   end
   if err.outcome == "unsent" and #seen > 0 then return ("unsent, and the server saw %d requests"):format(#seen) end
   if err.http_status then
      if not has(seen, err.http_status) and not world.excused[err.http_status] then
         return ("HTTP %d, which the server never said"):format(err.http_status)
      end
   elseif err.outcome == nil and (#seen > 0 or err.kind ~= "closed") and not was_refused(seen) then
      return "no outcome: " .. tostring(err)
   end
end

local check = {}

function check.delete(world, op)
   local seen = world.deletes[op.id] or {}
   -- its result is not read: its handle was dropped, or its coroutine closed
   if op.ok == nil and op.err == nil then
      local surely = op.dropped and op.begun and world.clean and not op.cut_off
      if surely and world.jobs[op.id] and FINISHED[world.jobs[op.id].record.status] and world.left[op.id] then
         return "begun and dropped, and never done"
      end
      return
   end
   if op.ok == true then return check_deleted(world, op, seen) end
   if op.ok ~= nil then return "not true: " .. tostring(op.ok) end
   return check_failed_deletion(world, op, seen)
end

-- ---- reads --------------------------------------------------------------------------------------

function check.get(world, op)
   local job = world.jobs[op.id]
   if op.ok then
      if op.ok.process_id ~= op.id then return "the record of another job: " .. tostring(op.ok.process_id) end
      if job and job.dead_to and job.dead_to < op.began - MARGIN then
         return "a record of a job that had gone before the call"
      end
      if job and job.born and job.born > op.ended + MARGIN then
         return "a record of a job that was made after the call"
      end
   elseif op.err and op.err.kind == "not_found" and job and existed_throughout(job, op) then
      return "not_found, and the job was there all the time"
   end
end

-- Whether some job was deleted while the operation ran.
local function list_changed(world, op)
   for _, job in pairs(world.jobs) do
      if job.dead_to and job.dead_to > op.began - MARGIN and job.dead_from < op.ended + MARGIN then return true end
   end
   return false
end

--- The ids that a list gave, in op.ids; op.complete: it went to its end without an error.
function check.list(world, op)
   local count, o = {}, op.options or {}
   for _, id in ipairs(op.ids) do count[id] = (count[id] or 0) + 1 end
   -- A place to go on from that was deleted meanwhile: the page, or the plain array,
   -- is given from its beginning.
   local may_repeat = (o.paginated == false or op.resumed) and list_changed(world, op)
   for id, n in pairs(count) do
      local job = world.jobs[id]
      if n > 1 and not may_repeat then return ("%s came %d times"):format(id, n) end
      if job and job.dead_to and job.dead_to < op.began - MARGIN then
         return ("%s came, and had gone before"):format(id)
      end
   end
   if not op.complete then return end
   for id, job in pairs(world.jobs) do
      local wanted = not o.where or job.record and job.record.status == o.where.status
      if wanted and not count[id] and existed_throughout(job, op) then return ("%s is missing"):format(id) end
      if count[id] and o.where and job.record and job.record.status ~= o.where.status then
         return ("%s came against `where`"):format(id)
      end
   end
end

check.page = check.list

function check.wait(_, op)
   if op.ok and (op.ok.process_id ~= op.id or not FINISHED[op.ok.status]) then
      return ("ended with %s of %s"):format(tostring(op.ok.status), tostring(op.ok.process_id))
   end
   if op.err and op.err.kind == "not_found" then return "not_found, and the job was there all the time" end
end

--- Jobs that ended, in op.ids with their words in op.words.
function check.watch(_, op)
   local asked, count = {}, {}
   for _, id in ipairs(op.given) do asked[id] = true end
   for i, id in ipairs(op.ids) do
      count[id] = (count[id] or 0) + 1
      if count[id] > 1 then return id .. " came twice" end
      if not asked[id] then return id .. " came, and was not asked for" end
      if not FINISHED[op.words[i]] then return ("%s came as %s"):format(id, tostring(op.words[i])) end
   end
   if op.gone then return op.gone .. " came as gone, and was there all the time" end
   if op.complete and #op.ids ~= #op.given then return ("%d jobs came of %d"):format(#op.ids, #op.given) end
end

check.wait_all = check.watch

--- world.before_all: how many jobs there were; world.delete_alls: the answers to DELETE /status.
function check.delete_all(world, op)
   local seen, left = world.delete_alls, next(world.left) ~= nil
   local done = 0
   for i, status in ipairs(seen) do
      if status == 200 then done = done + 1 end
      if i < #seen and status ~= 429 then return ("sent again after an answer %d"):format(status) end
   end
   if op.ok == true then
      if op.second ~= "count_unknown" or left or done == 0 then return "done, and not all are gone" end
   elseif op.ok then
      if op.ok ~= world.before_all or left then
         return ("%s deleted, of %d"):format(tostring(op.ok), world.before_all)
      end
   elseif op.err then
      if #seen > (op.err.attempts or 0) then
         return ("%s attempts, and the server saw %d"):format(tostring(op.err.attempts), #seen)
      end
      if op.err.outcome == "unsent" and #seen > 0 then return "unsent, and the server saw it" end
      if op.err.http_status and not has(seen, op.err.http_status) and not world.excused[op.err.http_status] then
         return ("HTTP %d, which the server never said"):format(op.err.http_status)
      elseif not op.err.http_status and not op.err.outcome and (#seen > 0 or op.err.kind ~= "closed")
         and not was_refused(seen) then
         return "no outcome: " .. tostring(op.err)
      end
   end
end

-- ---- all operations -----------------------------------------------------------------------------

local EXPECTED = { not_found = true, conflict = true, cancelled = true, closed = true }

--- What is wrong with an operation; nil: nothing.
function truth.check(world, op)
   if op.hung then return op.begun and "hung" or "its coroutine never ran" end
   if not op.begun then return nil end
   if op.wrong then return op.wrong end
   if op.err ~= nil and (type(op.err) ~= "table" or type(op.err.kind) ~= "string") then
      return "not an error object: " .. tostring(op.err)
   end
   if op.ended == nil and not op.killed and not op.dropped then return "never ended" end
   op.ended = op.ended or math.huge
   local why = check[op.kind](world, op)
   if why then return why end
   if world.clean and op.err and not op.cut_off then
      local waited = op.err.kind == "timeout" and op.kind:find "^wa" -- for jobs that take longer
      if not EXPECTED[op.err.kind] and not waited then
         return "failed where nothing had gone wrong: " .. tostring(op.err)
      end
      local ended = op.err.kind == "cancelled" or op.err.kind == "closed"
      if ended and not op.disturbed then return "ended without a cause: " .. tostring(op.err) end
   end
end

return truth
