-- A watch ended with the error of a page whose cursor the server had forgotten,
-- though each job could still be asked for.
local world = require "spec.support.world"

describe("a page whose cursor has gone, in a watch", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator(), { max_retries = 0 }) end)
   after_each(function() client:close() end)

   for _, status in ipairs { 400, 404, 410, 500 } do
      it("is not its end: " .. status, function()
         local ids = emulator():add_jobs { count = 230, status = "Completed" }
         for i = 1, 2 do -- the second page, in the first two rounds
            emulator():fault { match = { kind = "list" }, after = i, status = status, body = "" }
         end
         local all, err = client:wait_all(ids)
         assert.is_nil(err)
         for _, id in ipairs(ids) do assert.equal("Completed", all[id].status) end
         assert.equal(4, world.seen(emulator(), "list"))
         assert.equal(130, world.seen(emulator(), "one"))
      end)
   end

   it("ends it with 401 and 403", function()
      for status, kind in pairs { [401] = "unauthorized", [403] = "forbidden" } do
         emulator():reset()
         local ids = emulator():add_jobs { count = 230, status = "Completed" }
         emulator():fault { match = { kind = "list" }, after = 1, status = status, times = math.huge, body = "" }
         local _, err = client:wait_all(ids)
         assert.equal(kind, err.kind)
      end
   end)

   it("is told when it is the first page: no job is called gone where the address is wrong", function()
      local ids = emulator():add_jobs { count = 30, status = "Completed" }
      emulator():fault { match = { kind = "list" }, status = 404, times = math.huge, body = "" }
      local _, err = client:wait_all(ids)
      assert.equal("not_found", err.kind)
      assert.equal("get_page", err.operation)
      assert.equal(0, world.seen(emulator(), "one"))
   end)
end)
