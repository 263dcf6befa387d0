-- A server that answers paginated = false with a page:
-- the page after it was asked for without its cursor, so statuses came twice.
local world = require "spec.support.world"

describe("a page in answer to paginated = false", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("is followed by the page that its cursor names", function()
      local function page(id, more)
         emulator():fault { match = { kind = "list" }, status = 200,
            body = ('{"data":[{"process_id":"%s","status":"Pending"}],"pagination":{"has_next_page":%s}}'):format(id,
               more) }
      end
      page("a", 'true,"next_cursor":"two"')
      page("b", "false")
      local client <close> = world.client(emulator())
      local seen = {}
      for status in client:statuses { paginated = false } do seen[#seen + 1] = status.process_id end
      assert.same({ "a", "b" }, seen)
      assert.equal("two", emulator():requests()[2].args.cursor)
   end)
end)
