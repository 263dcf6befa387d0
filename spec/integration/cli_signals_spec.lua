-- topaz-status and the signals of a terminal: Ctrl-C at any time, Ctrl-Z and `fg`, a reader that
-- has gone, another size.
local interpreter = require "spec.support.interpreter"
local process = require "topaz.emulator.process"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"

-- As the interpreter does for Ctrl-C, after so many instructions of its machine.
local INTERRUPT = [[
local at = tonumber(os.getenv "AT")
debug.sethook(function() debug.sethook() error "interrupted!" end, "", at)
]]

describe("topaz-status and signals", function()
   local home = set_up()
   local test = home.test
   local emulator
   before_each(function() emulator = home.emulator end)

   -- Runs a call that Ctrl-C meets after `at` instructions. Returns its output and its end.
   local function interrupted(arguments, at)
      local init, out = os.tmpname(), os.tmpname()
      local file = assert(io.open(init, "w"))
      file:write(INTERRUPT)
      file:close()
      local variables = program.variables(emulator)
      variables.AT, variables.LUA_INIT = tostring(at), "@" .. init
      local _, how, number = os.execute(("exec %s %s >%s 2>&1"):format(program.environment(variables),
         program.command(arguments), out))
      local text = process.shell("cat " .. out)
      os.remove(init)
      os.remove(out)
      return text, how .. " " .. number
   end

   it("dies quietly of Ctrl-C wherever it comes while modules are loaded", function()
      if not interpreter:find "^lua" then return pending "the interpreter runs under a checker" end
      emulator:add_jobs { status = "Failed" }
      local ends, at = {}, 25
      repeat
         local text, how = interrupted({ "list" }, at)
         assert.is_nil(text:find("traceback", 1, true), ("after %d: %s"):format(at, text))
         assert.is_nil(text:find("missing", 1, true), ("after %d: %s"):format(at, text))
         assert.is_true(text == "" or text == "topaz-status: interrupted" or text:find("\tFailed\t", 1, true) ~= nil,
            ("after %d: %s"):format(at, text))
         assert.equal(text:find("\tFailed\t", 1, true) and "exit 0" or "signal 2", how, text)
         ends[how] = (ends[how] or 0) + 1
         at = at * 5 // 4
      until how == "exit 0" or at > 1e7
      assert.equal(1, ends["exit 0"])
      assert.is_true(ends["signal 2"] > 20)
   end)

   -- An interactive shell in which CALL is what to type.
   local function shell_with(arguments)
      local variables = program.variables(emulator)
      variables.CALL, variables.PS1 = program.command(arguments), "prompt> "
      return screens.open("bash --norc --noprofile -i", { width = 90, height = 24, variables = variables })
   end

   local TAKEN, FREE, HIDDEN = "1 0", "0 1", "0 0"
   local function wait_until_terminal(screen, expected)
      local deadline, state = os.time() + 60
      repeat
         state = process.shell(("tmux -L %s display-message -p '#{alternate_on} #{cursor_flag}'"):format(screen.socket))
      until state == expected or os.time() > deadline
      assert.equal(expected, state, screen:text())
   end

   test("Ctrl-C ends a shell's loop over wait", function()
      emulator:add_jobs { timeline = { processing = 1000 } }
      local screen <close> = shell_with { "wait", "--all" }
      screen:keys [['for i in 1 2 3; do echo round $i; eval "$CALL"; done' Enter]]
      screen:wait_for "round 1\n[^\n]*0 %%"
      screen:keys "C-c"
      screen:wait_for "to resume: [^$]*prompt>%s*$"
      assert.is_nil(screen:text():find "\nround 2")
   end)

   test("Ctrl-Z in wait leaves the bars and the cursor, `fg` draws them anew below", function()
      emulator:add_jobs { count = 2, timeline = { processing = 1000 } }
      local screen <close> = shell_with { "wait", "--all" }
      screen:keys [['eval "$CALL"' Enter]]
      screen:wait_for "0 of 2 finished"
      wait_until_terminal(screen, HIDDEN)
      screen:keys "C-z"
      local text = screen:wait_for "Stopped[^\n]*\nprompt>%s*$"
      wait_until_terminal(screen, FREE)
      assert.equal(1, select(2, text:gsub("0 of 2 finished", "")), text)
      screen:keys "fg Enter"
      text = screen:wait_for "prompt> fg\n.-0 of 2 finished"
      wait_until_terminal(screen, HIDDEN)
      assert.equal(2, select(2, text:gsub("0 of 2 finished", "")), text)
      screen:keys "C-c"
      screen:wait_for "topaz%-status: interrupted\n"
      wait_until_terminal(screen, FREE)
   end)

   test("wait in the background draws nothing, and tells the end of each job", function()
      local ids = emulator:add_jobs { { timeline = { processing = 50 } }, { timeline = { processing = 1000 } } }
      local screen <close> = shell_with { "wait", "--all" }
      screen:keys [['eval "$CALL"' Enter]]
      screen:wait_for "0 of 2 finished"
      screen:keys "C-z"
      screen:wait_for "Stopped"
      screen:keys "bg Enter"
      screen:wait_for "prompt> bg"
      emulator:advance(60)
      local text = screen:wait_for("Completed +" .. ids[1]:gsub("%-", "%%-"))
      assert.is_nil(text:match "prompt> bg(.*)$":find "of 2 finished")
      screen:keys "fg Enter"
      screen:wait_for "prompt> bg.*1 of 2 finished"
      screen:keys "C-c"
      screen:wait_for "topaz%-status: interrupted\n"
   end)

   test("Ctrl-Z in watch gives the screen back, `bg` stops it again, `fg` draws it", function()
      home.some_jobs()
      local screen <close> = shell_with { "watch" }
      screen:keys [['eval "$CALL"' Enter]]
      screen:wait_for "q quits"
      for _ = 1, 2 do
         screen:keys "C-z"
         screen:wait_for "Stopped[^\n]*\nprompt>%s*$"
         wait_until_terminal(screen, FREE)
         screen:keys "bg Enter"
         screen:wait_for "prompt> bg\n[^\n]*&[^\n]*\n.*prompt>"
         wait_until_terminal(screen, FREE)
         screen:keys "fg Enter"
         wait_until_terminal(screen, TAKEN)
         screen:wait_for "0 of 1 finished.*q quits"
         screen:keys "C-z"
         screen:wait_for "Stopped"
         screen:keys "clear Enter fg Enter"
         wait_until_terminal(screen, TAKEN)
         screen:wait_for "0 of 1 finished.*q quits"
      end
      screen:keys "q"
      wait_until_terminal(screen, FREE)
      screen:keys [['stty -a | grep -o -e "-*icanon"' Enter]]
      assert.is_nil(screen:wait_for "icanon\nprompt>%s*$":find("-icanon\n", 1, true))
   end)

   it("says once in the tour that its reader has gone", function()
      local result = program.run({ "--demo" }, { variables = {}, shell = "%s | head -n 1" })
      assert.matches("^topaz%-status: cannot write the output: Broken pipe; [^\n]*\n$", result.err)
   end)

   it("ends quietly when its reader has gone, and says so where SIGPIPE is ignored", function()
      emulator:add_jobs { count = 300, status = "Failed" }
      for before, expected in pairs { ["env --default-signal=PIPE "] = "^$",
         ["env --ignore-signal=PIPE "] = "^topaz%-status: cannot write the output: Broken pipe; [^\n]*\n$" } do
         local result = program.run({ "list", "--jsonl" }, { variables = program.variables(emulator),
            shell = before .. "%s | true" })
         assert.matches(expected, result.err)
      end
   end)
end)
