--- topaz-status --demo: the command line on an emulator of the API; with a command, that command, without one a tour.
local problem = require "topaz.cli.problem"
local terminal = require "topaz.cli.terminal"
local text = require "topaz.text"
local topaz = require "topaz"

local demo = {}

local JOBS = 24
local OUTCOMES = { "Completed", "Completed", "Completed", "Failed", "Completed", "Completed", "Completed", "Cancelled" }
-- They appear one after the other, three a second, and all have ended some twelve seconds later.
local LIVE = { count = JOBS, spacing = 0.3, timeline = { pending = { 0.3, 1.5 }, processing = { 2, 4 }, outcome = OUTCOMES } }
local OLDER = { count = 40, status = { "Completed", "Completed", "Failed", "Completed", "Cancelled" }, age = 5400, spacing = 210 }
-- For a command that somebody looks at for longer.
local SLOW = { count = JOBS, spacing = 1, timeline = { pending = { 1, 10 }, processing = { 5, 60 }, outcome = OUTCOMES } }

-- ---- the emulator ------------------------------------------------------------------------------------------------------

-- What a missing part of it is called by those who install it.
local MISSING = {
   { "module 'socket", "LuaSocket: `luarocks install luasocket`, or on Debian `apt install lua-socket`" },
   { "module 'cjson", "lua-cjson: `luarocks install lua-cjson`, or on Debian `apt install lua-cjson`" },
   { 'unknown directive "lua_', "nginx's Lua module: on Debian `apt install libnginx-mod-http-lua`, elsewhere OpenResty has it" },
   { "failed to execute", "nginx with its Lua module: on Debian `apt install nginx libnginx-mod-http-lua`, elsewhere OpenResty has it" },
   { "not found", "nginx with its Lua module: on Debian `apt install nginx libnginx-mod-http-lua`, elsewhere OpenResty has it" },
}

local function unable(why)
   why = tostring(why)
   for _, row in ipairs(MISSING) do
      if why:find(row[1], 1, true) then problem.raise(problem.FAILED, "the demo cannot run here", "it needs " .. row[2]) end
   end
   problem.raise(problem.FAILED, "the emulator did not start: " .. text.safe(why:gsub("\n.*", "")), "the other commands need no emulator")
end

-- The emulator's module: where it is installed, else the checkout's.
local function find_emulator()
   local ok, found = pcall(require, "topaz.emulator")
   if ok then return found end
   if not found:find("module 'topaz.emulator' not found", 1, true) then unable(found) end
   ok, found = pcall(require, "spec.emulator")
   if ok then return found end
   if found:find("module 'spec.emulator' not found", 1, true) then
      problem.raise(problem.FAILED, "the emulator is not installed", "install topaz with `luarocks make` or `make install` from its checkout")
   end
   unable(found)
end

local function start(emulators, jobs)
   local ok, result = pcall(emulators.start, { jobs = jobs, latency = 0.02 })
   if ok then return result end
   if problem.is_interrupt(result) then error(result, 0) end
   unable(result)
end

-- ---- the tour ------------------------------------------------------------------------------------------------------------

local function getenv_of(emulator)
   local own = { TOPAZ_API_KEY = emulator.key, TOPAZ_BASE_URL = emulator.url }
   return function(name)
      if name:find "^TOPAZ_" then return own[name] end
      return os.getenv(name)
   end
end

local function say(paint, ...)
   io.write("\n", paint("head", table.concat { "# ", ... }), "\n")
end

local function tour(shell, run, emulator)
   local paint = terminal.painter(io.stdout, shell.args, os.getenv)
   local function command(...)
      local words = { "topaz-status", ... }
      io.write(paint("Completed", "$ " .. table.concat(words, " ")), "\n")
      io.flush()
      local code = run({ ... }, { getenv = getenv_of(emulator), demo = emulator })
      if code == problem.INTERRUPTED then problem.raise(code, "the tour was interrupted", "start it again with `topaz-status --demo`") end
      return code
   end
   io.write(paint("head", "topaz-status " .. topaz.version), ", on an emulator of the API at ", emulator.url, "\n")
   say(paint, "Jobs begin to appear. The newest ones:")
   command("list", "--limit", "5")
   say(paint, "Wait for one of them.")
   local code = command("wait", emulator.ids[1])
   say(paint, ("Its exit code is %d: 0 is Completed, 1 Failed or Cancelled. Now see all of them until the last one has ended."):format(code))
   command("watch", "--until-done")
   say(paint, "An error, as one meets it: what happened, and what to do next. The exit code is 3.")
   command("get", "00000000-0000-4000-8000-000000000000")
   say(paint, "What has come of them:")
   command "summary"
   say(paint, "Clean up: first look, then do it.")
   command("delete-finished", "--status", "Failed", "--status", "Cancelled", "--dry-run")
   command("delete-finished", "--status", "Failed", "--status", "Cancelled")
   command("delete-all", "--yes")
   say(paint, "Against the real API")
   io.write((os.getenv "TOPAZ_API_KEY" or "") ~= "" and "TOPAZ_API_KEY is set: these only read, from the production URL:\n"
      or "With a key in TOPAZ_API_KEY, these only read, from the production URL:\n")
   for _, line in ipairs { "list --limit 5", "summary", "watch" } do io.write("   topaz-status ", line, "\n") end
   return 0
end

--- Runs the tour, or the command that was given, on an emulator of its own.
-- @param shell
-- @tparam function run topaz.cli.main.run
-- @treturn integer exit code
function demo.run(shell, run)
   local emulators = shell.emulators or find_emulator()
   local single = shell.args.command ~= nil
   local emulator <close> = start(emulators, { OLDER, single and SLOW or LIVE })
   for i = 1, JOBS do emulator.ids[i] = emulator.ids[OLDER.count + i] end
   if single then return run(shell.arguments, { getenv = getenv_of(emulator), demo = emulator }) end
   return tour(shell, run, emulator)
end

return demo
