--- topaz-status --demo: the command line on an emulator of the API; with a command, that command,
-- without one a tour.
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local screen = require "topaz.cli.screen"
local start_emulator = require "topaz.cli.start_emulator"
local topaz = require "topaz"

local demo = {}

local JOBS = 24
local OUTCOMES = { "Completed", "Completed", "Completed", "Failed", "Completed", "Completed", "Completed", "Cancelled" }
-- They appear one after the other, three a second, and all have ended some twelve seconds later.
local LIVE = {
   count = JOBS, spacing = 0.3, timeline = { pending = { 0.3, 1.5 }, processing = { 2, 4 }, outcome = OUTCOMES },
}
local OLDER = {
   count = 40, status = { "Completed", "Completed", "Failed", "Completed", "Cancelled" }, age = 5400, spacing = 210,
}
-- For a single command, which may be looked at for longer.
local SLOW = {
   count = JOBS, spacing = 1, timeline = { pending = { 1, 10 }, processing = { 5, 60 }, outcome = OUTCOMES },
}

-- ---- the tour -----------------------------------------------------------------------------------

local function getenv_of(emulator)
   local own = { TOPAZ_API_KEY = emulator.key, TOPAZ_BASE_URL = emulator.url, TOPAZ_CONFIG_FILE = "/dev/null" }
   return function(name)
      if name:find "^TOPAZ_" then return own[name] end
      return os.getenv(name)
   end
end

local function say(paint, ...)
   output.write("\n", paint("head", table.concat { "# ", ... }), "\n")
end

local function tour(shell, run, emulator)
   local paint = screen.painter(io.stdout, shell.args, os.getenv)
   local function command(...)
      local words = { "topaz-status", ... }
      output.write(paint("Completed", "$ " .. table.concat(words, " ")), "\n")
      output.flush()
      local code = run({ ... }, { getenv = getenv_of(emulator), demo = emulator })
      if code == problem.INTERRUPTED then
         problem.raise(code, "the tour was interrupted", "start it again with `topaz-status --demo`")
      end
      return code
   end
   output.write(paint("head", "topaz-status " .. topaz.version), ", on an emulator of the API at ", emulator.url, "\n")
   say(paint, "Jobs begin to appear. The newest ones:")
   command("list", "--limit", "5")
   say(paint, "Wait for one of them.")
   local code = command("wait", emulator.ids[1])
   say(paint, ("Its exit code is %d: 0 is Completed, 1 Failed or Cancelled."):format(code),
      " Now see all of them until the last one is finished.")
   command("watch", "--until-done")
   say(paint, "An error says what happened, and what to do next. The exit code is 5.")
   command("get", "00000000-0000-4000-8000-000000000000")
   say(paint, "The results:")
   command "summary"
   say(paint, "Clean up: count first, then delete.")
   command("delete-finished", "--status", "Failed,Cancelled", "--dry-run")
   command("delete-finished", "--status", "Failed,Cancelled", "--yes")
   command("delete-all", "--yes")
   say(paint, "Against the real API")
   output.write((os.getenv "TOPAZ_API_KEY" or "") ~= "" and "TOPAZ_API_KEY is set." or "Set TOPAZ_API_KEY first.",
      " These commands only read, from the production URL:\n")
   for _, line in ipairs { "list --limit 5", "summary", "watch" } do output.write("   topaz-status ", line, "\n") end
   return 0
end

--- Runs the tour, or the command that was given, on an emulator of its own.
-- @param shell
-- @tparam function run topaz.cli.main.run
-- @treturn integer exit code
function demo.run(shell, run)
   local single = shell.args.command ~= nil
   local emulator <close> = start_emulator { jobs = { OLDER, single and SLOW or LIVE }, latency = 0.02 }
   for i = 1, JOBS do emulator.ids[i] = emulator.ids[OLDER.count + i] end
   if single then return run(shell.arguments, { getenv = getenv_of(emulator), demo = emulator }) end
   return tour(shell, run, emulator)
end

return demo
