-- What the specs of topaz-status share: it is run as a program against an emulator,
-- without a terminal.
local assert = require "luassert"
local emulators = require "topaz.emulator"
local socket = require "socket"
local program = require "spec.support.program"

local DEFECT = "this is a defect"

--- Sets up a `describe` block.
-- @tparam table busted { setup, teardown, before_each }
-- @treturn table `emulator`; run, begin, fine and fails, which take (arguments, options), and lines
return function(busted)
   local cli = {}

   busted.setup(function() cli.emulator = emulators.start { clock = "real" } end)
   busted.teardown(function() cli.emulator:stop() end)
   busted.before_each(function() cli.emulator:reset() end)

   local function options(o)
      local variables = program.variables(cli.emulator)
      for name, value in pairs(o.variables or {}) do variables[name] = value or nil end
      return { variables = variables, input = o.input, shell = o.shell }
   end

   --- Begins it, and waits until it has sent its first request. Returns what waits for its end.
   function cli.begin(arguments, o)
      local result = program.begin(arguments, options(o or {}))
      for _ = 1, 1200 do
         if #cli.emulator:requests() > 0 then return result end
         socket.sleep(0.05)
      end
      error(("it asked for nothing: %s"):format(result().err), 2)
   end

   function cli.run(arguments, o)
      local result = program.run(arguments, options(o or {}))
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
