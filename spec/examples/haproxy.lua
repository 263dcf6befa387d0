-- For HAProxy with Lua 5.4 (version 3.0 of Debian 13, not 2.6 of Debian 12): a service that
-- answers with the statuses of jobs, /PROCESS_ID with one, / with how many there are of each.
-- HAProxy goes on with everything else meanwhile. haproxy.cfg is a configuration for it.
--
-- $TOPAZ_API_KEY and $TOPAZ_BASE_URL say which API.
-- luacheck: globals core
local topaz = require "topaz"

local BUDGET = 0.002 -- seconds of a step
local BUSY, IDLE = 5, 50 -- milliseconds between two steps

-- Made in a task and not while the configuration is read: HAProxy may fork after that, and the
-- child must not use a client of its parent.
local client

-- The one place that steps the client.
core.register_task(function()
   client = topaz.client()
   while true do
      local requests, tasks = client:step(0, BUDGET)
      core.msleep(requests + tasks > 0 and BUSY or IDLE)
   end
end)

local function one(process_id)
   local status, err = client:get_status(process_id)
   if not status then error(err, 0) end
   local progress = status.progress and (" %s %%"):format(status.progress) or ""
   return ("%s%s\n"):format(status.status, progress)
end

local function all()
   local numbers, lines = {}, {}
   for status in client:statuses { fields = { "status" } } do
      numbers[status.status] = (numbers[status.status] or 0) + 1
   end
   for word, number in pairs(numbers) do lines[#lines + 1] = ("%s %d\n"):format(word, number) end
   table.sort(lines)
   return table.concat(lines)
end

local CODES = { not_found = 404, rate_limited = 503, timeout = 504 } -- others are 502

--- Sets the answer of an applet, and ends it.
local function answer(applet, code, text)
   applet:set_status(code)
   applet:add_header("content-type", "text/plain")
   applet:add_header("content-length", #text)
   applet:start_response()
   applet:send(text)
end

core.register_service("topaz_status", "http", function(applet)
   if not client then return answer(applet, 503, "not yet started\n") end
   local process_id = applet.path:match "^/([%x%-]+)$"
   if not process_id and applet.path ~= "/" then return answer(applet, 404, "no such page\n") end
   local task = client:spawn(process_id and one or all, process_id)
   while not task:done() do core.msleep(BUSY) end
   local ok, result = pcall(task.result, task)
   if ok then return answer(applet, 200, result) end
   local code = type(result) == "string" and 400 or CODES[result.kind] or 502
   answer(applet, code, tostring(result) .. "\n")
end)
