-- What Lua 5.5 refuses and 5.4 takes: it is seen here with either. In 5.5 the first variable of a
-- loop cannot be assigned to, and a file that does so does not load.
local process = require "topaz.emulator.process"

-- Assignments to the variables of a loop: by lines, and by the depth to which they are indented.
local function assigned(path)
   local loops, found, number = {}, {}, 0 -- of a loop that declares it anew: first = ""
   for line in io.lines(path) do
      number = number + 1
      local depth = #line:match "^ *"
      while #loops > 0 and line:find "%S" and depth <= loops[#loops].depth do loops[#loops] = nil end
      local declared = line:match "^ *local ([%w_, ]+)"
      local others = declared or line:find "^ *for " or line:find ",$" -- the last: of a table
      local names = declared or not others and line:match "^ *([%w_, ]-) *=[^=]" or ""
      for name in names:gmatch "[%w_]+" do
         for _, loop in ipairs(loops) do
            if loop.first == name and declared then loop.first = ""
            elseif loop.first == name then found[#found + 1] = ("%s:%d: %s"):format(path, number, name) end
         end
      end
      local first = line:match "^ *for ([%w_]+)"
      if first and not line:find " end *$" then loops[#loops + 1] = { depth = depth, first = first } end
   end
   return found
end

describe("for Lua 5.5", function()
   it("no file assigns to the variable of a loop", function()
      local count, all = 0, {}
      for path in process.shell("find lua spec -name '*.lua' -o -name topaz-status -type f"):gmatch "[^\n]+" do
         count = count + 1
         table.move(assigned(path), 1, 9, #all + 1, all)
      end
      assert(count > 300)
      assert.same({}, all)
   end)

   it("that is noticed", function()
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write "for a, b in x do\n   if b then\n      b, a = 1, 2\n   end\nend\na = 1\nfor i = 1, 2 do i = 3 end\n"
      file:close()
      local found = assigned(path)
      os.remove(path)
      assert.same({ path .. ":3: a" }, found)
   end)
end)
