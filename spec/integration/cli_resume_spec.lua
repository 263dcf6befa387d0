-- topaz-status list that ends early: what was written, what it says of going on, and how many
-- requests it takes. The parts together have every status once.
local cjson = require "cjson"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli"
local world = require "spec.support.world"

describe("topaz-status list", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local run, fine, lines = cli.run, cli.fine, cli.lines
   local emulator
   before_each(function() emulator = cli.emulator end)

   -- The third page fails.
   local function fail()
      emulator:fault { match = { kind = "list" }, after = 2, times = math.huge, status = 500, body = "",
         headers = { ["Retry-After"] = "100" } }
   end

   -- The command that was suggested, as arguments.
   local function suggested(err)
      local list = {}
      for word in err:match "to resume: topaz%-status ([^\n]+)\n":gmatch "%S+" do list[#list + 1] = word end
      return list
   end

   it("suggests what is left of a --limit, however it was written", function()
      emulator:add_jobs { count = 400, status = "Completed" }
      for _, limit in ipairs { { "--limit", "250" }, { "--limit=250" } } do
         fail()
         local first = run { "list", "--fields", "process_id", table.unpack(limit) }
         emulator:clear_faults()
         local command = suggested(first.err)
         assert.same({ "list", "--fields", "process_id", "--limit", "50", "--resume" },
            table.move(command, 1, 6, 1, {}))
         local all, seen = lines(first.out .. fine(command)), {}
         assert.equal(250, #all)
         for _, id in ipairs(all) do
            assert.is_nil(seen[id])
            seen[id] = true
         end
      end
   end)

   it("suggests options in front of --, behind which there are none", function()
      local id = emulator:add_jobs { count = 400, status = "Completed" }[1]
      fail()
      local first = run { "list", "--fields", "process_id", "--" }
      emulator:clear_faults()
      assert.equal(200, #lines(fine(suggested(first.err))))
      emulator:fault { match = { kind = "one" }, times = math.huge, status = 401, body = "" }
      local waited = run { "wait", "--timeout", "9", "--", id }
      emulator:clear_faults()
      assert.matches("^" .. id:gsub("%-", "%%-"), fine(suggested(waited.err)))
      assert.equal("--", suggested(waited.err)[6])
   end)

   it("closes an array that ends early, and begins none where nothing came", function()
      emulator:add_jobs { count = 400, status = "Completed" }
      fail()
      local first = run { "list", "--json", "--fields", "process_id" }
      emulator:clear_faults()
      assert.equal(200, #cjson.decode(first.out))
      assert.equal(200, #cjson.decode(fine(suggested(first.err))))
      for _, form in ipairs { "--json", "--csv" } do
         local result = run({ "list", form }, { variables = { TOPAZ_API_KEY = "wrong" } })
         assert.equal("", result.out)
         assert.equal(4, result.code)
      end
   end)

   it("asks for no more than a small limit needs", function()
      emulator:add_jobs { count = 300, status = { "Completed", "Failed" } }
      local function asked(...)
         local before = #emulator:requests()
         local out = lines(fine { "list", "--fields", "process_id", ... })
         return #out, #emulator:requests() - before, emulator:requests()[before + 1].query
      end
      local count, requests, query = asked("--limit", "1")
      assert.same({ 1, 1 }, { count, requests })
      assert.matches("limit=1$", (query:gsub("&.*limit", "limit"):gsub("&.*", "")))
      count, requests = asked("--limit", "100")
      assert.same({ 100, 1 }, { count, requests })
      -- where a filter drops some, pages stay large
      count, requests = asked("--limit", "50", "--status", "Failed")
      assert.is_true(count == 50 and requests <= 2)
   end)

   it("writes what it knows before it waits for the next page", function()
      if world.is_windows then return pending "needs a shell's jobs" end
      emulator:add_jobs { count = 150, status = "Completed" }
      -- The second page never comes: what the first one had has arrived by then.
      emulator:fault { match = { kind = "list" }, after = 1, times = math.huge, delay = 3600 }
      local result = run({ "list", "--fields", "process_id" }, { shell = "exec 3>&1; %s & p=$!; "
         .. "while kill -0 $p && [ $(wc -l </dev/fd/3) -lt 100 ]; do sleep 0.02; done; "
         .. "kill -KILL $p; wait $p; echo ended with $? >&2" })
      emulator:clear_faults()
      assert.equal(100, #lines(result.out))
      assert.matches("ended with 137\n$", result.err) -- it was still waiting
   end)

   describe("on a terminal", function()
      local test = screens.available() and it or pending

      local function open(arguments, width, height, shell)
         local command = program.command(arguments)
         return screens.open((shell or "%s"):gsub("%%s", function() return command end),
            { width = width, height = height, variables = program.variables(emulator) })
      end

      test("shows every row that lies before the token", function()
         emulator:add_jobs { count = 240, status = { "Completed", "Completed", "Completed", "Failed" } }
         fail()
         -- 50 of the first two pages: fewer than fill this screen
         local screen <close> = open({ "list", "--fields", "process_id", "--status", "Failed" }, 100, 70)
         local text = screen:wait_for "ended with 3"
         emulator:clear_faults()
         local token = text:gsub("\n", ""):match "%-%-resume (topaz1[%w.%%_%-]-)ended"
         local seen = {}
         for id in text:gmatch "\n(%x+%-%x+%-%x+%-%x+%-%x+)" do seen[#seen + 1] = id end
         assert.equal(50, #seen, text)
         local rest = lines(fine { "list", "--fields", "process_id", "--status", "Failed", "--resume", token })
         assert.equal(10, #rest)
         for _, id in ipairs(rest) do assert.is_nil(text:find(id, 1, true)) end
      end)

      test("shows the first screen as soon as it is full", function()
         emulator:add_jobs { count = 150, status = "Completed" }
         local function stall()
            emulator:clear_faults()
            emulator:fault { match = { kind = "list" }, after = 1, times = math.huge, delay = 3600 }
         end
         stall()
         local screen <close> = open({ "list", "--fields", "filename" }, 80, 120)
         -- the first page does not fill it: nothing of it is shown until Ctrl-C
         screen:wait_for "1 page read, 100 found"
         assert.is_nil(screen:text():find("IMG_", 1, true))
         screen:keys "C-c"
         screen:wait_for "IMG_000150.-ended with 130"
         stall()
         local small <close> = open({ "list", "--fields", "filename" }, 80, 20)
         small:wait_for "IMG_000051.-\n1 page read, 100 found"
         emulator:clear_faults()
      end)

      test("counts the pages while it reads, also where the rows go into a file, and leaves no trace", function()
         emulator:add_jobs { count = 350, status = "Completed" }
         local none = { "--where", "credits>1000" }
         local list, summary = { "list", table.unpack(none) }, { "summary", table.unpack(none) }
         for _, case in ipairs { { list, "%s" }, { list, "%s >/dev/null" }, { list, "%s --sort credits" },
            { summary, "%s" }, { summary, "%s >/dev/null" }, { { "wait", "--all" }, "%s" } } do
            local arguments, shell = table.unpack(case)
            emulator:fault { match = { kind = "list" }, after = 3, delay = 4 }
            emulator:set { latency = 0.4 }
            local screen <close> = open(arguments, 80, 10, shell)
            screen:wait_for "^3 pages read, %d+ found"
            emulator:clear_faults()
            emulator:set { latency = 0 }
            local text = screen:wait_for "ended with 0"
            assert.is_nil(text:find("pages read", 1, true), shell)
            if case[1] == list and shell == "%s" then assert.matches("^no statuses match\nended", text) end
            if case[1] == summary and shell == "%s" then assert.matches("^0 statuses\nended", text) end
         end
      end)

      test("shows no counter beside another program", function()
         emulator:add_jobs { count = 350, status = "Completed" }
         emulator:set { latency = 0.4 }
         local screen <close> = open({ "list", "--where", "credits>1000" }, 80, 10, "%s | cat")
         screen:wait_for "ended with 0"
         emulator:set { latency = 0 }
         assert.is_nil(screen:raw():find("read", 1, true))
      end)
   end)
end)
