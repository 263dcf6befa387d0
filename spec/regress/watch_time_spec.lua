-- A watch whose time was over read its first round to the end, however many pages that took,
-- and looked once more at a server that did not answer; a page that came byte by byte was waited
-- for without end. Counted in requests and in the time that each was given.
local core = require "topaz.core"
local world = require "spec.support.world"

local methods = core.client_methods()

describe("the time of a watch", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client, start, given

   before_each(function()
      client = world.client(emulator(), { max_retries = 0 })
      start, given = methods.start, {}
      function methods.start(c, operation, ...)
         local options = select(operation == "get_page" and 1 or 2, ...)
         given[#given + 1] = { operation = operation, timeout = options.timeout }
         return start(c, operation, ...)
      end
   end)
   after_each(function()
      methods.start = start
      client:close()
      emulator():set { latency = 0 }
   end)

   for _, name in ipairs { "wait_all", "wait_any" } do
      it("holds in the first round of " .. name, function()
         emulator():add_jobs { count = 3000, status = "Completed", age = 1000 }
         local ids = emulator():add_jobs { count = 50, status = "Processing", age = 2000 }
         emulator():set { latency = 0.3 }
         local found, err = client[name](client, ids, { timeout = 0.2 })
         assert.is_nil(found)
         assert.equal("timeout", err.kind)
         assert.is_true(#given <= 5, #given) -- 1.2 s at 0.3 s a page
      end)
   end

   it("does not look once more at a server that does not answer", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      emulator():set { latency = 30 }
      local _, err = client:wait_all({ id }, { timeout = 0.2 })
      assert.equal("timeout", err.kind)
      assert.equal(1, #given)
      assert.equal(1, world.seen(emulator()))
   end)

   it("is the limit of each page, however much of it is left", function()
      local ids = emulator():add_jobs { count = 250, status = "Completed" }
      assert(client:wait_all(ids, { timeout = 7 * 86400 }))
      for _, request in ipairs(given) do
         assert.equal("get_page", request.operation)
         assert.equal(86400, request.timeout)
      end
      given = {}
      assert(client:wait_all(ids, { timeout = 1000 }))
      for _, request in ipairs(given) do assert.is_true(request.timeout > 900 and request.timeout <= 1001) end
      given = {}
      assert(client:wait_all({ ids[1] }, { timeout = 1000 }))
      -- the client's own: it is the limit of the whole call already
      assert.same({ { operation = "get_status" } }, given)
      given = {}
      assert(client:wait_all({ ids[1] }, { timeout = 60 }))
      assert.is_true(given[1].timeout > 50 and given[1].timeout <= 61)
   end)

   it("ends wait_until_done without another poll where polls take too long", function()
      local id = emulator():add_jobs { status = "Processing" }[1]
      emulator():set { latency = 30 }
      local _, err = client:wait_until_done(id, { timeout = 0.2 })
      assert.equal("timeout", err.kind)
      assert.equal(1, world.seen(emulator()))
   end)
end)
