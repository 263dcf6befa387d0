--- What `topaz-status watch` shows: lines as a function of what is known, the time and the size of
-- the screen.
local keys = require "topaz.cli.watch_keys"
local text = require "topaz.terminal.text"
local words = require "topaz.words"

local view = {}

-- How many rows the bars and the changes get of those that are free.
local function shares(free, bars_wanted, changes_wanted)
   local bars = math.min(bars_wanted, math.max(free - math.min(changes_wanted, free // 2), 0))
   return bars, math.max(free - bars, 0)
end

local function count_line(known, paint, width, ascii)
   local parts, seen, plain = {}, {}, 0
   local function add(word)
      local number = known.counts[word]
      seen[word] = true
      if not number or number == 0 then return end
      local part = ("%s %d"):format(text.safe(word, ascii), number)
      if #parts == 0 then part = text.fit(part, width, ascii and "~" or "…")
      elseif plain + #part > width then return end
      plain = plain + #part + 2
      parts[#parts + 1] = paint(word, part)
   end
   for _, word in ipairs(words.statuses) do add(word) end
   local others = {}
   for word in pairs(known.counts) do
      if not seen[word] then others[#others + 1] = word end
   end
   table.sort(others)
   for _, word in ipairs(others) do add(word) end
   if #parts > 0 then return table.concat(parts, "  ") end
   return text.fit(known.read and "no statuses" or "reading the list " .. (ascii and "..." or "…"), width,
      ascii and "~" or "…")
end

local function change_line(change, paint, width, ascii)
   local ellipsis, arrow = ascii and "~" or "…", ascii and "->" or "→"
   local what = text.safe(change.to, ascii)
   if change.from then what = ("%s %s %s"):format(text.safe(change.from, ascii), arrow, what) end
   local head = os.date("%H:%M:%S ", math.floor(change.time)) .. " "
   local room = width - #head
   local line = text.pad(what, math.min(24, room), ellipsis) .. "  " .. text.safe(change.name, ascii)
   if room >= 24 + 2 + 20 + 2 + 36 then line = text.pad(line, room - 38, ellipsis) .. "  " .. text.safe(change.id) end
   return head .. paint(change.to, text.fit(line, room, ellipsis))
end

-- 4985 as "4,985".
local function grouped(number)
   local s = tostring(number)
   return (s:reverse():gsub("(%d%d%d)", "%1,"):reverse():gsub("^,", ""))
end

local function add(lines, more) table.move(more, 1, #more, #lines + 1, lines) end

-- The bars in so many rows, and a line that counts those that have none.
local function job_lines(known, now, width, rows, o)
   local ui, list, count = known.keys, nil, nil
   local function some(most)
      ui.page = math.max(most, 1)
      list, count = known.bars:lines(width, now, {
         rows = most, first = ui.top + 1, sort = ui.sort, filter = ui.filter ~= "" and ui.filter or nil,
         total = false, ascii = o.ascii, paint = o.paint,
      })
   end
   some(rows)
   if ui.top == 0 and count <= rows then return list, count end
   some(rows - 1)
   if ui.top > count - (rows - 1) then
      ui.top = math.max(count - (rows - 1), 0)
      some(rows - 1)
   end
   local below, ellipsis = count - ui.top - #list, o.ascii and "..." or "…"
   local more = ("%s %s more"):format(ellipsis, grouped(below))
   if ui.top > 0 then more = ("%s %s above, %s below"):format(ellipsis, grouped(ui.top), grouped(below)) end
   list[#list + 1] = o.paint("dim", text.fit(more, width, o.ascii and "~" or "…"))
   return list, count
end

-- The last line: what is wrong, what is typed, or which keys there are.
local function foot(known, width, o)
   local ui, ellipsis = known.keys, o.ascii and "~" or "…"
   local note = known.note or known.notice
   if ui.typing then
      return text.fit("/" .. text.safe(ui.filter, o.ascii) .. "_", width, ellipsis)
   elseif note then
      return o.paint("Failed", text.fit(text.safe(note, o.ascii), width, ellipsis))
   end
   local parts = { "? help" }
   if width >= 60 then table.insert(parts, 1, "s sort: " .. ui.sort) end
   if ui.filter then table.insert(parts, 1, "/" .. text.safe(ui.filter, o.ascii))
   elseif width >= 60 then table.insert(parts, 2, "/ filter") end
   parts[#parts + 1] = "q quits"
   return o.paint("dim", text.fit(table.concat(parts, "   "), width, ellipsis))
end

-- What stands between the counts and the foot, in at most `free` rows.
local function body(known, now, width, free, o)
   local lines, ui = {}, known.keys
   if ui.help then
      for i = 1, math.min(#keys.HELP, free - 1) do
         lines[i + 1] = text.fit(keys.HELP[i], width, o.ascii and "~" or "…")
      end
      lines[1] = ""
      return lines
   end
   local all = known.bars:summary(now)
   if all.total > 0 then
      lines[1] = known.bars:total_line(width, now, o)
      free = free - 1
   end
   local running, is_moved = all.total - all.done, ui.top > 0 or ui.filter ~= nil
   local wanted = running > 0 and (is_moved and free - 1 or running + 1) or 0
   local rows, others = shares(free - 1, wanted, is_moved and 0 or #known.changes + 2)
   if rows > 1 then
      local some, count = job_lines(known, now, width, rows - 1, o)
      lines[#lines + 1] = ""
      if count == 0 then some = { o.paint("dim", text.fit("no running job has this text", width)) } end
      add(lines, some)
   end
   if others > 2 and #known.changes > 0 then
      add(lines, { "", o.paint("head", "Latest changes") })
      for i = #known.changes, math.max(1, #known.changes - (others - 2) + 1), -1 do
         lines[#lines + 1] = change_line(known.changes[i], o.paint, width, o.ascii)
      end
   end
   return lines
end

--- The lines of the screen.
-- @tparam table known `title`; `counts` by word; `read`: whether the list has been read; `bars` of
-- topaz.progress; `changes`, the oldest first: { time, id, name, from, to }; `note` and `notice`,
-- or nil: what is wrong just now; `keys` of topaz.cli.watch_keys
-- @tparam number now Unix seconds
-- @tparam integer width cells
-- @tparam integer height rows
-- @tparam table o `paint` function (word, text); `ascii`
-- @treturn table at most `height` strings, none wider than `width`
function view.lines(known, now, width, height, o)
   local paint, ellipsis = o.paint, o.ascii and "~" or "…"
   local clock = width > 20 and "  " .. os.date("%H:%M:%S", math.floor(now)) or ""
   local lines = {
      paint("head", text.pad(known.title, math.max(width - 10, 1), ellipsis)) .. clock,
      count_line(known, paint, width, o.ascii),
   }
   if height < 6 then return { table.unpack(lines, 1, math.max(height, 1)) } end
   add(lines, body(known, now, width, height - 3, o))
   while #lines < height - 1 do lines[#lines + 1] = "" end
   lines[#lines + 1] = foot(known, width, o)
   return lines
end

return view
