-- A game's main loop that steps the client once a frame, 60 frames a second, while 50 waits,
-- 1 list and 20 deletions are under way. The API is the emulator, with 50 ms latency.
-- Run it in the checkout, after `make`:
--
--    LUA_PATH="lua/?.lua;lua/?/init.lua;./?.lua;./?/init.lua;;" LUA_CPATH="build/?.so;;" \
--       lua5.4 spec/examples/game_loop.lua
local socket = require "socket"
local topaz = require "topaz"

local FRAME = 1 / 60 -- seconds
local BUDGET = 0.0005 -- seconds of a frame that the client may use; the rest waits for the next one
local DEAR = 0.001 -- seconds of CPU: the steps above it are counted

--- Begins all that is to go on beside the game;
-- each is a task, in which calls yield instead of blocking.
-- @treturn table the tasks
local function begin(client, ids)
   local tasks = {}
   for i = 1, 50 do tasks[#tasks + 1] = client:spawn("wait_until_done", ids[i]) end
   for i = 51, 70 do tasks[#tasks + 1] = client:spawn("delete_status", ids[i]) end
   tasks[#tasks + 1] = client:spawn(function()
      local count = 0
      for _ in client:statuses { limit = 20 } do count = count + 1 end
      return count
   end)
   return tasks
end

-- What a game does in a frame. This one waits for the next.
local function draw(next_frame) socket.sleep(math.max(0, next_frame - socket.gettime())) end

--- The main loop: runs until the client has nothing left to do.
-- @treturn table CPU seconds of each step
local function loop(client)
   local steps, next_frame = {}, socket.gettime()
   repeat
      local before = os.clock()
      local pending, alive = client:step(0, BUDGET) -- all that a game has to add
      steps[#steps + 1] = os.clock() - before
      next_frame = next_frame + FRAME
      draw(next_frame)
   until pending == 0 and alive == 0
   return steps
end

--- The value that a share of all lies at or below.
local function percentile(values, share)
   local sorted = table.move(values, 1, #values, 1, {})
   table.sort(sorted)
   return sorted[math.ceil(share * #sorted)]
end

--- How many are dear.
local function dear(values)
   local count = 0
   for _, value in ipairs(values) do
      if value > DEAR then count = count + 1 end
   end
   return count
end

local function main()
   local emulator <close> = require("topaz.emulator").start {
      latency = 0.05,
      jobs = {
         { count = 50, timeline = { pending = { 0.5, 2 }, processing = { 2, 6 }, outcome = "Completed" } },
         { count = 20, status = "Completed" },
      },
   }
   local client <close> = topaz.client { api_key = emulator.key, base_url = emulator.url }
   local tasks = begin(client, emulator.ids)
   local steps = loop(client)
   local failed, listed = 0, tasks[#tasks]:result()
   for _, task in ipairs(tasks) do
      if not task:result() then failed = failed + 1 end
   end
   print(("%d frames, %d requests, %d statuses listed, %d of %d tasks failed"):format(
      #steps, client:stats().attempts, listed, failed, #tasks))
   print(("CPU of step(0): median %.0f µs, 99.9th percentile %.0f µs; over %g ms: %d frames"):format(
      percentile(steps, 0.5) * 1e6, percentile(steps, 0.999) * 1e6, DEAR * 1e3, dear(steps)))
end

main()
