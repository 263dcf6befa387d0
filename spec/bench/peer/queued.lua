-- What it costs to have many calls:
--    queued.lua BASE_URL KEY (queued | held) NUMBER
--   queued  NUMBER calls wait for their turn while nothing is answered: bytes each, CPU of a step
--   held    NUMBER calls are finished, and their results are not taken: bytes each
local topaz = require "topaz"

local URL, KEY, HOW, NUMBER = arg[1], arg[2], arg[3], tonumber(arg[4])
local STEPS = 2000
local client <close> = topaz.client { base_url = URL, api_key = KEY, timeout = 3600, max_retries = 0 }

-- Bytes of this process that are in memory.
local function resident()
   for line in io.lines "/proc/self/status" do
      local kilobytes = line:match "^VmRSS:%s+(%d+)"
      if kilobytes then return kilobytes * 1024 end
   end
end

local id = "%08x-0000-4000-8000-000000000000"
for _ = 1, 200 do client:step(0) end
collectgarbage()
collectgarbage()
local before, calls = resident(), table.move({}, 1, 1, NUMBER, {})
for i = 1, NUMBER do
   calls[i] = client:start("get_status", id:format(HOW == "held" and i % 100 + 1 or i))
end
if HOW == "held" then
   while client:stats().pending > 0 do client:step(0.1) end
else
   for _ = 1, 200 do client:step(0) end -- what goes out has gone out
end
collectgarbage()
local bytes = (resident() - before) / NUMBER
local cpu = os.clock()
for _ = 1, STEPS do client:step(0) end
cpu = os.clock() - cpu
assert(client:stats().pending == (HOW == "held" and 0 or NUMBER), "not as many calls are queued")
print(("bytes=%.0f step_seconds=%.9f"):format(bytes, cpu / STEPS))
