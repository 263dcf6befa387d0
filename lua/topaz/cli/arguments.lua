--- Arguments and options that several commands have in common.
local dates = require "topaz.cli.dates"
local json = require "topaz.cli.json"
local options = require "topaz.cli.options"
local text = require "topaz.terminal.text"
local topaz = require "topaz"
local usage = require "topaz.cli.usage"
local words = require "topaz.words"

local arguments = {}

-- ---- what is read of an argument: functions for argparse, which return nil and what is wrong ----

local types = {} -- of the members that the API's contract names
for _, member in ipairs(topaz.core.members) do types[member.name] = member.type end

--- Reads status words in any case, separated by commas.
-- @tparam table list the known words
-- @tparam[opt] string hint what to do where another word is meant
-- @treturn function for argparse; gives a list
function arguments.words_of(list, hint)
   local function known(given)
      for _, word in ipairs(list) do
         if word:lower() == given:lower() then return word end
      end
   end
   return function(given)
      local found = {}
      for part in (given .. ","):gmatch "%s*([^,]-)%s*," do
         found[#found + 1] = known(part)
         if not known(part) then
            return nil, ("'%s' is not one of %s%s"):format(text.safe(part), table.concat(list, ", "), hint or "")
         end
      end
      return found
   end
end

-- A time ago in seconds, or a date of topaz.cli.dates.
local function moment(given)
   local date = dates.read(given)
   if date then return date end
   local seconds = options.duration(given)
   if seconds then return seconds end
   return nil, ("'%s' is not a time: write 7d, 36h, 90m, 45s or plain seconds, or a date such as 2026-01-31 or "
      .. "2026-01-31T12:00"):format(text.safe(given))
end

-- A number, or for a member that is a time also a date.
local function number(member, given)
   local date = dates.MEMBERS[member] and dates.read(given)
   if date then return date end
   return given:find "^%-?%d+%.?%d*$" and tonumber(given) or nil
end

local BOOLEANS = { ["true"] = true, ["false"] = false }

-- "MEMBER=VALUE" and the like, as { member =, comparison =, value = }. What members there are is
-- the library's to say.
local function condition(given)
   local member, comparison, value = given:match "^%s*([%w_]+)%s*([<>!]?=)(.*)$"
   if not member then member, comparison, value = given:match "^%s*([%w_]+)%s*([<>])(.*)$" end
   local shown = text.safe(given)
   if not member then return nil, ("'%s' is not MEMBER=VALUE, nor with != > >= < <="):format(shown) end
   if types[member] == "integer" then
      value = number(member, value:match "^%s*(.-)%s*$")
      if not value then
         return nil, ("'%s': %s is a number: write %s%s50%s"):format(shown, member, member, comparison,
            dates.MEMBERS[member] and ", or a date such as 2026-01-31" or "")
      end
   elseif types[member] and comparison ~= "=" and comparison ~= "!=" then
      return nil, ("'%s': %s is not a number, so only = and != compare it"):format(shown, member)
   elseif types[member] == "boolean" then
      value = BOOLEANS[value:match "^%s*(.-)%s*$"]
      if value == nil then return nil, ("'%s': %s is true or false"):format(shown, member) end
   end
   return { member = member, comparison = comparison, value = value }
end

--- Reads one of some words, as they are. Returns a function for argparse.
function arguments.one_of(list)
   return function(given)
      for _, word in ipairs(list) do
         if word == given then return word end
      end
      return nil, ("'%s' is not one of %s"):format(text.safe(given), table.concat(list, ", "))
   end
end

-- What is wrong with the name of a member; nil: nothing.
local function wrong_member(name)
   if types[name] then return nil end
   local near = usage.nearest(name, json.MEMBERS)
   return ("a status has no member '%s'"):format(text.safe(name))
      .. (near and (", did you mean '%s'?"):format(near) or "")
end

--- The name of a member to sort by, perhaps with "-" in front.
function arguments.member(given)
   local why = wrong_member((given:gsub("^%-", "")))
   return not why and given or nil, why
end

local function members(given)
   local list, seen = {}, {}
   for name in given:gmatch "[^,%s]+" do
      local why = wrong_member(name)
      if why then return nil, why end
      if not seen[name] then list[#list + 1] = name end
      seen[name] = true
   end
   if #list == 0 then return nil, "expected names separated by commas" end
   return list
end

-- ---- groups of options --------------------------------------------------------------------------

--- IDs, or "-". `args` says how many, as argparse does.
function arguments.ids(command, what, args)
   command:argument("ID", what .. ' "-" reads them from standard input, the first word of each line.')
      :target "ids":args(args)
end

--- How long one call may take.
function arguments.call_timeout(command)
   command:option("--timeout", "Time limit of one call with its retries (default: $TOPAZ_TIMEOUT, else 2m).")
      :argname "TIME":target "call_timeout":convert(options.duration)
end

--- How long to follow jobs.
function arguments.wait_timeout(command, default)
   command:option("--timeout", ("Stop after this time (default: %s); the jobs keep running."):format(default))
      :argname "TIME":convert(options.duration)
end

--- Says what completion offers for an option or an argument; unlike with argparse's choices, it
-- takes others too. Returns it.
function arguments.offers(option, list)
   option.offered = list
   return option
end

local offers = arguments.offers

local NAMES = table.concat(json.MEMBERS, ", ")

--- How to share with other processes.
function arguments.share(command)
   command:group("Sharing",
      command:option("--share", "Redis's URL: all that share it ask the API as often as one (default: $TOPAZ_SHARE).")
         :argname "URL",
      command:option("--share-file", "File of mode 600 with that URL and a password (default: $TOPAZ_SHARE_FILE).")
         :argname "PATH")
end

--- Which statuses: what topaz.cli.select reads.
-- @param command
-- @tparam[opt] table some the only words that --status may have
-- @tparam[opt] string help of --status with those
function arguments.filters(command, some, help)
   local list = some or words.statuses
   command:group("Which statuses",
      offers(command:option("--status",
            help or ("Only these statuses: %s. Several are separated by commas."):format(table.concat(list, ", ")))
         :argname "WORDS":count "*"
         :convert(arguments.words_of(list, not some and "; another word: --where status=WORD" or nil)), list),
      command:option("--model", "Only this model; may be given several times."):argname "NAME":count "*",
      offers(command:option("--where",
            "Only where a member is so: model=A, model!=A, 'progress>=50', 'credits>2', 'creation_time<2026-01-31', "
            .. "crop_to_fill=true. May be given several times: several = of one member are alternatives, "
            .. "everything else must hold. "
            .. "The members are: " .. NAMES .. ".")
         :argname "CONDITION":count "*":convert(condition), json.MEMBERS),
      command:option("--newer-than", "Only statuses modified within the last TIME, or since a date.")
         :argname "TIME":convert(moment),
      command:option("--older-than", "Only statuses last modified at least TIME ago, or until a date.")
         :argname "TIME":convert(moment),
      command:flag("--utc", "Dates are UTC, in arguments and tables, not in this machine's time zone."))
end

local FORMS = { "table", "tabs", "csv", "json", "jsonl" }

-- The flag of a form of output; --output names it too.
local function form(command, name, help)
   return command:flag("--" .. name, help):target "output":action(function(args) args.output = name end)
end

--- How statuses are written: what topaz.cli.output reads.
-- @param command
-- @tparam string default what it is without an option
-- @tparam[opt] string json the help of --json
function arguments.formats(command, default, json_help)
   local named = offers(command:option("-o --output", ("The form: table, tabs, csv, json or jsonl (default: %s). "
         .. "Times are ISO 8601 in UTC in tabs and csv, numbers in JSON."):format(default))
      :argname "FORM":convert(arguments.one_of(FORMS)), FORMS)
   local array = form(command, "json", json_help or "One JSON array.")
   local lines = form(command, "jsonl", "One JSON object per line.")
   local csv = form(command, "csv", "Comma-separated values with a header (RFC 4180).")
   command:mutex(named, array, lines, csv)
   command:group("Output", named, array, lines, csv,
      offers(command:option("--fields", "These members, in this order, separated by commas: " .. NAMES .. ".")
         :argname "NAMES":convert(members), json.MEMBERS),
      command:flag("--epoch", "Times as the API has them: seconds since 1970."))
end

--- What each command that asks the API has, in front of its name or behind it: how much is said,
-- and how to reach the API.
-- @param command
-- @tparam[opt=false] boolean shown whether its help tells them
function arguments.common(command, shown)
   local first = #command._options + 1
   command:flag("--no-color", "No colours, as with $NO_COLOR or where the output is not a terminal.")
   command:mutex(command:flag("--verbose", "Log each request to standard error."),
      command:flag("--quiet", "Only results and errors: no bars, no notice while it waits to try again."))
   command:group("Connection",
      command:option("--profile",
         "Profile of the config file, $TOPAZ_CONFIG_FILE, else ~/.config/topaz/config (default: "
            .. "$TOPAZ_PROFILE, else \"default\").")
         :argname "NAME",
      command:option("--api-key-file",
         "File of mode 600 with the API key, \"-\": standard input (default: $TOPAZ_API_KEY, else the file "
            .. "$TOPAZ_API_KEY_FILE, else the profile's).")
         :argname "PATH",
      command:option("--base-url", "URL of the API (default: $TOPAZ_BASE_URL, else the production URL).")
         :argname "URL",
      command:option("--ca-file", "Certificates to trust (default: $TOPAZ_CA_FILE, else the system's).")
         :argname "PATH",
      command:option("--max-rate", "At most N requests a second (default: $TOPAZ_MAX_RATE, else no limit).")
         :argname "N":convert(options.positive),
      command:option("--header", "A header for each request, such as \"X-Team: blue\"; may be given several "
         .. "times. Other users can see arguments: put a secret into the config file.")
         :argname "HEADER":count "*":convert(options.header),
      command:flag("--allow-insecure", "Allow http:// to other machines: the key is sent unencrypted."))
   command.has_common = not shown
   for i = first, #command._options do command._options[i]:hidden(not shown) end
end

return arguments
