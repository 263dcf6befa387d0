-- Ctrl-C is the error of a debug hook that the interpreter sets once. Where it came while a client
-- was looked at, inside a pcall, it was lost: `topaz-status wait` ran on for as long as its jobs.
-- So: wherever the one error of a hook comes, the caller gets it.
local world = require "spec.support.world"

describe("the error of a debug hook that comes once", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local ids

   before_each(function() ids = emulator():add_jobs { count = 2, status = "Completed" } end)

   -- By name, what is called with a client.
   local CALLS = {
      step = function(client) client:step(0) end,
      sleep = function(client) client:sleep(0) end,
      timeout = function(client) client:timeout() end,
      get_status = function(client) assert(client:get_status(ids[1])) end,
      start = function(client) assert(client:start("get_status", ids[1]):result()) end,
      wait_until_done = function(client) assert(client:wait_until_done(ids[1])) end,
      wait_all = function(client) assert(client:wait_all(ids)) end,
      watch = function(client)
         local count = 0
         for _ in client:watch(ids, { on_progress = function() end }) do count = count + 1 end
         assert.equal(2, count)
      end,
      statuses = function(client)
         for status, err in client:statuses() do assert(status, err) end
      end,
      ["spawn and run"] = function(client)
         client:spawn(function() client:sleep(0) end)
         assert.equal(0, client:run())
      end,
      delete_finished = function(client) assert(client:delete_finished { dry_run = true }) end,
   }

   -- Calls f; the hook raises at the `point`-th of its events. Returns whether that has been
   -- reached, and what pcall has given.
   local function interrupted(point, f, client)
      local count, fired = 0, false
      local main = coroutine.running()
      local function hook()
         if coroutine.running() ~= main then return end
         count = count + 1
         if count < point then return end
         fired = true
         debug.sethook()
         error("interrupted!", 0)
      end
      local ok, err = pcall(function()
         debug.sethook(hook, "cr")
         f(client)
         debug.sethook()
      end)
      return fired, ok, err
   end

   for name, f in pairs(CALLS) do
      it("comes out of " .. name, function()
         local client <close> = world.client(emulator())
         f(client)
         local point, fired = 1, true
         while fired do
            local ok, err
            fired, ok, err = interrupted(point, f, client)
            -- (Where the core is called with options, the caller's place is put in front.)
            if fired then assert.same({ false, true }, { ok, tostring(err):find "interrupted!$" ~= nil }, point) end
            pcall(client.run, client)
            point = point + (point < 400 and 1 or 7)
         end
         assert(point > 5)
      end)
   end
end)
