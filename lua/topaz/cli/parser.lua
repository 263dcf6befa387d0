--- Reads the command line. A command is a file in commands/, named in commands/init.lua. It gives:
--
--    name         as it is typed
--    summary      one line, for the list of commands
--    description  for its own help
--    examples     lines of its help
--    arguments    function (command) that adds its arguments and options to argparse's command
--    run          function (shell) that runs it, and returns the exit code, or nil for 0
local argparse = require "argparse"
local arguments = require "topaz.cli.arguments"
local help = require "topaz.cli.help"
local leading = require "topaz.cli.leading"
local manual = require "topaz.cli.manual"
local names = require "topaz.cli.commands"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local usage = require "topaz.cli.usage"

local parser = {}

-- Every command as it declares itself, in the order of the help.
local function commands()
   local list = {}
   for i, name in ipairs(names) do list[i] = require("topaz.cli.commands." .. name) end
   return list
end

-- An action of argparse that writes what `text_of` returns and ends the program. argparse's own
-- ones do not look whether that can be written.
local function shows(text_of)
   return function(...)
      output.write(text_of(...))
      output.flush()
      os.exit(0)
   end
end

-- Gives the root or a command its --help.
local function with_help(of) return of:add_help { action = shows(function() return help.text(of) end) } end

-- The completion script of a shell. Words that an option or argument only offers are its choices
-- meanwhile; arguments that are always refused are left out.
local function completion(root, shell)
   for _, command in ipairs(root._commands) do
      for _, list in ipairs { command._options, command._arguments } do
         for i = #list, 1, -1 do
            list[i]._choices = list[i].offered
            if list[i]._hidden and list == command._arguments then table.remove(list, i) end
         end
      end
   end
   return root["get_" .. shell .. "_complete"](root)
end

local function add_completion(root)
   local command = with_help(root:command "completion"):description "Output a shell completion script."
   local shells = { "bash", "zsh", "fish" }
   arguments.offers(command:argument("SHELL", "The shell to output a completion script for: bash, zsh or fish.")
      :target "shell":convert(arguments.one_of(shells)), shells)
   command:action(shows(function(args) return completion(root, args.shell) end))
end

-- `help` and `manual`, which write what the parser knows.
local function add_help(root, version)
   local command = with_help(root:command "help"):summary "Show the help, or that of a command."
      :description "Show the help of topaz-status, or that of a command."
   local man = with_help(root:command "manual"):summary "Output the man page."
      :description "Output the man page, for `topaz-status manual | man -l -`."
   man:action(shows(function() return manual.page(root, version) end))
   local by_name = {}
   for _, one in ipairs(root._commands) do by_name[one._name] = one end
   command:argument("COMMAND", "Whose help to show."):target "help_of":args "?"
      :convert(function(name) return by_name[name] and name, ("unknown command '%s'"):format(name) end)
   command:action(shows(function(args) return help.text(by_name[args.help_of] or root) end))
end

local function add(root, declared)
   local _, count = declared.examples:gsub("topaz%-status", "")
   local command = with_help(root:command(declared.name))
      :summary(declared.summary)
      :description(declared.description)
      :epilog((count > 1 and "Examples:\n   " or "Example:\n   ") .. declared.examples:gsub("\n", "\n   "))
   declared.arguments(command)
end

local function new(version, list)
   local root = with_help(argparse "topaz-status")
      :description "The statuses of image-processing jobs: list, follow and clean them up."
      :help_max_width(80):help_description_margin(28)
      :command_target "command":require_command(false)
      :epilog [[
The API key comes from $TOPAZ_API_KEY or a file of mode 600, never from an
argument. A time is written 7d, 36h, 90m, 45s or in plain seconds.

Exit codes:
   0    done
   1    wait: some jobs Failed or were Cancelled;
        delete-finished: not confirmed; share --status: no process leads
   2    usage error
   3    another failure: API error, input or output error, failures of
        several kinds, or the emulator did not start
   4    the API refused the key
   5    a status was not found
   6    timeout
   7    network failure
   8    a command of --exec failed
   130  Ctrl-C (emulator: 0)

Examples:
   topaz-status --demo          a tour on an emulator of the API, without a key
   topaz-status --demo watch    one command on that emulator
   topaz-status list --help     the options of a command, with examples
   eval "$(topaz-status completion bash)"    completion in this shell]]
   root:flag("--version", "Show the version."):action(shows(function() return "topaz-status " .. version .. "\n" end))
   root:flag("--demo", "Show a tour on an emulator of the API; with a command: run it there.")
   arguments.common(root, true)
   for _, declared in ipairs(list) do add(root, declared) end
   add_completion(root)
   add_help(root, version)
   help.add_usage(root)
   for _, command in ipairs(root._commands) do
      usage.complete(command)
      help.add_usage(command, command._name)
   end
   return root
end

-- Refuses options of the root that the command lacks: argparse takes them behind any command.
local function check_common(root, args)
   local has = {}
   for _, command in ipairs(root._commands) do
      for _, option in ipairs(command._name == args.command and command._options or {}) do has[option._name] = true end
   end
   for _, option in ipairs(leading.options()) do
      local given = args[option:_get_default_target()]
      if given and not (type(given) == "table" and #given == 0) and not has[option._name] then
         local long = option._aliases[#option._aliases]
         problem.usage(("unknown option '%s'"):format(long), problem.see(args.command))
      end
   end
end

-- The arguments with the value of an option joined to it where it begins with a minus, as "-1" and
-- "-progress" do: argparse takes that for an option.
local function joined(root, given)
   local takes, list = {}, {}
   for i = 0, #root._commands do
      for _, option in ipairs((root._commands[i] or root)._options) do
         for _, alias in ipairs(option._maxargs == 1 and option._aliases or {}) do takes[alias] = true end
      end
   end
   for i, argument in ipairs(given) do
      if argument == "--" then return table.move(given, i, #given, #list + 1, list) end
      if argument:find "^%-[^-]" and argument ~= "-h" and takes[given[i - 1]] then
         list[#list] = list[#list] .. "=" .. argument
      else
         list[#list + 1] = argument
      end
   end
   return list
end

--- Reads the arguments.
-- @tparam table given the arguments
-- @tparam string version
-- @treturn table what was said: `command`, and a member for each option and argument
-- @treturn table|nil the command as it declares itself
function parser.read(given, version)
   for _, argument in ipairs(given) do
      if argument == "--api-key" or argument:find "^%-%-api%-key=" then
         problem.usage("the key is never an argument: other users could see it",
            "set TOPAZ_API_KEY, or use --api-key-file PATH")
      end
   end
   local list = commands()
   local root = new(version, list)
   given = leading.moved(joined(root, given))
   local args = root:_parse(given, function(at, message) usage.refuse(root, at, message) end)
   if args.command then check_common(root, args) end
   for _, declared in ipairs(list) do
      if declared.name == args.command then return args, declared end
   end
   return args
end

return parser
