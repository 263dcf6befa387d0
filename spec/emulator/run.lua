-- Runs an emulator in the foreground, for people:  lua5.4 spec/emulator/run.lua --port 8080 --jobs 24
-- Stops on Ctrl-C.

local root = arg[0]:match("^(.*)spec/emulator/run%.lua$") or "./"
if root == "" then root = "./" end
package.path = root .. "?.lua;" .. root .. "?/init.lua;" .. package.path

local USAGE = [[
usage: lua5.4 spec/emulator/run.lua [--port N] [--jobs N] [--latency SECONDS] [--tls] [--finished]

  --port N            listen on this port (else a free one)
  --jobs N            so many jobs, which run for up to two minutes (else 24)
  --latency SECONDS   wait before every answer
  --tls               also serve https, with a throw-away certificate
  --finished          all jobs are finished from the start
]]

local function usage(problem)
  io.stderr:write(problem, "\n", USAGE)
  os.exit(2)
end

local function read_options()
  local options = { jobs = 24, idle_limit = 0 }
  local finished, at = false, 1
  while arg[at] do
    local name = arg[at]:match("^%-%-(%w+)$")
    if name == "help" then
      io.write(USAGE)
      os.exit(0)
    elseif name == "port" or name == "jobs" or name == "latency" then
      at = at + 1
      local number = tonumber(arg[at])
      if not number or number < 0 then usage("--" .. name .. " needs a number") end
      options[name] = name == "latency" and number or math.tointeger(number) or usage("--" .. name .. " needs a whole number")
    elseif name == "tls" then
      options.tls = true
    elseif name == "finished" then
      finished = true
    else
      usage("unknown option: " .. arg[at])
    end
    at = at + 1
  end
  if finished then
    options.jobs = { count = options.jobs, status = { "Completed", "Completed", "Failed", "Cancelled" } }
  else
    options.jobs = { count = options.jobs, timeline = {
      pending = { 1, 20 }, processing = { 5, 100 },
      outcome = { "Completed", "Completed", "Completed", "Failed", "Completed", "Cancelled" },
    } }
  end
  return options
end

local emulator <close> = require("spec.emulator").start(read_options())
io.write("# The emulator runs until Ctrl-C. In another shell:\n")
io.write("export TOPAZ_BASE_URL=", emulator.tls_url or emulator.url, "\n")
io.write("export TOPAZ_API_KEY=", emulator.key, "\n")
if emulator.ca_file then io.write("# certificate authority: ", emulator.ca_file, "\n") end
io.flush()

-- Ctrl-C raises "interrupted!" between two of these sleeps.
local sleep = require("socket").sleep
pcall(function()
  while emulator:running() do sleep(0.1) end
end)
if not emulator:running() then io.stderr:write("the emulator has ended by itself\n") end
