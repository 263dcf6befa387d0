-- A bar chart as SVG: horizontal bars, the value written behind each,
-- least and largest as a thin line. Legible on light and on dark pages.
local report = require "spec.bench.report"

local chart = {}

local WIDTH, VALUE = 820, 160 -- pixels: the whole, room behind the longest bar
local LETTER = 7.4 -- pixels a letter of a name needs
local TOP, ROW, BAR = 64, 30, 18
-- A bar more than so many times the shortest is cut, with a mark: it would squeeze all others.
local CUT = 24

local STYLE = [[
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
  .title { font-size: 16px; font-weight: 600; }
  .unit, .spread { fill: #59636e; }
  .ours { fill: #0969da; } .floor { fill: #8c959f; } .peer { fill: #d4a72c; }
  .whisker { stroke: #1f2328; stroke-width: 1; } .cut { stroke: #ffffff; stroke-width: 3; }
  .back { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; } .unit, .spread { fill: #9198a1; }
    .ours { fill: #4493f8; } .floor { fill: #6e7681; } .peer { fill: #bb8009; }
    .whisker { stroke: #e6edf3; } .cut { stroke: #0d1117; } .back { fill: #0d1117; }
  }]]

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

local function number(x) return (("%.1f"):format(x):gsub("%.0$", "")) end

local function limit_of(bars, most)
   local least, limit = math.huge, 0
   for _, bar in ipairs(bars) do least = math.min(least, bar.value) end
   for _, bar in ipairs(bars) do
      if bar.value <= least * most then limit = math.max(limit, bar.high or bar.value) end
   end
   return limit
end

local function draw_bar(out, bar, y, names, scale, limit)
   local cut = bar.value > limit
   local width = math.max(1, math.min(bar.value, limit * 1.08) * scale)
   local middle, right = y + BAR / 2, names + width
   out[#out + 1] = ('<text x="%d" y="%s" text-anchor="end">%s</text>'):format(names - 10, number(middle + 4.5),
      escape(bar.label))
   out[#out + 1] = ('<rect class="%s" x="%d" y="%d" width="%s" height="%d" rx="2"/>'):format(bar.kind, names, y,
      number(width), BAR)
   if cut then
      out[#out + 1] = ('<path class="cut" d="M%s %d l-8 %d"/>'):format(number(right - 14), y - 2, BAR + 4)
   elseif bar.low and bar.high > bar.low then
      out[#out + 1] = ('<path class="whisker" d="M%s %s H%s M%s %s v6 M%s %s v6"/>'):format(
         number(names + bar.low * scale), number(middle), number(names + bar.high * scale),
         number(names + bar.low * scale), number(middle - 3), number(names + bar.high * scale), number(middle - 3))
      right = names + math.max(width, bar.high * scale)
   end
   out[#out + 1] = ('<text x="%s" y="%s">%s<tspan class="spread" dx="8">%s</tspan></text>'):format(number(right + 8),
      number(middle + 4.5), report.number(bar.value), escape(bar.note or ""))
end

--- `spec` is { title, unit, bars = { { label, value, low, high, kind = "ours" | "floor" | "peer",
-- note }, … } }; the bars are drawn from the shortest to the longest. `spec.whole`: none is cut.
function chart.svg(spec)
   local bars = table.move(spec.bars, 1, #spec.bars, 1, {})
   table.sort(bars, function(a, b) return a.value < b.value end)
   local names = 0
   for _, bar in ipairs(bars) do names = math.max(names, utf8.len(bar.label)) end
   names = math.ceil(names * LETTER) + 26
   local limit = limit_of(bars, spec.whole and math.huge or CUT)
   local scale = (WIDTH - names - VALUE) / limit / 1.08
   local height = TOP + #bars * ROW + 10
   local out = {
      ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img">'):format(WIDTH,
         height, WIDTH, height),
      "<title>" .. escape(spec.title) .. "</title>", "<style>\n" .. STYLE .. "\n</style>",
      ('<rect class="back" width="%d" height="%d"/>'):format(WIDTH, height),
      ('<text class="title" x="16" y="26">%s</text>'):format(escape(spec.title)),
      ('<text class="unit" x="16" y="46">%s%s</text>'):format(escape(spec.unit),
         bars[#bars].value > limit and "; bars with a slash are longer than shown" or ""),
   }
   for i, bar in ipairs(bars) do draw_bar(out, bar, TOP + (i - 1) * ROW, names, scale, limit) end
   out[#out + 1] = "</svg>\n"
   return table.concat(out, "\n")
end

return chart
