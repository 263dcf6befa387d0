-- --exec of wait and watch: a command for each job that ends. And watch --jsonl.
local cjson = require "cjson"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli"
local world = require "spec.support.world"

local JOB = { timeline = { processing = 0.5 } }

describe("topaz-status", function()
   if world.is_windows then return it("has --exec", function() pending "there are no such processes on Windows" end) end
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local emulator, run, lines = nil, cli.run, cli.lines
   before_each(function() emulator = cli.emulator end)

   local function sorted(text)
      local list = lines(text)
      table.sort(list)
      return list
   end

   local function folder_of_test()
      local path = os.tmpname()
      os.remove(path)
      assert(os.execute("mkdir " .. path))
      return setmetatable({ path = path }, { __close = function() os.execute("rm -r " .. path) end })
   end

   it("wait --exec runs a command for each job that ends, with its status", function()
      local ids = emulator:add_jobs { { status = "Completed" }, { status = "Failed" }, JOB }
      local folder <close> = folder_of_test()
      local result = run { "wait", "--exec", ("cat >%s/$TOPAZ_PROCESS_ID; echo $TOPAZ_STATUS"):format(folder.path),
         table.unpack(ids) }
      assert.equal(1, result.code)
      assert.equal("", result.err)
      local words = {}
      for _, line in ipairs(sorted(result.out)) do
         if not line:find "\t" then words[#words + 1] = line end
      end
      assert.same({ "Completed", "Completed", "Failed" }, words)
      for i, word in ipairs { "Completed", "Failed", "Completed" } do
         local file = assert(io.open(folder.path .. "/" .. ids[i]))
         local status = cjson.decode(file:read "a")
         file:close()
         assert.same({ ids[i], word }, { status.process_id, status.status })
      end
   end)

   it("a command that fails is told, and the exit code is 8, also where jobs Failed", function()
      local ids = emulator:add_jobs { { status = "Failed" }, { status = "Completed" } }
      local result = run { "wait", "--exec", "test $TOPAZ_STATUS = Completed || exit 7", ids[1], ids[2] }
      assert.equal(8, result.code)
      assert.equal(("topaz-status: the command of --exec for %s ended with exit code 7\n"):format(ids[1]), result.err)
      assert.equal(8, run({ "wait", "--exec", "kill -9 $$", ids[2] }).code)
      assert.equal(8, run({ "wait", "--exec", "/no/such/program", ids[2] }).code)
   end)

   it("at most N commands run at a time, and polling goes on meanwhile", function()
      local ids = emulator:add_jobs { { count = 3, status = "Completed" }, JOB }
      local folder <close> = folder_of_test()
      -- Each says how many there are. They run until two have said so
      -- and the last job was seen to end.
      local command = ([[cd %s; touch run.$TOPAZ_PROCESS_ID; ls run.* | wc -l >>counts
until grep -q "^%s" out &&
test $(wc -l <counts) -ge 2; do sleep 0.05; done; rm run.$TOPAZ_PROCESS_ID]]):format(folder.path, ids[4])
      local result = run({ "wait", "--exec", command, "--exec-jobs", "2", table.unpack(ids) },
         { shell = ("%%s >%s/out"):format(folder.path) })
      assert.equal(0, result.code, result.err)
      local file = assert(io.open(folder.path .. "/counts"))
      local counts, most = lines(file:read "a"), 0
      file:close()
      for _, count in ipairs(counts) do most = math.max(most, tonumber(count)) end
      assert.equal(4, #counts)
      assert.equal(2, most)
   end)

   it("commands get no connection, and no signal is blocked in them", function()
      local ids = emulator:add_jobs { { status = "Completed" } }
      local count = "ls -l /proc/self/fd | grep -c socket"
      local pipe <close> = assert(io.popen(count)) -- those that this process hands down itself
      local before = pipe:read "n"
      local result = run { "wait", ids[1], "--jsonl", "--exec",
         count .. "; grep -e SigBlk -e SigIgn /proc/self/status" }
      assert.equal(ids[1], cjson.decode(result.out).process_id) -- nothing else is there
      assert.matches("^" .. before .. "\nSigBlk:\t0+\n", result.err)
   end)

   it("Ctrl-C ends the commands as well, by the terminal", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      local id = emulator:add_jobs { { status = "Completed" } }[1]
      local folder <close> = folder_of_test()
      local command = ("trap 'echo ended >%s/ended; exit 1' INT; touch %s/begun; while :; do sleep 0.05; done")
         :format(folder.path, folder.path)
      local screen <close> = screens.open(program.command { "wait", id, "--exec", command },
         { width = 90, height = 10, variables = program.variables(emulator) })
      assert(os.execute(("for i in $(seq 600); do test -e %s/begun && exit 0; sleep 0.1; done; exit 1")
         :format(folder.path)))
      screen:keys "C-c"
      screen:wait_for "ended with 130"
      assert(os.execute(("for i in $(seq 600); do test -e %s/ended && exit 0; sleep 0.1; done; exit 1")
         :format(folder.path)))
   end)

   it("what commands write stands above the bars, and below the screen of watch when it has gone", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      local ids = emulator:add_jobs { { status = "Completed" }, { timeline = { processing = 1000 } } }
      local function open(...)
         return screens.open(program.command { ... },
            { width = 110, height = 10, variables = program.variables(emulator) })
      end
      local screen <close> = open("wait", ids[1], ids[2], "--exec", "echo one; echo two")
      screen:wait_for "^Completed [^\n]*\none\ntwo\n[^\n]*left\n1 of 2 finished"
      local watch <close> = open("watch", ids[1], "--until-done", "--exec", "echo one; echo two; exit 3")
      watch:wait_for "Completed 1\none\ntwo\ntopaz%-status: the command [^\n]*\n[^\n]*ended with 8"
   end)

   it("what commands have written is shown too where Ctrl-C ends watch", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      local ids = emulator:add_jobs { { count = 2, status = "Completed" } }
      local folder <close> = folder_of_test()
      -- the second begins when the first has been dealt with
      local command = ("test -e F/first && touch F/second; touch F/first; echo one"):gsub("F",
         function() return folder.path end)
      local screen <close> = screens.open(
         program.command { "watch", ids[1], ids[2], "--exec", command, "--exec-jobs", "1" },
         { width = 150, height = 12, variables = program.variables(emulator) })
      assert(os.execute(("for i in $(seq 600); do test -e %s/second && exit 0; sleep 0.1; done; exit 1")
         :format(folder.path)))
      screen:keys "C-c"
      assert.matches("^one\n.*interrupted\n", screen:wait_for "ended with 130")
   end)

   it("says on a terminal at the end that it waits for commands", function()
      if not screens.available() then return pending "there is no tmux: apt install tmux" end
      local id = emulator:add_jobs { { status = "Completed" } }[1]
      local folder <close> = folder_of_test()
      local command = ("while ! test -e %s/go; do sleep 0.05; done"):format(folder.path)
      for _, name in ipairs { "wait", "watch" } do
         local screen <close> = screens.open(program.command { name, id, "--exec", command,
            name == "watch" and "--until-done" or nil },
            { width = 90, height = 10, variables = program.variables(emulator) })
         screen:wait_for "\ntopaz%-status: waiting for 1 command of %-%-exec; Ctrl%-C ends it$"
         assert(os.execute(("touch %s/go"):format(folder.path)))
         screen:wait_for "ended with 0"
         os.remove(folder.path .. "/go")
      end
   end)

   it("a command that cannot be given the status does not run", function()
      local id = emulator:add_jobs { { status = "Completed" } }[1]
      local result = run({ "wait", id, "--exec", "echo it runs" },
         { shell = "(trap '' XFSZ; ulimit -f 0; %s 2>&1; echo code $?) | cat" })
      assert.equal("", result.err)
      assert.is_nil(result.out:find("it runs", 1, true), result.out)
      assert.matches("\ntopaz%-status: the command of %-%-exec for " .. id:gsub("%-", "%%-")
         .. " was not started: File too large\ncode 8\n$", result.out)
   end)

   it("watch --exec runs it for jobs that end while it watches, for those that it was told of", function()
      local ids = emulator:add_jobs { { status = "Completed" }, { timeline = { processing = 1000 } } }
      local ended = cli.begin { "watch", "--until-done", "--exec", "echo $TOPAZ_PROCESS_ID" }
      emulator:advance(1000)
      local result = ended()
      assert.equal(0, result.code)
      assert.is_nil(result.out:find(ids[1], 1, true))
      assert.is_truthy(result.out:find("\n" .. ids[2] .. "\n", 1, true), result.out)
   end)

   it("refuses --exec-jobs without --exec", function()
      cli.fails(2, { "wait", "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b", "--exec-jobs", "2" })
   end)

   it("watch --jsonl gives each event as one line", function()
      local ids = emulator:add_jobs { { timeline = { pending = 1000, processing = 1000 } } }
      local events = {}
      local ended = cli.begin { "watch", ids[1], "--jsonl", "--until-done" }
      emulator:advance(2000)
      for _, line in ipairs(lines(ended().out)) do
         local event = cjson.decode(line)
         assert.equal(ids[1], event.process_id)
         assert.equal("number", type(event.time))
         assert.equal(ids[1], event.status.process_id)
         assert.equal("string", type(event.status.model))
         if event.event ~= "progress" then
            events[#events + 1] = ("%s %s %s"):format(event.event, event.from, event.status.status)
         end
      end
      assert.matches("^changed %a+ Completed$", events[#events])
      assert.matches("^new nil %a+$", events[1])
      local gone = "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"
      local result = run { "watch", gone, "--jsonl", "--until-done" }
      assert.equal("", result.out) -- it was never there
   end)
end)
