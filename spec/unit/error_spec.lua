-- The error object: one builder, for the core and for the Lua layer.
local core = require "topaz.core"
local text = require "topaz.terminal.text"

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

   -- The core escapes an id as it does all text from outside.
   local function escaped(s) return core.error { kind = "closed", process_id = s }.process_id end

   it("writes out characters that are not seen but steer what is seen", function()
      assert.equal("a\\u{202E}b\\u{2066}\\u{85}", escaped "a\u{202E}b\u{2066}\u{85}")
      assert.equal("\\x0A\\x1B\\x7F", escaped "\n\27\127")
      assert.equal("\\xFF\\xED\\xA0\\x80\\xF0\\x9F\\x98", escaped "\xFF\xED\xA0\x80\xF0\x9F\x98")
      assert.equal("日 e\u{301} 🟠 👨\u{200D}👩", escaped "日 e\u{301} 🟠 👨\u{200D}👩")
   end)

   it("and the command line agree about which these are", function()
      local compared, code = 0, 0
      local function compare(at)
         if at < 0x80 or at > 0x10FFFF or at >= 0xD800 and at <= 0xDFFF or at == 0x200C or at == 0x200D then return end
         local character = utf8.char(at)
         assert.equal(text.safe(character), escaped(character))
         compared = compared + 1
      end
      for length in require("topaz.terminal.width_data").ranges:gmatch "(%d+)%a" do
         compare(code - 1)
         compare(code)
         code = code + tonumber(length)
      end
      assert.is_true(compared > 3000, compared)
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
