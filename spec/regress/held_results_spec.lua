-- What a call had given was held by the call, which has a finalizer: a page lived a collection
-- longer than its reader, and with a generational collector until the next major one.
local busted = require "busted"
local core = require "topaz.core"
local emulators = require "topaz.emulator"
local world = require "spec.support.world"

describe("what a call has given", function()
   local emulator, client, id
   busted.setup(function() emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function()
      emulator:reset()
      id = emulator:add_jobs({ status = "Completed" })[1]
      client = world.client(emulator)
   end)
   busted.after_each(function() client:close() end)

   -- Whether what f gives is gone after one full collection.
   local function goes_at_once(f)
      local seen = setmetatable({}, { __mode = "k" }) -- values go before finalizers run
      collectgarbage()
      seen[f()] = true
      assert.is_not_nil(next(seen))
      collectgarbage()
      return next(seen) == nil
   end

   it("goes with its reader, where the call waited for it", function()
      assert.is_true(goes_at_once(function() return client:get_page() end))
      assert.is_true(goes_at_once(function() return client:get_status(id) end))
   end)

   it("goes with its reader in a watcher", function()
      local function page_of_watcher()
         local seen
         for status in client:watch { id } do seen = status end
         return seen
      end
      assert.is_true(goes_at_once(page_of_watcher))
   end)

   it("is let go when the watcher has counted it: the error of a hook there loses no job", function()
      local watcher, given = client:watch({ id }, { timeout = 0.1 }), 0
      local function loop()
         for _ in watcher do given = given + 1 end
      end
      debug.sethook(function()
         if debug.getinfo(2, "f").func ~= core.forget then return end
         debug.sethook()
         error("interrupted!", 0)
      end, "c")
      local ok, err = pcall(loop)
      debug.sethook()
      assert.same({ false, "interrupted!" }, { ok, err })
      loop()
      assert.equal(1, given)
   end)

   it("is given again by a call that was started", function()
      local call = client:start("get_page")
      local page = call:result()
      collectgarbage()
      assert.equal(page, call:result())
   end)

   it("is let go by the one who began the call", function()
      local call = client:start("get_status", id)
      core.forget(call) -- it has not settled
      assert.is_true(goes_at_once(function()
         local status = call:result()
         core.forget(call)
         return status
      end))
      assert.is_nil(call:result())
      core.forget(call)
      client:delete_status(id)
      local failed = client:start("get_status", id)
      local _, err = failed:result()
      core.forget(failed)
      assert.equal(err.kind, select(2, failed:result()).kind)
   end)
end)
