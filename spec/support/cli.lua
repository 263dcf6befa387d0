-- What the specs of topaz-status share: it is run as a program against an emulator,
-- without a terminal.
local assert = require "luassert"
local emulators = require "topaz.emulator"
local program = require "spec.support.program"

local DEFECT = "this is a defect"

--- Sets up a `describe` block.
-- @tparam table busted { setup, teardown, before_each }
-- @treturn table `emulator`; run, fine and fails, which run it with (arguments, options), and lines
return function(busted)
   local cli = {}

   busted.setup(function() cli.emulator = emulators.start { clock = "real" } end)
   busted.teardown(function() cli.emulator:stop() end)
   busted.before_each(function() cli.emulator:reset() end)

   function cli.run(arguments, o)
      o = o or {}
      local variables = program.variables(cli.emulator)
      for name, value in pairs(o.variables or {}) do variables[name] = value or nil end
      local result = program.run(arguments, { variables = variables, input = o.input, shell = o.shell })
      assert.is_nil(result.err:find(DEFECT, 1, true), result.err)
      assert.is_nil((result.out .. result.err):find(cli.emulator.key, 1, true), "the key was shown")
      return result
   end

   --- Runs it, and checks that it ended well and said nothing on the error output.
   function cli.fine(arguments, o)
      local result = cli.run(arguments, o)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      return result.out
   end

   --- Runs it, and checks the exit code and that there is one line on the error output,
   -- with what to do next.
   function cli.fails(code, arguments, o)
      local result = cli.run(arguments, o)
      assert.equal(code, result.code, result.err)
      assert.matches("^topaz%-status: [^\n]+; [^\n]+\n$", result.err)
      return result.err, result.out
   end

   --- The lines of a text, each of which ends with a line feed.
   function cli.lines(text)
      local list = {}
      for line in text:gmatch "([^\n]*)\n" do list[#list + 1] = line end
      return list
   end

   return cli
end
