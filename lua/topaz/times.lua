--- Times by the server's clock. Members of a status may be of any type: only numbers count.
local core = require "topaz.core"
local limits = require "topaz.limits"

local times = {}

--- Seconds behind the end of the time that a last poll or round may take.
times.LAST_LOOK = 1

--- Unix seconds by the server's clock, as far as its responses have told the difference.
-- @param client open or not
-- @treturn number
function times.server_time(client)
   local skew = core.is_open(client) and client:stats().clock_skew
   return core.wall() + (skew or 0)
end

--- Seconds until a job's own estimate.
-- @param eta of its status: Unix seconds, or whatever has come
-- @tparam number now Unix seconds by the server's clock
-- @treturn number|nil nil: it has no estimate that makes sense
-- @treturn number|nil seconds until the first result is another one by time alone; nil: never
function times.seconds_to_eta(eta, now)
   local left = type(eta) == "number" and eta - now
   if not left or left <= 0 then return nil end
   if left >= limits.STATUS_LIFE then return nil, left - limits.STATUS_LIFE end
   return left, left
end

return times
