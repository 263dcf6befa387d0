-- A process of the farm that does not wait: it calls step(0) all the time, as a game would, while a
-- task waits for each job. It writes "steps COUNT MEAN P999 WORST", in µs of CPU time, for the
-- SECONDS after START seconds; and its role at the end.
local topaz = require "topaz"
local core = require "topaz.core"

local client = topaz.client {}
for id in io.lines() do client:spawn(function() client:wait_until_done(id) end) end

local start, seconds = tonumber(os.getenv "START"), tonumber(os.getenv "SECONDS")
local began, costs = core.now(), {}
while core.now() < began + start do client:step(0.01) end
while core.now() < began + start + seconds do
   local before = os.clock()
   client:step(0)
   costs[#costs + 1] = os.clock() - before
end
local sum = 0
for _, cost in ipairs(costs) do sum = sum + cost end
table.sort(costs)
local function us(cost) return ("%.1f"):format(1e6 * cost) end
print("steps", #costs, us(sum / #costs), us(costs[math.ceil(#costs * 0.999)]), us(costs[#costs]))
print("role", client:stats().share.role)
client:close()
