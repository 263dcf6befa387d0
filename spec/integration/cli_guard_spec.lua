-- topaz-status ended by a signal, of which Lua is told nothing: a guard gives the terminal back.
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"
local socket = require "socket"

describe("topaz-status in a terminal", function()
   local home = set_up()
   local some_jobs, test = home.some_jobs, home.test
   local emulator
   before_each(function() emulator = home.emulator end)

   -- The alternate screen is on, and the cursor is hidden; or neither.
   local TAKEN, FREE, HIDDEN = "1 0", "0 1", "0 0"

   local function state(screen)
      return process.shell(("tmux -L %s display-message -p '#{alternate_on} #{cursor_flag}'"):format(screen.socket))
   end

   local function wait_until(what, holds, ...)
      local deadline = socket.gettime() + 60 -- given up
      while not holds(...) do
         assert(socket.gettime() < deadline, "never came: " .. what)
         socket.sleep(0.02)
      end
   end

   -- The guards among the children of a process: the mark of each by its id.
   local function guards_of(pid)
      local found = {}
      local list = process.shell(("grep -slx 'PPid:.%d' /proc/[0-9]*/status | cut -d / -f 3 | while read -r p; do "
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

   -- Runs f(screen, pid, guards, go_on) with a command that has taken the terminal.
   -- `before` are words before the call, `job`: a shell makes it a group of its own,
   -- as one does where people type. The script goes on behind the command once go_on() was called;
   -- with `typed` there is an interactive shell instead, in which the command was typed.
   local function with_guarded(arguments, o, f)
      local paths = { os.tmpname(), os.tmpname() }
      local call = ("%s sh -c %s"):format(o.before or "",
         process.quote(("echo $$ >%s; exec %s"):format(paths[1], program.command(arguments))))
      if o.job then call = "sh -m -c " .. process.quote(call .. "; exit $?") end
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
         local pid = math.tointeger(process.shell("cat " .. paths[1]))
         local guards
         wait_until("a guard", function() -- between fork and exec it does not look like one yet
            guards = guards_of(pid)
            return next(guards)
         end)
         f(screen, pid, guards, function() process.shell("echo go >" .. paths[2]) end)
      end, debug.traceback)
      for _, path in ipairs(paths) do os.remove(path) end
      if not ok then error(err, 0) end
   end

   local function kill(signal, pid) process.shell(("kill -%s %d"):format(signal, pid)) end

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
            if anew then
               process.shell(("stty intr ^X <$(tmux -L %s display-message -p '#{pane_tty}')"):format(screen.socket))
            end
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
