-- Options given to a method of the Lua layer were refused with a position inside topaz,
-- not with the line that gave them; and while they were read,
-- a finalizer could change the table under the reader.
local core = require "topaz.core"

local ROWS = { { "limit", "integer", 5, 1, 9 }, { "name", "string" }, { "quick", "boolean", false },
   { "more", "table" } }

local function line() return debug.getinfo(2, "l").currentline end

describe("the reader of options", function()
   it("gives a table of its own, with defaults", function()
      local given = { limit = 3.0, more = {} }
      local read = core.options(given, ROWS)
      assert.same({ limit = 3, quick = false, more = {} }, read)
      assert.equal("integer", math.type(read.limit))
      assert.equal(given.more, read.more)
      assert.not_equal(given, read)
      assert.same({ limit = 5, quick = false }, core.options(nil, ROWS))
      assert.same({ limit = 5, quick = true, name = "x" }, core.options({ quick = true, name = "x" }, ROWS, 2))
      assert.same({}, core.options({}, {}))
   end)

   it("names the line of the caller at the level that is asked for", function()
      local function method(options, level)
         local read = core.options(options, ROWS, level)
         return read
      end
      for _, wrong in ipairs { { limt = 1 }, { limit = 10 }, { 1 }, { name = "" } } do
         local ok, message, here
         ok, message = pcall(function()
            here = line() + 1
            local read = method(wrong, 2)
            return read
         end)
         assert.is_false(ok)
         assert.matches("options_reader_spec.lua:" .. here .. ": bad argument", message, nil, true)
      end
      assert.matches("options_reader_spec.lua:%d+: bad argument 'options'", select(2, pcall(method, 5)))
   end)

   it("calls no metamethods of the table, and is not led astray by a finalizer that changes it", function()
      local given, left = { name = "x", quick = true, limit = 7 }, 3000
      setmetatable(given, { __newindex = error, __len = error, __name = "given" })
      local function lay()
         setmetatable({}, { __gc = function()
            left = left - 1
            if left < 0 then return end
            lay()
            rawset(given, "name", left % 2 == 0 and "x" or nil)
            for i = 1, left % 3 * 20 do rawset(given, "extra " .. i, true) end
            for i = 1, 40 do rawset(given, "extra " .. i, nil) end
         end })
      end
      collectgarbage "generational"
      finally(function() collectgarbage "incremental" end)
      lay()
      for _ = 1, 3000 do
         local read = core.options(given, ROWS)
         assert(read.quick == true and read.limit == 7 and (read.name == nil or read.name == "x"))
      end
      left = 0
   end)

   -- It saw an empty table: delete_finished then deleted all that was finished.
   it("refuses a table whose metatable adds members, such as a proxy that makes one read-only", function()
      local hidden = { limit = 7 }
      local function each() return next, hidden end
      for key, add in pairs { __index = hidden, __pairs = each } do
         local ok, message = pcall(core.options, setmetatable({}, { [key] = add }), ROWS)
         assert.is_false(ok)
         assert.matches("'options': expected a plain table, got one whose metatable has " .. key, message, nil, true)
      end
   end)
end)
