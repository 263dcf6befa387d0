--- The options of the client: from flags, then from the environment. The key comes from the environment or from a file that nobody
-- else can read, never from an argument, which `ps` would show.
local problem = require "topaz.cli.problem"
local text = require "topaz.text"

local options = {}

--- A number of seconds for argparse: "7d", "36h", "90m", "45s", "90".
-- @treturn number|nil nil and what is wrong
function options.duration(given)
   local seconds = text.seconds(given)
   if not seconds then return nil, ("'%s' is no duration: write 7d, 36h, 90m, 45s or plain seconds"):format(text.safe(given)) end
   return seconds
end

--- A number above 0 for argparse.
function options.positive(given)
   local number = tonumber(given)
   if not number or number <= 0 or number ~= number or number == math.huge then
      return nil, ("'%s' is no number above 0"):format(text.safe(given))
   end
   return number
end

--- A whole number above 0 for argparse.
function options.count(given)
   local number = math.tointeger(tonumber(given))
   if not number or number < 1 then return nil, ("'%s' is no whole number above 0"):format(text.safe(given)) end
   return number
end

-- Flag, the environment's variable, how its text is read, and the client's option.
local ROWS = {
   { flag = "base_url", variable = "TOPAZ_BASE_URL", option = "base_url" },
   { flag = "ca_file", variable = "TOPAZ_CA_FILE", option = "ca_file" },
   { flag = "call_timeout", variable = "TOPAZ_TIMEOUT", option = "timeout", read = options.duration },
   { flag = "max_rate", variable = "TOPAZ_MAX_RATE", option = "max_rate", read = options.positive },
}

local function quote(s) return "'" .. s:gsub("'", "'\\''") .. "'" end

-- The mode as ls writes it, "-rw-------", which every Unix does alike; nil when there is no such file.
local function mode_of(path)
   local pipe = assert(io.popen("LC_ALL=C ls -ldL -- " .. quote(path) .. " 2>/dev/null"))
   local mode = pipe:read "a":match "^(%S+)"
   pipe:close()
   return mode
end

--- The key in a file of mode 600.
-- @tparam string path
-- @treturn string
function options.key_file(path)
   local shown, mode = text.safe(path), mode_of(path)
   if not mode then problem.usage("no such key file: " .. shown, "put the key into it, then: chmod 600 " .. shown) end
   if mode:sub(1, 1) ~= "-" then problem.usage("the key file " .. shown .. " is no regular file", "name another one") end
   if mode:sub(5, 10) ~= "------" then
      problem.usage(("others may read or write the key file %s (%s)"):format(shown, mode:sub(1, 10)), "chmod 600 " .. shown)
   end
   local file, why = io.open(path)
   if not file then problem.usage("cannot read the key file: " .. text.safe(tostring(why)), "name one that you may read") end
   local key = (file:read "l" or ""):match "^%s*(.-)%s*$"
   file:close()
   if key == "" then problem.usage("the key file " .. shown .. " has no key in its first line", "write the key into it") end
   return key
end

local function key_of(args, getenv)
   if args.api_key_file then return options.key_file(args.api_key_file) end
   local key, path = getenv "TOPAZ_API_KEY", getenv "TOPAZ_API_KEY_FILE"
   if key and key ~= "" then return key end
   if path and path ~= "" then return options.key_file(path) end
   problem.usage("no API key", "set TOPAZ_API_KEY, or put the key into a file of mode 600 and name it by --api-key-file"
      .. " (`topaz-status --demo` needs none)")
end

--- The client's options.
-- @tparam table args as the parser gives them
-- @tparam function getenv
-- @treturn table
function options.of_client(args, getenv)
   local o = { api_key = key_of(args, getenv), allow_insecure = args.allow_insecure or nil }
   for _, row in ipairs(ROWS) do
      local value, given = args[row.flag], getenv(row.variable)
      if value == nil and given and given ~= "" then
         value = given
         if row.read then
            local why
            value, why = row.read(given)
            if value == nil then problem.usage(row.variable .. ": " .. why, "set it right, or unset it") end
         end
      end
      o[row.option] = value
   end
   return o
end

return options
