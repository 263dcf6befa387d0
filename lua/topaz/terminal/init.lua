--- Lines at the bottom of a terminal that are drawn over and over: for the bars of topaz.progress,
-- and for anything like them.
--
-- It draws at most ten times a second, only the lines that have changed, and each time in one
-- write: nothing flickers.
local core = require "topaz.core"
local guard = require "topaz.terminal.guard"
local text = require "topaz.terminal.text"

local terminal = {}

local HIDE_CURSOR, SHOW_CURSOR = "\27[?25l", "\27[?25h"
local INTERVAL = 0.1   -- seconds between two drawings at least
local MOST_CELLS = 10000
local MEASURE = 1      -- seconds for which a measured size is believed

local Terminal = { INTERVAL = INTERVAL }
Terminal.__index = Terminal

local function descriptor(handle) return handle == io.stdout and 1 or handle == io.stderr and 2 or nil end

--- Says whether a handle writes to a terminal that understands the usual sequences.
function terminal.is_terminal(handle)
   local number = descriptor(handle)
   return number ~= nil and core.is_terminal(number)
end

--- Says whether the environment asks for plain ASCII, by a locale that is not UTF-8.
function terminal.is_ascii() return not core.is_utf8() end

-- The number in a variable; nil where no terminal has so many columns or rows.
local function cells(variable)
   local number = math.tointeger(tonumber((os.getenv(variable))))
   return number and number >= 1 and number <= MOST_CELLS and number or nil
end

--- Measures the terminal that this process belongs to: columns and rows.
function terminal.size()
   local columns, rows = core.terminal_size()
   if columns then return columns, rows end
   return cells "COLUMNS" or 80, cells "LINES" or 24
end

--- Opens lines at the bottom of the terminal; nil when the handle is not a terminal.
function terminal.open(handle)
   handle = handle or io.stderr
   if not terminal.is_terminal(handle) then return nil end
   return setmetatable({
      handle = handle, drawn = {}, widths = {}, ascii = terminal.is_ascii(), last = 0, measured = 0,
      stops = nil, -- of topaz.terminal.stops; set by a program to which Ctrl-Z is left
   }, Terminal)
end

-- Asks for the size again when it was asked for so many seconds ago.
local function measure(self, age)
   local now = core.now()
   if now - self.measured < age then return end
   self.columns, self.rows = terminal.size()
   self.measured = now
end

-- How many rows the drawn lines take now: a terminal that has become narrower has broken the longer
-- ones.
local function rows_taken(self)
   local rows, columns = 0, self.columns
   for _, width in ipairs(self.widths) do rows = rows + math.max(1, (width + columns - 1) // columns) end
   return rows
end

-- To the first column of the first drawn line.
local function go_home(self, out)
   local rows = rows_taken(self)
   out[#out + 1] = "\r"
   if rows > 1 then out[#out + 1] = ("\27[%dA"):format(rows - 1) end
   return rows
end

local function write(self, out)
   self.handle:write(table.concat(out))
   self.handle:flush()
end

-- Width of a line without its colours.
local function visible(line) return text.width((line:gsub("\27%[[%d;]*m", ""))) end

local function keep(self, lines)
   self.drawn, self.widths = {}, {}
   for i, line in ipairs(lines) do self.drawn[i], self.widths[i] = line, visible(line) end
end

local function is_drawn(self, lines)
   if #lines ~= #self.drawn then return false end
   for i, line in ipairs(lines) do
      if line ~= self.drawn[i] then return false end
   end
   return true
end

-- The lines for the size that the terminal has right now. The last column stays free: some
-- terminals go to the next line behind it.
local function rendered(self, render)
   measure(self, MEASURE)
   local lines = render(math.max(self.columns - 1, 1), self.rows)
   if is_drawn(self, lines) then return lines end
   local columns, rows = self.columns, self.rows
   measure(self, INTERVAL / 2)
   if self.columns == columns and self.rows == rows then return lines end
   return render(math.max(self.columns - 1, 1), self.rows)
end

-- Leaves the lines as they are, with the cursor below them.
local function leave(self)
   local out = {}
   if #self.drawn > 0 then out[1] = "\r\n" end
   if self.hidden then out[#out + 1] = SHOW_CURSOR end
   if #out > 0 then write(self, out) end
   keep(self, {})
   self.hidden = false
end

-- Does what signals have asked for. Returns whether there may be drawn.
local function is_ours(self)
   if not self.stops then return true end
   local what = self.stops:look(function() leave(self) end)
   if what then self.measured = 0 end
   if what == "resumed" then
      self.hidden = false -- another program may have shown it meanwhile
      keep(self, {})
   end
   return core.is_foreground()
end

--- Draws lines in place of those drawn before; at most one drawing each INTERVAL.
function Terminal:draw(render, at_once)
   if not is_ours(self) then return false end
   local now = core.now()
   if not at_once and now - self.last < INTERVAL then return false end
   self.last = now
   local lines, out, drawn = rendered(self, render), {}, self.drawn
   local same_rows = #drawn == #lines and rows_taken(self) == #drawn
   if same_rows and is_drawn(self, lines) then return true end
   if not self.guard then self.guard = guard.open(self.handle, SHOW_CURSOR) end
   if not self.hidden then
      self.hidden = true
      out[1] = HIDE_CURSOR
   end
   if #drawn > 0 then go_home(self, out) end
   if not same_rows then out[#out + 1] = "\27[J" end
   for i, line in ipairs(lines) do
      if i > 1 then out[#out + 1] = "\r\n" end
      if not same_rows or line ~= drawn[i] then out[#out + 1] = text.anchored(line) .. "\27[K" end
   end
   write(self, out)
   keep(self, lines)
   return true
end

--- Removes the lines; the next `draw` puts them below what is written meanwhile.
function Terminal:clear()
   if #self.drawn == 0 then return end
   local out = {}
   measure(self, INTERVAL / 2)
   go_home(self, out)
   out[#out + 1] = "\27[J"
   write(self, out)
   keep(self, {})
end

--- Leaves the lines as they are, and shows the cursor below them.
function Terminal:close()
   leave(self)
   if self.guard then self.guard:close() end
   self.guard = nil
end

Terminal.__close = Terminal.close

return terminal
