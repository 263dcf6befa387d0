-- topaz-status and topaz.progress in a real terminal: what stands on the screen, keys, Ctrl-C, other sizes, and that nothing flickers.
local busted = require "busted"
local emulators = require "spec.emulator"
local launch = require "spec.emulator.launch"
local process = require "spec.emulator.process"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local socket = require "socket"

local there = screens.available()

describe("topaz-status in a terminal", function()
   local emulator

   busted.setup(function() emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function() emulator:reset() end)

   local function test(name, f)
      it(name, function()
         if not there then return pending "there is no tmux: apt install tmux" end
         f()
      end)
   end

   local function open(arguments, width, height, variables)
      local all = program.variables(emulator)
      for key, value in pairs(variables or {}) do all[key] = value end
      return screens.open(program.command(arguments), { width = width, height = height, variables = all })
   end

   -- What passes with the real clock: times of the day and seconds left.
   local function masked(text)
      return (text:gsub("%d%d:%d%d:%d%d", "hh:mm:ss"):gsub("%d+s left", "Ns left"):gsub("127%.0%.0%.1:%d+", "HOST"))
   end

   -- Two jobs that have ended and one at 42 %.
   local function some_jobs()
      emulator:add_jobs { { status = "Completed", age = 300, filename = "done.png" }, { status = "Failed", age = 290, filename = "日本語.png" },
         { timeline = { processing = 100 }, filename = "a.png" } }
      emulator:advance(42)
   end

   test("list fits its table into the terminal", function()
      emulator:add_jobs { { status = "Completed", creation_time = 1760000000, filename = "done.png", model = "A" },
         { status = "Failed", creation_time = 1760000001, filename = "日本語のとても長いファイル名.png", model = "B\27[31m" } }
      emulator:advance(1000)
      local ids = { emulator:jobs()[1].process_id, emulator:jobs()[2].process_id }
      local expected = {
         [100] = table.concat({
            "ID                                    STATUS      DONE  FILE               MODEL    CREATED",
            ids[1] .. "  Failed      63 %  日本語のとても長…  B\\e[31m  2025-10-09 08:53",
            ids[2] .. "  Completed  100 %  done.png           A        2025-10-09 08:53", }, "\n"),
         [75] = table.concat({
            "ID                                    STATUS      DONE  FILE",
            ids[1] .. "  Failed      63 %  日本語のとても長い…",
            ids[2] .. "  Completed  100 %  done.png", }, "\n"),
         [60] = table.concat({
            "ID                                    STATUS      DONE",
            ids[1] .. "  Failed      63 %",
            ids[2] .. "  Completed  100 %", }, "\n"),
         [40] = table.concat({ "ID", ids[1], ids[2] }, "\n"),
         [20] = table.concat({ "ID", ids[1]:sub(1, 19) .. "…", ids[2]:sub(1, 19) .. "…" }, "\n"),
      }
      for width, text in pairs(expected) do
         local screen <close> = open({ "list" }, width, 10)
         local shown = screen:wait_for "ended with 0"
         assert.equal(text, shown:match "^(.-)\nended with 0")
      end
   end)

   test("colours go only where they are wanted", function()
      emulator:add_jobs { status = "Failed" }
      for _, case in ipairs { { {}, {}, true }, { { "--no-color" }, {}, false }, { {}, { NO_COLOR = "1" }, false } } do
         local arguments = { "list", table.unpack(case[1]) }
         local screen <close> = open(arguments, 80, 10, case[2])
         screen:wait_for "ended with 0"
         assert.equal(case[3], screen:raw():find("\27[31m", 1, true) ~= nil)
         assert.equal(case[3], screen:raw():find("\27[", 1, true) ~= nil and true or false)
      end
   end)

   test("a locale without UTF-8 gets ASCII, a dumb terminal plain lines", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 16, { LC_ALL = "C" })
      assert.matches("%[#+%.+%]  42 %%", screen:wait_for "Processing 1 ")
      local dumb <close> = open({ "list", "--fields", "filename" }, 80, 10, { TERM = "dumb" })
      assert.matches("^a.png\n日本語.png\ndone.png\nended", dumb:wait_for "ended with 0")
   end)

   test("wait shows a bar that moves, then how each job has ended", function()
      local ids = emulator:add_jobs { { timeline = { processing = 100, outcome = "Failed", last_progress = 90 }, filename = "a.png" },
         { timeline = { processing = 200 }, filename = "b.png" } }
      local screen <close> = open({ "wait", "--all" }, 80, 10)
      screen:wait_for "0 of 2 ended"
      emulator:advance(40)
      local text = screen:wait_for "20 %%[^\n]*\n[^\n]* 40 %%[^\n]*\n[^\n]* 30 %%"
      assert.equal(table.concat({
         "b.png                       ▕█████▌                      ▏  20 %  LEFT",
         "a.png                       ▕███████████▏                ▏  40 %  LEFT",
         "0 of 2 ended                ▕████████▍                   ▏  30 %  LEFT",
      }, "\n"), (text:gsub("%%  [^\n]+ left", "%%  LEFT")))
      emulator:advance(160)
      text = screen:wait_for "ended with 1"
      assert.equal(("Completed   %s  b.png\nFailed      %s  a.png\nended with 1"):format(ids[2], ids[1]), text:match "^(.-ended with 1)")
      assert.matches("=%^Zicanonecho", (screen:wait_for "icanon"))
   end)

   test("wait redraws in a terminal of another size, and nothing of the old lines is left", function()
      emulator:add_jobs { count = 4, timeline = { processing = 1000 } }
      local screen <close> = open({ "wait", "--all" }, 100, 12)
      screen:wait_for "0 of 4 ended"
      screen:resize(50, 12)
      emulator:advance(100)
      local text = screen:wait_for "0 of 4 ended +▕[^\n]- 10 %%"
      assert.equal(5, select(2, text:gsub("▕", "")), text)
      for line in text:gmatch "[^\n]+" do assert.matches("^[%w_. ]+▕.*▏ +%d+ %%$", line) end
   end)

   test("Ctrl-C leaves a wait with the cursor shown and says how to go on", function()
      local ids = emulator:add_jobs { timeline = { processing = 1000 } }
      local screen <close> = open({ "wait", ids[1] }, 80, 16)
      screen:wait_for "0 %%"
      screen:keys "C-c"
      local text = screen:wait_for "ended with 130.-icanon"
      assert.matches("\ntopaz%-status: interrupted\ntopaz%-status: go on with: topaz%-status wait %-%-resume", text)
      local raw = screen:raw()
      assert.is_true(raw:match ".*()\27%[%?25h" > raw:match ".*()\27%[%?25l")
   end)

   test("watch has exactly this screen", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 14)
      screen:wait_for "42 %%"
      emulator:advance(58)
      local text = masked(screen:wait_for "Completed 2")
      assert.equal(table.concat({
         "topaz-status watch   http://HOST/image/v1                               hh:mm:ss",
         "Completed 2  Failed 1",
         "1 of 1 ended                ▕████████████████████████████▏ 100 %",
         "",
         "Latest changes",
         "hh:mm:ss  Processing → Completed    a.png",
         "", "", "", "", "", "", "",
         "q quits",
      }, "\n"), (text:gsub("HOST/image/v1 +", "HOST/image/v1" .. (" "):rep(31))))
   end)

   test("watch ends by q and gives the terminal back as it was", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 14)
      screen:wait_for "q quits"
      screen:keys "x"
      screen:keys "q"
      local text = screen:wait_for "ended with 0.-icanon"
      assert.equal("Processing 1  Completed 1  Failed 1\nended with 0\nsusp=^Zicanonecho", text)
      assert.is_true(screen:raw():find("\27[?1049l", 1, true) ~= nil)
   end)

   test("watch ends by Ctrl-C, gives the terminal back and says how to go on", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 14)
      screen:wait_for "q quits"
      screen:keys "C-c"
      local text = screen:wait_for "ended with 130.-icanon"
      assert.matches("^topaz%-status: interrupted\ntopaz%-status: go on with: topaz%-status watch\nended with 130\n", text)
      assert.is_nil(text:find("-icanon", 1, true))
   end)

   test("watch ends with an error that says what to do, on the screen that was there before", function()
      local screen <close> = open({ "watch" }, 80, 14, { TOPAZ_API_KEY = "wrong" })
      local text = screen:wait_for "ended with 3.-icanon"
      assert.matches("^topaz%-status: .-HTTP 401.-check the key in TOPAZ_API_KEY", (text:gsub("\n", " ")))
      assert.is_nil(text:find("-icanon", 1, true))
   end)

   test("watch shows new jobs, and fits a terminal of another size", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 100, 24)
      screen:wait_for "0 of 1 ended"
      emulator:add_jobs { count = 3, timeline = { pending = 100 } }
      screen:wait_for "Pending 3 "
      screen:resize(60, 10)
      local text = screen:wait_for "^[^\n]-%d%d:%d%d:%d%d\nPending 3  Processing 1  Completed 1  Failed 1\n0 of 4 ended [^\n]- 10 %%\n"
      local lines = select(2, text:gsub("\n", "")) + 1
      assert.is_true(lines <= 10, text)
      assert.matches("q quits$", text)
   end)

   test("watch goes on when the server has trouble, and says so", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 120, 14)
      screen:wait_for "0 of 1 ended"
      emulator:fault { match = { kind = "list" }, times = math.huge, status = 500, body = '{"message":"broken"}',
         headers = { ["Retry-After"] = "100" } }
      screen:wait_for "HTTP 500"
      emulator:clear_faults()
      screen:wait_for "q quits"
   end)

   -- ---- ended by a signal, of which Lua is told nothing: a guard gives the terminal back --------------------------------

   -- The alternate screen is on, and the cursor is hidden; or neither.
   local TAKEN, FREE, HIDDEN = "1 0", "0 1", "0 0"

   local function state(screen)
      return launch.shell(("tmux -L %s display-message -p '#{alternate_on} #{cursor_flag}'"):format(screen.socket))
   end

   local function wait_until(what, holds, ...)
      local deadline = socket.gettime() + 10
      while not holds(...) do
         assert(socket.gettime() < deadline, "never came: " .. what)
         socket.sleep(0.02)
      end
   end

   -- The guards among the children of a process: the mark of each by its id.
   local function guards_of(pid)
      local found = {}
      local list = launch.shell(("grep -slx 'PPid:.%d' /proc/[0-9]*/status | cut -d / -f 3 | while read -r p; do "
         .. "grep -qs 'while read -r word' /proc/$p/cmdline && echo $p; done"):format(pid))
      for id in list:gmatch "%d+" do found[id] = process.stamp(id) end
      return found
   end

   local function gone(guards)
      for id, stamp in pairs(guards) do
         if process.alive(id, stamp) then return false end
      end
      return true
   end

   -- Runs f(screen, pid, guards, go_on) with a command that has taken the terminal. `before` are words before the call, `job`: a shell makes
   -- it a group of its own, as one does where people type. The script goes on behind the command once go_on() was called; with `typed`
   -- there is an interactive shell instead, in which the command was typed.
   local function with_guarded(arguments, o, f)
      local paths = { os.tmpname(), os.tmpname() }
      local call = ("%s sh -c %s"):format(o.before or "", launch.quote(("echo $$ >%s; exec %s"):format(paths[1], program.command(arguments))))
      if o.job then call = "sh -m -c " .. launch.quote(call .. "; exit $?") end
      local script = ("%s\ncode=$?\nuntil test -s %s; do sleep 0.05; done\n(exit $code)"):format(call, paths[2])
      local variables = program.variables(emulator)
      if o.typed then
         variables.CALL, variables.PS1, script = call, "prompt> ", "bash --norc --noprofile -i"
         variables.LOOK = "stty -a | tr ';' '\\n' | grep -o -e '-*icanon' -e '-*echo ' -e 'susp = .*' | tr -d ' \\n'"
      end
      local screen <close> = screens.open(script, { width = 80, height = 14, variables = variables })
      if o.typed then screen:keys [['eval "$CALL"' Enter]] end
      local ok, err = xpcall(function()
         wait_until("the terminal taken", function() return state(screen) == (o.taken or TAKEN) end)
         local pid = math.tointeger(launch.shell("cat " .. paths[1]))
         local guards = guards_of(pid)
         assert.is_truthy(next(guards), "there is no guard")
         f(screen, pid, guards, function() launch.shell("echo go >" .. paths[2]) end)
      end, debug.traceback)
      for _, path in ipairs(paths) do os.remove(path) end
      if not ok then error(err, 0) end
   end

   local function kill(signal, pid) launch.shell(("kill -%s %d"):format(signal, pid)) end

   for signal, code in pairs { TERM = 143, KILL = 137, HUP = 129 } do
      test("watch that is ended by SIG" .. signal .. " leaves the terminal as it was, and no process", function()
         some_jobs()
         with_guarded({ "watch" }, {}, function(screen, pid, guards, go_on)
            screen:wait_for "q quits"
            kill(signal, pid)
            wait_until("the terminal free", function() return state(screen) == FREE and gone(guards) end)
            go_on()
            assert.matches("ended with " .. code .. "\nsusp=^Zicanonecho", (screen:wait_for "ended with.-icanon"))
         end)
      end)
   end

   -- The group is what Ctrl-C, `timeout` and a shell's `kill %1` send a signal to.
   for who, sign in pairs { ["the process"] = 1, ["its group"] = -1 } do
      test("a shell has its prompt back when " .. who .. " was ended, and what is typed is seen once", function()
         some_jobs()
         with_guarded({ "watch" }, { typed = true }, function(screen, pid, guards)
            screen:wait_for "q quits"
            kill("TERM", sign * pid)
            wait_until("the terminal free", function() return state(screen) == FREE and gone(guards) end)
            screen:keys [['echo ty""ped' Enter]]
            local text = screen:wait_for "\ntyped\n"
            assert.equal(1, select(2, text:gsub('echo ty""ped', "")), text)
            screen:keys [['eval "$LOOK"' Enter]]
            screen:wait_for "susp=^Zicanonecho"
         end)
      end)
   end

   test("a terminal that a shell has set anew meanwhile is left as it is", function()
      some_jobs()
      for anew, expected in pairs { [true] = "%-icanon%-echo", [false] = "icanonecho" } do
         with_guarded({ "watch" }, { job = true }, function(screen, pid, guards, go_on)
            screen:wait_for "q quits"
            if anew then launch.shell(("stty intr ^X <$(tmux -L %s display-message -p '#{pane_tty}')"):format(screen.socket)) end
            kill("KILL", pid)
            wait_until("the end of the guard", gone, guards)
            go_on()
            assert.matches("\nsusp=[^\n]-" .. expected, (screen:wait_for "ended with 137.-icanon.-echo"))
         end)
      end
   end)

   test("watch that is ended by SIGKILL gives the screen back where there is no /dev/tty", function()
      some_jobs()
      with_guarded({ "watch" }, { before = "setsid -w" }, function(screen, pid, guards, go_on)
         screen:wait_for "Processing 1 "
         kill("KILL", pid)
         wait_until("the terminal free", function() return state(screen) == FREE and gone(guards) end)
         go_on()
         assert.matches("susp=^Zicanonecho", (screen:wait_for "ended with.-icanon"))
      end)
   end)

   test("watch that ends by itself takes its guard along", function()
      some_jobs()
      for key, code in pairs { q = 0, ["C-c"] = 130 } do
         with_guarded({ "watch" }, {}, function(screen, _, guards, go_on)
            screen:wait_for "q quits"
            screen:keys(key)
            wait_until("its end", function() return state(screen) == FREE end)
            wait_until("the end of the guard", gone, guards)
            go_on()
            screen:wait_for("ended with " .. code .. "\nsusp=^Zicanonecho")
            assert.equal(1, select(2, screen:raw():gsub("\27%[%?1049l", "")))
         end)
      end
   end)

   test("wait that is ended by SIGKILL leaves the cursor shown, and no process", function()
      emulator:add_jobs { timeline = { processing = 1000 } }
      with_guarded({ "wait", "--all" }, { taken = HIDDEN }, function(screen, pid, guards, go_on)
         kill("KILL", pid)
         wait_until("the cursor", function() return state(screen) == FREE and gone(guards) end)
         go_on()
         screen:wait_for "ended with 137"
      end)
   end)
end)

describe("lines on a terminal", function()
   local SCRIPT = [[
local terminal = require "topaz.progress_terminal"
local core = require "topaz.core"
local lines <close> = terminal.open(io.stdout)
local ends, n, drawn = core.now() + 1, 0, 0
repeat
   n = n + 1
   if lines:draw(function() return { "first stays", "second " .. n, "third stays" } end) then drawn = drawn + 1 end
until core.now() > ends
lines:draw(function() return { "first stays", "second at last", "third stays" } end, true)
lines:close()
print(n > 1000, drawn <= 11)
]]

   local function run(script, check)
      if not there then return pending "there is no tmux: apt install tmux" end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write(script)
      file:close()
      local screen <close> = screens.open("lua5.4 " .. path, { width = 60, height = 10 })
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
      run(([[
local topaz, progress = require "topaz", require "topaz.progress"
local client <close> = topaz.client { api_key = %q, base_url = %q }
local statuses, err = progress.wait_all(client, { %q, %q }, { timeout = 20 })
print(err, statuses[%q].status, statuses[%q].status)
]]):format(emulator.key, emulator.url, emulator.ids[1], emulator.ids[2]:upper(), emulator.ids[1], emulator.ids[2]:upper()), function(screen)
         local text = screen:wait_for "ended with 0"
         assert.matches("^2 of 2 ended +▕[^\n]-▏ 100 %%\nnil +Completed +Failed\nended with 0", text)
      end)
   end)
end)
