--- What can be said on the command line: the commands with their options, help and examples.
local argparse = require "argparse"
local options = require "topaz.cli.options"
local problem = require "topaz.cli.problem"
local text = require "topaz.text"
local words = require "topaz.words"

local parser = {}

-- A status word in any case; a word that this version does not know goes through where `others` allows it.
local function word_of(list, others)
   return function(given)
      for _, word in ipairs(list) do
         if word:lower() == given:lower() then return word end
      end
      if others then return given end
      return nil, ("'%s' is none of %s"):format(text.safe(given), table.concat(list, ", "))
   end
end

local function pair(given)
   local member, value = given:match "^([%w_]+)=(.*)$"
   if not member then return nil, ("'%s' is no MEMBER=VALUE"):format(text.safe(given)) end
   return { member, value }
end

local function members(given)
   local list = {}
   for name in given:gmatch "[^,%s]+" do list[#list + 1] = name end
   if #list == 0 then return nil, "--fields needs names, with commas between them" end
   return list
end

-- ---- groups of options ---------------------------------------------------------------------------------------------

local function connection(command)
   command:group("Connection",
      command:option("--api-key-file", "File of mode 600 with the API key; else $TOPAZ_API_KEY, else $TOPAZ_API_KEY_FILE."):argname "PATH",
      command:option("--base-url", "Where the API is; else $TOPAZ_BASE_URL, else the production URL."):argname "URL",
      command:option("--ca-file", "Certificates to trust; else $TOPAZ_CA_FILE, else the system's."):argname "PATH",
      command:option("--max-rate", "At most so many requests a second; else $TOPAZ_MAX_RATE."):argname "N":convert(options.positive),
      command:flag("--allow-insecure", "Allow http:// to other machines: the key goes in the clear."))
end

local function call_timeout(command)
   command:option("--timeout", "Longest time of one call, its retries included (2m); else $TOPAZ_TIMEOUT.")
      :argname "TIME":target "call_timeout":convert(options.duration)
end

local function wait_timeout(command, default)
   command:option("--timeout", ("How long to go on at most (%s); the jobs go on after it."):format(default))
      :argname "TIME":convert(options.duration)
end

local function looks(command)
   command:flag("--no-color", "No colours; also by the variable NO_COLOR, and where the output is no terminal.")
end

local function filters(command)
   command:group("Which statuses",
      command:option("--status", "Only with this status; may be given several times."):argname "WORD":count "*"
         :convert(word_of(words.statuses, true)),
      command:option("--model", "Only of this model; may be given several times."):argname "NAME":count "*",
      command:option("--where", "Only where a member that is text has this value; may be given several times."):argname "MEMBER=VALUE"
         :count "*":convert(pair),
      command:option("--newer-than", "Only if last modified within this time."):argname "TIME":convert(options.duration),
      command:option("--older-than", "Only if not modified within this time."):argname "TIME":convert(options.duration))
end

local function formats(command)
   local json, lines = command:flag("--json", "One JSON array."), command:flag("--jsonl", "One JSON object a line.")
   local csv = command:flag("--csv", "Comma-separated values with a header (RFC 4180).")
   command:mutex(json, lines, csv)
   command:group("Output", json, lines, csv,
      command:option("--fields", "These members, in this order, with commas between them."):argname "NAMES":convert(members))
end

local function ids(command, what, args)
   command:argument("ID", what .. ' "-" reads them from the input, one at the beginning of each line.'):target "ids":args(args)
end

-- ---- commands ----------------------------------------------------------------------------------------------------------

local commands = {}

function commands.list(command)
   command:summary "List statuses."
      :description("List statuses, the newest first: as a table that fits the terminal, elsewhere one line a status with tabs between "
         .. "its members.")
      :epilog [[
Examples:
   topaz-status list --status Failed --newer-than 24h
   topaz-status list --csv --fields process_id,filename,credits >statuses.csv
   topaz-status list --jsonl | jq .filename]]
   filters(command)
   formats(command)
   command:option("--limit", "At most so many."):argname "N":convert(options.count)
   command:option("--resume", "Go on behind the place that this token names; an interrupted list tells it. With --csv there is no header "
      .. "then, so that the output can be appended."):argname "TOKEN"
   call_timeout(command)
end

function commands.get(command)
   command:summary "Show single statuses."
      :description "Show statuses with all their members. Exit code 3 when one of them could not be read."
      :epilog [[
Examples:
   topaz-status get 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b
   topaz-status get --json 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b]]
   ids(command, "Which ones.", "+")
   formats(command)
   call_timeout(command)
end

function commands.wait(command)
   command:summary "Wait until jobs have ended."
      :description("Wait until jobs have ended, with bars and the time left on a terminal. Exit code 0: all are Completed; 1: some Failed or "
         .. "were Cancelled; 3: the API could not tell, or the time was over.")
      :epilog [[
Examples:
   topaz-status wait 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b && echo done
   topaz-status wait --all --timeout 2h
   topaz-status wait --all --jsonl >ended.jsonl]]
   ids(command, "For which jobs.", "*")
   command:flag("--all", "All jobs of the account that have not ended when it begins.")
   command:flag("--jsonl", "Each job as one line of JSON on the output, as it ends; bars go to the errors' terminal.")
   command:option("--resume", "Wait for the jobs that this token names; an interrupted wait tells it."):argname "TOKEN"
   wait_timeout(command, "1h")
end

function commands.watch(command)
   command:summary "See jobs live."
      :description("See jobs live: counts, bars and the latest changes on the whole screen, `q` quits. Without IDs all jobs of the account, "
         .. "new ones too. Where the output is no terminal: a line for each change.")
      :epilog [[
Examples:
   topaz-status watch
   topaz-status watch --until-done
   topaz-status watch | tee changes.tsv]]
   ids(command, "Only these jobs.", "*")
   command:flag("--until-done", "End by itself when no job runs any more.")
   wait_timeout(command, "7d")
end

function commands.summary(command)
   command:summary "Count statuses."
      :description "Count statuses by status and model, add up their credits, and show how long the completed ones took."
      :epilog [[
Examples:
   topaz-status summary
   topaz-status summary --newer-than 24h --json]]
   filters(command)
   command:group("Output", command:flag("--json", "One JSON object."))
   call_timeout(command)
end

function commands.delete(command)
   command:summary "Delete single statuses."
      :description "Delete statuses. Exit code 3 when one of them was not there or could not be deleted, as while its job runs."
      :epilog [[
Examples:
   topaz-status delete 6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b
   topaz-status list --status Failed --fields process_id | topaz-status delete -]]
   ids(command, "Which ones.", "+")
   call_timeout(command)
end

commands["delete-finished"] = function(command)
   command:summary "Delete the statuses of jobs that have ended."
      :description "Delete the statuses of jobs that have ended, several at a time. May be interrupted and run again."
      :epilog [[
Examples:
   topaz-status delete-finished --dry-run
   topaz-status delete-finished --older-than 2d --status Completed --status Failed]]
   command:option("--older-than", "Only those that ended at least so long ago."):argname "TIME":convert(options.duration)
   command:option("--status", "Completed (the default), Cancelled or Failed; may be given several times."):argname "WORD"
      :count "*":convert(word_of(words.finished))
   command:flag("--dry-run", "Only say how many it would delete.")
   call_timeout(command)
end

commands["delete-all"] = function(command)
   command:summary "Delete every status of the account."
      :description "Delete every status of the account, in one call."
      :epilog [[
Example:
   topaz-status delete-all --yes]]
   command:flag("--yes", "Yes, all of them.")
   call_timeout(command)
end

local ORDER = { "list", "get", "wait", "watch", "summary", "delete", "delete-finished", "delete-all" }

-- The path from the program to a command, as it is typed.
local function path_of(command, name) return command == name and "topaz-status" or "topaz-status " .. command end

--- The parser of argparse.
-- @tparam string version
-- @return the parser
function parser.new(version)
   local root = argparse("topaz-status", "The statuses of image-processing jobs: list, follow and clean them up.")
      :help_max_width(80):usage_max_width(80):help_description_margin(28)
      :command_target "command":require_command(false)
      :epilog [[
The API key comes from $TOPAZ_API_KEY or a file of mode 600, never from an
argument. A time is written 7d, 36h, 90m, 45s or in plain seconds.

Exit codes: 0 done; 1 (wait) some jobs Failed or were Cancelled; 2 wrong use;
3 the API, the network or the time; 130 Ctrl-C.

Examples:
   topaz-status --demo          a tour on an emulator of the API; needs no key
   topaz-status --demo watch    one command on that emulator
   topaz-status list --help     what a command takes, with examples
   eval "$(topaz-status completion bash)"    completion in this shell]]
   root:flag("--version", "Show the version."):action(function()
      print("topaz-status " .. version)
      os.exit(0)
   end)
   root:flag("--demo", "Show a tour on an emulator of the API; with a command: run it on the emulator.")
   root:add_complete_command()
   for _, name in ipairs(ORDER) do
      local command = root:command(name)
      commands[name](command)
      looks(command)
      connection(command)
   end
   return root
end

--- Reads the arguments.
-- @tparam table arguments
-- @tparam string version
-- @treturn table what was said: `command`, and a member for each option and argument
function parser.read(arguments, version)
   for _, argument in ipairs(arguments) do
      if argument == "--api-key" or argument:find "^%-%-api%-key=" then
         problem.usage("the key is never an argument, since others could see it", "set TOPAZ_API_KEY, or use --api-key-file PATH")
      end
   end
   local root = parser.new(version)
   return root:_parse(arguments, function(at, message)
      local name = path_of(at._name or "topaz-status", "topaz-status")
      problem.usage(text.safe(message:gsub("%s*\n%s*", " ")), ("see `%s --help`"):format(name))
   end)
end

return parser
