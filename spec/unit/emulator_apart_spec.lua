-- The emulator is the server's side: it stands apart from the library, and knows the same members.
local core = require "topaz.core"
local interpreter = require "spec.support.interpreter"
local members = require "topaz.emulator.members"

describe("the emulator", function()
   it("knows the members that the core knows, in the same order, and which of them are integers", function()
      local names, integers = {}, {}
      for i, member in ipairs(core.members) do
         names[i] = member.name
         if member.type == "integer" then integers[#integers + 1] = member.name end
      end
      assert.same(names, members.list)
      assert.same(integers, members.integers)
      for _, name in ipairs(names) do assert.is_true(members.is_one[name]) end
      assert.is_nil(members.is_one.list)
   end)

   it("loads no other module of topaz", function()
      local script = ("package.path, package.cpath = %q, %q "):format(package.path, package.cpath) .. [[
         require "topaz.emulator" require "topaz.emulator.proxy"
         for name in pairs(package.loaded) do
            if name:find "^topaz" and not name:find "^topaz%.emulator" then print(name) end
         end]]
      local pipe <close> = io.popen(("%s -e '%s' 2>&1"):format(interpreter, script:gsub("%s+", " ")))
      assert.equal("", pipe:read "a")
   end)
end)
