--- topaz-status wait: until jobs have ended, with bars on a terminal.
local arguments = require "topaz.cli.arguments"
local core = require "topaz.core"
local exec = require "topaz.cli.exec"
local json = require "topaz.cli.json"
local new_counter = require "topaz.cli.counter"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local progress = require "topaz.progress"
local redraw = require "topaz.redraw"
local screen = require "topaz.cli.screen"
local stops = require "topaz.terminal.stops"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local topaz = require "topaz"

local ROWS = 10           -- jobs with a bar at most
local TOKEN_LONGEST = 1000 -- bytes of a token that one can be asked to copy; some thirty jobs

-- Adds all jobs that have not ended.
local function add_running(shell, ids)
   local cursor <close> = shell:client():statuses { fields = { "process_id", "status" } }
   local counter <close> = new_counter(shell)
   for status in counter:each(cursor) do
      if not topaz.is_done(status) then ids[#ids + 1] = status.process_id end
   end
end

-- Where the bars go: to the output when it is a terminal, else to the errors' one.
local function place_for_bars(shell)
   if shell.args.quiet then return nil end
   return terminal.open(shell.is_terminal and io.stdout or io.stderr)
end

local Wait = {}
Wait.__index = Wait

-- Writes lines above the bars.
function Wait:write(...)
   if self.lines then self.lines:clear() end
   output.write(...)
   output.flush()
end

-- Columns of the terminal, measured anew each second: thousands of jobs may end at once.
function Wait:columns()
   local now = core.now()
   if now - (self.measured or -1) >= 1 then self.width, self.measured = terminal.size(), now end
   return self.width
end

local function tab_line(status) return output.tabs(status, output.JOB) end

function Wait:changed(status, previous)
   self.bars:update(status)
   local is_plain = not self.shell.is_terminal and not self.shell.args.jsonl
   if is_plain and not topaz.is_done(status) and (not previous or previous.status ~= status.status) then
      self:write(tab_line(status), "\n")
   end
end

function Wait:ended(status)
   local shell = self.shell
   if self.exec then self.exec:add(status) end
   if shell.args.jsonl then return self:write(json.object(status), "\n") end
   if not shell.is_terminal then return self:write(tab_line(status), "\n") end
   local ascii = terminal.is_ascii()
   local line = ("%s  %s  %s"):format(text.pad(text.safe(status.status, ascii), 10),
      text.safe(status.process_id, ascii), text.safe(json.plain(status.filename), ascii))
   self:write(shell.paint(status.status, text.fit(line, self:columns() - 1, ascii and "~" or "…")), "\n")
end

-- Lets the bars end with what the client waits for.
local function with_notice(self, render)
   return function(width, height)
      return self.shell.log:with_notice(render(width, height), width, self.painter)
   end
end

-- Takes the jobs as they end. Returns the exit code.
function Wait:run(watcher)
   local shell, code, lines, bars = self.shell, 0, self.lines, self.bars
   local render = lines and with_notice(self, redraw.renderer(bars, lines, ROWS, 4, self.painter))
   local task <close> = lines -- luacheck: ignore 211
      and redraw.spawn(shell:client(), watcher, bars, lines, render)
   for status, gone in watcher do
      if gone then
         if lines then lines:clear() end
         bars:remove(status.process_id)
         shell:tell_error(gone)
         code = problem.both(code > 1 and code or 0, problem.code(gone))
      else
         self:ended(status)
         if status.status ~= "Completed" then code = math.max(code, 1) end
      end
   end
   if self.exec then code = self.exec:finish(code) end
   if lines then lines:clear() end
   shell.log:draws_in(nil)
   return code
end

local NAMED = 5 -- jobs that are named when the time is over

-- What names the jobs that are not finished, when it is closed by the end of the time.
local Left = {
   __close = function(left, err)
      if type(err) ~= "table" or err.kind ~= "timeout" then return end
      if left.lines then left.lines:clear() end
      local statuses = left.watcher:statuses()
      for i = 1, math.min(#statuses, NAMED) do
         local status = statuses[i]
         left.shell:tell(("not finished: %s, %s, %s"):format(status.process_id, status.status,
            json.plain(status.filename)))
      end
      if #statuses > NAMED then left.shell:tell(("and %d more"):format(#statuses - NAMED)) end
   end,
}

local function run(shell)
   local args, client = shell.args, shell:client()
   local ids = shell:ids()
   if #ids == 0 and not args.all and not args.resume and #args.ids == 0 then
      problem.usage("no ID was given", "give IDs, or --all; " .. problem.see "wait")
   end
   if args.all then add_running(shell, ids) end
   local self = setmetatable({ shell = shell, bars = progress.new() }, Wait)
   local held <close> = stops.hold()
   local lines <close> = place_for_bars(shell)
   if lines then lines.stops = held else held:close() end
   self.lines = lines
   shell.log:draws_in(lines)
   self.exec = exec.new(shell, lines and function(written)
      lines:clear()
      io.stderr:write(written)
   end)
   self.painter = screen.painter(lines and lines.handle or io.stdout, args, shell.getenv)
   local watcher <close> = shell:checked(client.watch, client, ids, {
      timeout = args.timeout, resume = args.resume,
      on_progress = function(status, previous) self:changed(status, previous) end,
   })
   if watcher:pending() == 0 then
      if not args.quiet then shell:tell "nothing to wait for: all jobs are finished" end
      return 0
   end
   local from_input = false
   for _, id in ipairs(args.ids) do from_input = from_input or id == "-" end
   shell.resume = function()
      local token = watcher:token()
      if watcher:pending() == 0 then return nil end
      if #token > TOKEN_LONGEST then return shell:again(), from_input and ", with the same input" end
      return shell:again(token, { bare = true })
   end
   local left <close> = -- luacheck: ignore 211
      setmetatable({ shell = shell, lines = lines, watcher = watcher }, Left)
   return self:run(watcher)
end

return {
   name = "wait",
   summary = "Wait until jobs are finished.",
   description = "Wait until jobs are finished, with bars and the time left on a terminal. Exit code 0: all are "
      .. "Completed; 1: some Failed or were Cancelled; 5: some are gone; 6: timeout; 8: a command of --exec failed.",
   examples = [[
topaz-status wait 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b && echo done
topaz-status wait --all --timeout 2h
topaz-status wait --all --jsonl >finished.jsonl
topaz-status wait --all --exec 'jq -r .filename >>finished.txt']],
   arguments = function(command)
      arguments.ids(command, "The jobs to wait for.", "*")
      command:flag("--all", "All jobs of the account that are not finished when the command starts.")
      command:flag("--jsonl", "Write each job as one line of JSON when it is finished; bars go to standard error.")
      command:option("--resume", "Wait for the jobs of TOKEN (printed when a wait is interrupted).")
         :argname "TOKEN"
      arguments.wait_timeout(command, "1h")
      exec.arguments(command)
      arguments.share(command)
      arguments.common(command)
   end,
   run = run,
}
