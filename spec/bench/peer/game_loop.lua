-- What a frame of a game costs, in CPU time of client:step(0, BUDGET) alone, 60 frames a second,
-- while 50 waits, a list and 20 deletions are under way:
--    game_loop.lua BASE_URL KEY BUDGET    (0: without one)
-- The job's ids come from the list; the last 20 are the ones to delete.
local socket = require "socket"
local topaz = require "topaz"

local FRAME, WAITS, DELETIONS = 1 / 60, 50, 20
local URL, KEY, BUDGET = arg[1], arg[2], tonumber(arg[3])
if BUDGET == 0 then BUDGET = nil end

local client <close> = topaz.client { base_url = URL, api_key = KEY }
local moving, resting = {}, {}
for status in client:statuses { fields = { "process_id", "status" } } do
   local list = topaz.is_done(status) and resting or moving
   list[#list + 1] = status.process_id
end
assert(#moving == WAITS and #resting == DELETIONS, "other jobs than expected")

for _, id in ipairs(moving) do client:spawn("wait_until_done", id) end
for _, id in ipairs(resting) do client:spawn("delete_status", id) end
client:spawn(function() for _ in client:statuses { limit = 20 } do end end)

local steps, next_frame = {}, socket.gettime()
repeat
   local before = os.clock()
   local pending, alive = client:step(0, BUDGET)
   steps[#steps + 1] = (os.clock() - before) * 1e6
   next_frame = next_frame + FRAME
   socket.sleep(math.max(0, next_frame - socket.gettime()))
until pending == 0 and alive == 0

table.sort(steps)
local over = 0
for _, step in ipairs(steps) do if step > 1000 then over = over + 1 end end
print(("frames=%d median=%.1f p999=%.1f longest=%.1f over=%d requests=%d"):format(
   #steps, steps[(#steps + 1) // 2], steps[math.ceil(0.999 * #steps)], steps[#steps], over, client:stats().attempts))
