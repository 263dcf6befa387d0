-- The table of `make share`: on the terminal, and as a page of spec/bench/results.
--
-- A row is { measurement, what, seen, goal, verdict, date }. A page that is there already keeps the
-- rows of the measurements that were not run again.
local machine = require "spec.bench.machine"
local process = require "topaz.emulator.process"
local redis = require "spec.support.redis"
local report = require "spec.bench.report"

local page = {}

local TITLE = "Sharing: real processes"
local COLUMNS = { "measurement", "what", "seen", "goal", "verdict", "date" }

local TEXT = [[
Processes of `spec/share/farm_member.lua` on a redis-server and the emulator of the API (`make share`). The emulator's
log says which member has sent each request, and when. A gap is the longest time between two requests; a peak is the
most requests within a second. How many requests a farm may send is held against one process that watches the same jobs
at the same time, on a Redis and an emulator of its own, or against the same farm undisturbed. The model's figures for
larger farms, and how much later an end is heard, are on the page "sharing".

A run that says "missed" for a time may have been slowed down by the machine; a count may not.]]

--- A row's goal and verdict.
-- @tparam table goal { text; seen = number, most or least = number, unit, is_time }
-- @treturn boolean whether it was missed by a count
function page.row(measurement, goal)
   local limit, met = "", nil
   if goal.most then limit, met = "≤ " .. goal.most, goal.seen and goal.seen <= goal.most end
   if goal.least then limit, met = "≥ " .. goal.least, goal.seen and goal.seen >= goal.least end
   local seen = goal.seen and (math.type(goal.seen) == "integer" and tostring(goal.seen) or report.number(goal.seen))
   local verdict = (goal.most or goal.least) and (met and "met" or goal.seen and "missed" or "not seen") or ""
   return { measurement, goal[1], seen or "–", limit, verdict, os.date "!%Y-%m-%d" },
      verdict == "not seen" or verdict == "missed" and not goal.is_time
end

local function read(path)
   local file <close> = io.open(path)
   return file and file:read "a" or ""
end

-- The rows of a page.
local function rows_of(text)
   local rows = {}
   for line in (text:match "\n| measurement [^\n]*\n[^\n]*\n(.-)\n\n" or ""):gmatch "[^\n]+" do
      local cells = {}
      for cell in line:gmatch "| ([^|]-) %f[|]" do cells[#cells + 1] = cell end
      if #cells == #COLUMNS then rows[#rows + 1] = cells end
   end
   return rows
end

--- For the terminal.
function page.text(rows) return report.text(TITLE, { columns = COLUMNS, rows = rows }) end

-- Gives a file another text, all of it or nothing.
local function replace(path, text)
   local new = path .. ".new"
   local file = assert(io.open(new, "w"))
   local written, why = file:write(text)
   local closed, problem = file:close()
   if not written or not closed then
      os.remove(new)
      error(path .. ": " .. (why or problem), 0)
   end
   assert(os.rename(new, path))
end

--- Writes the page.
-- @tparam string path
-- @tparam table rows of the measurements that were run
-- @tparam table order names of all measurements
-- @tparam table about what they are, by name
-- @tparam string command
function page.write(path, rows, order, about, command)
   local by_name, all, text = {}, {}, { TEXT, "" }
   local function put(row, fresh)
      local of = by_name[row[1]]
      if not of or fresh and not of.fresh then of = { fresh = fresh } end
      by_name[row[1]] = of
      of[#of + 1] = row
   end
   for _, row in ipairs(rows_of(read(path))) do put(row, false) end
   for _, row in ipairs(rows) do put(row, true) end
   for _, name in ipairs(order) do
      for _, row in ipairs(by_name[name] or {}) do all[#all + 1] = row end
      if by_name[name] then text[#text + 1] = ("- %s: %s"):format(name, about[name]) end
   end
   local host = machine.host(command)
   host[#host + 1] = { "Redis", process.shell(process.quote(redis.program()) .. " --version") }
   local result = { text = table.concat(text, "\n"), columns = COLUMNS, rows = all }
   replace(path, report.markdown("share", TITLE, result, host))
end

return page
