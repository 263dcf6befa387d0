-- The error object: one builder, for the core and for the Lua layer.
local core = require "topaz.core"

describe("core.error", function()
   it("has the members that were given, and the line of tostring", function()
      local status = { process_id = "a" }
      local err = core.error {
         kind = "timeout", operation = "wait_until_done", message = "still Pending", process_id = "a",
         http_status = 503, attempts = 2, outcome = "unknown", status = status,
      }
      assert.equal("wait_until_done a: still Pending (timeout, HTTP 503, attempts 2, outcome unknown)", tostring(err))
      assert.equal(status, err.status)
      assert.equal("integer", math.type(err.http_status))
   end)

   it("keeps a long message whole, and says its kind where there is none", function()
      local long = ("x"):rep(2000)
      assert.equal(long, core.error { kind = "closed", message = long }.message)
      assert.equal("closed", core.error { kind = "closed" }.message)
   end)

   it("refuses a kind that errors do not have", function()
      assert.has_error(function() core.error { kind = "trouble", message = "m" } end)
      assert.has_error(function() core.error { message = "m" } end)
      assert.has_error(function() core.error "timeout" end)
   end)

   it("has the metatable of the core's errors, which only says how they are shown", function()
      local client <close> = require("topaz").client { api_key = "k", base_url = "http://127.0.0.1:9/v1" }
      client:close()
      local ok, err = pcall(client.start, client, "get_page")
      assert.is_false(ok)
      assert.equal("closed", err.kind)
      assert.equal(getmetatable(err), getmetatable(core.error { kind = "closed" }))
   end)
end)
