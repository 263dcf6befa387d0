--- Starts the emulator for a command, and says what to install where that cannot be.
local problem = require "topaz.cli.problem"

local FAILED = problem.FAILED

-- What is found in the error: the part that is missing, and how it is installed.
local MISSING = {
   { "module 'socket", "LuaSocket: `luarocks install luasocket`, or on Debian `apt install lua-socket`" },
   { "module 'cjson", "lua-cjson: `luarocks install lua-cjson`, or on Debian `apt install lua-cjson`" },
   { "openssl: not found", "the openssl command: on Debian `apt install openssl`" },
   { 'unknown directive "lua_',
      "nginx's Lua module: on Debian `apt install libnginx-mod-http-lua`, elsewhere OpenResty has it" },
   { "not found",
      "nginx with its Lua module: on Debian `apt install nginx libnginx-mod-http-lua`, elsewhere OpenResty has it" },
}

--- Starts it.
-- @tparam topaz.EmulatorOptions options
-- @treturn topaz.Emulator
return function(options)
   if package.config:sub(1, 1) ~= "/" then
      problem.raise(FAILED, "the emulator runs on Linux only", "the other commands work here")
   end
   -- Loaded only here: it needs modules that the other commands do not.
   local ok, result = pcall(function() return require("topaz.emulator").start(options) end)
   if ok then return result end
   if problem.is_interrupt(result) then error(result, 0) end
   local why = tostring(result)
   for _, row in ipairs(MISSING) do
      if why:find(row[1], 1, true) then problem.raise(FAILED, "the emulator cannot run here", "it needs " .. row[2]) end
   end
   if why:find("Address already in use", 1, true) then
      problem.raise(FAILED, ("port %d is in use"):format(options.port), "choose another one, or leave --port out")
   end
   if why:find("bind%(%) to [%d.:]+ failed %(13: ") then
      problem.raise(FAILED, ("port %d is reserved for the system"):format(options.port),
         "choose one of 1024 or more, or leave --port out")
   end
   if why:find("cannot create a temporary folder", 1, true) then
      problem.raise(FAILED, why:match "cannot create a temporary folder.*",
         "set TMPDIR to one you may write to")
   end
   problem.raise(FAILED, "the emulator did not start: " .. why:gsub("\n.*", ""),
      "the other commands need no emulator")
end
