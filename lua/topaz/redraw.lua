--- Keeps the bars of a watcher's jobs on a terminal up to date.
local core = require "topaz.core"

local redraw = {}

local LOOK_EVERY = 1 -- seconds between looks at all jobs, whether there are changes or not

--- Returns the function that gives the bars of that place, as the terminal's draw() calls it.
-- @param bars of topaz.progress
-- @param terminal of topaz.terminal
-- @tparam integer rows jobs with a bar at most
-- @tparam integer spare rows of the terminal that are left to other lines
-- @tparam[opt] function paint as of bars:lines
function redraw.renderer(bars, terminal, rows, spare, paint)
   return function(width, height)
      return bars:lines(width, nil, {
         rows = math.max(1, math.min(rows, height - spare)), ascii = terminal.ascii, paint = paint,
      })
   end
end

--- Starts the task that draws them. Returns the task; the caller closes it.
function redraw.spawn(client, watcher, bars, terminal, render)
   return client:spawn(function()
      local last = -math.huge
      repeat
         if core.now() - last >= LOOK_EVERY then
            last = core.now()
            bars:set_skew(client:stats().clock_skew)
            bars:look(watcher)
         end
         terminal:draw(render)
      until not client:sleep(terminal.INTERVAL)
   end)
end

return redraw
