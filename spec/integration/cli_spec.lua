-- topaz-status, run as a program against the emulator, without a terminal: usage errors (those of
-- argparse are in cli_usage_spec), the key, the environment, help and --demo. Each command has
-- a spec: cli_list, cli_wait, cli_delete.
local blocks = require "spec.docs.blocks"
local emulators = require "topaz.emulator"
local process = require "topaz.emulator.process"
local set_up = require "spec.support.cli"
local world = require "spec.support.world"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local fine, fails, lines = cli.fine, cli.fails, cli.lines
   local emulator
   before_each(function() emulator = cli.emulator end)

   describe("a usage error", function()
      for name, case in pairs {
         ["no command"] = { {}, "no command; see `topaz%-status help`" },
         ["no id to wait for"] = { { "wait" }, "no ID was given; give IDs, or %-%-all" },
         ["no UUID"] =
            { { "get", "../\27[2Jstatus" }, "'../\\e%[2Jstatus' is not a process_id; expected a UUID such as" },
         ["no time"] = { { "list", "--newer-than", "soon" },
            "'soon' is not a time: write 7d, 36h, 90m, 45s or plain seconds, or a date such as 2026%-01%-31 or" },
         ["no duration"] = { { "list", "--timeout", "soon" },
            "'soon' is not a duration: write 7d, 36h, 90m, 45s or plain seconds" },
         ["no number"] = { { "list", "--limit", "0" }, "'0' is not a whole number above 0" },
         ["too long a time"] = { { "delete-finished", "--dry-run", "--older-than", "9999999999w" },
            "%-%-older%-than: expected a number from 0 to 1000000000, got .*; see .* delete%-finished`" },
         ["no member"] = { { "list", "--fields", "nope" }, "%-%-fields: a status has no member 'nope'" },
         ["no token"] = { { "list", "--resume", "x" },
            "%-%-resume: not a valid list token: expected the whole token that an interrupted list printed" },
         ["no token of a wait"] = { { "wait", "--resume", "topazw1.00.00" },
            "%-%-resume: not a valid watch token: expected the whole token that an interrupted wait printed" },
         ["a status that is not finished"] =
            { { "delete-finished", "--status", "Pending" }, "'Pending' is not one of Completed, Cancelled, Failed" },
         ["http to elsewhere"] = { { "list", "--base-url", "http://api.example" },
            "%-%-base%-url: http:// would send the key unencrypted.*%-%-allow%-insecure" },
      } do
         it("is " .. name, function()
            assert.matches(case[2], (fails(2, case[1])))
            assert.equal(0, emulator:counts().total)
         end)
      end
   end)

   it("takes numbers of plain decimal digits only", function()
      for _, text in ipairs { "1e3", "0x10", "1.0", " 5", "+5", "5 ", "", "5\n", "1_000", "99999999999999999999" } do
         for _, case in ipairs { { "list", "--limit" }, { "emulator", "--jobs" }, { "emulator", "--port" } } do
            assert.matches("' is not a whole number ", (fails(2, { case[1], case[2], text })), nil, text)
         end
      end
      for _, text in ipairs { "1e3", "0x10", " 5", "+5", "5 ", "", "inf", "nan", "5.", ".5", "0.0", ("9"):rep(400) } do
         assert.matches("is not a number above 0", (fails(2, { "list", "--max-rate", text })), nil, text)
      end
      for _, text in ipairs { "1e3", "0x10", " 5", "+5", "5 ", "", ("9"):rep(400) } do
         assert.matches("is not a duration", (fails(2, { "list", "--timeout", text })), nil, text)
      end
      assert.matches("TOPAZ_MAX_RATE: '1e3' is not", (fails(2, { "list" }, { variables = { TOPAZ_MAX_RATE = "1e3" } })))
      assert.equal("", fine { "list", "--limit", "007", "--max-rate", "2.5", "--timeout", "1.5m" })
   end)

   describe("the key", function()
      local path

      before_each(function()
         path = os.tmpname()
         local file = assert(io.open(path, "w"))
         file:write(" ", emulator.key, "\r\n")
         file:close()
      end)
      after_each(function() os.remove(path) end)

      local function mode(bits) assert(os.execute(("chmod %s %s"):format(bits, process.quote(path)))) end

      it("comes from a file of mode 600, by flag or by variable", function()
         mode "600"
         assert.equal("", fine({ "list", "--api-key-file", path }, { variables = { TOPAZ_API_KEY = "wrong" } }))
         assert.equal("", fine({ "list" }, { variables = { TOPAZ_API_KEY = false, TOPAZ_API_KEY_FILE = path } }))
         mode "400"
         assert.equal("", fine { "list", "--api-key-file", path })
      end)

      it("is not taken from a file that others may read or write", function()
         if world.is_windows then return pending "Windows knows no such modes" end
         for _, bits in ipairs { "640", "604", "620", "602", "644", "610" } do
            mode(bits)
            assert.matches("others may read or write the key file .*; chmod 600 /",
               (fails(2, { "list", "--api-key-file", path })))
         end
         assert.matches("no such key file: /nowhere", (fails(2, { "list", "--api-key-file", "/nowhere" })))
         assert.matches("is not a regular file", (fails(2, { "list", "--api-key-file", "/dev/null" })))
         assert.equal(0, emulator:counts().total)
      end)

      it("is never an argument", function()
         for _, arguments in ipairs { { "list", "--api-key", "secret" }, { "--api-key=secret", "list" } } do
            local err = fails(2, arguments)
            assert.matches("the key is never an argument", err)
            assert.is_nil(err:find("secret", 1, true))
         end
      end)

      it("that is missing or wrong says what to do", function()
         assert.matches("no API key; set TOPAZ_API_KEY",
            (fails(2, { "list" }, { variables = { TOPAZ_API_KEY = false } })))
         assert.matches("HTTP 401.*; check the key in TOPAZ_API_KEY",
            (fails(4, { "list" }, { variables = { TOPAZ_API_KEY = "wrong" } })))
         assert.matches("TOPAZ_API_KEY: byte 2 is a line break",
            (fails(2, { "list" }, { variables = { TOPAZ_API_KEY = "a\nb" } })))
      end)
   end)

   it("names the variable whose value is wrong", function()
      for variable, values in pairs {
         TOPAZ_BASE_URL = { "foo", "http://example.com/x", "https://a/x?y", "https://u@a/x", "https://a b" },
         TOPAZ_TIMEOUT = { "0", "99d" }, TOPAZ_MAX_RATE = { "9999999" },
      } do
         for _, value in ipairs(values) do
            local err = fails(2, { "list" }, { variables = { [variable] = value } })
            assert.matches("^topaz%-status: " .. variable .. ": ", err)
            assert.is_nil(err:find("--" .. variable:match "TOPAZ_(.*)":lower():gsub("_", "-"), 1, true), err)
         end
      end
      local command = { "wait", "--timeout", "9999d", "00000000-0000-4000-8000-000000000000" }
      assert.matches("^topaz%-status: %-%-timeout: ", (fails(2, command, { variables = { TOPAZ_TIMEOUT = "5" } })))
   end)

   it("says of a 404 what it means for the operation", function()
      local base = { variables = { TOPAZ_BASE_URL = emulator.url .. "/elsewhere" } }
      assert.matches("HTTP 404.*; check %-%-base%-url and TOPAZ_BASE_URL\n$", (fails(3, { "list" }, base)))
      assert.matches("HTTP 404.*; it may be older than 7 days or deleted",
         (fails(5, { "get", "00000000-0000-4000-8000-000000000000" })))
   end)

   it("takes options from the environment, flags first", function()
      assert.matches("TOPAZ_TIMEOUT: 'x' is not a duration",
         (fails(2, { "list" }, { variables = { TOPAZ_TIMEOUT = "x" } })))
      assert.matches("TOPAZ_MAX_RATE: '0' is not a number above 0",
         (fails(2, { "list" }, { variables = { TOPAZ_MAX_RATE = "0" } })))
      assert.equal("", fine({ "list", "--timeout", "5s" }, { variables = { TOPAZ_TIMEOUT = "x" } }))
      local err = fails(7, { "list", "--base-url", "http://127.0.0.1:1/x", "--timeout", "0.1" })
      assert.matches("cannot connect.*; check the network, %-%-base%-url", err)
   end)

   it("explains every command with an example, and completes in three shells", function()
      local help, guide = fine { "--help" }, nil
      for _, path in ipairs(blocks.pages()) do
         if path:find "command%-line" then guide = blocks.read(path) end
      end
      local listed, told = {}, {}
      for name in help:match("\nCommands:(\n.-)\n\n"):gmatch "\n   ([%l-]+) " do listed[#listed + 1] = name end
      for name in guide:gmatch "\n| `topaz%-status ([%l-]+)" do told[#told + 1] = name end
      assert.same(told, listed)
      -- of the parser itself: without examples
      for _, name in ipairs { "manual", "help", "completion" } do
         assert.equal(name, table.remove(told))
      end
      for _, name in ipairs(told) do
         assert.is_truthy(help:find("\n   " .. name .. " ", 1, true))
         local own = fine { name, "--help" }
         assert.matches("\nExamples?:\n   topaz%-status " .. name:gsub("%-", "%%-"), own)
         for _, line in ipairs(lines(own)) do assert.is_true(#line <= 80, line) end
      end
      for _, shell in ipairs { "bash", "zsh", "fish" } do
         assert.matches("delete%-finished", fine { "completion", shell })
      end
      assert.matches("^topaz%-status %d+%.%d+", fine { "--version" })
   end)

   it("begins its help with what is typed, then the commands, and tells common options once", function()
      local help = fine { "help" }
      assert.matches("^Usage: topaz%-status %[options%] COMMAND %[options%] %[arguments%]\n\n[^\n]+\n\nCommands:\n",
         help)
      assert.matches("\n\nConnection:\n.*\n   %-%-verbose ", help)
      for command, usage in pairs { list = "[options]", get = "[options] ID ...", wait = "[options] [ID ...]",
         completion = "[options] SHELL", help = "[options] [COMMAND]" } do
         local own = fine { "help", command }
         assert.equal(("Usage: topaz-status %s %s"):format(command, usage), own:match "^[^\n]*")
         assert.is_nil(own:find("--base-url ", 1, true))
         local asks = command ~= "completion" and command ~= "help"
         assert.equal(asks, own:find("\n\nEvery command also has --profile, --quiet and more: see `topaz-status help`."
            .. "\n\nExample", 1, true) ~= nil, command)
      end
      assert.is_nil(fine({ "help", "emulator" }):find("Every command also", 1, true))
   end)

   describe("--demo", function()
      it("runs a command on an emulator of its own, without a key", function()
         local arguments = { "--demo", "list", "--status", "Completed", "--limit", "3" }
         if world.is_windows then return assert.matches("the emulator runs on Linux only", (fails(3, arguments))) end
         local out = fine(arguments, { variables = { TOPAZ_API_KEY = false } })
         assert.equal(3, #lines(out))
         assert.equal(0, emulator:counts().total)
      end)

      it("says what to install where the emulator cannot run", function()
         if world.is_windows then return pending "the emulator does not run on Windows" end
         local demo = require "topaz.cli.demo"
         local problem = require "topaz.cli.problem"
         for why, hint in pairs {
            ["emulator: nginx did not start: sh: 1: exec: nginx: not found"] =
               "apt install nginx libnginx%-mod%-http%-lua",
            ['nginx did not start: [emerg] unknown directive "lua_package_path"'] =
               "apt install libnginx%-mod%-http%-lua",
         } do
            package.loaded["topaz.emulator"] = { start = function() error(why, 0) end }
            local ok, err = pcall(demo.run, { args = {}, arguments = {} })
            package.loaded["topaz.emulator"] = emulators
            assert.is_false(ok)
            assert.equal(3, err.code)
            assert.matches(hint, err.hint)
         end
         assert.equal(2, problem.USAGE)
      end)
   end)
end)
