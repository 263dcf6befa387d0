--- topaz-status: reads the arguments, runs the command, tells what went wrong, gives the exit code.
local topaz = require "topaz"
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local parser = require "topaz.cli.parser"
local problem = require "topaz.cli.problem"
local terminal = require "topaz.cli.terminal"
local text = require "topaz.text"

local main = {}

-- Each gives a function (shell) that does the command and returns its exit code, or nil for 0.
local MODULES = {
   list = "list", get = "get", wait = "wait", watch = "watch", summary = "summary", delete = "delete",
   ["delete-finished"] = "delete_finished", ["delete-all"] = "delete_all",
}

-- ---- what a command is given -----------------------------------------------------------------------------------------

-- arguments   as typed                       args      as the parser understood them
-- getenv      the environment                paint     colours of the output, see topaz.cli.terminal
-- is_terminal whether the output is one      resume    set by a command: function giving how to go on when it is stopped
local Shell = {}
Shell.__index = Shell

--- The client, made on first use; a mistake in its options is one of the caller.
function Shell:client()
   if self.made then return self.made end
   local o = options.of_client(self.args, self.getenv)
   self.made = self:checked(topaz.client, o)
   return self.made
end

--- One line on the error output: what happened, and what to do next.
function Shell.tell(_, message, hint)
   io.stdout:flush()
   io.stderr:write("topaz-status: ", message, hint and "; " .. hint or "", "\n")
end

--- The same for an error object of the library.
function Shell:tell_error(err) self:tell(tostring(err), problem.hint(err)) end

-- The library's words for a misuse, in those of the command line.
local function as_option(misuse)
   local name, what = misuse:match "bad argument '([%w_]+)': (.*)$"
   if not name then return nil end
   what = what:gsub("allow_insecure = true", "--allow-insecure"):gsub("cursor:token%(%)", "an interrupted list")
   return (name == "api_key" and "the API key" or "--" .. name:gsub("_", "-")) .. ": " .. what
end

--- Calls what raises a misuse error for something that was said on the command line or in the environment.
function Shell:checked(f, ...)
   local result = table.pack(pcall(f, ...))
   if result[1] then return table.unpack(result, 2, result.n) end
   local err = result[2]
   local message = type(err) == "string" and as_option(err)
   if not message then error(err, 0) end
   problem.usage(text.safe(message), "see `topaz-status " .. self.args.command .. " --help`")
end

local function read_ids(list, seen, ids)
   for _, id in ipairs(list) do
      if not topaz.core.is_process_id(id) then
         problem.usage(("'%s' is no process_id"):format(text.safe(text.fit(id, 60))), "it looks like 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b")
      end
      if not seen[id:lower()] then
         seen[id:lower()] = true
         ids[#ids + 1] = id
      end
   end
end

--- The ids that were given, each once; "-" stands for those at the beginnings of the lines of the input.
-- @treturn table
function Shell:ids()
   local ids, seen = {}, {}
   for _, given in ipairs(self.args.ids or {}) do
      if given == "-" then
         for line in io.lines() do read_ids({ line:match "^%S+" }, seen, ids) end
      else
         read_ids({ given }, seen, ids)
      end
   end
   return ids
end

local function quoted(argument)
   return argument:find "^[%w%-_./:=,@+]+$" and argument or "'" .. argument:gsub("'", "'\\''") .. "'"
end

--- The command line as it was typed, to go on with a token.
-- @tparam[opt] string token in place of the one that was given
-- @tparam[opt=false] boolean bare without the ids and --all: the token has them
-- @treturn string
function Shell:again(token, bare)
   local words, skip, given = { "topaz-status" }, false, {}
   for _, id in ipairs(bare and self.args.ids or {}) do given[id] = true end
   for _, argument in ipairs(self.arguments) do
      local drop = skip or given[argument] or bare and argument == "--all"
      skip = token and argument == "--resume"
      if not drop and not skip and not (token and argument:find "^%-%-resume=") then words[#words + 1] = text.safe(quoted(argument)) end
   end
   if token then table.move({ "--resume", token }, 1, 2, #words + 1, words) end
   return table.concat(words, " ")
end

-- ---- from the arguments to the exit code ----------------------------------------------------------------------------

local function say_how_to_go_on(shell)
   local ok, how = pcall(shell.resume or function() end)
   if ok and how then io.stderr:write("topaz-status: go on with: ", how, "\n") end
end

-- Tells of what ended a command. Returns the exit code.
local function fail(shell, err)
   io.stdout:flush()
   if problem.is_interrupt(err) then
      io.stderr:write "topaz-status: interrupted\n"
      say_how_to_go_on(shell)
      return problem.INTERRUPTED
   elseif problem.is(err) then
      shell:tell(err.message, err.hint)
      if err.code ~= problem.USAGE then say_how_to_go_on(shell) end
      return err.code
   elseif type(err) == "table" and err.kind then
      shell:tell_error(err)
      say_how_to_go_on(shell)
      return problem.FAILED
   end
   io.stderr:write("topaz-status: this is a defect, please report it: ", tostring(err), "\n")
   return problem.FAILED
end

-- Keeps what a command raises as it is; a defect, which is a string, gets its traceback.
local function traced(err)
   if type(err) ~= "string" or problem.is_interrupt(err) then return err end
   return debug.traceback(err, 2)
end

local function execute(shell)
   shell.args = parser.read(shell.arguments, topaz.version)
   local args = shell.args
   if args.demo and not shell.demo then return require("topaz.cli.demo").run(shell, main.run) end
   if not args.command then problem.usage("no command", "see `topaz-status --help`, or try `topaz-status --demo`") end
   shell.is_terminal = terminal.is_terminal(io.stdout)
   shell.paint = terminal.painter(io.stdout, args, shell.getenv)
   local code = require("topaz.cli." .. MODULES[args.command])(shell) or 0
   output.flush()
   return code
end

--- Runs a command line.
-- @tparam table arguments
-- @tparam[opt] table given `getenv` in place of os.getenv; `demo`: the emulator that is there already
-- @treturn integer the exit code
function main.run(arguments, given)
   local shell <const> = setmetatable({ arguments = arguments, getenv = os.getenv }, Shell)
   for name, value in pairs(given or {}) do shell[name] = value end
   local ok, code = xpcall(execute, traced, shell)
   if not ok then code = fail(shell, code) end
   if shell.made then shell.made:close() end
   return code
end

return main
