-- A signal may come at any time: the interpreter's handler sets the hook of the main thread, from
-- which the error of Ctrl-C comes at once. Where that was in the middle of what no hook may
-- interrupt, a task was counted but not queued: only a hook that was there before was kept away.
local core = require "topaz.core"

-- As the interpreter's handler does, while f runs.
local function signal(thread)
   debug.sethook(thread, function()
      debug.sethook(thread)
      error("interrupted!", 0)
   end, "crl", 1)
end

describe("a hook that is set while a function runs that no hook interrupts", function()
   local caller = coroutine.running()
   local both = {}
   local outer, inner = core.uninterrupted(function(list, sets)
      if sets == "outer" then signal(caller) end
      table.insert(list, "one")
      table.insert(list, (select("#", both.inner(list, sets))))
      table.insert(list, "four")
      return #list, list
   end, function(list, sets)
      if sets == "inner" then signal(caller) end
      table.insert(list, "two")
      return "a", "b", nil
   end)
   both.inner = inner

   for _, sets in ipairs { "outer", "inner" } do
      it("waits until it has returned: set in the " .. sets .. " one", function()
         local list = {}
         local ok, err = pcall(outer, list, sets)
         assert.same({ false, "interrupted!" }, { ok, err })
         assert.same({ "one", "two", 3, "four" }, list)
      end)
   end

   it("changes nothing where there is none", function()
      local list = {}
      local count, same = outer(list)
      assert.equal(4, count)
      assert.equal(list, same)
      assert.has_error(function() inner(nil) end)
      assert.equal(4, (outer {}))
   end)
end)
