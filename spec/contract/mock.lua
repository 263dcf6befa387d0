-- The client against an API that Prism makes up out of the contract:
-- it answers a plain array to paginated=true.
local topaz = require "topaz"
local front = require "spec.contract.front"

local ID = "00000000-0000-4000-8000-000000000001"

describe("the mock server", function()
   local client

   setup(function() client = topaz.client { api_key = "k", base_url = front.url "mock" } end)
   teardown(function() client:close() end)

   local function is_status(status)
      assert.is_string(status.process_id)
      assert.is_string(status.status)
      assert.equal("integer", math.type(status.progress))
      assert.is_boolean(status.crop_to_fill)
   end

   it("gives a status, which is refused, since it is not of the job that was asked for", function()
      local status, err = client:get_status(ID)
      assert.is_nil(status)
      assert.matches("not the requested id", err.message)
   end)

   it("gives a page, the one and last", function()
      local page = assert(client:get_page { limit = 10 })
      assert.is_true(#page.data > 0)
      is_status(page.data[1])
      assert.is_false(page.pagination.has_next_page)
   end)

   for name, options in pairs { ["page by page"] = { limit = 10 }, ["as one array"] = { paginated = false } } do
      it("gives all statuses " .. name, function()
         local count = 0
         for status in client:statuses(options) do
            is_status(status)
            count = count + 1
         end
         assert.is_true(count > 0)
      end)
   end

   it("deletes", function()
      assert.is_true(client:delete_status(ID))
      assert.equal("integer", math.type((client:delete_all_statuses())))
   end)
end)
