-- Turns a scenario's result into text for the terminal and into Markdown.
--
-- A result is { text = Markdown, columns = { title, … }, rows = { { cell, … }, … }, goals = { … },
-- skipped = { text, … }, chart = … }; cells are text or numbers, the first column is a name.
-- A goal is { text; value = number, least or most = number }.
local report = {}

--- A number with three significant digits, without exponent.
function report.number(x)
   if x == 0 then return "0" end
   local digits = math.max(0, 2 - math.floor(math.log(math.abs(x), 10)))
   return (("%." .. digits .. "f"):format(x))
end

local function cell(x) return type(x) == "number" and report.number(x) or tostring(x) end

local function goal_cells(goal)
   local limit, met
   if goal.most then
      limit, met = "≤ " .. goal.most, goal.value and goal.value <= goal.most
   else
      limit, met = "≥ " .. goal.least, goal.value and goal.value >= goal.least
   end
   local verdict = not goal.value and "not measured" or met and "met" or "missed"
   return { goal[1], goal.value and report.number(goal.value) or "–", limit, verdict }
end

local function goal_rows(result)
   local rows = {}
   for i, goal in ipairs(result.goals or {}) do rows[i] = goal_cells(goal) end
   return rows
end

local GOAL_COLUMNS = { "goal", "measured", "limit", "verdict" }

local function pad(text, width, left)
   local space = (" "):rep(width - utf8.len(text))
   return left and text .. space or space .. text
end

local function text_table(columns, rows)
   local widths = {}
   for i, title in ipairs(columns) do widths[i] = utf8.len(title) end
   for _, row in ipairs(rows) do
      for i, value in ipairs(row) do widths[i] = math.max(widths[i], utf8.len(cell(value))) end
   end
   local out = {}
   for _, row in ipairs { columns, table.unpack(rows) } do
      local line = {}
      for i, value in ipairs(row) do line[i] = pad(cell(value), widths[i], i == 1) end
      out[#out + 1] = "  " .. table.concat(line, "  ")
   end
   return table.concat(out, "\n")
end

local function markdown_table(columns, rows)
   local out = { "| " .. table.concat(columns, " | ") .. " |", "|---|" .. ("---:|"):rep(#columns - 1) }
   for _, row in ipairs(rows) do
      local line = {}
      for i, value in ipairs(row) do line[i] = cell(value):gsub("|", "\\|") end
      out[#out + 1] = "| " .. table.concat(line, " | ") .. " |"
   end
   return table.concat(out, "\n")
end

--- For the terminal.
function report.text(title, result)
   local out = { "", title, "", text_table(result.columns, result.rows) }
   if result.goals then out[#out + 1] = "\n" .. text_table(GOAL_COLUMNS, goal_rows(result)) end
   for _, line in ipairs(result.skipped or {}) do out[#out + 1] = "  skipped: " .. line end
   return table.concat(out, "\n") .. "\n"
end

--- The page under results/.
function report.markdown(name, title, result, machine)
   local out = { "# " .. title }
   out[#out + 1] = result.text
   if result.chart then out[#out + 1] = ("![%s](%s.svg)"):format(title, name) end
   out[#out + 1] = markdown_table(result.columns, result.rows)
   if #(result.skipped or {}) > 0 then out[#out + 1] = "Skipped: " .. table.concat(result.skipped, "; ") .. "." end
   if result.goals then out[#out + 1] = "## Goals\n\n" .. markdown_table(GOAL_COLUMNS, goal_rows(result)) end
   out[#out + 1] = "## Measured on\n\n" .. markdown_table({ "what", "which" }, machine):gsub("%-%-%-:", "---")
   return table.concat(out, "\n\n") .. "\n"
end

return report
