--- Waiting for one job.
local core = require "topaz.core"
local words = require "topaz.words"

local methods = core.client_methods()

local FASTEST, SLOWEST, GROWTH = 1, 15, 1.5 -- seconds, seconds, factor per poll
local LEAST = 0.1                           -- seconds; jitter never polls sooner
local ETA_ABSURD = 7 * 86400                -- seconds; statuses live for seven days

local OPTIONS = {
   { "timeout", "number", 900, 0, 7 * 86400 },
   { "on_progress", "function" },
}

local function changed(status, previous)
   return not previous or status.status ~= previous.status or status.progress ~= previous.progress
end

-- Seconds until the job's own estimate, by the server's clock; nil when there is none that makes sense.
local function seconds_to_eta(client, status)
   local eta = status.eta
   if type(eta) ~= "number" then return nil end
   local left = eta - (core.wall() + (client:stats().clock_skew or 0))
   return left > 0 and left < ETA_ABSURD and left or nil
end

-- The next delay: full jitter over the interval; an estimate stretches or shrinks it within the bounds.
local function delay_after(client, status, interval, err)
   local left = status and seconds_to_eta(client, status)
   local delay
   if left and not err then
      delay = math.min(math.max(left, FASTEST), SLOWEST) * (0.5 + 0.5 * math.random())
   else
      delay = interval * math.random()
   end
   return math.max(delay, LEAST, err and err.retry_after or 0)
end

local function timed_out(process_id, options, status, err)
   local text = status
      and ("still %s at %s%% after %g s; the job goes on"):format(status.status, tostring(status.progress or "?"), options.timeout)
      or ("no status within %g s"):format(options.timeout)
   if err then text = text .. "; the last poll failed: " .. tostring(err) end
   return core.error {
      kind = "timeout", operation = "wait_until_done", process_id = process_id, message = text, status = status,
      http_status = err and err.http_status,
   }
end

--- Waits until a job has ended.
--
-- The first poll is never deferred. Then it polls after up to 1 s, growing by 1.5 to 15 s, with full jitter, and fast again after a
-- change; the job's `eta`, corrected for clock skew, stretches or shrinks the next delay within these bounds. A poll that fails for
-- network, time, 429 or 5xx does not end the wait.
-- @tparam string process_id a UUID
-- @tparam[opt] table options `timeout` seconds (900); `on_progress` function (status, previous), called on changes only
-- @treturn table|nil the last status: Completed, Failed and Cancelled are results, not errors
-- @treturn table|nil the error object; `err.status` is the last status seen
function methods.wait_until_done(client, process_id, options)
   local o = core.options(options, OPTIONS)
   if not core.is_process_id(process_id) then
      error("bad argument 'process_id': expected a UUID, got " .. tostring(process_id), 2)
   end
   local now = core.now
   local deadline = now() + o.timeout
   local interval, previous = FASTEST, nil
   while true do
      local left = deadline - now()
      local status, err = client:get_status(process_id, { timeout = math.max(1, math.min(left, 86400)) })
      if status then
         if changed(status, previous) then
            interval = FASTEST
            if o.on_progress then o.on_progress(status, previous) end
         end
         previous = status
         if words.is_finished[status.status] then return status end
      elseif not words.is_passing[err.kind] then
         err.status = previous
         return nil, err
      end
      local delay = delay_after(client, status, interval, err)
      left = deadline - now()
      if left <= 0 or delay >= left and err and err.retry_after then return nil, timed_out(process_id, o, previous, err) end
      local slept, stop = client:sleep(math.min(delay, left))
      if not slept then
         stop.status, stop.process_id, stop.operation = previous, process_id, "wait_until_done"
         return nil, stop
      end
      interval = math.min(interval * GROWTH, SLOWEST)
   end
end
