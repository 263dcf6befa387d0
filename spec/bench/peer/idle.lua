-- What it costs to wait, in CPU time of the process:
--    idle.lua BASE_URL KEY (wait | parked | steps | in_flight) NUMBER
--   wait       one wait_until_done of NUMBER seconds for a job that does not move, polls included
--   parked     100 tasks that sleep NUMBER seconds, driven by client:run()
--   steps      NUMBER times client:step(0) while 100 waits sleep between two polls
--   in_flight  the same while all 100 have sent or queued a request that is not answered
local socket = require "socket"
local topaz = require "topaz"

local MANY = 100
local URL, KEY, HOW, NUMBER = arg[1], arg[2], arg[3], tonumber(arg[4])
local client <close> = topaz.client { base_url = URL, api_key = KEY }
local ids = {}
for status in client:statuses { fields = { "process_id" } } do ids[#ids + 1] = status.process_id end

local function wait()
   local status, err = client:wait_until_done(ids[1], { timeout = NUMBER })
   assert(status == nil and err.kind == "timeout", "the job has moved")
end

local function parked()
   for _ = 1, MANY do client:spawn("sleep", NUMBER) end
   assert(client:run() == 0, "a task failed")
end

local function begin_waits()
   for i = 1, MANY do client:spawn("wait_until_done", ids[i]) end
end

-- Steps until `ready(pending)`.
local function settle(ready)
   local deadline = socket.gettime() + 5
   while not ready((client:step(0.01))) do assert(socket.gettime() < deadline, "the waits do not come to rest") end
end

local function steps()
   for _ = 1, NUMBER do client:step(0) end
end

local prepare = {
   steps = function()
      begin_waits()
      -- the list, and a poll of each
      settle(function(pending) return pending == 0 and client:stats().attempts > MANY end)
   end,
   in_flight = function()
      begin_waits()
      settle(function(pending) return pending == MANY end)
      for _ = 1, 20 do client:step(0.01) end -- all that goes out has gone out
   end,
}
-- How often this process went to sleep so far; -1 where the system does not tell.
local function switches()
   local file = io.open "/proc/self/status"
   local count = file and file:read "a":match "\nvoluntary_ctxt_switches:%s*(%d+)" or -1
   if file then file:close() end
   return tonumber(count)
end

local work = { wait = wait, parked = parked, steps = steps, in_flight = steps }

if prepare[HOW] then prepare[HOW]() end
local attempts, before, cpu, wall = client:stats().attempts, switches(), os.clock(), socket.gettime()
work[HOW]()
cpu, wall, attempts = os.clock() - cpu, socket.gettime() - wall, client:stats().attempts - attempts
print(("cpu_seconds=%.6f wall_seconds=%.6f requests=%d wakes=%d"):format(cpu, wall, attempts,
   before < 0 and -1 or switches() - before))
