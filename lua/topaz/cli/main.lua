--- topaz-status: reads the arguments, runs the command, tells what went wrong, gives the exit code.
local core = require "topaz.core"
local output = require "topaz.cli.output"
local parser = require "topaz.cli.parser"
local problem = require "topaz.cli.problem"
local screen = require "topaz.cli.screen"
local Shell = require "topaz.cli.shell"
local terminal = require "topaz.terminal"
local text = require "topaz.terminal.text"
local topaz = require "topaz"

local main = {}

local function say_how_to_go_on(shell)
   local ok, how, with = pcall(shell.resume or function() end)
   if problem.is_interrupt(how) and not ok then error(how, 0) end
   if ok and how then io.stderr:write("topaz-status: to resume", with or "", ": ", how, "\n") end
end

-- Tells of what ended a command. Returns the exit code.
local function tell(shell, err)
   if problem.is_interrupt(err) then
      io.stderr:write "topaz-status: interrupted\n"
      return problem.INTERRUPTED
   elseif problem.is(err) then
      -- That of the output ends a command of the tour, and then the tour.
      if not err.told then shell:tell(err.message, err.hint) end
      err.told = true
      return err.code
   elseif type(err) == "table" and err.kind then
      shell:tell_error(err)
      return problem.code(err)
   end
   local trace = tostring(err):gsub("[^\n\t]+", text.safe)
   io.stderr:write("topaz-status: this is a defect, please report it: ", trace, "\n")
   return problem.FAILED
end

-- Tells of it, and how to go on; not where output was lost, which would then be missing. Returns
-- the exit code.
local function fail(shell, err)
   local lost = output.settle()
   local code = tell(shell, err)
   if lost and lost ~= err then shell:tell(lost.message, lost.hint) end
   if not lost and code ~= problem.USAGE then say_how_to_go_on(shell) end
   return code
end

-- Keeps what a command raises as it is; a defect, which is a string, gets its traceback.
local function traced(err)
   if type(err) ~= "string" or problem.is_interrupt(err) then return err end
   return debug.traceback(err, 2)
end

local function execute(shell)
   local args, command = parser.read(shell.arguments, topaz.version)
   shell.args = args
   local code
   if args.demo and not shell.demo then
      code = require("topaz.cli.demo").run(shell, main.run)
   else
      if not command then problem.usage("no command", problem.see() .. ", or try `topaz-status --demo`") end
      shell.is_terminal, shell.is_tty = terminal.is_terminal(io.stdout), core.is_tty(1)
      shell.paint = screen.painter(io.stdout, args, shell.getenv)
      code = command.run(shell)
   end
   output.flush()
   return code or 0
end

--- Runs a command line.
-- @tparam table arguments
-- @tparam[opt] table given `getenv` in place of os.getenv; `demo`: the emulator that is there
-- already
-- @treturn integer the exit code
function main.run(arguments, given)
   local outputs <close> = core.terminal() -- luacheck: ignore 211
   local shell <const> = Shell.new(arguments, given)
   local ok, code = xpcall(execute, traced, shell)
   if not ok then code = fail(shell, code) end
   output.before, output.after = nil, nil
   if shell.log then shell.log:draws_in(nil) end
   if shell.made then shell.made:close() end
   return code
end

return main
