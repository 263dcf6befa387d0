-- Ctrl-C is the error of a debug hook that the interpreter sets once. Where it came while a client
-- was looked at, inside a pcall, it was lost: `topaz-status wait` ran on for as long as its jobs.
-- So: wherever the one error of a hook comes, and whatever its value is, the caller gets it, and
-- the client can be used on. (It was lost in the text of a failed task's error, too; a table was
-- taken for an error object of the library; and close() left the main program as a task.)
local core = require "topaz.core"
local interrupted = require "spec.support.interrupted"
local world = require "spec.support.world"

local GONE = "11111111-2222-4333-8444-555555555555"

describe("the error of a debug hook that comes once", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local ids

   before_each(function() ids = emulator():add_jobs { count = 2, status = "Completed" } end)

   -- By name, what is called with a client.
   local CALLS = {
      step = function(client) client:step(0) end,
      ["step with a budget"] = function(client) client:step(0, 0.01) end,
      sleep = function(client) client:sleep(0) end,
      timeout = function(client) client:timeout() end,
      stats = function(client) assert(client:stats().pending) end,
      ["pollfd and events"] = function(client) assert(client:events(), client:pollfd()) end,
      close = function(client)
         client:spawn(client.sleep, client, 0.01)
         client:close()
      end,
      get_status = function(client) assert(client:get_status(ids[1])) end,
      get_page = function(client) assert(client:get_page { limit = 1 }) end,
      start = function(client)
         local call = client:start("get_status", ids[1])
         assert(call:id() and not call:done())
         assert(call:result())
      end,
      cancel = function(client) client:start("get_status", ids[1]):cancel() end,
      wait_until_done = function(client) assert(client:wait_until_done(ids[1])) end,
      wait_all = function(client) assert(client:wait_all(ids)) end,
      wait_any = function(client) assert(client:wait_any(ids)) end,
      watch = function(client)
         local count = 0
         for _ in client:watch(ids, { on_progress = function() end }) do count = count + 1 end
         assert.equal(2, count)
      end,
      watcher = function(client)
         local watcher <close> = client:watch({ ids[1] }, {})
         watcher:add(ids[2])
         watcher:remove(ids[1])
         assert(watcher:token() and watcher:progress() and watcher:statuses())
         watcher:offer { process_id = ids[2], status = "Completed" }
         assert(watcher())
         assert.equal(0, watcher:pending())
         watcher:cancel()
      end,
      statuses = function(client)
         for status, err in client:statuses() do assert(status, err) end
      end,
      cursor = function(client)
         local cursor <close> = client:statuses { limit = 1 }
         while cursor:in_page() ~= false do assert(cursor:token()) end
         for page in client:statuses { resume = cursor:token() }:pages() do assert(page) end
         cursor:close()
      end,
      ["spawn and run"] = function(client)
         client:spawn(function() client:sleep(0) end)
         assert.equal(0, client:run())
      end,
      await = function(client)
         local task = client:spawn(function() return client:sleep(0) end)
         assert(task:await() and task:done() and task:result())
         client:spawn(client.sleep, client, 0.01):cancel()
         client:run()
      end,
      ["a task that fails"] = function(client)
         client:spawn(function() error(core.error { kind = "closed", operation = "task", message = "mine" }) end)
         client:step(0)
         client:run()
      end,
      delete_finished = function(client) assert(client:delete_finished { dry_run = true }) end,
      ["delete_finished and delete_status"] = function(client)
         emulator():add_jobs { count = 1, status = "Completed", process_id = GONE }
         assert(client:delete_finished { where = { process_id = GONE } })
         client:delete_status(GONE)
      end,
      delete_all_statuses = function(client)
         assert(client:delete_all_statuses())
      end,
   }

   -- The value of the error: what an interpreter raises, and what a host may.
   local TABLE = setmetatable({ kind = "cancelled", message = "mine" },
      { __tostring = function() return "interrupted!" end })
   local VALUES = { ["a string"] = "interrupted!", ["a table"] = TABLE }

   -- With that value, at each `stride`-th of those events.
   local function swept(f, events, value, stride)
      local client = world.client(emulator(), { on_event = function() end })
      f(client)
      local point, fired = 1, true
      while fired do
         if not core.is_open(client) then client = world.client(emulator(), { on_event = function() end }) end
         local ok, err
         fired, ok, err = interrupted(point, f, client, { events = events, value = value })
         -- (Where the core is called with options, the caller's place is put in front.)
         local same = value == err or type(value) == "string" and tostring(err):find "interrupted!$" ~= nil
         local where = ("%d %s: %s"):format(point, events, tostring(err))
         if fired then assert.same({ false, true }, { ok, same }, where) end
         if core.is_open(client) then
            pcall(client.run, client)
            assert(client:get_page())
         end
         point = point + stride + point // 100 * stride
      end
      client:close()
   end

   for name, f in pairs(CALLS) do
      for what, value in pairs(VALUES) do
         it(("comes out of %s, as %s"):format(name, what), function()
            swept(f, "cr", value, 1)
            swept(f, "l", value, 3)
            swept(f, "count", value, 17)
         end)
      end
   end
end)
