-- topaz-status in a real terminal: what stands on the screen, keys, Ctrl-C, other sizes.
-- How a signal leaves the terminal is in cli_guard_spec, lines of a script in terminal_lines_spec.
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"

describe("topaz-status in a terminal", function()
   local home = set_up()
   local some_jobs, test = home.some_jobs, home.test
   local emulator
   before_each(function() emulator = home.emulator end)

   local function open(arguments, width, height, variables)
      local all = program.variables(emulator)
      for key, value in pairs(variables or {}) do all[key] = value end
      return screens.open(program.command(arguments), { width = width, height = height, variables = all })
   end

   -- What passes with the real clock: times of the day and seconds left.
   local function masked(text)
      return (text:gsub("%d%d:%d%d:%d%d", "hh:mm:ss"):gsub("%d+s left", "Ns left"):gsub("127%.0%.0%.1:%d+", "HOST"))
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

   -- Terminals count some of these in other cells than others do, tmux as well by its version.
   local NAMES = { "plain.png", "❤\u{FE0F} heart.png", "1\u{FE0F}\u{20E3} first.png", "🟠⏳ disc.png", "🇩🇪 flag.png",
      "👨\u{200D}👩\u{200D}👧 family.png", "👋🏿 hello.png", "தமிழ் படம்.png", "한글 그림.png",
      "e\u{301}te\u{301}.png", "a\u{202E}b.png",
      "日本語のとても長いファイル名がここに.png", ("🏳\u{FE0F}\u{200D}🌈"):rep(12) .. ".png", ("ம\u{BBF}"):rep(12) .. ".png" }

   -- The lines of the screen without what stands before a column. The terminal itself erases that:
   -- how it counts makes no difference.
   local function from_column(column, arguments, width)
      local erase = {}
      for row = 1, #NAMES + 2 do erase[row] = ("\\033[%d;%dH\\033[1K"):format(row, column - 1) end
      local script = ("%s; printf '%s\\033[%d;1H'"):format(program.command(arguments), table.concat(erase), #NAMES + 3)
      local screen <close> = screens.open(script,
         { width = width, height = #NAMES + 6, variables = program.variables(emulator) })
      local lines = {}
      for line in screen:wait_for "ended with 0":match "^(.-)\nended with":gmatch "[^\n]+" do
         lines[#lines + 1] = line:match "^%s*(.*)$"
      end
      return lines
   end

   for _, width in ipairs { 40, 80, 200 } do
      test("list has straight columns with names in any writing and with emoji, " .. width .. " wide", function()
         local jobs, expected = {}, { "MODEL  STATUS" }
         for i, name in ipairs(NAMES) do
            jobs[i] = { status = "Failed", filename = name, model = ("m%d"):format(i) }
            table.insert(expected, 2, ("m%-5d Failed"):format(i))
         end
         emulator:add_jobs(jobs)
         local arguments = { "list", "--fields", "filename,model,status" }
         local screen <close> = open(arguments, width, #NAMES + 6)
         local text = screen:wait_for "ended with 0"
         assert.equal(#NAMES + 2, select(2, text:match "^.-ended":gsub("\n", "")) + 1, text)
         assert.same(expected, from_column(text:find "MODEL", arguments, width), text)
      end)
   end

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

   test("a locale without UTF-8 gets ASCII", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 16, { LC_ALL = "C" })
      assert.matches("%[#+%.+%]  42 %%", screen:wait_for "Processing 1 ")
   end)

   test("wait shows a bar that moves, then how each job has ended", function()
      local ids = emulator:add_jobs { { timeline = { processing = 100, outcome = "Failed", last_progress = 90 },
         filename = "a.png" },
         { timeline = { processing = 200 }, filename = "b.png" } }
      local screen <close> = open({ "wait", "--all" }, 80, 10)
      screen:wait_for "0 of 2 finished"
      emulator:advance(40)
      local text = screen:wait_for "20 %%[^\n]*\n[^\n]* 40 %%[^\n]*\n[^\n]* 30 %%"
      assert.equal(table.concat({
         "b.png                       ▕█████▏                    ▏  20 %  LEFT",
         "a.png                       ▕██████████▍               ▏  40 %  LEFT",
         "0 of 2 finished             ▕███████▊                  ▏  30 %  LEFT",
      }, "\n"), (text:gsub("%%  [^\n]+ left", "%%  LEFT")))
      emulator:advance(160)
      text = screen:wait_for "ended with 1"
      assert.equal(("Completed   %s  b.png\nFailed      %s  a.png\nended with 1"):format(ids[2], ids[1]),
         text:match "^(.-ended with 1)")
      assert.matches("=%^Zicanonecho", (screen:wait_for "icanon"))
   end)

   test("wait redraws in a terminal of another size, and nothing of the old lines is left", function()
      emulator:add_jobs { count = 4, timeline = { processing = 1000 } }
      local screen <close> = open({ "wait", "--all" }, 100, 12)
      screen:wait_for "0 of 4 finished"
      screen:resize(50, 12)
      emulator:advance(100)
      local text = screen:wait_for "0 of 4 finished +▕[^\n]- 10 %%"
      assert.equal(5, select(2, text:gsub("▕", "")), text)
      for line in text:gmatch "[^\n]+" do assert.matches("^[%w_. ]+▕.*▏ +%d+ %%$", line) end
   end)

   test("Ctrl-C leaves a wait with the cursor shown and says how to resume", function()
      local ids = emulator:add_jobs { timeline = { processing = 1000 } }
      local screen <close> = open({ "wait", ids[1] }, 80, 16)
      screen:wait_for "0 %%"
      screen:keys "C-c"
      local text = screen:wait_for "ended with 130.-icanon"
      assert.matches("\ntopaz%-status: interrupted\ntopaz%-status: to resume: topaz%-status wait %-%-resume", text)
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
         "1 of 1 finished             ▕██████████████████████████▏ 100 %",
         "",
         "Latest changes",
         "hh:mm:ss  Processing → Completed    a.png",
         "", "", "", "", "", "", "",
         "s sort: progress   / filter   ? help   q quits",
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

   test("watch ends by Ctrl-C, gives the terminal back and says how to resume", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 80, 14)
      screen:wait_for "q quits"
      screen:keys "C-c"
      local text = screen:wait_for "ended with 130.-icanon"
      assert.matches("^topaz%-status: interrupted\ntopaz%-status: to resume: topaz%-status watch\nended with 130\n",
         text)
      assert.is_nil(text:find("-icanon", 1, true))
   end)

   test("watch ends with an error that says what to do, on the screen that was there before", function()
      local screen <close> = open({ "watch" }, 80, 14, { TOPAZ_API_KEY = "wrong" })
      local text = screen:wait_for "ended with 4.-icanon"
      assert.matches("^topaz%-status: .-HTTP 401.-the key in TOPAZ_API_KEY", (text:gsub("\n", " ")))
      assert.is_nil(text:find("-icanon", 1, true))
   end)

   test("watch shows new jobs, and fits a terminal of another size", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 100, 24)
      screen:wait_for "0 of 1 finished"
      emulator:add_jobs { count = 3, timeline = { pending = 100 } }
      screen:wait_for "Pending 3 "
      screen:resize(60, 10)
      local text = screen:wait_for("^[^\n]-%d%d:%d%d:%d%d\nPending 3  Processing 1  Completed 1  Failed 1\n"
         .. "0 of 4 finished [^\n]- 10 %%\n")
      local lines = select(2, text:gsub("\n", "")) + 1
      assert.is_true(lines <= 10, text)
      assert.matches("q quits$", text)
   end)

   test("watch scrolls, sorts, filters and helps, and gives each line to one job", function()
      local jobs = {}
      for i = 1, 1200 do
         jobs[i] = { timeline = { processing = 10000 }, age = 2000 - i, filename = ("job%04d.png"):format(i) }
      end
      emulator:add_jobs(jobs)
      local screen <close> = open({ "watch" }, 80, 12)
      local function names(pattern)
         local text, list = screen:wait_for(pattern), {}
         for name in text:gmatch "job(%d+)" do list[#list + 1] = tonumber(name) end
         return list, text
      end
      assert.same({ 100, 99, 98 }, { table.unpack(names "1,19%d more", 1, 3) }) -- all at 19 %
      screen:keys "s s"
      assert.same({ 1, 2, 3 }, { table.unpack(names "job0001.*sort: name", 1, 3) })
      screen:keys "Down j"
      assert.same({ 3, 4, 5, 6, 7 }, (names "… 2 above, 1,193 below"))
      screen:keys "k PageDown"
      assert.equal(6, names "… 5 above, 1,190 below"[1])
      screen:keys "End"
      local list = names "above, 0 below"
      assert.same({ 1196, 1200 }, { list[1], list[#list] })
      screen:keys "Home"
      screen:wait_for "job0001"
      screen:keys "/ o b 1 1 9 x BSpace"
      assert.same({ 1190, 1191, 1192, 1193, 1194 }, { table.unpack(names "\n/ob119_$", 1, 5) })
      screen:keys "Enter"
      screen:wait_for "\n/ob119   s sort: name   %? help   q quits$"
      screen:keys "'?'" -- as it is, whatever files the folder has
      screen:wait_for "Space, PgDn one screen down\n.*q quits$"
      screen:keys "x Escape"
      assert.same({ 1, 2, 3 }, { table.unpack(names "job0003.*/ filter", 1, 3) })
      screen:keys "q"
      screen:wait_for "ended with 0"
   end)

   test("watch goes on when the server has trouble, and says so", function()
      some_jobs()
      local screen <close> = open({ "watch" }, 120, 14)
      screen:wait_for "0 of 1 finished"
      emulator:fault { match = { kind = "list" }, times = math.huge, status = 500, body = '{"message":"broken"}',
         headers = { ["Retry-After"] = "100" } }
      screen:wait_for "HTTP 500"
      emulator:clear_faults()
      screen:wait_for "q quits"
   end)

   test("a size that no terminal has is not believed", function()
      local id = emulator:add_jobs { status = "Failed", filename = "a.png" }[1]
      for _, size in ipairs { "0", "-5", "1e9", "1e400", "2.5" } do
         local variables = program.variables(emulator)
         variables.COLUMNS, variables.LINES = size, size
         local screen <close> = screens.open(
            "sh -c 'stty rows 0 cols 0; \"$@\"' x " .. program.command { "list" },
            { width = 80, height = 10, variables = variables })
         assert.matches("^ID  [^\n]*FILE[^\n]*\n" .. id:gsub("%-", "%%-") .. "  [^\n]*a%.png[^\n]*\nended with 0",
            (screen:wait_for "ended with %d"))
      end
   end)
end)
