--- Misuse of the Lua layer: raised at once, with the caller's place.
local core = require "topaz.core"

local misuse = {}

local getinfo = debug and debug.getinfo -- nil where a host has taken it away: no places then

-- "@…/topaz/": where the modules of this library are.
local HOME = getinfo and getinfo(1, "S").source:match "^(.*[/\\])[^/\\]*$" or "@"

-- The library's own files; those of the command line and of the emulator are users of it.
local function is_ours(source)
   if source:sub(1, #HOME) ~= HOME then return false end
   local folder = source:match("^(%l+)[/\\]", #HOME + 1)
   return folder ~= "cli" and folder ~= "emulator"
end

-- "file:line: " of the innermost function that is neither of this library nor of C; "" where there
-- is none.
local function place()
   local level = 2
   while getinfo do
      local info = getinfo(level, "Sl")
      if not info then return "" end
      if info.what ~= "C" and not is_ours(info.source) then
         return info.currentline > 0 and ("%s:%d: "):format(info.short_src, info.currentline) or ""
      end
      level = level + 1
   end
   return ""
end

--- Raises a message with the place of the caller, whichever function of the library finds the
-- mistake.
-- @tparam string text a format, with its arguments behind it
function misuse.raise(text, ...) error(place() .. text:format(...), 0) end

--- Raises "bad argument 'name': …".
function misuse.argument(name, text, ...)
   error(("%sbad argument '%s': %s"):format(place(), name, text:format(...)), 0)
end

--- Calls a function of the core. Its message about misuse gets the caller's place; error objects
-- are raised as they are.
function misuse.call(f, ...)
   local function pass(ok, ...)
      if ok then return ... end
      local message = ...
      error(type(message) == "string" and place() .. message or message, 0)
   end
   return pass(pcall(f, ...)) -- under pcall the core itself finds no place to put in front
end

local error_class = getmetatable(core.error { kind = "closed", operation = "any", message = "" })

--- Calls what raises an error object where it fails, as calls on a closed client do.
-- @return its result; nil and the error object. What else is raised, of a debug hook or of
-- on_event, goes through.
function misuse.attempt(f, ...)
   local ok, result = pcall(f, ...)
   if ok then return result end
   if getmetatable(result) ~= error_class then error(result, 0) end
   return nil, result
end

--- Reads a table of options by rows, as `core.options` does.
function misuse.options(given, rows) return misuse.call(core.options, given, rows) end

--- How a value is shown in a message.
function misuse.shown(value)
   if type(value) ~= "string" then return type(value) end
   return "'" .. value:sub(1, 60):gsub("[^\32-\126]", "?") .. "'"
end

--- The same, where a number was expected: a number out of its range is shown as it is.
function misuse.shown_number(value) return type(value) == "number" and value or misuse.shown(value) end

--- Raises unless the value is an object of that metatable: a method was called with a dot, or on
-- something else.
function misuse.check_self(value, class)
   if getmetatable(value) ~= class then misuse.argument("self", "expected a %s, got %s", class.__name, type(value)) end
end

local timeout = core.client_methods().timeout -- of the core alone

--- Says why a client cannot be used: it is closed, or the parent process's; nil: it can.
function misuse.unusable(client)
   local _, err = misuse.attempt(timeout, client)
   return err and err.message
end

--- Raises unless the value is a client, open or not. Returns true.
function misuse.check_type(client)
   if core.is_open(client) == nil then misuse.argument("self", "expected a topaz.client, got %s", type(client)) end
   return true
end

--- Raises unless the value is a client that can be used: misuse for another value, an error object
-- of kind "closed" after close().
function misuse.check_client(client)
   if core.is_open(client) then return end
   misuse.check_type(client)
   timeout(client) -- says why: closed, or the parent process's
end

return misuse
