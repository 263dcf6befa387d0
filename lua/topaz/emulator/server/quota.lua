--- A quota of requests for each window of time, announced in every response. (LuaJIT, in nginx.)

local clock = require "topaz.emulator.server.clock"

local quota = {}

local left, ends = 0, nil

--- Forgets the window.
function quota.clear() ends = nil end

-- How the headers say it: what is left, and how many seconds the window lasts.
local FORMS = {
   ratelimit = function(set, q, seconds)
      set["RateLimit-Policy"] = ('"default";q=%d;w=%d'):format(q.limit, q.window)
      set["RateLimit"] = ('"default";r=%d;t=%d'):format(left, seconds)
   end,
   fields = function(set, q, seconds)
      set["RateLimit-Limit"], set["RateLimit-Remaining"], set["RateLimit-Reset"] = q.limit, left, seconds
   end,
   x = function(set, q, seconds)
      set["X-RateLimit-Limit"], set["X-RateLimit-Remaining"], set["X-RateLimit-Reset"] = q.limit, left, seconds
   end,
   x_unix = function(set, q)
      set["X-RateLimit-Limit"], set["X-RateLimit-Remaining"], set["X-RateLimit-Reset"] = q.limit, left, math.ceil(ends)
   end,
   none = function() end,
}

--- Counts a request, and sets the headers of its response. True: it is above the quota.
-- @param given { limit, window, form, wrong }
function quota.take(given)
   local now = clock.now()
   if not ends or now >= ends then left, ends = given.limit, now + given.window end
   local refused = left < 1 and not given.wrong
   if left > 0 then left = left - 1 end
   FORMS[given.form or "ratelimit"](ngx.header, given, math.ceil(ends - now))
   return refused
end

return quota
