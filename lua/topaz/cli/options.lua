--- The options of the client: from flags, then from the environment. The key comes from the
-- environment or from a file that other users cannot read, never from an argument, which `ps` would
-- show.
local core = require "topaz.core"
local problem = require "topaz.cli.problem"
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

-- Flag, the environment's variable, how its text is read, and the client's option.
local ROWS = {
   { flag = "base_url", variable = "TOPAZ_BASE_URL", option = "base_url" },
   { flag = "ca_file", variable = "TOPAZ_CA_FILE", option = "ca_file" },
   { flag = "call_timeout", variable = "TOPAZ_TIMEOUT", option = "timeout", read = options.duration },
   { flag = "max_rate", variable = "TOPAZ_MAX_RATE", option = "max_rate", read = options.positive },
}

--- The first line of a file of mode 600.
-- @tparam string path
-- @tparam[opt="key"] string what it has
-- @treturn string
function options.key_file(path, what)
   what = what or "key"
   local shown, mode = text.safe(path), core.file_mode(path)
   if not mode then
      problem.usage(("no such %s file: %s"):format(what, shown),
         ("put the %s into it, then: chmod 600 %s"):format(what, shown))
   end
   if mode:sub(1, 1) ~= "-" then
      problem.usage(("the %s file %s is not a regular file"):format(what, shown), "use a regular file")
   end
   if mode:sub(5, 10) ~= "------" then
      problem.usage(("others may read or write the %s file %s (%s)"):format(what, shown, mode), "chmod 600 " .. shown)
   end
   local file, why = io.open(path)
   if not file then
      problem.usage(("cannot read the %s file: %s"):format(what, text.safe(tostring(why))), "use one that you may read")
   end
   local line = (file:read "l" or ""):match "^%s*(.-)%s*$"
   file:close()
   if line == "" then
      problem.usage(("the %s file %s has no %s in its first line"):format(what, shown, what),
         ("write the %s into it"):format(what))
   end
   return line
end

-- Redis's URL for sharing; nil: the library looks at TOPAZ_SHARE itself.
local function share_of(args, getenv)
   local path = args.share_file or not args.share and getenv "TOPAZ_SHARE_FILE"
   if path and path ~= "" and not (getenv "TOPAZ_SHARE" and not args.share_file) then
      return options.key_file(path, "URL")
   end
   if args.share and args.share:find("@", 1, true) then
      problem.usage("--share has a password: other users could see it",
         "set TOPAZ_SHARE, or use --share-file PATH, a file of mode 600 that contains the URL")
   end
   return args.share
end

local function key_of(args, getenv)
   if args.api_key_file then return options.key_file(args.api_key_file) end
   local key, path = getenv "TOPAZ_API_KEY", getenv "TOPAZ_API_KEY_FILE"
   if key and key ~= "" then return key end
   if path and path ~= "" then return options.key_file(path) end
   problem.usage("no API key",
      "set TOPAZ_API_KEY, or pass --api-key-file PATH, a file of mode 600 that contains the key"
      .. " (`topaz-status --demo` works without a key)")
end

--- The client's options.
-- @tparam table args as the parser gives them
-- @tparam function getenv
-- @treturn table
function options.of_client(args, getenv)
   local o = { api_key = key_of(args, getenv), allow_insecure = args.allow_insecure or nil }
   o.share = share_of(args, getenv)
   for _, row in ipairs(ROWS) do
      local value, given = args[row.flag], getenv(row.variable)
      if value == nil and given and given ~= "" then
         value = given
         if row.read then
            local why
            value, why = row.read(given)
            if value == nil then problem.usage(row.variable .. ": " .. why, "correct it, or unset it") end
         end
      end
      o[row.option] = value
   end
   return o
end

return options
