-- Scripts are started by the shell that their first line names: `make packages` gave one for bash
-- to sh, which stopped at line 96.
local process = require "topaz.emulator.process"

local function text_of(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

describe("the scripts of .ci", function()
   it("are each started by their own shell", function()
      local started = 0
      for path in process.shell("ls Makefile .ci/* .ci/matrix.d/*"):gmatch "[^\n]+" do
         local is_file, text = pcall(text_of, path)
         for shell, script in (is_file and text or ""):gmatch "%f[%w](b?a?sh) (%.ci/[%w./-]+)" do
            started = started + 1
            assert.equal("#!/bin/" .. shell, text_of(script):match "^[^\n]*", ("%s: %s"):format(path, script))
         end
      end
      assert(started > 15, started)
   end)
end)
