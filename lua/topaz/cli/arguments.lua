--- Arguments and options that several commands have in common.
local options = require "topaz.cli.options"
local words = require "topaz.words"

local arguments = {}

--- Reads a status word in any case.
-- @tparam table list the known words
-- @tparam[opt=false] boolean others whether an unknown word goes through
-- @treturn function for argparse
function arguments.word_of(list, others)
   return function(given)
      for _, word in ipairs(list) do
         if word:lower() == given:lower() then return word end
      end
      if others then return given end
      return nil, ("'%s' is not one of %s"):format(given, table.concat(list, ", "))
   end
end

local function pair(given)
   local member, value = given:match "^([%w_]+)=(.*)$"
   if not member then return nil, ("'%s' is not MEMBER=VALUE"):format(given) end
   return { member, value }
end

local function members(given)
   local list = {}
   for name in given:gmatch "[^,%s]+" do list[#list + 1] = name end
   if #list == 0 then return nil, "--fields needs names separated by commas" end
   return list
end

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

--- How to share with other processes.
function arguments.share(command)
   command:group("Sharing",
      command:option("--share", "Redis's URL: all that share it ask the API as often as one (default: $TOPAZ_SHARE).")
         :argname "URL",
      command:option("--share-file", "File of mode 600 with that URL and a password (default: $TOPAZ_SHARE_FILE).")
         :argname "PATH")
end

--- Which statuses: what topaz.cli.select reads.
function arguments.filters(command)
   command:group("Which statuses",
      command:option("--status", "Only this status; may be given several times."):argname "WORD":count "*"
         :convert(arguments.word_of(words.statuses, true)),
      command:option("--model", "Only this model; may be given several times."):argname "NAME":count "*",
      command:option("--where", "Only where this text member has this value; may be given several times.")
         :argname "MEMBER=VALUE":count "*":convert(pair),
      command:option("--newer-than", "Only statuses modified within the last TIME.")
         :argname "TIME":convert(options.duration),
      command:option("--older-than", "Only statuses last modified at least TIME ago.")
         :argname "TIME":convert(options.duration))
end

--- How statuses are written: what topaz.cli.output reads.
function arguments.formats(command)
   local json, lines = command:flag("--json", "One JSON array."), command:flag("--jsonl", "One JSON object per line.")
   local csv = command:flag("--csv", "Comma-separated values with a header (RFC 4180).")
   command:mutex(json, lines, csv)
   command:group("Output", json, lines, csv,
      command:option("--fields", "These members, in this order, separated by commas.")
         :argname "NAMES":convert(members))
end

--- What each command that asks the API has: colours, and how to reach it.
function arguments.common(command)
   command:flag("--no-color", "No colours, as with $NO_COLOR or where the output is not a terminal.")
   command:group("Connection",
      command:option("--api-key-file",
         "File of mode 600 with the API key (default: $TOPAZ_API_KEY, else the file $TOPAZ_API_KEY_FILE).")
         :argname "PATH",
      command:option("--base-url", "URL of the API (default: $TOPAZ_BASE_URL, else the production URL).")
         :argname "URL",
      command:option("--ca-file", "Certificates to trust (default: $TOPAZ_CA_FILE, else the system's).")
         :argname "PATH",
      command:option("--max-rate", "At most N requests a second (default: $TOPAZ_MAX_RATE, else no limit).")
         :argname "N":convert(options.positive),
      command:flag("--allow-insecure", "Allow http:// to other machines: the key is sent unencrypted."))
end

return arguments
