-- Loaded before topaz-status when its pictures are made: `lua -l spec.docs.lockstep …`. The clocks
-- of the program stand still. When nothing is under way they go on by STEP, and the emulator's by
-- the same. At $LOCKSTEP_UNTIL seconds they stop, and the title of the terminal says so: whatever
-- was drawn before is on the screen then. So the same screens come at every run, on any machine.
require("topaz.core").random = function() return 0 end -- before topaz.watch is loaded
local core = require "topaz.core"
local control = require "topaz.emulator.control"

local STEP = 0.25          -- seconds
local QUIET = 3            -- steps without a request under way, after which time goes on
local BRIEF, LONG = 0.002, 0.05 -- seconds that a step waits, without and with a request
local START = 1760000000   -- Unix seconds at which the emulator's clock begins
local PORT, UNTIL = os.getenv "LOCKSTEP_PORT", tonumber(os.getenv "LOCKSTEP_UNTIL")

local time, quiet, over = 0, 0, false

function core.now() return 1000 + time end
function core.wall() return START + time end

require "topaz"
local methods = core.client_methods()
local step, stats = methods.step, methods.stats

-- Lets the time go on, or ends it.
local function advance()
   quiet = 0
   if time < UNTIL then
      time = time + STEP
      control.call(PORT, "advance", { seconds = STEP })
   elseif not over then
      over = true
      io.stdout:write "\27]2;over\7"
      io.stdout:flush()
   end
end

function methods.step(client, timeout, budget)
   local busy = stats(client).pending > 0
   local pending, tasks, more = step(client, math.min(timeout or 0, busy and LONG or BRIEF), budget)
   quiet = pending == 0 and quiet + 1 or 0
   if quiet == QUIET then advance() end
   return pending, tasks, more
end

-- The emulator's clock has nothing to do with this machine's.
function methods.stats(client)
   local counters = stats(client)
   counters.clock_skew = counters.clock_skew and 0
   return counters
end
