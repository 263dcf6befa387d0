--- Progress of jobs as bars: what to show is a function of what was told, of the time and of the width.
--
--    local bars = progress.new()
--    bars:update(status)                                   -- whenever there is news of a job
--    for _, line in ipairs(bars:lines(80)) do print(line) end
--
-- A bar glides to what the server reported last, never beyond it, and never goes back. `topaz.progress_terminal` puts the lines on a
-- terminal; `progress.wait_all` does all of it.
local core = require "topaz.core"
local text = require "topaz.text"
local words = require "topaz.words"

local progress = {}

local Progress = {}
Progress.__index = Progress

local STALLED_AFTER = 120 -- seconds without a change at the server
local GLIDE_MOST = 3      -- seconds in which a bar reaches what was reported
local ETA_ABSURD = 7 * 86400 -- seconds; statuses live for seven days
local END_WEIGHT = 0.4    -- of a new estimate against the old ones

--- Bars without jobs.
-- @tparam[opt] table options `stalled_after` seconds (120) without a change of a job that is being processed, after which it is marked;
-- `skew` seconds (0) by which the server's clock is ahead, as in `client:stats().clock_skew`
-- @return the bars
function progress.new(options)
   options = options or {}
   return setmetatable({
      jobs = {}, order = {}, skew = options.skew or 0, stalled_after = options.stalled_after or STALLED_AFTER, least = 0,
   }, Progress)
end

-- ---- one job -----------------------------------------------------------------------------------------------------

-- How far a job is shown to be: on its way from where it was shown when the last report came to that report.
local function shown(job, now)
   if job.word == "Completed" then return 100 end
   local span = job.glide
   local part = span > 0 and math.min(math.max((now - job.told) / span, 0), 1) or 1
   return job.from + (job.reported - job.from) * part
end

-- When the job will end: by its own estimate, else by its pace so far; nil: nobody knows.
local function estimate(self, job, status, now)
   local eta = status.eta
   if type(eta) == "number" then
      local left = eta - (now + self.skew)
      if left > 0 and left < ETA_ABSURD then return now + left end
   end
   local gained = job.reported - job.first
   if gained > 0 and now > job.first_time then
      return now + (100 - job.reported) * (now - job.first_time) / gained
   end
end

local function reported(status)
   return type(status.progress) == "number" and math.min(math.max(status.progress, 0), 100) or 0
end

local function take(self, job, status, now)
   local report = math.max(job.reported, reported(status))
   if type(status.modification_time) == "number" then job.modified = math.max(job.modified or 0, status.modification_time) end
   if report == job.reported and status.status == job.word then return end
   job.from = shown(job, now)
   job.glide = math.min(now - job.told, GLIDE_MOST)
   job.told, job.word, job.name, job.reported = now, status.status, status.filename or job.name, report
   job.over = words.is_finished[job.word] == true
   local ends = not job.over and estimate(self, job, status, now) or nil
   job.ends = ends and (job.ends and job.ends > now and job.ends + (ends - job.ends) * END_WEIGHT or ends)
end

--- Tells of a job.
-- @tparam table status as the API gives it; `process_id` and `status` must be there
-- @tparam[opt] number now Unix seconds by this machine's clock
function Progress:update(status, now)
   now = now or core.wall()
   local key = status.process_id:lower()
   local job = self.jobs[key]
   if not job then
      local report = reported(status)
      job = { name = status.process_id, reported = report, from = report, first = report, first_time = now, told = now, glide = 0 }
      self.jobs[key] = job
      self.order[#self.order + 1] = job
      self.least = 0 -- with one more job, the whole may well be less far
   end
   take(self, job, status, now)
end

--- Forgets a job.
-- @tparam string process_id
function Progress:remove(process_id)
   local key = process_id:lower()
   local job = self.jobs[key]
   if not job then return end
   self.jobs[key] = nil
   for i, other in ipairs(self.order) do
      if other == job then return table.remove(self.order, i) end
   end
end

--- Sets by how many seconds the server's clock is ahead of this machine's.
function Progress:set_skew(seconds) self.skew = seconds or 0 end

local function stalled(self, job, now)
   local since = job.word == "Processing" and job.modified and now + self.skew - job.modified
   return since and since >= self.stalled_after and since or nil
end

-- ---- all of them ---------------------------------------------------------------------------------------------------

--- How far all of them are.
-- @tparam[opt] number now
-- @treturn table `total`; `done`: ended; `percent` 0 to 100, as shown; `by_status` counts by word; `stalled` count; `seconds_left`, or nil
function Progress:summary(now)
   now = now or core.wall()
   local sum, done, stalls, by_status, left, all = 0, 0, 0, {}, nil, true
   for _, job in ipairs(self.order) do
      by_status[job.word] = (by_status[job.word] or 0) + 1
      sum = sum + (job.over and 100 or shown(job, now))
      if job.over then done = done + 1
      elseif job.ends then left = math.max(left or 0, job.ends - now)
      else all = false end
      if stalled(self, job, now) then stalls = stalls + 1 end
   end
   local total = #self.order
   self.least = math.max(self.least, total > 0 and sum / total or 0)
   return {
      total = total, done = done, percent = self.least, by_status = by_status, stalled = stalls,
      seconds_left = all and total > done and left or nil,
   }
end

-- ---- lines -----------------------------------------------------------------------------------------------------------

local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

--- A bar alone.
-- @tparam number percent 0 to 100
-- @tparam integer width cells, at least 3
-- @tparam[opt=false] boolean ascii without any other character
-- @treturn string exactly that wide
function progress.bar(percent, width, ascii)
   local inner = width - 2
   if ascii then
      local full = math.floor(percent / 100 * inner)
      return "[" .. ("#"):rep(full) .. ("."):rep(inner - full) .. "]"
   end
   local eighths = math.floor(percent / 100 * inner * 8)
   local part = EIGHTHS[eighths % 8] or ""
   local full = eighths // 8
   return "▕" .. ("█"):rep(full) .. part .. (" "):rep(inner - full - (part == "" and 0 or 1)) .. "▏"
end

local NAME_MOST, MARK, PERCENT = 28, 13, 6

-- One line: a name, a bar, per cent and a mark; what does not fit is left out from the right, the name and the per cent last.
local function line(name, percent, mark, word, width, o)
   local ellipsis = o.ascii and "~" or "…"
   local number = ("%d %%"):format(math.floor(percent))
   local paint = o.paint or function(_, s) return s end
   if width < 24 then return text.fit(text.fit(name, math.max(1, width - 7), ellipsis) .. " " .. number, width, ellipsis) end
   local with_mark = width >= 60
   local name_width = math.min(NAME_MOST, width // 3)
   local bar_width = width - name_width - 2 - PERCENT - (with_mark and MARK + 2 or 0)
   local parts = text.pad(name, name_width, ellipsis) .. "  " .. paint(word, progress.bar(percent, bar_width, o.ascii))
      .. text.pad(number, PERCENT, ellipsis, true)
   return with_mark and parts .. "  " .. paint(word, text.pad(mark, MARK, ellipsis)) or parts
end

local function mark_of(self, job, now)
   if job.over then return job.word end
   local since = stalled(self, job, now)
   if since then return "stalled " .. text.duration(since), "stalled" end
   if job.word ~= "Processing" or not job.ends then return text.safe(job.word) end
   return job.ends > now and text.duration(math.max(job.ends - now, 1)) .. " left" or "any moment"
end

-- The jobs to show when not all fit: who is furthest first, then who waits, in the order they came; ended ones only if asked for.
local function chosen(self, o, now)
   local list = {}
   for i, job in ipairs(self.order) do
      if not job.over or o.ended then list[#list + 1] = { job = job, at = i, far = job.over and -1 or shown(job, now) } end
   end
   local rows = o.rows or #list
   if #list > rows then
      table.sort(list, function(a, b)
         if a.far ~= b.far then return a.far > b.far end
         return a.at < b.at
      end)
      for i = #list, rows + 1, -1 do list[i] = nil end
      table.sort(list, function(a, b) return a.at < b.at end)
   end
   return list
end

--- The line of all jobs together.
-- @tparam integer width cells
-- @tparam[opt] number now
-- @tparam[opt] table options as for `lines`
-- @treturn string
function Progress:total_line(width, now, options)
   now = now or core.wall()
   local all = self:summary(now)
   local mark = all.seconds_left and text.duration(math.max(all.seconds_left, 1)) .. " left"
      or all.stalled > 0 and all.stalled .. " stalled" or ""
   return line(("%d of %d ended"):format(all.done, all.total), all.percent, mark, "total", width, options or {})
end

--- The lines to show: one for each job that has not ended, and below, when there are several jobs, one for all of them.
-- @tparam integer width cells that a line takes at most
-- @tparam[opt] number now Unix seconds by this machine's clock
-- @tparam[opt] table options `rows` of jobs at most (all), those that are furthest; `ended` (false) shows ended ones too; `total`
-- (true) the line of all; `ascii` (false) no other characters; `paint` function (word, text) giving the text with colours
-- @treturn table strings
function Progress:lines(width, now, options)
   now = now or core.wall()
   local o, lines = options or {}, {}
   for _, entry in ipairs(chosen(self, o, now)) do
      local job = entry.job
      local mark, word = mark_of(self, job, now)
      lines[#lines + 1] = line(text.safe(job.name), shown(job, now), mark, word or job.word, width, o)
   end
   if o.total ~= false and #self.order > 1 then lines[#lines + 1] = self:total_line(width, now, o) end
   return lines
end

-- ---- doing all of it --------------------------------------------------------------------------------------------------

--- Takes from a watcher what it saw last of the jobs that have not ended; its on_progress tells of changes alone, and a job may live on
-- without one. Sends nothing.
-- @param watcher as client:watch gives it
-- @tparam[opt] number now
function Progress:look(watcher, now)
   for _, status in ipairs(watcher:statuses()) do self:update(status, now) end
end

-- Collects what the watcher gives, by the ids as the caller wrote them.
local function collect(watcher, ids, statuses)
   local given = {}
   for _, id in ipairs(type(ids) == "table" and ids or { ids }) do given[id:lower()] = id end
   for status, gone in watcher do
      local key = status.process_id:lower()
      statuses[given[key] or key] = gone or status
   end
end

--- Waits as `client:wait_all` does, with bars on the terminal; without a terminal, in silence.
-- @param client
-- @tparam table|string|nil ids as for `client:wait_all`
-- @tparam[opt] table options those of `client:wait_all`; `handle` (io.stderr) where the bars go; `rows` of jobs at most (10)
-- @return what `client:wait_all` returns
function progress.wait_all(client, ids, options)
   local o, rest = options or {}, {}
   for name, value in pairs(o) do
      if name ~= "handle" and name ~= "rows" then rest[name] = value end
   end
   local bars, statuses = progress.new(), {}
   rest.on_progress = function(status, previous)
      bars:update(status)
      if o.on_progress then o.on_progress(status, previous) end
   end
   local watcher <close> = client:watch(ids, rest)
   local terminal <close> = require("topaz.progress_terminal").open(o.handle or io.stderr)
   local function render(width, height)
      return bars:lines(width, nil, { rows = math.max(1, math.min(o.rows or 10, height - 2)), ascii = terminal.ascii })
   end
   local painter <close> = terminal and client:spawn(function() -- luacheck: ignore 211
      repeat
         bars:set_skew(client:stats().clock_skew)
         bars:look(watcher)
         terminal:draw(render)
      until not client:sleep(terminal.INTERVAL)
   end)
   local ok, err = pcall(collect, watcher, ids, statuses)
   if terminal then terminal:draw(render, true) end
   if ok then return statuses end
   if type(err) ~= "table" then error(err, 0) end
   err.statuses = statuses
   return nil, err
end

return progress
