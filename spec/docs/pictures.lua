-- The pictures of README.md and the guides: `make pictures`.
--
--   lua5.4 spec/docs/pictures.lua FOLDER
--
-- Screens are those of the real topaz-status in a terminal (tmux), on an emulator with a clock and
-- a seed of its own, see spec/docs/lockstep.lua; the chart is of the committed results of
-- `make bench`. The same sources give the same bytes: spec/docs/pictures_spec.lua makes them again.
local blocks = require "spec.docs.blocks"
local chart = require "spec.bench.chart"
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local terminal_svg = require "spec.docs.terminal_svg"

local pictures = {}

local COLUMNS = 96
local OLDER = { count = 40, status = { "Completed", "Completed", "Failed", "Completed", "Cancelled" }, age = 5400,
   spacing = 210 }
local OUTCOMES = { "Completed", "Completed", "Failed", "Completed", "Completed", "Cancelled" }

-- Screens: the command, the emulator's jobs, how many seconds after its start, how many rows.
local SCREENS = {
   watch = {
      command = "watch", seconds = 20, rows = 19, name = "topaz-status watch: jobs live, with bars and latest changes",
      jobs = { OLDER, { count = 9, spacing = 2, timeline = { pending = { 1, 6 }, processing = { 6, 45 },
         outcome = OUTCOMES } } },
   },
   wait = {
      command = "wait --all", seconds = 20, rows = 14,
      name = "topaz-status wait: finished jobs as lines, the others with bars and the time left",
      jobs = { OLDER, { count = 12, age = 2, timeline = { pending = { 0, 2 }, processing = { 6, 45 },
         outcome = OUTCOMES } } },
   },
}

--- Whether the screens can be captured here; nil and what is missing.
function pictures.available()
   if not screens.available() then return nil, "there is no tmux: apt install tmux" end
   return true
end

-- The screen, in the end, of a command.
local function capture(spec)
   local emulator <close> = emulators.start { clock = "virtual" }
   emulator:add_jobs(spec.jobs)
   local variables = program.variables(emulator)
   variables.LOCKSTEP_PORT, variables.LOCKSTEP_UNTIL = tostring(emulator.server.ports[2]), tostring(spec.seconds)
   local command = ("%s -l spec.docs.lockstep lua/topaz/cli/topaz-status %s"):format(interpreter, spec.command)
   local screen <close> = screens.open(command, { width = COLUMNS, height = spec.rows, variables = variables })
   screen:wait_for_title "over"
   -- The port is another one each time; it has five digits.
   return (screen:coloured():gsub("127%.0%.0%.1:%d+", "127.0.0.1:40000"))
end

-- Rows of the first table of a page of spec/bench/results, as lists of cells.
local function results(path)
   local rows = {}
   for line in blocks.read(path):match "\n\n(| who .-)\n\n":gmatch "[^\n]+" do
      local cells = {}
      for cell in line:gmatch "| ([^|]-) %f[|]" do cells[#cells + 1] = cell end
      if tonumber(cells[2]) then rows[#rows + 1] = cells end
   end
   return rows
end

local SLOWEST = 10 -- µs a status: what takes longer would squeeze the other bars

local function speed()
   local bars = {}
   for _, row in ipairs(results "spec/bench/results/lists.md") do
      local low, high = row[3]:match "^([%d.]+)–([%d.]+)$"
      if tonumber(row[2]) <= SLOWEST then
         bars[#bars + 1] = { label = row[1], value = tonumber(row[2]), low = tonumber(low), high = tonumber(high),
            kind = row[1]:find "^topaz" and "ours" or row[1] == "floor" and "floor" or "peer" }
      end
   end
   return chart.svg { title = "Reading a list of 100,000 statuses", whole = true, bars = bars,
      unit = "CPU time per status in µs, median; shorter is better" }
end

--- name → function that gives the text of NAME.svg.
pictures.makers = { speed = speed }
--- name → true for those that need a terminal.
pictures.is_screen = {}
for name, spec in pairs(SCREENS) do
   pictures.is_screen[name] = true
   pictures.makers[name] = function()
      return terminal_svg.render(capture(spec), { columns = COLUMNS, name = spec.name,
         title = "topaz-status " .. spec.command })
   end
end

if not ... or ... ~= "spec.docs.pictures" then
   local ok, why = pictures.available()
   if not ok then
      io.stderr:write("make pictures: ", why, "\n")
      os.exit(1)
   end
   for name, make in pairs(pictures.makers) do
      local file = assert(io.open(("%s/%s.svg"):format(arg[1], name), "w"))
      file:write(make())
      file:close()
   end
end

return pictures
