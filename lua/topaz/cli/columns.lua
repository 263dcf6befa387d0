--- The table for people: which columns there are, as many as the terminal is wide.
local json = require "topaz.cli.json"
local text = require "topaz.terminal.text"

local columns = {}

local GAP = 2

local function date(seconds)
   local is_date = math.type(seconds) == "integer" and seconds >= 0 and seconds < 1 << 40
   return is_date and os.date("%Y-%m-%d %H:%M", seconds) or tostring(seconds)
end

-- Heading, least width, greatest width, order in which columns are given room (without one: only
-- when asked for), how a value is said.
local COLUMNS = {
   process_id = { head = "ID", least = 36, most = 36, order = 1 },
   status = { head = "STATUS", least = 10, most = 12, order = 2 },
   progress = {
      head = "DONE", least = 5, most = 5, order = 3, right = true, say = function(v) return tostring(v) .. " %" end,
   },
   filename = { head = "FILE", least = 16, most = 60, order = 4 },
   model = { head = "MODEL", least = 16, most = 24, order = 5 },
   creation_time = { head = "CREATED", least = 16, most = 16, order = 6, say = date },
   credits = { head = "CREDITS", least = 7, most = 7, order = 7, right = true },
   modification_time = { head = "MODIFIED", least = 16, most = 16, say = date },
   eta = { head = "ETA", least = 16, most = 16, say = date },
   source_id = { head = "SOURCE", least = 36, most = 36 },
}

--- The members that a table may show without --fields, in their order.
columns.DEFAULT = { "process_id", "status", "progress", "filename", "model", "creation_time", "credits" }

local Layout = {}
Layout.__index = Layout

local function said(column, status)
   local value = status[column.name]
   return text.safe(type(value) == "number" and column.say and column.say(value) or json.plain(value))
end

local function column_of(name)
   local known = COLUMNS[name] or {}
   local head = known.head or name:upper():gsub("_", " ")
   return {
      name = name, head = head, say = known.say, right = known.right, order = known.order or 99,
      least = math.max(known.least or 4, math.min(#head, 8)), most = math.max(known.most or 40, #head),
   }
end

-- The width that a column would like: its widest value, heading included, within its bounds.
local function wish(column, sample)
   local width = #column.head
   for _, status in ipairs(sample) do width = math.max(width, text.width(said(column, status))) end
   return math.min(width, column.most)
end

local function total(list, member)
   local sum = GAP * math.max(#list - 1, 0)
   for _, column in ipairs(list) do sum = sum + column[member] end
   return sum
end

-- Of the usual columns as many as there is room for, the first ones first.
local function fitting(list, width)
   while #list > 1 and total(list, "narrow") > width do
      local last = 1
      for i, column in ipairs(list) do
         if column.order > list[last].order then last = i end
      end
      table.remove(list, last)
   end
end

-- Takes from the widest column, one cell at a time, until all fit; below the least widths where
-- nothing else helps.
local function shrink(list, width)
   while total(list, "width") > width do
      local widest
      for _, column in ipairs(list) do
         if column.width > column.narrow and (not widest or column.width > widest.width) then widest = column end
      end
      for _, column in ipairs(widest and {} or list) do
         if column.width > 1 and (not widest or column.width > widest.width) then widest = column end
      end
      if not widest then return end
      widest.width = widest.width - 1
   end
end

--- Columns for these statuses.
-- @tparam table|nil fields names that were asked for; nil: the usual ones, as many as there is room
-- for
-- @tparam table sample the first statuses
-- @tparam integer width cells of the terminal
-- @tparam boolean ascii
-- @tparam boolean more_to_come
-- @return the layout: head(), row(status, paint)
function columns.layout(fields, sample, width, ascii, more_to_come)
   local list = {}
   for i, name in ipairs(fields or columns.DEFAULT) do
      list[i] = column_of(name)
      list[i].width = wish(list[i], sample)
      list[i].narrow = math.min(list[i].least, list[i].width)
   end
   if not fields then fitting(list, width) end
   shrink(list, width)
   -- A sample that was cut off says that more is to come, perhaps longer: what room is left is
   -- theirs.
   for _, column in ipairs(more_to_come and list or {}) do
      column.width = column.width + math.max(0, math.min(column.most - column.width, width - total(list, "width")))
   end
   return setmetatable({ list = list, ellipsis = ascii and "~" or "…" }, Layout)
end

local function joined(parts) return (table.concat(parts, (" "):rep(GAP)):gsub(" +$", "")) end

--- The line of headings.
function Layout:head()
   local parts = {}
   for i, column in ipairs(self.list) do parts[i] = text.pad(column.head, column.width, self.ellipsis, column.right) end
   return joined(parts)
end

--- The line of a status.
-- @tparam table status
-- @tparam function paint (word, text)
-- @treturn string
function Layout:row(status, paint)
   local parts, last = {}, #self.list
   for i, column in ipairs(self.list) do
      local cell = text.pad(said(column, status), column.width, self.ellipsis, column.right)
      if i == last then cell = cell:gsub(" +$", "") end
      parts[i] = column.name == "status" and paint(status.status, cell) or cell
   end
   return text.anchored(table.concat(parts, (" "):rep(GAP)))
end

return columns
