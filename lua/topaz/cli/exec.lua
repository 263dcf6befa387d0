--- Runs a shell command for each job that ends: `--exec` of wait and watch. The status is its
-- standard input, as JSON; TOPAZ_PROCESS_ID and TOPAZ_STATUS are in its environment.
--
-- So many run at a time, the others wait in a queue; a task looks after them, so that polling goes
-- on. A command has no time limit of its own.
local core = require "topaz.core"
local json = require "topaz.cli.json"
local options = require "topaz.cli.options"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"

local exec = {}

local LOOK_EVERY = 0.1 -- seconds
local MOST = 4         -- commands at a time, unless --exec-jobs says otherwise
local PATIENCE = 1     -- seconds that pass at the end before it says what it waits for
local KEPT = 65536     -- bytes of what one command has written, where that is collected

local Exec = {}
Exec.__index = Exec

--- Adds the options to a command.
function exec.arguments(command)
   command:group("Commands",
      command:option("--exec", "Run this shell command for each job that ends, with its status as JSON on standard "
         .. "input, and TOPAZ_PROCESS_ID and TOPAZ_STATUS in the environment."):argname "CMD",
      command:option("--exec-jobs", ("Run at most N of these commands at a time (default: %d)."):format(MOST))
         :argname "N":convert(options.integer(1, 1000)))
end

--- What runs the commands of --exec; nil without it.
-- @param shell
-- @tparam function|nil write where their outputs are collected: called with what one has written
function exec.new(shell, write)
   local args = shell.args
   if not args.exec then
      if args.exec_jobs then problem.usage("--exec-jobs without --exec", "add --exec CMD") end
      return nil
   end
   return setmetatable({
      shell = shell, command = args.exec, most = args.exec_jobs or MOST, write = write,
      queue = {}, first = 1, last = 0, -- statuses whose command has not begun
      running = {},                    -- { process, id, output }
      failed = 0,
   }, Exec)
end

-- Where the outputs of a command go; nil: where those of this process go. What --jsonl writes is
-- not mixed with others' lines.
-- A file is there for it, or nil and why not.
local function output_of(self)
   if self.write then return io.tmpfile() end
   return self.shell.args.jsonl and io.stderr or nil
end

-- The file that a command reads; nil and why not.
local function input_of(status)
   local input, why = io.tmpfile()
   if not input then return nil, why end
   local ok
   ok, why = input:write(json.object(status), "\n")
   if ok then ok, why = input:seek "set" end -- writes what is buffered
   if ok then return input end
   input:close()
   return nil, why
end

local function fail(self, id, what)
   self.failed = self.failed + 1
   local message = ("the command of --exec for %s %s"):format(text.safe(id), what)
   if self.write then return self.write("topaz-status: " .. text.safe(message) .. "\n") end
   self.shell:tell(message)
end

local function start(self, status)
   local input, why = input_of(status)
   if not input then return fail(self, status.process_id, "was not started: " .. why) end
   local output
   output, why = output_of(self)
   if why then
      input:close()
      return fail(self, status.process_id, "was not started: " .. why)
   end
   io.stdout:flush()
   local process
   process, why = core.start_process({
      "env", "TOPAZ_PROCESS_ID=" .. text.safe(status.process_id), "TOPAZ_STATUS=" .. text.safe(status.status),
      "sh", "-c", self.command,
   }, input, output)
   input:close()
   if not process then return fail(self, status.process_id, "was not started: " .. why) end
   self.running[#self.running + 1] = { process = process, id = status.process_id, output = self.write and output }
end

local function ended(self, entry, code)
   if entry.output then
      entry.output:seek "set"
      local written = entry.output:read(KEPT)
      entry.output:close()
      if written then self.write(written:find "\n$" and written or written .. "\n") end
   end
   if code ~= 0 then fail(self, entry.id, "ended with exit code " .. code) end
end

-- Says on a terminal that it is these commands that are waited for.
local function tell_waiting(self)
   if self.shell.args.quiet or not terminal.is_terminal(io.stderr) then return end
   local left = #self.running + self.last - self.first + 1
   local message = ("waiting for %d command%s of --exec; Ctrl-C ends %s"):format(left, left == 1 and "" or "s",
      left == 1 and "it" or "them")
   if self.write then return self.write("topaz-status: " .. message .. "\n") end
   self.shell:tell(message)
end

-- Notes which have ended, and starts others. Returns whether any are left.
local function look(self)
   local kept = {}
   for _, entry in ipairs(self.running) do
      local code = entry.process:result()
      if code then ended(self, entry, code) else kept[#kept + 1] = entry end
   end
   self.running = kept
   while #self.running < self.most and self.first <= self.last do
      local status = self.queue[self.first]
      self.queue[self.first] = nil
      self.first = self.first + 1
      start(self, status)
   end
   return #self.running > 0 or self.first <= self.last
end

local function keep_looking(self)
   local client = self.shell:client()
   while look(self) do
      if not client:sleep(LOOK_EVERY) then break end
   end
   self.task = nil
end

--- Runs the command for a job that has ended, as soon as its turn has come.
function Exec:add(status)
   self.last = self.last + 1
   self.queue[self.last] = status
   if not self.task then self.task = self.shell:client():spawn(keep_looking, self) end
end

--- Waits until all commands have ended.
-- @treturn integer exit code: `code`, or the one for a failed command, where `code` is about jobs
-- alone
function Exec:finish(code)
   local client, patience = self.shell:client(), core.now() + PATIENCE
   while self.task do
      if self.task:done() then self.task:result() end -- raises what it has met
      client:step(LOOK_EVERY)
      if self.task and core.now() >= patience then
         patience = math.huge
         tell_waiting(self)
      end
   end
   return self.failed > 0 and code <= 1 and problem.COMMAND or code
end

return exec
