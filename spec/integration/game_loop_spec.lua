-- The game's loop of spec/examples, in a process of its own as a game is. CPU time is asserted, of that process alone, and not wall
-- time: how long a frame lasts depends on what else the machine does.
describe("a game's loop of 60 frames a second", function()
   local TRIES = 3 -- a machine that does other things makes some steps look dearer; one that is too dear is so every time

   local function play()
      local command = "LUA_PATH='%s' LUA_CPATH='%s' lua5.4 spec/examples/game_loop.lua 2>&1"
      local pipe = assert(io.popen(command:format(package.path, package.cpath)))
      local text = pipe:read "a"
      pipe:close()
      local frames, requests, listed, failed, tasks =
         text:match "^(%d+) frames, (%d+) requests, (%d+) statuses listed, (%d+) of (%d+) tasks failed\n"
      assert(frames, text)
      -- The jobs take seconds; the list may or may not see what is deleted beside it.
      assert.is_true(tonumber(frames) > 150, text)
      assert.is_true(tonumber(listed) >= 50 and tonumber(listed) <= 70, text)
      assert.is_true(tonumber(requests) >= 71, text)
      assert.same({ "0", "71" }, { failed, tasks })
      local highest, over = text:match "99.9th percentile (%d+) µs; over 1 ms: (%d+) frames\n$"
      assert(highest, text)
      return tonumber(highest), tonumber(over), text
   end

   it("has no frame over budget that was the client's doing", function()
      local highest, over, text = play()
      if not package.cpath:find("build/?.so", 1, true) then return pending "measured with the optimised build only" end
      for _ = 2, TRIES do
         if over == 0 then break end
         highest, over, text = play()
      end
      assert.equal(0, over, text)
      assert.is_true(highest < 1000, text)
   end)
end)
