-- What a command is given: topaz.cli.shell.
local Shell = require "topaz.cli.shell"
local problem = require "topaz.cli.problem"
local text = require "topaz.terminal.text"

describe("cli.shell", function()
   it("looks at no more of what is not an ID than it shows", function()
      local shell, safe, longest = Shell.new {}, text.safe, 0
      shell.args = { command = "get", ids = { ("\0"):rep(1000000) } }
      text.safe = function(s)
         longest = math.max(longest, #s)
         return safe(s)
      end
      local ok, err = pcall(shell.ids, shell)
      text.safe = safe
      assert.is_false(ok)
      assert.is_true(problem.is(err), tostring(err))
      assert.matches("^'\\x00\\x00.*…' is not a process_id$", err.message)
      assert.is_true(longest < 10000, longest)
   end)
end)
