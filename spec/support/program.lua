-- Runs topaz-status as a child, as a user does: its output, its errors and its exit code.
local process = require "topaz.emulator.process"
local interpreter = require "spec.support.interpreter"

local program = {}

local quote = process.quote

local function read(path)
   local file = assert(io.open(path, "rb"))
   local text = file:read "a"
   file:close()
   return text
end

--- The shell words that set the environment: this process's module paths,
-- and nothing of TOPAZ_* but what `variables` has.
function program.environment(variables)
   local words = { "env", "-u", "NO_COLOR" }
   for _, name in ipairs {
      "API_KEY", "API_KEY_FILE", "BASE_URL", "CA_FILE", "TIMEOUT", "MAX_RATE", "PROFILE", "CONFIG_FILE",
      "SHARE", "SHARE_FILE",
   } do
      table.move({ "-u", "TOPAZ_" .. name }, 1, 2, #words + 1, words)
   end
   words[#words + 1] = "XDG_CONFIG_HOME=/nowhere" -- no config file but that of `variables`
   words[#words + 1] = "LUA_PATH=" .. quote(package.path)
   words[#words + 1] = "LUA_CPATH=" .. quote(package.cpath)
   for name, value in pairs(variables) do words[#words + 1] = name .. "=" .. quote(value) end
   return table.concat(words, " ")
end

--- The variables of an emulator.
function program.variables(emulator) return { TOPAZ_API_KEY = emulator.key, TOPAZ_BASE_URL = emulator.url } end

--- The shell words of a call.
function program.command(arguments)
   local words = { interpreter .. " lua/topaz/cli/topaz-status" }
   for _, argument in ipairs(arguments) do words[#words + 1] = quote(argument) end
   return table.concat(words, " ")
end

-- The shell line of a call and its files, and what gives its result once it has ended with `code`.
local function prepare(arguments, o)
   local out, err, input = os.tmpname(), os.tmpname(), os.tmpname()
   local file = assert(io.open(input, "w"))
   file:write(o.input or "")
   file:close()
   local call = ("%s %s"):format(program.environment(o.variables), program.command(arguments))
   local line = o.shell and o.shell:gsub("%%s", function() return call end) or call
   return ("{ %s; } <%s >%s 2>%s"):format(line, input, out, err), function(code)
      local result = { out = read(out), err = read(err), code = code }
      for _, path in ipairs { out, err, input } do os.remove(path) end
      return result
   end
end

--- Runs it to its end.
-- @tparam table arguments
-- @tparam table o `variables` of the environment; `input`;
-- `shell`: a line in which %s stands for the call
-- @treturn table `out`, `err`, `code`
function program.run(arguments, o)
   local line, result = prepare(arguments, o)
   return result(select(3, os.execute(line)))
end

--- Begins it. Arguments as of `run`.
-- @treturn function waits for its end, and gives what `run` gives
function program.begin(arguments, o)
   local line, result = prepare(arguments, o)
   local pipe = io.popen(line)
   return function() return result(select(3, pipe:close())) end
end

return program
