--- The config file of the command line and its profiles.
--
--    # ~/.config/topaz/config
--    [default]
--    api_key_file = ~/.config/topaz/key
--
--    [work]
--    base_url = https://proxy.example.com/image/v1
--    header = X-Team: blue
local core = require "topaz.core"
local problem = require "topaz.cli.problem"
local text = require "topaz.terminal.text"

local profiles = {}

local DEFAULT = "default"
--- The members of a profile, as the file has them.
profiles.MEMBERS = {
   "api_key", "api_key_file", "base_url", "ca_file", "timeout", "max_rate", "allow_insecure", "header",
}
local IS_MEMBER, IS_SECRET = {}, { api_key = true, header = true }
for _, name in ipairs(profiles.MEMBERS) do IS_MEMBER[name] = true end

--- Where the file is; nil where the environment names neither it nor a folder for it.
-- @tparam function getenv
-- @tparam[opt] boolean is_windows
-- @treturn string|nil
function profiles.path(getenv, is_windows)
   local function folder(name, rest)
      local value = getenv(name)
      return value and value ~= "" and value .. rest or nil
   end
   local named = folder("TOPAZ_CONFIG_FILE", "")
   if named then return named end
   if is_windows then return folder("APPDATA", "\\topaz\\config") end
   return folder("XDG_CONFIG_HOME", "/topaz/config") or folder("HOME", "/.config/topaz/config")
end

-- Refuses a line of the file. The line is not quoted: it may be a key.
local function wrong(path, number, what, hint)
   problem.usage(("%s, line %d: %s"):format(text.safe(path), number, what), hint)
end

-- Adds "name = value" to a profile.
local function add(profile, name, value, refuse)
   if not IS_MEMBER[name] then
      refuse(("'%s' is not a member of a profile"):format(text.safe(name)),
         "the members are " .. table.concat(profiles.MEMBERS, ", "))
   elseif name == "header" then
      profile.header = profile.header or {}
      table.insert(profile.header, value)
   elseif profile[name] then
      refuse(("'%s' is given twice in this profile"):format(name), "remove one of them")
   elseif value == "" then
      refuse(("'%s' has no value"):format(name), "give it one, or remove the line")
   else
      profile[name] = value
   end
end

--- Reads the text of a file: profiles by name, each a table of texts; `header` is a list.
-- @tparam string content
-- @tparam string path for messages
-- @treturn table
-- @treturn boolean whether it has a secret
function profiles.read(content, path)
   local all, profile, number, secret = {}, nil, 0, false
   for whole in (content:gsub("^\u{FEFF}", "") .. "\n"):gmatch "([^\n]*)\n" do
      number = number + 1
      local function refuse(what, hint) wrong(path, number, what, hint) end
      local line = whole:match "^%s*(.-)%s*$"
      local section = line:match "^%[%s*(.-)%s*%]$"
      if section then
         section = section:match "^profile%s+(.+)$" or section -- as the aws command writes it
         if section == "" then refuse("a profile without a name", "write [NAME]") end
         all[section] = all[section] or {}
         profile = all[section]
      elseif line ~= "" and not line:find "^[#;]" then
         local name, value = line:match "^([%w_]+)%s*=%s*(.-)$"
         if not name then refuse("expected [NAME] or name = value", "comments begin with # or ;") end
         if not profile then refuse("a value before the first [NAME]", "begin with [default]") end
         add(profile, name, value, refuse)
         secret = secret or IS_SECRET[name] or false
      end
   end
   return all, secret
end

local NOT_THERE = { [2] = true, [20] = true } -- ENOENT, ENOTDIR: the same numbers everywhere
local DENIED = 13                             -- EACCES

-- nil: there is none. The home folder of another user, as after `su`, counts as none, unless a
-- profile is wanted.
local function load(path, name)
   local file, why, code = io.open(path)
   if not file then
      if NOT_THERE[code] or code == DENIED and not name and not core.file_mode(path) then return nil end
      problem.usage("cannot read the config file " .. text.safe(why), "let this user read it, or set TOPAZ_CONFIG_FILE")
   end
   local content
   content, why = file:read "a"
   file:close()
   if not content then
      problem.usage(("cannot read %s: %s"):format(text.safe(path), text.safe(tostring(why))), "make it a file")
   end
   local all, secret = profiles.read(content, path)
   local mode = core.file_mode(path)
   if secret and mode and mode:sub(5, 10) ~= "------" then
      problem.usage(("%s has a key or a header, and others may read or write it (%s)"):format(text.safe(path), mode),
         "chmod 600 " .. text.safe(path))
   end
   return all
end

local function names_of(all)
   local list = {}
   for name in pairs(all) do list[#list + 1] = text.safe(name) end
   table.sort(list)
   return #list > 0 and "it has: " .. table.concat(list, ", ") or "it has none"
end

--- The members of a profile; empty where none was chosen and the file has no default.
-- @tparam string|nil name the one that was chosen
-- @tparam function getenv
-- @tparam[opt] boolean is_windows
-- @treturn table
function profiles.get(name, getenv, is_windows)
   local path = profiles.path(getenv, is_windows)
   local all = path and load(path, name)
   if name and not all then
      problem.usage(("no profile '%s': %s"):format(text.safe(name),
         path and "no file " .. text.safe(path) or "no folder for the config file is known"),
         "write the profile into the config file, or leave --profile out and unset TOPAZ_PROFILE")
   elseif name and not all[name] then
      problem.usage(("%s has no profile '%s'"):format(text.safe(path), text.safe(name)), names_of(all))
   end
   local profile = all and all[name or DEFAULT] or {}
   local home = getenv(is_windows and "USERPROFILE" or "HOME")
   for _, member in ipairs { "api_key_file", "ca_file" } do
      local given = profile[member]
      if given and home and given:find "^~[/\\]" then profile[member] = home .. given:sub(2) end
   end
   return profile
end

return profiles
