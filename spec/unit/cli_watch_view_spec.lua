-- What the screen of `topaz-status watch` shows, at every width.
local keys = require "topaz.cli.watch_keys"
local progress = require "topaz.progress"
local text = require "topaz.terminal.text"
local view = require "topaz.cli.watch_view"

describe("the screen of topaz-status watch", function()
   local function lines(changes, width, ascii)
      local known = { title = "topaz-status watch   host", counts = {}, read = true, bars = progress.new(),
         changes = {}, keys = keys.new() }
      for name, value in pairs(changes) do known[name] = value end
      return view.lines(known, 1760000000, width, 12, { ascii = ascii, paint = function(_, s) return s end })
   end

   it("counts the statuses that there are, as many words as fit", function()
      local counts = { Completed = 40, Failed = 2 }
      assert.equal("Completed 40  Failed 2", lines({ counts = counts }, 30)[2])
      assert.equal("Completed 40", lines({ counts = counts }, 20)[2])
      assert.equal("Complete…", lines({ counts = counts }, 9)[2])
      assert.equal("Complete~", lines({ counts = counts }, 9, true)[2])
      assert.equal("no statuses", lines({}, 30)[2])
   end)

   it("is never wider than the terminal", function()
      for _, changes in ipairs { {}, { read = false }, { counts = { Completed = 40, Processing = 3 } },
         { note = ("x"):rep(300) } } do
         for width = 1, 100 do
            for i, line in ipairs(lines(changes, width)) do
               assert.is_true(text.width(line) <= width, ("line %d at %d: %s"):format(i, width, line))
            end
         end
      end
   end)
end)
