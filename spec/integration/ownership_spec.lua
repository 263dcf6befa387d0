-- What owns a call, and what ends it: begun calls are done, done means done,
-- whatever ends a wait ends its request.
local topaz = require "topaz"
local world = require "spec.support.world"

describe("a call", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   local function run_until(client, condition)
      for _ = 1, 2000 do
         if condition() then return end
         client:step(0.05)
      end
      error "nothing happened"
   end

   it("that was begun is done, though its handle was dropped", function()
      local ids = emulator():add_jobs { count = 50, status = "Completed" }
      local client <close> = world.client(emulator())
      for _, id in ipairs(ids) do client:start("delete_status", id) end
      collectgarbage()
      collectgarbage()
      run_until(client, function() return client:stats().pending == 0 end)
      assert.equal(0, #emulator():jobs())
      collectgarbage()
   end)

   it("is let go of when it has settled", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator())
      local seen = setmetatable({}, { __mode = "k" })
      for _ = 1, 20 do seen[client:start("get_status", id)] = true end
      run_until(client, function() return client:stats().pending == 0 end)
      collectgarbage()
      collectgarbage()
      assert.is_nil(next(seen))
   end)

   it("that is done does not wait for its result, though the body was cut", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      for _, call in ipairs { { "get_status", id }, { "get_page" } } do
         local client <close> = world.client(emulator(), { max_retries = 1 })
         emulator():clear_log()
         emulator():fault { truncate = { at = 10, length = false }, times = 2 }
         local request = client:start(table.unpack(call))
         run_until(client, function() return request:done() end)
         assert.equal(2, world.seen(emulator())) -- both attempts are over
         local result, err = request:result()
         assert.is_nil(result)
         assert.equal("network", err.kind)
         assert.equal(2, err.attempts)
         emulator():clear_faults()
      end
   end)

   it("that meets a cut body pays by the responses of others, though no result was taken", function()
      local ids = emulator():add_jobs { count = 400, status = "Completed" }
      local client <close> = world.client(emulator())
      emulator():fault { status = 503, body = "", times = math.huge, probability = 0.1 }
      local requests = {}
      for i, id in ipairs(ids) do requests[i] = client:start("get_status", id) end
      run_until(client, function() return client:stats().pending == 0 end)
      for _, request in ipairs(requests) do assert(request:result()) end
   end)

   it("is never answered with the status of another job", function()
      local ids = emulator():add_jobs { count = 2, status = "Completed" }
      local client <close> = world.client(emulator())
      emulator():fault { record = { fields = { process_id = ids[2] } } }
      local status, err = client:get_status(ids[1])
      assert.is_nil(status)
      assert.equal("protocol", err.kind)
      assert.matches("process_id", err.message)
      assert.equal(1, world.seen(emulator()))
      emulator():fault { record = { fields = { process_id = ids[1]:upper() } } }
      assert.equal(ids[1]:upper(), client:get_status(ids[1]).process_id)
   end)

   it("quotes an error body without a message", function()
      local client <close> = world.client(emulator(), { max_retries = 0 })
      emulator():fault { status = 503, body = '{"detail":"maintenance until noon"}' }
      local _, err = client:get_page()
      assert.matches('{"detail":"maintenance until noon"}', err.message, 1, true)
      emulator():fault { status = 503, body = "" }
      _, err = client:get_page()
      assert.equal("the error response has no message", err.message)
   end)

   it("shared by two tasks goes on when one of them is cancelled", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator())
      emulator():fault { delay = 0.1 }
      local request = client:start("get_status", id)
      local first = client:spawn(function() return request:result() end)
      local second = client:spawn(function() return request:result() end)
      client:step(0)
      first:cancel()
      client:run()
      local result, err = first:result()
      assert.is_nil(result)
      assert.equal("cancelled", err.kind)
      assert.equal(id, second:result().process_id)
      assert.equal(1, world.seen(emulator()))
   end)

   it("whose wait ends by an error is ended, and nothing is sent afterwards", function()
      emulator():add_jobs { count = 3, status = "Completed" }
      local client <close> = world.client(emulator(), { retry_base = 0.2, retry_cap = 0.2, on_event = function(e)
         if e.type == "retry" then error("mine", 0) end
      end })
      emulator():fault { status = 429, body = "" }
      assert.same({ false, "mine" }, { pcall(client.delete_all_statuses, client) })
      assert.equal(0, client:stats().pending)
      for _ = 1, 20 do client:step(0.05) end
      assert.equal(1, world.seen(emulator()))
      assert.equal(3, #emulator():jobs())
   end)

   it("of a task that was told before and calls again sends nothing, and its error says so", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator())
      local errors = {}
      local task = client:spawn(function()
         errors[1] = select(2, client:sleep(60))
         errors[2] = select(2, pcall(client.delete_status, client, id))
      end)
      client:step(0)
      task:cancel()
      client:run()
      assert.equal("cancelled", errors[1].kind)
      assert.equal("cancelled", errors[2].kind)
      assert.equal("unsent", errors[2].outcome)
      for _ = 1, 5 do client:step(0.02) end
      assert.equal(0, world.seen(emulator()))
   end)

   it("whose coroutine is closed is ended", function()
      local id = emulator():add_jobs { status = "Completed" }[1]
      local client <close> = world.client(emulator())
      emulator():fault { delay = 0.2 }
      local thread
      client:spawn(function()
         thread = coroutine.running()
         return client:delete_status(id)
      end)
      for _ = 1, 3 do client:step(0) end
      assert.is_true(coroutine.close(thread))
      assert.equal(0, client:stats().pending)
      client:run()
      local seen = world.seen(emulator())
      for _ = 1, 5 do client:step(0.05) end
      assert.equal(seen, world.seen(emulator()))
   end)
end)

describe("the core, required a second time", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("leaves the clients of the first unharmed", function()
      local client <close> = world.client(emulator())
      local core = package.loaded["topaz.core"]
      finally(function() package.loaded["topaz.core"] = core end)
      package.loaded["topaz.core"] = nil
      local second = require "topaz.core"
      assert.is_function(client.spawn)
      local task = client:spawn(function() return #client:get_page().data end)
      client:run()
      assert.equal(0, task:result())
      assert.is_function(second.client(world.options(emulator())).spawn)
      assert.equal(core.version, topaz.version)
      -- a method that the Lua layer adds
      for _ in client:statuses():pages() do error "there are no statuses" end
   end)
end)
