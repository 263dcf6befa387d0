-- topaz.terminal and topaz.progress in a real terminal: lines that nothing makes flicker.
local emulators = require "topaz.emulator"
local interpreter = require "spec.support.interpreter"
local screens = require "spec.support.screen"

local there = screens.available()

describe("lines on a terminal", function()
   local SCRIPT = [[
local terminal = require "topaz.terminal"
local core = require "topaz.core"
local now, drawn = 1000, 0
core.now = function() return now end -- a second passes, by milliseconds
local lines <close> = terminal.open(io.stdout)
for n = 1, 1000 do
   now = now + 0.001
   if lines:draw(function() return { "first stays", "second " .. n, "third stays" } end) then drawn = drawn + 1 end
end
now = now + 1
lines:draw(function() return { "first stays", "second at last", "third stays" } end, true)
lines:close()
print(drawn >= 9, drawn <= 11)
]]

   local function run(script, check)
      if not there then return pending "there is no tmux: apt install tmux" end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(script)
      file:close()
      local screen <close> = screens.open(interpreter .. " " .. path, { width = 60, height = 10 })
      local ok, err = pcall(check, screen)
      os.remove(path)
      if not ok then error(err, 0) end
   end

   it("are drawn at most ten times a second, only where they change, and never wiped", function()
      run(SCRIPT, function(screen)
         local text = screen:wait_for "ended with 0"
         assert.equal("first stays\nsecond at last\nthird stays\ntrue\ttrue\nended with 0",
            (text:match "^(.-ended with 0)":gsub("true +true", "true\ttrue")))
         local raw = screen:raw()
         assert.equal(1, select(2, raw:gsub("first stays", "")))
         assert.equal(1, select(2, raw:gsub("third stays", "")))
         assert.is_true(select(2, raw:gsub("second ", "")) <= 13)
         assert.is_nil(raw:find("\27[2J", 1, true))
         assert.equal(1, select(2, raw:gsub("\27%[J", "")))
      end)
   end)

   it("do their work for a script by progress.wait_all", function()
      if not there then return pending "there is no tmux: apt install tmux" end
      local emulator <close> = emulators.start {
         jobs = { count = 3, timeline = { pending = 0.2, processing = 1, outcome = { "Completed", "Failed" } } },
      }
      local one, two = emulator.ids[1], emulator.ids[2]:upper()
      run(([[
local topaz, progress = require "topaz", require "topaz.progress"
local client <close> = topaz.client { api_key = %q, base_url = %q }
local statuses, err = progress.wait_all(client, { %q, %q }, { timeout = 20 })
print(err, statuses[%q].status, statuses[%q].status)
]]):format(emulator.key, emulator.url, one, two, one, two), function(screen)
         local text = screen:wait_for "ended with 0"
         assert.matches("^2 of 2 finished +▕[^\n]-▏ 100 %%\nnil +Completed +Failed\nended with 0", text)
      end)
   end)
end)
