--- topaz-status emulator: an emulator of the API that runs until Ctrl-C.
local options = require "topaz.cli.options"
local output = require "topaz.cli.output"
local problem = require "topaz.cli.problem"
local start_emulator = require "topaz.cli.start_emulator"

local LOOK_EVERY = 0.1 -- seconds; Ctrl-C is noticed between two looks

-- Jobs that have a life of up to two minutes, or none.
local RUNNING = { pending = { 1, 20 }, processing = { 5, 100 },
   outcome = { "Completed", "Completed", "Completed", "Failed", "Completed", "Cancelled" } }
local FINISHED = { "Completed", "Completed", "Failed", "Cancelled" }

local function jobs_of(args)
   local count = args.jobs or 24
   if count == 0 then return nil end
   return args.finished and { count = count, status = FINISHED } or { count = count, timeline = RUNNING }
end

local function tell(emulator)
   output.write("# The emulator runs until Ctrl-C. In another shell:\n",
      "export TOPAZ_BASE_URL=", emulator.tls_url or emulator.url, "\n", "export TOPAZ_API_KEY=", emulator.key, "\n")
   if emulator.ca_file then
      output.write("# Scripts name the certificates to trust themselves: ca_file = os.getenv \"TOPAZ_CA_FILE\"\n",
         "export TOPAZ_CA_FILE=", emulator.ca_file, "\n")
   end
   output.flush()
end

local function run(shell)
   local args = shell.args
   local emulator <close> = start_emulator {
      jobs = jobs_of(args), port = args.port, latency = args.latency, tls = args.tls, idle_limit = 0,
   }
   tell(emulator)
   local sleep = require("socket").sleep
   local ok, err = pcall(function()
      while emulator:running() do sleep(LOOK_EVERY) end
   end)
   if ok then problem.raise(problem.FAILED, "the emulator stopped unexpectedly", "start it again") end
   if not problem.is_interrupt(err) then error(err, 0) end
end

return {
   name = "emulator", run = run,
   summary = "Run an emulator of the API.",
   description = "Run an emulator of the API on this machine until Ctrl-C: a real nginx with jobs of its own, for "
      .. "trying scripts without a key. It prints the variables to export. Exit code 0 after Ctrl-C.",
   examples = [[
topaz-status emulator
topaz-status emulator --jobs 200 --latency 0.2
topaz-status emulator --finished --tls --port 8080]],
   arguments = function(command)
      command:option("--jobs", "Number of jobs (default: 24); each runs for up to two minutes.")
         :argname "N":convert(options.integer(0, 1000000))
      command:flag("--finished", "All jobs are finished from the start.")
      command:option("--port",
         "Listen on this port (default: a free one)."):argname "N":convert(options.integer(1, 65535))
      command:option("--latency", "Delay before every response, at most 1h.")
         :argname "TIME":convert(options.duration_within(3600))
      command:flag("--tls", "Serve https with a throw-away certificate, HTTP/2 too.")
   end,
}
