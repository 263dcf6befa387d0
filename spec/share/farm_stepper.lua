-- A process of the farm that does not wait: it calls step(0) all the time, as a game would, while a
-- task waits for each job. It writes "steps COUNT MEAN P999 WORST", in µs of CPU time, for the
-- SECONDS after START seconds; and its role at the end. With COLLECTOR=between Lua's collector runs
-- between the steps, as many games let it; else as it does by itself, inside them.
local topaz = require "topaz"
local core = require "topaz.core"

local COLLECT_EACH = 1000 -- kB

local client = topaz.client {}
for id in io.lines() do client:spawn(function() client:wait_until_done(id) end) end

local start, seconds = tonumber(os.getenv "START"), tonumber(os.getenv "SECONDS")
local began = core.now()
while core.now() < began + start do client:step(0.01) end
-- How many steps have cost so many whole µs. (With a list of them all, the collector's visit to it
-- would be the step that costs most.)
local counts, count, sum, worst = {}, 0, 0, 0
local is_between = os.getenv "COLLECTOR" == "between"
if is_between then collectgarbage "stop" end
local used = collectgarbage "count"
while core.now() < began + start + seconds do
   local before = os.clock()
   client:step(0)
   local cost = (os.clock() - before) * 1e6
   local whole = math.floor(cost)
   counts[whole], count, sum = (counts[whole] or 0) + 1, count + 1, sum + cost
   worst = math.max(worst, cost)
   if is_between and collectgarbage "count" > used + COLLECT_EACH then
      collectgarbage()
      used = collectgarbage "count"
   end
end
local seen, most = 0, -1
while seen < count * 0.999 do
   most = most + 1
   seen = seen + (counts[most] or 0)
end
print("steps", count, ("%.1f"):format(sum / count), most, ("%.1f"):format(worst))
print("role", client:stats().share.role)
client:close()
