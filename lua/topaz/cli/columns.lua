--- The table for people: which columns there are, as many as the terminal is wide.
local dates = require "topaz.cli.dates"
local json = require "topaz.cli.json"
local text = require "topaz.terminal.text"

local columns = {}

local GAP = 2

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
   creation_time = { head = "CREATED", least = 16, most = 16, order = 6 },
   credits = { head = "CREDITS", least = 7, most = 7, order = 7, right = true },
   modification_time = { head = "MODIFIED", least = 16, most = 16 },
   eta = { head = "ETA", least = 16, most = 16 },
   source_id = { head = "SOURCE", least = 36, most = 36 },
}

--- The members that are shown without --fields, in their order; of a table those that fit.
columns.DEFAULT = { "process_id", "status", "progress", "filename", "model", "credits", "creation_time" }

local Layout = {}
Layout.__index = Layout

local function said(column, status, o)
   local value = status[column.name]
   local words = dates.MEMBERS[column.name] and dates.shown(value, "minutes", o)
      or type(value) == "number" and column.say and column.say(value)
   return text.safe(words or json.plain(value), o.ascii)
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
local function wish(column, sample, o)
   local width = #column.head
   for _, status in ipairs(sample) do width = math.max(width, text.width(said(column, status, o))) end
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
-- @tparam table o `width`: cells there are; `terminal`: whether the rows go to one; `ascii`;
-- `paint`: function (word, text); `epoch` and `utc`: how times are said
-- @tparam boolean more_to_come
-- @return the layout: head(), row(status)
function columns.layout(fields, sample, o, more_to_come)
   local list, width = {}, o.width
   for i, name in ipairs(fields or columns.DEFAULT) do
      list[i] = column_of(name)
      list[i].width = wish(list[i], sample, o)
      list[i].narrow = math.min(list[i].least, list[i].width)
   end
   if not fields then fitting(list, width) end
   shrink(list, width)
   -- A sample that was cut off says that more is to come, perhaps longer: what room is left is
   -- theirs.
   for _, column in ipairs(more_to_come and list or {}) do
      column.width = column.width + math.max(0, math.min(column.most - column.width, width - total(list, "width")))
   end
   return setmetatable({ list = list, o = o, ellipsis = o.ascii and "~" or "…" }, Layout)
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
-- @treturn string
function Layout:row(status)
   local parts, last, o = {}, #self.list, self.o
   for i, column in ipairs(self.list) do
      local cell = text.pad(said(column, status, o), column.width, self.ellipsis, column.right)
      if i == last then cell = cell:gsub(" +$", "") end
      parts[i] = column.name == "status" and o.paint(status.status, cell) or cell
   end
   local line = table.concat(parts, (" "):rep(GAP))
   return o.terminal and text.anchored(line) or line
end

return columns
