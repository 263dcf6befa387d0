-- Libraries of spec/support that take the place of functions of the C library,
-- in processes of their own. Linux.
--
--   local before = preload.of("slow_send", "SEND_DELAY=20000")
--   world.script(text, before)
local interpreter = require "spec.support.interpreter"

local preload = {}

local libraries = {} -- compiled once for each process that asks

local function build(name)
   local path = os.tmpname()
   if not os.execute(("cc -shared -fPIC -o %s spec/support/%s.c -ldl 2>/dev/null"):format(path, name)) then
      os.remove(path)
      return nil
   end
   return setmetatable({ path = path }, { __gc = function() os.remove(path) end })
end

--- What the shell does before the script: the second argument of world.script.
-- nil where it cannot be had: no compiler, a sanitizer that is preloaded itself, or Windows.
-- @tparam string name of the C file in spec/support
-- @tparam string variable what it reads from the environment: NAME='value'
function preload.of(name, variable)
   if package.config:sub(1, 1) ~= "/" then return nil end
   libraries[name] = libraries[name] or build(name)
   local library = libraries[name]
   if not library then return nil end
   local before = ("export LD_PRELOAD=%s %s"):format(library.path, variable)
   local pipe = io.popen(before .. "; " .. interpreter .. " -e 'io.write(tostring(os.getenv \"LD_PRELOAD\"))'")
   local kept = pipe:read "a" == library.path
   pipe:close()
   return kept and before or nil
end

return preload
