--- The options of the client: from flags, then from the environment, then from a profile of the
-- config file. The key comes from the environment or from a file that other users cannot read,
-- never from an argument, which `ps` would show.
local core = require "topaz.core"
local problem = require "topaz.cli.problem"
local profiles = require "topaz.cli.profiles"
local text = require "topaz.terminal.text"

local options = {}

--- A number of seconds for argparse: "7d", "36h", "90m", "45s", "90".
-- @treturn number|nil nil and what is wrong
function options.duration(given)
   local seconds = text.seconds(given)
   if not seconds or seconds == math.huge then
      return nil, ("'%s' is not a duration: write 7d, 36h, 90m, 45s or plain seconds"):format(text.safe(given))
   end
   return seconds
end

--- The same, `most` seconds at most.
function options.duration_within(most)
   return function(given)
      local seconds, why = options.duration(given)
      if seconds and seconds > most then
         return nil, ("'%s' is longer than %s"):format(text.safe(given), text.duration(most))
      end
      return seconds, why
   end
end

-- The number that plain digits mean, with a point only where `fraction` is true; tonumber alone
-- reads "0x10", "1e3" and " 5" too.
local function number_of(given, fraction)
   local number = (given:find "^%d+$" or fraction and given:find "^%d+%.%d+$") and tonumber(given)
   return number and number < math.huge and number or nil
end

--- A number above 0 for argparse.
function options.positive(given)
   local number = number_of(given, true)
   if not number or number == 0 then return nil, ("'%s' is not a number above 0"):format(text.safe(given)) end
   return number
end

--- A whole number for argparse, from `least` to `most` (default: no limit).
function options.integer(least, most)
   local range = most and ("from %d to %d"):format(least, most) or ("above %d"):format(least - 1)
   return function(given)
      local number = math.tointeger(number_of(given) or 0.5)
      if number and number >= least and number <= (most or number) then return number end
      return nil, ("'%s' is not a whole number %s"):format(text.safe(given), range)
   end
end

-- "true" or "false" of a config file.
local function boolean(given)
   if given == "true" or given == "false" then return given == "true" end
   return nil, ("'%s' is neither true nor false"):format(text.safe(given))
end

-- Flag, the environment's variable, the member of a profile, how their text is read, and the
-- client's option.
local ROWS = {
   { flag = "base_url", variable = "TOPAZ_BASE_URL", member = "base_url", option = "base_url" },
   { flag = "ca_file", variable = "TOPAZ_CA_FILE", member = "ca_file", option = "ca_file" },
   { flag = "call_timeout", variable = "TOPAZ_TIMEOUT", member = "timeout", option = "timeout",
      read = options.duration },
   { flag = "max_rate", variable = "TOPAZ_MAX_RATE", member = "max_rate", option = "max_rate",
      read = options.positive },
   { flag = "allow_insecure", member = "allow_insecure", option = "allow_insecure", read = boolean },
}

-- What the first line of an open file has.
local function first_line(file, shown, what)
   local line = (file:read "l" or ""):match "^%s*(.-)%s*$"
   if line == "" then
      problem.usage(("the %s file %s has no %s in its first line"):format(what, shown, what),
         ("write the %s into it"):format(what))
   end
   return line
end

-- The kinds of files that may hold a secret: regular ones, and the pipes of <(…).
local MAY_HOLD_SECRET = { ["-"] = true, p = true }

--- The first line of a file of mode 600, or of the standard input.
-- @tparam string path "-": the standard input
-- @tparam[opt="key"] string what it has
-- @treturn string
function options.key_file(path, what)
   what = what or "key"
   local shown = text.safe(path)
   if path == "-" then
      if core.is_tty(0) then
         problem.usage(("the standard input is a terminal, which would show the %s"):format(what),
            ("send the %s through a pipe"):format(what))
      end
      return first_line(io.stdin, "of the standard input", what)
   end
   local mode = core.file_mode(path)
   if not mode then
      problem.usage(("no such %s file: %s"):format(what, shown),
         ("put the %s into it, then: chmod 600 %s"):format(what, shown))
   end
   if not MAY_HOLD_SECRET[mode:sub(1, 1)] then
      problem.usage(("the %s file %s is not a regular file"):format(what, shown), "use a regular file, a pipe or -")
   end
   if mode:sub(5, 10) ~= "------" then
      problem.usage(("others may read or write the %s file %s (%s)"):format(what, shown, mode), "chmod 600 " .. shown)
   end
   local file, why = io.open(path)
   if not file then
      problem.usage(("cannot read the %s file: %s"):format(what, text.safe(tostring(why))), "use one that you may read")
   end
   local line = first_line(file, shown, what)
   file:close()
   return line
end

-- Redis's URL for sharing; nil: the library looks at TOPAZ_SHARE itself.
local function share_of(args, set)
   local path = args.share_file or not args.share and not set "TOPAZ_SHARE" and set "TOPAZ_SHARE_FILE"
   if path then return options.key_file(path, "URL") end
   if args.share and args.share:find("@", 1, true) then
      problem.usage("--share has a password: other users could see it",
         "set TOPAZ_SHARE, or use --share-file PATH, a file of mode 600 that contains the URL")
   end
   return args.share
end

-- The key, and the variable that has it; nil: it is in a file.
local function key_of(args, set, profile)
   if args.api_key_file then
      for _, id in ipairs(args.api_key_file == "-" and args.ids or {}) do
         if id == "-" then problem.usage("both the key and the IDs would come from the standard input",
            "take the key from a file, or name the IDs") end
      end
      return options.key_file(args.api_key_file)
   end
   local path = set "TOPAZ_API_KEY_FILE"
   if set "TOPAZ_API_KEY" then return set "TOPAZ_API_KEY", "TOPAZ_API_KEY" end
   if path then return options.key_file(path) end
   if profile.api_key then return profile.api_key, "api_key in the config file" end
   if profile.api_key_file then return options.key_file(profile.api_key_file) end
   problem.usage("no API key",
      "set TOPAZ_API_KEY, or pass --api-key-file PATH, a file of mode 600 that contains the key"
      .. " (`topaz-status --demo` works without a key)")
end

-- ---- headers ------------------------------------------------------------------------------------

--- "Name: value" for argparse; the value may be a secret, and is not quoted.
-- @treturn table|nil { name, value }
function options.header(given)
   local name, value = given:match "^%s*([^:%s]+)%s*:%s*(.-)%s*$"
   if not name then return nil, "a header is written 'Name: value'" end
   return { name, value }
end

local function headers_of(args, profile)
   local headers, names = {}, {}
   local function add(pair)
      local key = pair[1]:lower()
      headers[names[key] or pair[1]] = nil -- a later one replaces an earlier one
      names[key] = pair[1]
      headers[pair[1]] = pair[2]
   end
   for _, line in ipairs(profile.header or {}) do
      local pair, why = options.header(line)
      if not pair then problem.usage("header in the config file: " .. why, "correct it") end
      add(pair)
   end
   for _, pair in ipairs(args.header or {}) do add(pair) end
   return next(headers) and headers or nil
end

-- ---- all of them --------------------------------------------------------------------------------

-- The value of a row from the environment, else from the profile, as the client takes it, and where
-- it stands; nil: nowhere.
local function value_of(row, set, profile)
   local value, where, hint = row.variable and set(row.variable), row.variable, "correct it, or unset it"
   if not value then value, where, hint = profile[row.member], row.member .. " in the config file", "correct it" end
   if not value then return nil end
   if not row.read then return value, where end
   local read, why = row.read(value)
   if read == nil then problem.usage(where .. ": " .. why, hint) end
   return read, where
end

--- The client's options.
-- @tparam table args as the parser gives them
-- @tparam function getenv
-- @treturn table
-- @treturn table option → the variable, or the member of the config file, that its value came from
function options.of_client(args, getenv)
   local function set(name) -- an empty variable is unset
      local value = getenv(name)
      return value ~= "" and value or nil
   end
   local is_windows = package.config:sub(1, 1) == "\\"
   local profile = profiles.get(args.profile or set "TOPAZ_PROFILE", getenv, is_windows)
   local key, key_source = key_of(args, set, profile)
   local o, sources = { api_key = key, headers = headers_of(args, profile) }, { api_key = key_source }
   o.share = share_of(args, set)
   if not (args.header and args.header[1]) then sources.headers = "header in the config file" end
   for _, row in ipairs(ROWS) do
      local value = args[row.flag]
      if value == nil then value, sources[row.option] = value_of(row, set, profile) end
      o[row.option] = value
   end
   return o, sources
end

return options
