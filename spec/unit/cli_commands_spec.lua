-- Where the command line finds its commands.
local names = require "topaz.cli.commands"
local parser = require "topaz.cli.parser"

describe("the commands of topaz-status", function()
   it("are the files of their folder", function()
      local listed, there = {}, {}
      for _, name in ipairs(names) do listed[#listed + 1] = name .. ".lua" end
      table.insert(listed, "init.lua")
      table.sort(listed)
      local pipe <close> = io.popen "LC_ALL=C ls lua/topaz/cli/commands"
      for file in pipe:lines() do there[#there + 1] = file end
      assert.same(there, listed)
   end)

   for _, name in ipairs(names) do
      it("are named as their file: " .. name, function()
         assert.equal(name, (require("topaz.cli.commands." .. name).name:gsub("-", "_")))
      end)
   end

   it("are found without another process", function()
      local popen, execute = io.popen, os.execute
      local started = {}
      io.popen = function(what) -- luacheck: ignore 122
         started[#started + 1] = what
         return popen(what)
      end
      os.execute = function(what) -- luacheck: ignore 122
         started[#started + 1] = what
         return execute(what)
      end
      local ok, args, declared = pcall(parser.read, { "list" }, "1")
      io.popen, os.execute = popen, execute -- luacheck: ignore 122
      assert.is_true(ok, args)
      assert.equal("list", declared.name)
      assert.same({}, started)
   end)
end)
