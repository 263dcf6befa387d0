-- topaz.cli.output: Ctrl-C that comes while a text is being written. Lua raises it as the write
-- returns: the text is written, and whoever counts what was written must come to know that.
local output = require "topaz.cli.output"

describe("topaz.cli.output", function()
   local stdout, written

   before_each(function()
      stdout, written = io.stdout, {}
      io.stdout = { -- luacheck: ignore 122
         write = function(_, ...)
            written[#written + 1] = table.concat { ... }
            error("lua5.4: interrupted!", 0)
         end,
      }
   end)
   after_each(function()
      io.stdout = stdout -- luacheck: ignore 122
      output.defer_interrupt(false)
   end)

   it("raises it by the write itself", function()
      assert.has_error(function() output.write("a", "b") end, "lua5.4: interrupted!")
      assert.same({ "ab" }, written)
      output.raise_interrupt()
   end)

   it("raises it where the caller has noted the write, once", function()
      output.defer_interrupt(true)
      output.write "a"
      assert.has_error(output.raise_interrupt, "lua5.4: interrupted!")
      output.raise_interrupt()
      assert.same({ "a" }, written)
   end)

   it("raises any other error at once", function()
      output.defer_interrupt(true)
      io.stdout = { write = function() error("mine", 0) end } -- luacheck: ignore 122
      assert.has_error(function() output.write "a" end, "mine")
   end)
end)
