-- Names and texts with a NUL were compared and passed on as C strings:
-- "limit\0x" was taken for "limit", and a cursor was cut.
local topaz = require "topaz"
local world = require "spec.support.world"

describe("a NUL in what the caller gives", function()
   local client = topaz.client { api_key = "k", base_url = "http://127.0.0.1:1" }

   local function refused(pattern, f, ...)
      local ok, err = pcall(f, ...)
      assert.is_false(ok)
      assert.matches("bad argument '" .. pattern, err)
   end

   it("makes the name of an option unknown", function()
      refused("limit.*unknown option", client.get_page, client, { ["limit\0x"] = 5 })
      refused("limit.*unknown option", client.statuses, client, { ["limit\0"] = 5 })
   end)

   it("makes the name of a member unknown", function()
      refused("fields.*a status has no member", client.statuses, client, { fields = { "status\0" } })
      refused("where.*a status has no member", client.statuses, client, { where = { ["status\0x"] = "Failed" } })
   end)

   it("is refused in texts", function()
      refused("cursor.*NUL", client.get_page, client, { cursor = "a\0b" })
      refused("cursor.*NUL", client.statuses, client, { cursor = "a\0b" })
      refused("resume.*NUL", client.statuses, client, { resume = "topaz1.\0" })
      refused("ca_file.*NUL", topaz.client, { api_key = "k", ca_file = "/tmp/a\0b" })
      refused("proxy.*NUL", topaz.client, { api_key = "k", proxy = "http://a\0b" })
   end)
end)

describe("a NUL in the id that a server sends", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }

   it("makes it another id than the one before the NUL", function()
      local id = "00000000-0000-4000-8000-000000000001"
      emulator():fault { status = 200, body = ('{"process_id":"%s\\u0000x","status":"Completed"}'):format(id) }
      local client <close> = world.client(emulator(), { max_retries = 0 })
      local status, err = client:get_status(id)
      assert.is_nil(status)
      assert.equal("protocol", err.kind)
      assert.matches("not the requested id", err.message)
   end)
end)
