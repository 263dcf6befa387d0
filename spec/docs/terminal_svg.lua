-- A terminal's screen as SVG: text with escape sequences for colours, as tmux captures it, drawn
-- cell by cell. The same bytes for the same screen; legible on light and on dark pages.
local text_of = require "topaz.terminal.text"
local width = require "topaz.terminal.width"

local svg = {}

local CELL, ROW, SIZE = 8.4, 19, 14  -- pixels: width of a cell, height of a row, size of the font
local LEFT, TOP, BOTTOM = 16, 44, 14 -- pixels around the screen; above it stands a title
local BASE = 14                      -- pixels from the top of a row to the base line

-- The 16 colours of a terminal, by the numbers of their sequences: on a light page, on a dark one.
local COLOURS = {
   [30] = { "#24292f", "#484f58" }, [31] = { "#cf222e", "#ff7b72" }, [32] = { "#116329", "#3fb950" },
   [33] = { "#7d4e00", "#d29922" }, [34] = { "#0969da", "#58a6ff" }, [35] = { "#8250df", "#bc8cff" },
   [36] = { "#1b7c83", "#39c5cf" }, [37] = { "#6e7781", "#b1bac4" },
   [90] = { "#57606a", "#6e7681" }, [91] = { "#a40e26", "#ffa198" }, [92] = { "#1a7f37", "#56d364" },
   [93] = { "#633c01", "#e3b341" }, [94] = { "#218bff", "#79c0ff" }, [95] = { "#a475f9", "#d2a8ff" },
   [96] = { "#3192aa", "#56d4dd" }, [97] = { "#8c959f", "#ffffff" },
}
local PLAIN = { "#1f2328", "#e6edf3" }
local BACK, BAR, EDGE = { "#ffffff", "#0d1117" }, { "#f6f8fa", "#161b22" }, { "#d0d7de", "#30363d" }

local FONTS = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'

-- ---- reading ------------------------------------------------------------------------------------

local function set(style, number)
   if number == 0 then return {} end
   if number == 1 then style.bold = true
   elseif number == 2 then style.dim = true
   elseif number == 4 then style.underline = true
   elseif number == 7 then style.reverse = true
   elseif number == 22 then style.bold, style.dim = nil, nil
   elseif number == 24 then style.underline = nil
   elseif number == 27 then style.reverse = nil
   elseif number == 39 then style.colour = nil
   elseif COLOURS[number] then style.colour = number
   elseif number == 49 then style.back = nil
   elseif COLOURS[number - 10] then style.back = number - 10
   else error("terminal_svg: a sequence for colours that it does not know: " .. number, 0) end
   return style
end

local function changed(style, parameters)
   local copy = {}
   for name, value in pairs(style) do copy[name] = value end
   local base, index = parameters:match "^([34])8;5;(%d+)$"
   if index and tonumber(index) < 16 then
      parameters = tostring((tonumber(index) < 8 and 0 or 52) + 10 * base + index):gsub("%.0$", "")
   end
   if parameters == "" then return {} end
   for number in parameters:gmatch "%d+" do copy = set(copy, tonumber(number)) end
   return copy
end

-- The characters of a line, each as { text, column, width, style }; the style for the next line.
local function cells(line, style)
   local list, column, i = {}, 0, 1
   while i <= #line do
      local parameters, behind = line:match("^\27%[([%d;]*)m()", i)
      if parameters then
         style, i = changed(style, parameters), behind
      else
         local character = width.character(line, i)
         assert(character and character >= " ", "terminal_svg: neither text nor a sequence for colours")
         local wide = text_of.width(character)
         if wide == 0 and #list > 0 then list[#list].text = list[#list].text .. character
         else list[#list + 1] = { text = character, column = column, width = wide, style = style } end
         column, i = column + wide, i + #character
      end
   end
   return list, style
end

-- ---- drawing ------------------------------------------------------------------------------------

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }
local function escape(text) return (text:gsub("[&<>]", ENTITIES)) end

local function number(x) return (("%.2f"):format(x):gsub("%.?0+$", "")) end

-- The share of its cell that a block has: from the left, from the top, width, height.
local BLOCKS = { ["█"] = { 0, 0, 1, 1 }, ["▕"] = { 7 / 8, 0, 1 / 8, 1 }, ["▀"] = { 0, 0, 1, 0.5 },
   ["▄"] = { 0, 0.5, 1, 0.5 } }
for eighths, character in ipairs { "▏", "▎", "▍", "▌", "▋", "▊", "▉" } do
   BLOCKS[character] = { 0, 0, eighths / 8, 1 }
end

local function classes(style, kind)
   local colour = style.colour
   if style.reverse then colour = "back" end
   local list = {}
   if colour then list[#list + 1] = (colour == "back" and "" or "c") .. colour end
   if style.bold and kind == "text" then list[#list + 1] = "bold" end
   if style.dim then list[#list + 1] = "dim" end
   if style.underline and kind == "text" then list[#list + 1] = "line" end
   return #list > 0 and (' class="%s"'):format(table.concat(list, " ")) or ""
end

local function rectangle(out, class, x, y, wide, high)
   out[#out + 1] = ('<rect%s x="%s" y="%s" width="%s" height="%s"/>'):format(class, number(x), number(y), number(wide),
      number(high))
end

local function same(a, b)
   for name, value in pairs(a) do if b[name] ~= value then return false end end
   for name, value in pairs(b) do if a[name] ~= value then return false end end
   return true
end

-- Draws what stands behind the characters from `first` to `last`, all of one style.
local function draw_back(out, first, last, y)
   local style = first.style
   local colour = style.reverse and (style.colour or "plain") or style.back
   if not colour then return end
   rectangle(out, (' class="%s%s"'):format(colour == "plain" and "" or "c", colour), LEFT + first.column * CELL, y,
      (last.column + last.width - first.column) * CELL, ROW)
end

-- Draws a word: characters of one style that no block and no two spaces divide.
local function draw_word(out, list, from, to, y)
   while to >= from and list[to].text == " " do to = to - 1 end
   while from <= to and list[from].text == " " do from = from + 1 end
   if from > to then return end
   local parts = {}
   for i = from, to do parts[#parts + 1] = list[i].text end
   local first, last = list[from], list[to]
   out[#out + 1] = ('<text%s x="%s" y="%s" textLength="%s" lengthAdjust="spacingAndGlyphs">%s</text>'):format(
      classes(first.style, "text"), number(LEFT + first.column * CELL), number(y + BASE),
      number((last.column + last.width - first.column) * CELL), escape(table.concat(parts)))
end

-- Draws blocks that stand side by side as one rectangle.
local function draw_blocks(out, list, from, to, y)
   local first, block = list[from], BLOCKS[list[from].text]
   local right = list[to].column - first.column + BLOCKS[list[to].text][3]
   rectangle(out, classes(first.style, "block"), LEFT + (first.column + block[1]) * CELL, y + 2 + block[2] * (ROW - 4),
      right * CELL, block[4] * (ROW - 4))
end

-- Whether the character at `i` is drawn together with the one before it.
local function goes_on(list, i)
   local cell, before = list[i], list[i - 1]
   if not cell or not same(cell.style, before.style) then return false end
   local block = BLOCKS[cell.text]
   if before.text == "█" then return block ~= nil and block[1] == 0 and block[4] == 1 end
   if block or BLOCKS[before.text] then return false end
   return cell.text ~= " " or list[i + 1] ~= nil and list[i + 1].text ~= " "
end

local function draw_row(out, list, y)
   local i = 1
   while i <= #list do
      local from = i
      repeat i = i + 1 until not goes_on(list, i)
      draw_back(out, list[from], list[i - 1], y)
      local draw = BLOCKS[list[from].text] and draw_blocks or draw_word
      draw(out, list, from, i - 1, y)
   end
end

local function rules(place)
   local out = { ("text, .plain { fill: %s; }"):format(PLAIN[place]) }
   local function rule(selector, property, pair)
      out[#out + 1] = ("%s { %s: %s; }"):format(selector, property, pair[place])
   end
   rule("rect", "fill", PLAIN)
   local numbers = {}
   for code in pairs(COLOURS) do numbers[#numbers + 1] = code end
   table.sort(numbers)
   for _, code in ipairs(numbers) do rule(".c" .. code, "fill", COLOURS[code]) end
   rule(".back", "fill", BACK)
   rule(".bar", "fill", BAR)
   rule(".edge", "stroke", EDGE)
   return table.concat(out, "\n  ")
end

local FRAME = [[
<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">
<title>%s</title>
<style>
  text { font: %dpx %s; white-space: pre; } .bold { font-weight: 700; } .dim { opacity: 0.6; }
  .line { text-decoration: underline; } .title { text-anchor: middle; opacity: 0.75; } .edge { fill: none; }
  rect { shape-rendering: crispEdges; } .back, .edge { shape-rendering: auto; }
  %s
  @media (prefers-color-scheme: dark) {
  %s
  }
</style>
<rect class="back" width="%d" height="%d" rx="8"/>
<path class="bar" d="M0 30 V8 a8 8 0 0 1 8 -8 H%d a8 8 0 0 1 8 8 V30 z"/>
<text class="title" x="%s" y="20">%s</text>
]]

--- The SVG of a screen.
-- @tparam string screen lines, as `tmux capture-pane -e -p` gives them
-- @tparam table o `columns` of the terminal; `title` above it; `name` for readers who do not see it
-- @treturn string
function svg.render(screen, o)
   local rows, out, style = {}, {}, {}
   for line in (screen:gsub("^\n+", ""):gsub("%s+$", "") .. "\n"):gmatch "([^\n]*)\n" do
      rows[#rows + 1], style = cells(line, style)
   end
   for i, row in ipairs(rows) do draw_row(out, row, TOP + (i - 1) * ROW) end
   local wide, high = math.ceil(2 * LEFT + o.columns * CELL), TOP + #rows * ROW + BOTTOM
   local frame = FRAME:format(wide, high, wide, high, escape(o.name), SIZE, FONTS, rules(1), rules(2), wide, high,
      wide - 8, number(wide / 2), escape(o.title))
   return frame .. table.concat(out, "\n")
      .. ('\n<rect class="edge" x="0.5" y="0.5" width="%d" height="%d" rx="8"/>\n</svg>\n'):format(wide - 1, high - 1)
end

return svg
