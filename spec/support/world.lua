-- What every integration spec needs: one emulator for the file, a fresh state before each test,
-- clients with short back-off, and nothing left open afterwards.
local topaz = require "topaz"
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"

local world = { is_windows = package.config:sub(1, 1) == "\\" }

local function descriptors()
   local count = 0
   local list = io.popen "ls /proc/self/fd 2>/dev/null"
   for _ in list:lines() do count = count + 1 end
   list:close()
   return count
end

--- Options of a client of this emulator, changed by `more`;
-- retries are quick unless a test says otherwise.
function world.options(emulator, more)
   local options = { api_key = emulator.key, base_url = emulator.url, retry_base = 0.01, retry_cap = 0.05 }
   for name, value in pairs(more or {}) do options[name] = value end
   return options
end

function world.client(emulator, more) return topaz.client(world.options(emulator, more)) end

--- Calls f(emulator, client) and checks that closing the client gives back every descriptor.
function world.with_client(emulator, more, f)
   collectgarbage()
   collectgarbage()
   local before = descriptors()
   local client = world.client(emulator, more)
   local ok, err = xpcall(f, function(e) return type(e) == "string" and debug.traceback(e, 2) or e end, client)
   client:close()
   collectgarbage()
   if not ok then error(err, 0) end
   local after = descriptors()
   assert(after <= before, ("%d descriptors were left open"):format(after - before))
end

--- Sets up `describe` blocks: returns a function that gives the running emulator.
function world.emulator(busted, options)
   local emulator
   busted.setup(function() emulator = emulators.start(options or { clock = "virtual" }) end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function() emulator:reset() end)
   return function() return emulator end
end

--- How many requests of a kind the server saw since its log was cleared.
function world.seen(emulator, kind)
   local counts = emulator:counts()
   return kind and (counts.kinds[kind] or 0) or counts.total
end

--- What a script writes that runs in a process of its own, with the modules of this one.
-- @tparam string text the script
-- @tparam[opt] string before what the shell does first, such as setting a limit
-- @treturn string its output, errors too
function world.script(text, before)
   local path = os.tmpname()
   local file = assert(io.open(path, "w"))
   file:write(text)
   file:close()
   local pipe = assert(io.popen(("%s; LUA_PATH='%s' LUA_CPATH='%s' %s %s 2>&1"):format(before or ":", package.path,
      package.cpath, interpreter, path)))
   local out = pipe:read "a"
   pipe:close()
   os.remove(path)
   return out
end

--- For a spec that must have a small heap, since it counts on the collector coming by often:
-- runs the file in a process of its own, as one test, unless this is that process.
-- @tparam string path of the spec
-- @treturn boolean whether it does, and the file has nothing more to do
function world.alone(describe, it, path)
   if os.getenv "TOPAZ_SPEC_ALONE" == path then return false end
   describe(path, function()
      it("holds in a process of its own", function()
         local pipe =
            assert(io.popen(("TOPAZ_SPEC_ALONE=%s LUA_PATH='%s' LUA_CPATH='%s' %s spec/run.lua %s 2>&1; echo $?")
               :format(path, package.path, package.cpath, interpreter, path)))
         local out = pipe:read "a"
         pipe:close()
         assert(out:match "%d+ passed, 0 failed" and out:match "\n0\n$", out)
      end)
   end)
   return true
end

return world
