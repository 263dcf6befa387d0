--- topaz-status watch: jobs live, on the whole screen or as lines.
--
-- Two tasks do the asking: one reads the list, all of it at first and from time to time, between
-- times its beginning, where new jobs appear; the other follows the jobs that have not ended. The
-- main loop draws and looks for keys.
local arguments = require "topaz.cli.arguments"
local core = require "topaz.core"
local exec = require "topaz.cli.exec"
local json = require "topaz.cli.json"
local keys = require "topaz.cli.watch_keys"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local progress = require "topaz.progress"
local screens = require "topaz.cli.screen"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local topaz = require "topaz"
local view = require "topaz.cli.watch_view"
local words = require "topaz.words"

local LOOK_EVERY = 2          -- seconds between looks at the beginning of the list
local READ_EVERY = 30         -- seconds between readings of the whole list …
local READ_EVERY_PER_PAGE = 6 -- … and for each of its pages
local CHANGES_KEPT = 200
local WRITINGS_KEPT = 100     -- of commands
local TICK = 0.1              -- seconds between looks for a key, and between drawings
local LONGEST = require("topaz.limits").STATUS_LIFE
local FIELDS = { "process_id", "status", "filename", "progress", "eta", "modification_time" }

local Watch = {}
Watch.__index = Watch

-- ---- what is known ------------------------------------------------------------------------------

local function new(shell, ids)
   return setmetatable({
      shell = shell, client = shell:client(), ids = ids, bars = progress.new(), counts = {}, words = {}, changes = {},
      keys = keys.new(), written = {},
      title = "topaz-status watch   " .. text.safe(tostring(shell:client()):match "%((.*)%)" or ""),
   }, Watch)
end

local EVENT = { "event", "time", "process_id", "from", "status" }

-- One line for an event: "new", "changed", "progress" or "gone". `shown` has what people read.
local function tell_line(self, event, status, shown, from)
   if self.shell.args.jsonl then
      output.write(json.object({
         event = event, time = core.wall() * 1000 // 1 / 1000, process_id = status.process_id, from = from,
         status = event ~= "gone" and status or nil,
      }, EVENT), "\n")
   elseif event ~= "progress" then
      output.write(os.date "%Y-%m-%dT%H:%M:%S", "\t", output.tabs(shown, output.JOB), "\n")
   end
   output.flush()
end

-- Notes the word of a job; nil: it is gone. `quiet`: it does not count as a change.
local function note_word(self, status, word, quiet)
   local key = status.process_id:lower()
   local before = self.words[key]
   if before == word then
      if word and not self.screen and not quiet then tell_line(self, "progress", status) end
      return
   end
   self.words[key] = word
   if before then self.counts[before] = self.counts[before] - 1 end
   if word then self.counts[word] = (self.counts[word] or 0) + 1 end
   if quiet then return end
   local shown = {
      process_id = status.process_id, status = word or "gone", progress = status.progress, filename = status.filename,
   }
   if not self.screen then
      tell_line(self, not word and "gone" or before and "changed" or "new", status, shown, before)
   end
   self.changes[#self.changes + 1] = {
      time = core.wall(), id = status.process_id, name = json.plain(status.filename),
      from = before, to = word or "gone",
   }
   if #self.changes > CHANGES_KEPT then table.remove(self.changes, 1) end
end

-- A status that the list has. Returns whether it was not known.
local function met(self, status)
   local key = status.process_id:lower()
   local is_new, over = self.words[key] == nil, topaz.is_done(status)
   if is_new then
      note_word(self, status, status.status, not self.read)
      if over and self.read and self.exec then self.exec:add(status) end
   elseif over and not self.following[key] and self.words[key] ~= status.status then
      note_word(self, status, status.status)
   end
   if not over and not self.following[key] then
      local total, ended = self.bars:count()
      if total > 0 and ended == total then self.bars = progress.new() end -- a new lot begins
      self.following[key] = true
      self.bars:update(status)
      self.watcher:add(status.process_id)
   end
   return is_new
end

-- ---- the tasks ----------------------------------------------------------------------------------

-- Reads the list from its beginning; unless `whole`, to the first page that has nothing new.
local function read_list(self, whole)
   local seen, pages = {}, 0
   local args = self.shell.args
   for page in self.client:statuses({ fields = not args.jsonl and not args.exec and FIELDS or nil }):pages() do
      local any_new = false
      pages = pages + 1
      for _, status in ipairs(page) do
         seen[status.process_id:lower()] = true
         any_new = met(self, status) or any_new
      end
      if not whole and not any_new then return end
   end
   if not whole then return end
   self.pages = pages
   for key, word in pairs(self.words) do -- deleted elsewhere
      if not seen[key] and not self.following[key] then
         self.words[key] = nil
         self.counts[word] = self.counts[word] - 1
      end
   end
end

-- Calls f; what passes becomes a note, all else is raised. Returns whether it went well.
local function tolerant(self, f, ...)
   local ok, err = pcall(f, ...)
   if ok then
      self.note = nil
      return true
   end
   if type(err) ~= "table" or not words.is_passing[err.kind] or not self.read then error(err, 0) end
   self.note = problem.message(err)
   return false
end

local function keep_reading(self)
   local last = -math.huge
   while true do
      local whole = core.now() - last >= math.max(READ_EVERY, READ_EVERY_PER_PAGE * (self.pages or 0))
      if whole then last = core.now() end
      local began = core.now()
      if tolerant(self, read_list, self, whole) then self.read, self.looked_at_list = true, began end
      assert(self.client:sleep(LOOK_EVERY))
   end
end

local function keep_following(self)
   while true do
      for status, gone in self.watcher do
         local key = status.process_id:lower()
         self.following[key], self.last_end = nil, core.now()
         if gone then
            self.bars:remove(status.process_id)
            note_word(self, status, nil)
         elseif self.exec then self.exec:add(status) end
      end
      if self.ids then self.read = true end
      assert(self.client:sleep(TICK))
   end
end

-- ---- the loop -----------------------------------------------------------------------------------

local function failed(task)
   if task and task:done() then task:result() end
end

local function look(self)
   local now = core.now()
   if now - (self.looked or 0) < 1 then return end
   self.looked = now
   self.bars:set_skew(self.client:stats().clock_skew)
   self.bars:look(self.watcher)
end

local function draw(self)
   local now = core.now()
   if self.screen:look() or now - (self.measured or 0) >= 0.5 then
      self.width, self.height = terminal.size()
      self.measured = now
   end
   look(self)
   self.notice = self.shell.log.text
   local o = { paint = self.shell.paint, ascii = self.ascii }
   self.screen:draw(view.lines(self, core.wall(), self.width - 1, self.height, o), self.width, self.height)
end

-- Nothing runs, and the list has been looked at since the last job has ended: another one may have
-- appeared meanwhile.
local function is_over(self)
   if not self.shell.args.until_done or not self.read or self.watcher:pending() > 0 then return false end
   return self.ids ~= nil or self.looked_at_list >= (self.last_end or 0)
end

local function loop(self)
   local deadline = core.now() + (self.shell.args.timeout or LONGEST)
   repeat
      self.client:step(TICK)
      failed(self.reader)
      failed(self.follower)
      if self.screen then
         if self.keys:feed(self.screen:keys()) then return end
         draw(self)
      end
      if core.now() >= deadline then
         if not self.shell.args.until_done then return end
         local left = self.watcher:pending()
         problem.raise(problem.TIMEOUT,
            ("%d job%s not finished after the timeout"):format(left, left == 1 and "" or "s"),
            "run it again, or set a longer --timeout")
      end
   until is_over(self)
end

local function counts_line(self)
   local parts = {}
   for _, word in ipairs(words.statuses) do
      local count = self.counts[word] or 0
      if count > 0 then parts[#parts + 1] = self.shell.paint(word, ("%s %d"):format(word, count)) end
   end
   return #parts > 0 and table.concat(parts, "  ") or "no statuses"
end

-- What commands of --exec have written while the whole screen is taken; the last of it is shown
-- when it is given back.
local function keep_written(self, written)
   local list = self.written
   if not list then return io.stderr:write(written) end
   list[#list + 1] = written
   if #list > WRITINGS_KEPT then table.remove(list, 1) end
end

-- The screen has been given back, however that came: shows what has been kept.
local function show_written(self)
   local list = self.written
   self.written = nil
   if list then io.stderr:write(table.concat(list)) end
end

local Shown = { __close = function(self) show_written(self.watch) end }

local function run(shell)
   local client, ids = shell:client(), shell:ids()
   local some = #shell.args.ids > 0
   local self = new(shell, some and ids or nil)
   self.following, self.ascii = {}, terminal.is_ascii()
   local watcher <close> = client:watch(ids, {
      timeout = LONGEST, on_progress = function(status, previous)
         self.bars:update(status)
         note_word(self, status, status.status, some and not previous and self.screen)
      end,
   })
   self.watcher = watcher
   for _, id in ipairs(ids) do self.following[id:lower()] = true end
   shell.resume = function() return shell:again() end
   local shown <close> = setmetatable({ watch = self }, Shown) -- luacheck: ignore 211
   do
      local screen <close> = shell.is_terminal and not shell.args.jsonl and screens.open() or nil
      self.screen = screen
      shell.log:draws_in(nil, screen ~= nil)
      self.exec = exec.new(shell, screen and function(text_of) keep_written(self, text_of) end)
      local follower <close> = client:spawn(keep_following, self)
      local reader <close> = not some and client:spawn(keep_reading, self) or nil
      self.follower, self.reader = follower, reader
      loop(self)
   end
   shell.log:draws_in(nil)
   if self.screen then output.write(counts_line(self), "\n") end
   output.flush()
   show_written(self)
   return self.exec and self.exec:finish(0) or 0
end

return {
   name = "watch",
   summary = "Show jobs live.",
   description = "Show jobs live: counts, bars and the latest changes on the whole screen; `q` quits. Without IDs all "
      .. "jobs of the account, new ones too. If the output is not a terminal: one line for each change. Exit code 8: "
      .. "a command of --exec failed.",
   examples = [[
topaz-status watch
topaz-status watch --until-done
topaz-status watch | tee changes.tsv
topaz-status watch --jsonl | jq -r 'select(.event == "changed").process_id'
topaz-status watch --exec 'mail -s "$TOPAZ_STATUS" me']],
   arguments = function(command)
      arguments.ids(command, "Only these jobs.", "*")
      command:flag("--until-done", "Stop when all jobs are finished.")
      command:flag("--jsonl", "Write each event as one line of JSON: event (new, changed, progress, gone), time, "
         .. "process_id, from, status.")
      arguments.wait_timeout(command, "7d")
      exec.arguments(command)
      arguments.share(command)
      arguments.common(command)
   end,
   run = run,
}
