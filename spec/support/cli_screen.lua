-- What the specs of topaz-status in a terminal share: an emulator, and jobs to show.
local busted = require "busted"
local emulators = require "topaz.emulator"
local screens = require "spec.support.screen"

--- Sets up a `describe` block.
-- @treturn table `emulator`; `there`: whether there is a terminal (tmux); some_jobs();
-- test(name, f)
return function()
   local home = { there = screens.available() }

   busted.setup(function() home.emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() home.emulator:stop() end)
   busted.before_each(function() home.emulator:reset() end)

   --- Adds two jobs that have ended and one at 42 %.
   function home.some_jobs()
      home.emulator:add_jobs { { status = "Completed", age = 300, filename = "done.png" },
         { status = "Failed", age = 290, filename = "日本語.png" },
         { timeline = { processing = 100 }, filename = "a.png" } }
      home.emulator:advance(42)
   end

   --- As busted's `it`, where there is a terminal.
   function home.test(name, f)
      busted.it(name, function()
         if not home.there then return busted.pending "there is no tmux: apt install tmux" end
         f()
      end)
   end

   return home
end
