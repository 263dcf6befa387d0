--- Loads what topaz stands on, and says in one line what is missing.

-- By the name of a module: what to do where it is not found.
local ABSENT = {
   ["topaz.core"] = ("the C core is not installed for this Lua: build it with `make` or `luarocks make`, for %s")
      :format(_VERSION),
   cjson = "it is not installed: `luarocks install lua-cjson`, or on Debian and Ubuntu `apt install lua-cjson`",
}

-- By the beginning of the name of a shared library: the packages that have it.
local PACKAGES = { ["libcurl"] = "libcurl4 (Debian, Ubuntu) or libcurl (Fedora, Alpine)" }

local function reason(name, message)
   if ABSENT[name] and message:find(("module '%s' not found"):format(name), 1, true) then return ABSENT[name] end
   if message:find("version mismatch", 1, true) then
      local built = "it was built for another version of Lua than this, %s: build it again, with `make LUA=lua%s` "
         .. "or `luarocks make`"
      return built:format(_VERSION, _VERSION:match "%d.%d")
   end
   local library = message:match "(lib[^%s:/]+): cannot open shared object" or message:match "Library not loaded: (%S+)"
   if not library then return message:match "^[^\n]*" end
   local packages = PACKAGES[library:match "lib%l+"]
   local install = packages and ": install " .. packages or ""
   return ("it needs the shared library %s, which is not on this machine%s"):format(library, install)
end

--- As `require`; where it fails, the error is one line that names what is missing.
-- @tparam string name of a module
return function(name)
   local ok, result = pcall(require, name)
   if ok then return result end
   -- That of a debug hook, such as Ctrl-C's.
   if type(result) ~= "string" or result:find("interrupted!", 1, true) then error(result, 0) end
   error(("topaz: module '%s' cannot be loaded: %s"):format(name, reason(name, tostring(result))), 0)
end
