--- Waiting for one job.
local core = require "topaz.core"
local limits = require "topaz.limits"
local misuse = require "topaz.misuse"
local parking = require "topaz.parking"
local times = require "topaz.times"
local waiter = require "topaz.waiter"
local words = require "topaz.words"

local methods = core.client_methods()

local FASTEST, SLOWEST, GROWTH = 1, 15, 1.5 -- seconds, seconds, factor per poll
local LEAST = 0.1                           -- seconds; jitter never polls sooner
local LAST_LOOK = times.LAST_LOOK

local OPTIONS = {
   { "timeout", "number", 900, 0, limits.STATUS_LIFE },
   { "on_progress", "function" },
   { "headers", "headers" },
}

-- The next delay: full jitter over the interval; an estimate stretches or shrinks it within the
-- bounds.
local function delay_after(client, status, interval, err)
   local left = status and times.seconds_to_eta(status.eta, times.server_time(client))
   local delay
   if left and not err then
      delay = math.min(math.max(left, FASTEST), SLOWEST) * (0.5 + 0.5 * core.random(client))
   else
      delay = interval * core.random(client)
   end
   return math.max(delay, LEAST, err and err.retry_after or 0)
end

local function timed_out(process_id, options, status, err)
   local progress = status and type(status.progress) == "number" and ("%g"):format(status.progress) or "?"
   local text = status
      and ("still %s at %s%% after %g s; the job keeps running"):format(status.status, progress, options.timeout)
      or ("no status was read within %g s"):format(options.timeout)
   if err then text = text .. "; the last poll failed: " .. tostring(err) end
   return core.error {
      kind = "timeout", operation = "wait_until_done", process_id = process_id, message = text, status = status,
      http_status = err and err.http_status,
   }
end

-- Where the client shares a farm, a watcher of one job waits.
local function wait_shared(client, process_id, options)
   local status, err, seen = require "topaz.watch".wait_one(client, process_id, options)
   if status then return status end
   if err.kind == "timeout" then return nil, timed_out(process_id, options, seen) end
   err.process_id, err.status = process_id, seen
   return nil, err
end

--- Waits until a job is finished. The first poll is never deferred.
function methods.wait_until_done(client, process_id, options)
   misuse.check_client(client)
   local o = misuse.options(options, OPTIONS)
   if not core.is_process_id(process_id) then
      misuse.argument("process_id", "expected a UUID, got %s", misuse.shown(process_id))
   end
   if parking.state(client).share then return wait_shared(client, process_id, o) end
   local now, deadline = core.now, core.now() + o.timeout
   local interval, took, previous, err = FASTEST, 0, nil, nil

   local function stopped(kind)
      return waiter.ended(client, kind, "wait_until_done", { process_id = process_id, status = previous })
   end

   while true do
      if not core.is_open(client) then return nil, stopped "closed" end
      local began = now()
      if began >= deadline and took > LAST_LOOK then return nil, timed_out(process_id, o, previous, err) end
      local status
      local most = math.max(LAST_LOOK, math.min(deadline - began, limits.CALL_TIMEOUT))
      status, err = client:get_status(process_id, { timeout = most, headers = o.headers })
      took = now() - began
      if status then
         if words.changed(status, previous) then
            interval = FASTEST
            if o.on_progress then o.on_progress(status, previous) end
         end
         previous = status
         if words.is_finished[status.status] then return status end
      elseif not words.is_passing[err.kind] then
         err.status = previous
         return nil, err
      end
      if not core.is_open(client) then return nil, stopped "closed" end
      local delay = delay_after(client, status, interval, err)
      local left = deadline - now()
      if left <= 0 or delay >= left and err and err.retry_after then
         return nil, timed_out(process_id, o, previous, err)
      end
      local slept, stop = client:sleep(math.min(delay, left))
      if not slept then return nil, stopped(stop.kind) end
      interval = math.min(interval * GROWTH, SLOWEST)
   end
end
