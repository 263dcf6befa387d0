--- topaz-status wait: until jobs have ended, with bars on a terminal.
local json = require "topaz.cli.json"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local progress = require "topaz.progress"
local terminal = require "topaz.cli.terminal"
local text = require "topaz.text"
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
   if shell.is_terminal then return terminal.lines(io.stdout) end
   return terminal.is_terminal(io.stderr) and terminal.lines(io.stderr) or nil
end

local Wait = {}
Wait.__index = Wait

-- Writes lines above the bars.
function Wait:write(...)
   if self.lines then self.lines:clear() end
   output.write(...)
   output.flush()
end

local function tab_line(status)
   return table.concat({ status.process_id, text.safe(status.status), tostring(status.progress or ""), text.safe(status.filename or "") }, "\t")
end

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
   local line = ("%s  %s  %s"):format(text.pad(text.safe(status.status), 10), status.process_id, text.safe(status.filename or ""))
   self:write(shell.paint(status.status, text.fit(line, terminal.size() - 1)), "\n")
end

function Wait:paint()
   self.lines:draw(function(width, height)
      return self.bars:lines(width, nil, {
         rows = math.max(1, math.min(ROWS, height - 3)), ascii = self.lines.ascii, paint = self.painter,
      })
   end)
end

-- Takes the jobs as they end. Returns the exit code.
function Wait:run(watcher)
   local code, client = 0, self.shell:client()
   local painter <close> = self.lines and client:spawn(function() -- luacheck: ignore 211
      repeat
         self.bars:set_skew(client:stats().clock_skew)
         self.bars:look(watcher)
         self:paint()
      until not client:sleep(self.lines.INTERVAL)
   end)
   for status, gone in watcher do
      if gone then
         if self.lines then self.lines:clear() end
         self.bars:remove(status.process_id)
         self.shell:tell_error(gone)
         code = problem.FAILED
      else
         self:ended(status)
         if status.status ~= "Completed" then code = math.max(code, 1) end
      end
   end
   if self.lines then self.lines:clear() end
   return code
end

return function(shell)
   local args, client = shell.args, shell:client()
   local ids = shell:ids()
   if #ids == 0 and not args.all and not args.resume and #args.ids == 0 then
      problem.usage("wait for which jobs?", "give their IDs, or --all; see `topaz-status wait --help`")
   end
   if args.all then add_running(client, ids) end
   local self = setmetatable({ shell = shell, bars = progress.new() }, Wait)
   local lines <close> = place_for_bars(shell)
   self.lines = lines
   self.painter = terminal.painter(lines and lines.handle or io.stdout, args, shell.getenv)
   local watcher <close> = shell:checked(client.watch, client, ids, {
      timeout = args.timeout, resume = args.resume, on_progress = function(status, previous) self:changed(status, previous) end,
   })
   if watcher:pending() == 0 then
      shell:tell "no job is left to wait for"
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
