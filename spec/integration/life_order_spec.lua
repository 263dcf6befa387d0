-- Death in every order: close and the collector, with requests, tasks, cursors and watchers alive;
-- errors inside every callback; use after close; two clients in one state.
-- Each case ends with no descriptor more than before.
local topaz = require "topaz"
local world = require "spec.support.world"

local MISSING = "00000000-0000-4000-8000-000000000000"

-- All orders of the list.
local function permutations(list)
   local out = {}
   local function permute(n)
      if n <= 1 then
         out[#out + 1] = table.move(list, 1, #list, 1, {})
         return
      end
      for i = 1, n do
         list[i], list[n] = list[n], list[i]
         permute(n - 1)
         list[i], list[n] = list[n], list[i]
      end
   end
   permute(#list)
   return out
end

local function descriptors()
   local count, list = 0, io.popen "ls /proc/self/fd"
   for _ in list:lines() do count = count + 1 end
   list:close()
   return count
end

describe("death", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local ids, before

   before_each(function()
      ids = emulator():add_jobs { count = 12, status = "Completed" }
      collectgarbage()
      collectgarbage()
      before = descriptors()
   end)
   after_each(function()
      collectgarbage()
      collectgarbage()
      assert.is_true(descriptors() <= before)
   end)

   -- A client with one of everything alive, `steps` steps old.
   local function household(steps)
      local client = world.client(emulator())
      local home = {
         client = client,
         cursor = client:statuses { limit = 3 },
         request = client:start "get_page",
         task = client:spawn(function()
            local ok, status = pcall(client.get_status, client, ids[1])
            return ok and status
         end),
         watcher = client:watch { ids[1], MISSING },
      }
      if steps > 0 then home.cursor() end
      for _ = 1, steps do client:step(0) end
      return home
   end

   local ends = {
      close = function(thing) (thing.close or thing.cancel)(thing) end,
      scope = function(thing) local _ <close> = thing end,
      forget = function() end,
   }

   for name, finish in pairs(ends) do
      it("comes to all in every order, by " .. name, function()
         local count = 0
         for i, order in ipairs(permutations { "client", "cursor", "request", "task", "watcher" }) do
            local home = household(i % 4)
            for _, member in ipairs(order) do
               finish(home[member])
               home[member] = nil
               if i % 3 == 0 then collectgarbage() end
               if home.client and i % 2 == 0 then pcall(home.client.step, home.client, 0) end
            end
            count = count + 1
         end
         assert.equal(120, count)
      end)
   end

   it("of the client is told to what is left", function()
      for steps = 0, 3 do
         local home = household(steps)
         home.client:close()
         local function closed(f, ...)
            local ok, a, b = pcall(f, ...)
            local err = ok and b or a
            assert(type(err) == "table" and err.kind == "closed" or ok and a, tostring(err))
         end
         closed(home.request.result, home.request)
         closed(home.cursor)
         assert.is_true(home.task:done())
         for method in pairs(topaz.core.client_methods()) do
            if method ~= "close" then
               local argument = ({ sleep = 0.01, wait_until_done = ids[1], get_status = ids[1], delete_status = ids[1],
                  start = "get_page", spawn = print, watch = ids, wait_all = ids, wait_any = ids })[method]
               local ok, a, b = pcall(home.client[method], home.client, argument)
               local err = not ok and a or b
               if type(err) == "table" and err.kind then assert.equal("closed", err.kind, method)
               else assert.is_true(({ watch = true, run = true })[method], method .. ": " .. tostring(err)) end
            end
         end
         home.client:close()
      end
   end)

   it("of one client leaves the other in the same state alone", function()
      for i = 1, 10 do
         local a, b = household(i % 4), household(i % 3)
         if i % 2 == 0 then a.client:close() else a = nil end -- luacheck: ignore
         collectgarbage()
         assert(b.request:result())
         assert.equal(ids[1], b.task:await().process_id)
         local rest = i % 3 > 0 and 1 or 0
         for _ in b.cursor do rest = rest + 1 end
         assert.equal(12, rest)
         b.client:close()
      end
   end)

   describe("with an error inside", function()
      local function boom() error("boom", 0) end

      it("on_event: the caller gets it, once, and the client goes on", function()
         for at = 1, 8 do
            local count = 0
            local client <close> = world.client(emulator(), { on_event = function()
               count = count + 1
               if count == at then boom() end
            end })
            local errors, listed = 0, 0
            local cursor = client:statuses { limit = 5 }
            while true do
               local ok, status = pcall(cursor)
               if not ok then
                  assert.equal("boom", status)
                  errors = errors + 1
               elseif status then listed = listed + 1
               else break end
            end
            assert.equal(12, listed)
            assert.is_true(errors <= 1)
         end
      end)

      it("on_progress of each wait", function()
         local client <close> = world.client(emulator())
         for _, wait in ipairs { "wait_until_done", "wait_all", "wait_any" } do
            assert.same({ false, "boom" }, { pcall(client[wait], client, ids[1], { on_progress = boom }) })
         end
         local watcher = client:watch({ ids[1] }, { on_progress = boom })
         assert.same({ false, "boom" }, { pcall(watcher) })
         assert.equal("Completed", watcher().status)
         assert.is_false((pcall(client.delete_finished, client, { on_progress = boom })))
         assert(client:get_page())
      end)

      it("a task, and in a scope within it", function()
         local client <close> = world.client(emulator())
         local task = client:spawn(function()
            local cursor <close> = client:statuses { limit = 3 }
            local _ <close> = setmetatable({}, { __close = function() error("closing", 0) end })
            cursor()
            boom()
         end)
         assert.equal(1, (client:run()))
         -- what began it, not what followed
         assert.same({ false, "boom" }, { pcall(task.result, task) })
         assert(client:get_page())
      end)

      it("the body of a loop", function()
         local client <close> = world.client(emulator())
         assert.same({ false, "boom" }, { pcall(function()
            for _ in client:statuses { limit = 3 } do boom() end
         end) })
         assert.equal(0, client:stats().pending)
      end)
   end)

   describe("from inside on_event:", function()
      local function with_event(act)
         local client, done
         client = world.client(emulator(), { on_event = function(event)
            if done or event.type ~= "response" then return end
            done = true
            act(client)
         end })
         return client
      end

      it("close", function()
         local client = with_event(function(c) c:close() end)
         local ok, page, err = pcall(client.get_page, client)
         assert.is_true(ok and page == nil and err.kind == "closed" or not ok and page.kind == "closed")
         client = with_event(function(c) c:close() end)
         local listed, raised = pcall(function() for _ in client:statuses { limit = 2 } do end end)
         assert.is_false(listed)
         assert.equal("closed", raised.kind)
      end)

      it("another call, a step, a collection, an abandoned coroutine", function()
         for _, act in ipairs {
            function(c) assert(c:get_page { limit = 3 }) end,
            function(c) c:step(0.01) end,
            function() collectgarbage() end,
            function(c) coroutine.wrap(function() c:get_status(ids[2]) end)() end,
         } do
            local client <close> = with_event(act)
            assert.equal(ids[1], client:get_status(ids[1]).process_id)
            local listed = 0
            for _ in client:statuses { limit = 5 } do listed = listed + 1 end
            assert.equal(12, listed)
         end
      end)

      it("a yield is refused", function()
         local client <close> = with_event(function() coroutine.yield() end)
         local task = client:spawn("get_status", ids[1])
         for _ = 1, 200 do
            local ok, err = pcall(client.step, client, 0.01)
            if not ok then assert.matches("yield", tostring(err)) end
            if task:done() then break end
         end
         assert.equal(ids[1], task:result().process_id)
      end)
   end)
end)
