--- topaz-status wait: until jobs have ended, with bars on a terminal.
local arguments = require "topaz.cli.arguments"
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local progress = require "topaz.progress"
local redraw = require "topaz.redraw"
local screen = require "topaz.cli.screen"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local topaz = require "topaz"

local ROWS = 10           -- jobs with a bar at most
local TOKEN_LONGEST = 1000 -- bytes of a token that one can be asked to copy; some thirty jobs

-- Adds all jobs that have not ended.
local function add_running(client, ids)
   for status in client:statuses { fields = { "process_id", "status" } } do
      if not topaz.is_done(status) then ids[#ids + 1] = status.process_id end
   end
end

-- Where the bars go: to the output when it is a terminal, else to the errors' one.
local function place_for_bars(shell)
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
   if shell.args.jsonl then return self:write(json.object(status), "\n") end
   if not shell.is_terminal then return self:write(tab_line(status), "\n") end
   local line = ("%s  %s  %s"):format(text.pad(text.safe(status.status), 10), text.safe(status.process_id),
      text.safe(json.plain(status.filename)))
   self:write(shell.paint(status.status, text.fit(line, terminal.size() - 1)), "\n")
end

-- Takes the jobs as they end. Returns the exit code.
function Wait:run(watcher)
   local code, lines, bars = 0, self.lines, self.bars
   local render = lines and redraw.renderer(bars, lines, ROWS, 3, self.painter)
   local task <close> = lines -- luacheck: ignore 211
      and redraw.spawn(self.shell:client(), watcher, bars, lines, render)
   for status, gone in watcher do
      if gone then
         if lines then lines:clear() end
         bars:remove(status.process_id)
         self.shell:tell_error(gone)
         code = problem.FAILED
      else
         self:ended(status)
         if status.status ~= "Completed" then code = math.max(code, 1) end
      end
   end
   if lines then lines:clear() end
   return code
end

local function run(shell)
   local args, client = shell.args, shell:client()
   local ids = shell:ids()
   if #ids == 0 and not args.all and not args.resume and #args.ids == 0 then
      problem.usage("no ID was given", "give IDs, or --all; see `topaz-status wait --help`")
   end
   if args.all then add_running(client, ids) end
   local self = setmetatable({ shell = shell, bars = progress.new() }, Wait)
   local lines <close> = place_for_bars(shell)
   self.lines = lines
   self.painter = screen.painter(lines and lines.handle or io.stdout, args, shell.getenv)
   local watcher <close> = shell:checked(client.watch, client, ids, {
      timeout = args.timeout, resume = args.resume,
      on_progress = function(status, previous) self:changed(status, previous) end,
   })
   if watcher:pending() == 0 then
      shell:tell "nothing to wait for: all jobs are finished"
      return 0
   end
   local from_input = false -- then the same command again would have nothing to read
   for _, id in ipairs(args.ids) do from_input = from_input or id == "-" end
   shell.resume = function()
      local token = watcher:token()
      if watcher:pending() == 0 then return nil end
      if #token > TOKEN_LONGEST and not from_input then return shell:again() end
      return shell:again(token, true)
   end
   return self:run(watcher)
end

return {
   name = "wait",
   summary = "Wait until jobs are finished.",
   description = "Wait until jobs are finished, with bars and the time left on a terminal. Exit code 0: all are "
      .. "Completed; 1: some Failed or were Cancelled; 3: API error, network failure or timeout.",
   examples = [[
topaz-status wait 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b && echo done
topaz-status wait --all --timeout 2h
topaz-status wait --all --jsonl >finished.jsonl]],
   arguments = function(command)
      arguments.ids(command, "The jobs to wait for.", "*")
      command:flag("--all", "All jobs of the account that are not finished when the command starts.")
      command:flag("--jsonl", "Write each job as one line of JSON when it is finished; bars go to standard error.")
      command:option("--resume", "Wait for the jobs of TOKEN (printed when a wait is interrupted).")
         :argname "TOKEN"
      arguments.wait_timeout(command, "1h")
      arguments.share(command)
      arguments.common(command)
   end,
   run = run,
}
