--- What `topaz-status watch` shows: lines as a function of what is known, the time and the size of
-- the screen.
local text = require "topaz.terminal.text"
local words = require "topaz.words"

local view = {}

-- How many rows the bars and the changes get of those that are free.
local function shares(free, bars_wanted, changes_wanted)
   local bars = math.min(bars_wanted, math.max(free - math.min(changes_wanted, free // 2), 0))
   return bars, math.max(free - bars, 0)
end

local function count_line(known, paint, width)
   local parts, seen, plain = {}, {}, 0
   local function add(word)
      local number = known.counts[word]
      seen[word] = true
      if not number or number == 0 then return end
      local part = ("%s %d"):format(text.safe(word), number)
      if plain + #part + 2 > width then return end
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
   return #parts > 0 and table.concat(parts, "  ") or known.read and "no statuses" or "reading the list …"
end

local function change_line(change, paint, width, ascii)
   local ellipsis, arrow = ascii and "~" or "…", ascii and "->" or "→"
   local what = text.safe(change.to)
   if change.from then what = ("%s %s %s"):format(text.safe(change.from), arrow, what) end
   local head = os.date("%H:%M:%S ", math.floor(change.time)) .. " "
   local room = width - #head
   local line = text.pad(what, math.min(24, room), ellipsis) .. "  " .. text.safe(change.name)
   if room >= 24 + 2 + 20 + 2 + 36 then line = text.pad(line, room - 38, ellipsis) .. "  " .. text.safe(change.id) end
   return head .. paint(change.to, text.fit(line, room, ellipsis))
end

--- The lines of the screen.
-- @tparam table known `title`; `counts` by word; `read`: whether the list has been read; `bars` of
-- topaz.progress; `changes`, the oldest first: { time, id, name, from, to }; `note` or nil: what is
-- wrong just now
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
      count_line(known, paint, width),
   }
   if height < 6 then return { table.unpack(lines, 1, math.max(height, 1)) } end
   local all = known.bars:summary(now)
   local free = height - #lines - 1
   if all.total > 0 then
      lines[#lines + 1] = known.bars:total_line(width, now, o)
      free = free - 1
   end
   local running = all.total - all.done
   local rows, others = shares(free - 1, running > 0 and running + 1 or 0, #known.changes + 2)
   if rows > 1 then
      lines[#lines + 1] = ""
      local some = known.bars:lines(width, now, { rows = rows - 1, total = false, ascii = o.ascii, paint = paint })
      table.move(some, 1, #some, #lines + 1, lines)
   end
   if others > 2 and #known.changes > 0 then
      lines[#lines + 1] = ""
      lines[#lines + 1] = paint("head", "Latest changes")
      for i = #known.changes, math.max(1, #known.changes - (others - 2) + 1), -1 do
         lines[#lines + 1] = change_line(known.changes[i], paint, width, o.ascii)
      end
   end
   while #lines < height - 1 do lines[#lines + 1] = "" end
   local note = known.note or known.shell and known.shell.log.text
   local foot = note and text.safe(note) or "q quits"
   lines[#lines + 1] = paint(known.note and "Failed" or "dim", text.fit(foot, width, ellipsis))
   return lines
end

return view
