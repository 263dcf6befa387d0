--- Progress of jobs as bars: what to show is a function of what was told, of the time and of the
-- width.
--
--    local bars = progress.new()
--    bars:update(status)                                   -- whenever there is news of a job
--    for _, line in ipairs(bars:lines(80)) do print(line) end
--
-- A bar glides to what the server reported last, never beyond it, and never goes back.
-- `topaz.terminal` puts the lines on a terminal; `progress.wait_all` does all of it.
local core = require "topaz.core"
local misuse = require "topaz.misuse"
local redraw = require "topaz.redraw"
local text = require "topaz.terminal.text"
local times = require "topaz.times"
local watch = require "topaz.watch"
local words = require "topaz.words"

local progress = {}

local Progress = {}
Progress.__index = Progress
Progress.__name = "topaz.progress"

local STALLED_AFTER = 120 -- seconds without a change at the server
local GLIDE_MOST = 3      -- seconds in which a bar reaches what was reported
local END_WEIGHT = 0.4    -- of a new estimate against the old ones

local NEW_OPTIONS = {
   { "stalled_after", "number", STALLED_AFTER, 0, 1e9 },
   { "skew", "number", 0, -1e9, 1e9 },
}
local LINE_OPTIONS = {
   { "rows", "integer", nil, 0, 1e9 },
   { "first", "integer", 1, 1, 1e9 },
   { "sort", "string" },
   { "filter", "string" },
   { "ended", "boolean", false },
   { "total", "boolean", true },
   { "ascii", "boolean", false },
   { "paint", "function" },
}

-- The time that was given, or now.
local function time_of(now)
   if now == nil then return core.wall() end
   if type(now) ~= "number" then misuse.argument("now", "expected Unix seconds, got %s", misuse.shown(now)) end
   return now
end

local function check_width(width, least)
   if math.type(width) ~= "integer" or width < least then
      misuse.argument("width", "expected an integer of %d or more, got %s", least, misuse.shown_number(width))
   end
end

local function check_id(process_id)
   if type(process_id) ~= "string" then misuse.argument("process_id", "expected a string, got %s", type(process_id)) end
   return process_id:lower()
end

--- Makes bars without jobs.
function progress.new(options)
   local o = misuse.options(options, NEW_OPTIONS)
   return setmetatable({
      jobs = {}, total = 0, added = 0, over = 0, least = 0, skew = o.skew, stalled_after = o.stalled_after,
      order = {}, -- the jobs as they came, and removed ones
   }, Progress)
end

-- ---- one job ------------------------------------------------------------------------------------

-- How far a job is shown to be: on its way from where it was shown when the last report came to
-- that report.
local function shown(job, now)
   if job.word == "Completed" then return 100 end
   local span = job.glide
   local part = span > 0 and math.min(math.max((now - job.told) / span, 0), 1) or 1
   return job.from + (job.reported - job.from) * part
end

-- When the job will end: by its own estimate, else by its pace so far; nil: unknown.
local function estimate(self, job, status, now)
   local left = times.seconds_to_eta(status.eta, now + self.skew)
   if left then return now + left end
   local gained = job.reported - job.first
   if gained > 0 and now > job.first_time then
      return now + (100 - job.reported) * (now - job.first_time) / gained
   end
end

local function take(self, job, status, now)
   local report = math.max(job.reported, words.progress(status))
   if type(status.modification_time) == "number" then
      job.modified = math.max(job.modified or 0, status.modification_time)
   end
   if report == job.reported and status.status == job.word then return end
   job.from = shown(job, now)
   job.glide = math.min(now - job.told, GLIDE_MOST)
   job.told, job.word, job.reported = now, status.status, report
   if type(status.filename) == "string" then job.name = status.filename end
   local over = words.is_finished[job.word] == true
   if over ~= job.over then self.over = self.over + (over and 1 or -1) end
   job.over = over
   local ends = not job.over and estimate(self, job, status, now) or nil
   job.ends = ends and (job.ends and job.ends > now and job.ends + (ends - job.ends) * END_WEIGHT or ends)
end

--- Records what a status says.
function Progress:update(status, now)
   misuse.check_self(self, Progress)
   now = time_of(now)
   if type(status) ~= "table" or type(status.process_id) ~= "string" or type(status.status) ~= "string" then
      misuse.argument("status", "expected a status, with its process_id and status, got %s", misuse.shown(status))
   end
   local key = status.process_id:lower()
   local job = self.jobs[key]
   if not job then
      local report = words.progress(status)
      self.added = self.added + 1
      job = {
         name = status.process_id, reported = report, from = report, first = report, first_time = now, told = now,
         glide = 0, over = false, at = self.added, key = key,
      }
      self.jobs[key] = job
      self.order[#self.order + 1] = job
      self.total = self.total + 1
      self.least = 0 -- with one more job, the whole may well be less far
   end
   take(self, job, status, now)
end

--- Forgets a job.
function Progress:remove(process_id)
   misuse.check_self(self, Progress)
   local key = check_id(process_id)
   local job = self.jobs[key]
   if not job then return end
   self.jobs[key] = nil
   job.removed, self.total = true, self.total - 1
   if job.over then self.over = self.over - 1 end
   if #self.order < 2 * self.total then return end -- rarely, so that many removals cost little
   local kept = {}
   for _, other in ipairs(self.order) do
      if not other.removed then kept[#kept + 1] = other end
   end
   self.order = kept
end

--- Sets by how many seconds the server's clock is ahead of this machine's.
function Progress:set_skew(seconds)
   misuse.check_self(self, Progress)
   if seconds ~= nil and type(seconds) ~= "number" then
      misuse.argument("seconds", "expected a number, got %s", misuse.shown(seconds))
   end
   self.skew = seconds or 0
end

--- Counts the jobs, and the finished ones; it costs the same with any number of jobs.
function Progress:count()
   misuse.check_self(self, Progress)
   return self.total, self.over
end

local function stalled(self, job, now)
   local since = job.word == "Processing" and job.modified and now + self.skew - job.modified
   return since and since >= self.stalled_after and since or nil
end

-- ---- all of them --------------------------------------------------------------------------------

--- Says how far all of them are together.
function Progress:summary(now)
   misuse.check_self(self, Progress)
   now = time_of(now)
   local sum, done, stalls, by_status, left, all = 0, 0, 0, {}, nil, true
   for _, job in ipairs(self.order) do
      if not job.removed then
         by_status[job.word] = (by_status[job.word] or 0) + 1
         sum = sum + (job.over and 100 or shown(job, now))
         if job.over then done = done + 1
         elseif job.ends then left = math.max(left or 0, job.ends - now)
         else all = false end
         if stalled(self, job, now) then stalls = stalls + 1 end
      end
   end
   local total = self.total
   self.least = math.max(self.least, total > 0 and sum / total or 0)
   return {
      total = total, done = done, percent = self.least, by_status = by_status, stalled = stalls,
      seconds_left = all and total > done and left or nil,
   }
end

-- ---- lines --------------------------------------------------------------------------------------

local EIGHTHS = { "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

--- Draws one bar.
function progress.bar(percent, width, ascii)
   if type(percent) ~= "number" or not (percent >= 0 and percent <= 100) then
      misuse.argument("percent", "expected a number from 0 to 100, got %s", misuse.shown_number(percent))
   end
   check_width(width, 3)
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

local NAME_USUAL, PERCENT = 28, 6
local MARK = #"stalled 23h 59m"

-- Cells of the name in a line that has a bar.
local function room_of_name(width) return math.min(math.max(NAME_USUAL, width // 4), width // 3) end

-- One line: a name, a bar, per cent and a mark; what does not fit is left out from the right, the
-- name and the per cent last.
local function line(name, percent, mark, word, width, o)
   local ellipsis = o.ascii and "~" or "…"
   local number = ("%d %%"):format(math.floor(percent))
   local paint = o.paint or function(_, s) return s end
   if width < 24 then
      return text.fit(text.fit(name, math.max(1, width - 7), ellipsis) .. " " .. number, width, ellipsis)
   end
   local with_mark = width >= 60
   local name_width = room_of_name(width)
   local bar_width = width - name_width - 2 - PERCENT - (with_mark and MARK + 2 or 0)
   local parts = text.pad(name, name_width, ellipsis) .. "  " .. paint(word, progress.bar(percent, bar_width, o.ascii))
      .. text.pad(number, PERCENT, ellipsis, true)
   return with_mark and mark ~= "" and parts .. "  " .. paint(word, text.fit(mark, MARK, ellipsis)) or parts
end

local function mark_of(self, job, now, o)
   if job.over then return job.word end
   local since = stalled(self, job, now)
   if since then return "stalled " .. text.duration(since), "stalled" end
   if job.word ~= "Processing" or not job.ends then return text.safe(job.word, o.ascii) end
   return job.ends > now and text.duration(math.max(job.ends - now, 1)) .. " left" or "any moment"
end

local FEW = 64 -- rows up to which inserting is cheaper than sorting all

local function came_before(a, b) return a.at < b.at end

local function ranks_before(a, b)
   if a.rank == b.rank then return a.at < b.at end
   return a.rank < b.rank
end

-- What jobs are sorted by: less comes first.
local RANKS = {
   progress = function(job, now) return job.over and 1 or -shown(job, now) end,
   left = function(job) return not job.over and job.ends or math.huge end,
   name = function(job) return job.name:lower() end,
   newest = function(job) return -job.at end,
}

local function matches(job, filter)
   return not filter or job.name:lower():find(filter, 1, true) or job.key:find(filter, 1, true)
end

-- Puts a job where it belongs among the first `most`.
local function insert(jobs, job, most)
   local i = #jobs + 1
   if i > most then
      i = most
      if i < 1 or not ranks_before(job, jobs[i]) then return end
   end
   while i > 1 and ranks_before(job, jobs[i - 1]) do
      jobs[i] = jobs[i - 1]
      i = i - 1
   end
   jobs[i] = job
end

-- The jobs to show, and how many there are to choose from. Ended ones only if asked for. Of many
-- jobs only those shown are sorted.
local function chosen(self, o, now)
   local jobs, count, skipped = {}, 0, o.first - 1
   local most, rank = skipped + (o.rows or math.huge), RANKS[o.sort or "progress"]
   local filter = o.filter and o.filter:lower()
   for _, job in ipairs(self.order) do
      if not job.removed and (not job.over or o.ended) and matches(job, filter) then
         count = count + 1
         job.rank = rank(job, now)
         if most <= FEW then insert(jobs, job, most) else jobs[count] = job end
      end
   end
   if most > FEW and (o.sort or count > most) then table.sort(jobs, ranks_before) end
   local list = table.move(jobs, skipped + 1, math.min(#jobs, most), 1, {})
   if not o.sort then table.sort(list, came_before) end
   return list, count
end

local function total_line(self, width, now, o)
   local all = self:summary(now)
   local mark = all.seconds_left and text.duration(math.max(all.seconds_left, 1)) .. " left"
      or all.stalled > 0 and all.stalled .. " stalled" or ""
   local counts = ("%d of %d"):format(all.done, all.total)
   local name = counts .. " finished"
   return line(#name <= room_of_name(width) and name or counts, all.percent, mark, "total", width, o)
end

--- Draws the line of all jobs together.
function Progress:total_line(width, now, options)
   misuse.check_self(self, Progress)
   check_width(width, 0)
   now, options = time_of(now), misuse.options(options, LINE_OPTIONS)
   return total_line(self, width, now, options)
end

--- Draws a line for each job that is not finished, and one for all of them.
function Progress:lines(width, now, options)
   misuse.check_self(self, Progress)
   check_width(width, 0)
   now = time_of(now)
   local o, lines = misuse.options(options, LINE_OPTIONS), {}
   if o.sort and not RANKS[o.sort] then
      misuse.argument("sort", "expected progress, left, name or newest, got %s", misuse.shown(o.sort))
   end
   local jobs, count = chosen(self, o, now)
   for _, job in ipairs(jobs) do
      local mark, word = mark_of(self, job, now, o)
      lines[#lines + 1] = line(text.safe(job.name, o.ascii), shown(job, now), mark, word or job.word, width, o)
   end
   if o.total and self.total > 1 then lines[#lines + 1] = total_line(self, width, now, o) end
   return lines, count
end

-- ---- doing all of it ----------------------------------------------------------------------------

--- Records what a watcher saw last: its on_progress tells of changes alone, and jobs live on
-- without any.
function Progress:look(watcher, now)
   misuse.check_self(self, Progress)
   now = time_of(now)
   if type(watcher) ~= "table" or type(watcher.statuses) ~= "function" then
      misuse.argument("watcher", "expected what client:watch gives, got %s", misuse.shown(watcher))
   end
   for _, status in ipairs(watcher:statuses()) do self:update(status, now) end
end

-- Draws a watcher's bars until it is closed, which leaves them on the terminal as they are at the
-- end.
local Painting = { __close = function(painting)
   painting.task:cancel()
   painting.terminal:draw(painting.render, true)
   painting.terminal:close()
end }

local function paint(client, watcher, bars, o)
   local terminal = require("topaz.terminal").open(o.handle or io.stderr)
   if not terminal then return nil end
   local render = redraw.renderer(bars, terminal, o.rows, 2)
   local task = redraw.spawn(client, watcher, bars, terminal, render)
   return setmetatable({ terminal = terminal, task = task, render = render }, Painting)
end

-- The options that are not those of client:wait_all.
local OWN_OPTIONS = { { "rows", "integer", 10, 1, 1e6 } }

--- Does what `client:wait_all` does, with bars on the terminal.
function progress.wait_all(client, ids, options)
   misuse.check_client(client)
   if options ~= nil and type(options) ~= "table" then
      misuse.argument("options", "expected a table, got %s", misuse.shown(options))
   end
   local given, rest = options or {}, {}
   for name, value in pairs(given) do
      if name ~= "handle" and name ~= "rows" then rest[name] = value end
   end
   local o, on_progress, bars = misuse.options({ rows = given.rows }, OWN_OPTIONS), rest.on_progress, progress.new()
   o.handle = given.handle
   if o.handle ~= nil and io.type(o.handle) ~= "file" then
      misuse.argument("handle", "expected an open file, got %s", type(o.handle))
   end
   if on_progress == nil or type(on_progress) == "function" then
      function rest.on_progress(status, previous)
         bars:update(status)
         if on_progress then on_progress(status, previous) end
      end
   end
   return watch.wait_all(client, ids, rest, function(watcher) return paint(client, watcher, bars, o) end)
end

return progress
