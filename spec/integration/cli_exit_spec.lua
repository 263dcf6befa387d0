-- topaz-status: its exit codes, and where they are told; that it asks before it cleans up; what
-- its completion offers; that the examples of its help run.
local blocks = require "spec.docs.blocks"
local names = require "topaz.cli.commands"
local problem = require "topaz.cli.problem"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli"
local world = require "spec.support.world"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local fine, run = cli.fine, cli.run
   local emulator
   before_each(function() emulator = cli.emulator end)

   local function ends(code, arguments, o)
      local result = run(arguments, o)
      assert.equal(code, result.code, table.concat(arguments, " ") .. ": " .. result.err)
   end

   describe("ends with", function()
      it("4 where the key is refused", function()
         for _, arguments in ipairs { { "list" }, { "get", UNKNOWN }, { "delete", UNKNOWN }, { "delete-all", "--yes" },
            { "delete-finished" }, { "summary" }, { "wait", UNKNOWN } } do
            ends(4, arguments, { variables = { TOPAZ_API_KEY = "wrong" } })
         end
         emulator:fault { status = 403, body = '{"message":"no"}' }
         ends(4, { "list" })
      end)

      it("5 for a status that is not found", function()
         for _, command in ipairs { "get", "delete", "wait" } do ends(5, { command, UNKNOWN }) end
      end)

      it("6 where the time is over", function()
         emulator:fault { times = math.huge, delay = 3600 }
         for _, arguments in ipairs { { "list" }, { "get", UNKNOWN }, { "delete-finished" } } do
            table.insert(arguments, "--timeout")
            table.insert(arguments, "0.3")
            ends(6, arguments)
         end
         emulator:clear_faults()
      end)

      it("7 where the network fails, and for a certificate that is not trusted", function()
         local calls = {}
         for _, arguments in ipairs { { "list" }, { "get", UNKNOWN }, { "delete", UNKNOWN }, { "delete-finished" } } do
            table.move({ "--base-url", "http://127.0.0.1:1/x" }, 1, 2, #arguments + 1, arguments)
            calls[#calls + 1] = program.begin(arguments, { variables = program.variables(emulator) })
         end
         for _, result in ipairs(calls) do assert.equal(7, result().code) end
         assert.equal(problem.NETWORK, problem.code { kind = "tls" })
      end)

      it("3 for all else, and for failures of several kinds", function()
         local ids = emulator:add_jobs { { status = "Processing" }, { status = "Completed" } }
         emulator:fault { status = 400, body = '{"message":"no"}' }
         ends(3, { "list" })
         ends(3, { "delete", ids[1] })
         ends(3, { "delete", ids[1], UNKNOWN })
         ends(5, { "get", UNKNOWN, ids[2], (UNKNOWN:gsub("4", "5")) })
      end)
   end)

   it("tells failures in the words of the command line, not by the names of the library's calls", function()
      local id = "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"
      local wrong = { variables = { TOPAZ_API_KEY = "wrong" } }
      for _, arguments in ipairs { { "list" }, { "summary" }, { "delete-finished" }, { "delete-all", "--yes" } } do
         assert.matches("^topaz%-status: this API key is not known ", run(arguments, wrong).err)
      end
      for _, command in ipairs { "get", "delete", "wait" } do
         assert.matches("^topaz%-status: " .. id:gsub("%-", "%%-") .. ": no job with", run({ command, id }).err)
      end
   end)

   it("tells its exit codes in the help and in the guide", function()
      local help, codes, guide = fine { "--help" }, {}, nil
      for _, path in ipairs(blocks.pages()) do
         if path:find "command%-line" then guide = blocks.read(path) end
      end
      for code in help:match("\nExit codes:\n(.-)\n\n"):gmatch "   (%d+) +%S" do codes[#codes + 1] = tonumber(code) end
      assert.same({ 0, problem.DECLINED, problem.USAGE, problem.FAILED, problem.REFUSED, problem.NOT_FOUND,
         problem.TIMEOUT, problem.NETWORK, problem.COMMAND, problem.INTERRUPTED }, codes)
      for i, code in ipairs(codes) do codes[i] = tostring(code) end
      local told = {}
      for code in guide:match("| exit code |.*"):gmatch "\n| (%d+) |" do told[#told + 1] = code end
      assert.same(codes, told)
   end)

   describe("delete-finished on a terminal", function()
      local test = screens.available() and it or pending

      local function open(arguments, shell)
         local command = program.command(arguments)
         return screens.open((shell or "%s"):gsub("%%s", function() return command end),
            { width = 80, height = 10, variables = program.variables(emulator) })
      end

      test("says how many, and deletes after a yes", function()
         emulator:add_jobs { { count = 4, status = "Completed" }, { count = 2, status = "Failed" } }
         local screen <close> = open { "delete-finished" }
         screen:wait_for "^Delete 4 statuses%? %[y/N%]"
         assert.equal(6, #emulator:jobs())
         screen:keys "y Enter"
         screen:wait_for "\n4 deleted\nended with 0"
         assert.equal(2, #emulator:jobs())
      end)

      test("deletes nothing after another answer, or none", function()
         emulator:add_jobs { count = 1, status = "Completed" }
         for _, keys in ipairs { "n Enter", "Enter", "C-d" } do
            local screen <close> = open { "delete-finished" }
            screen:wait_for "Delete 1 status%? %[y/N%]"
            screen:keys(keys)
            local text = screen:wait_for "nothing was deleted; answer y, or add %-%-yes\nended with 1"
            assert.matches("^Delete 1 status[^\n]*%] ?n?\ntopaz%-status: ", text)
            assert.is_nil(text:find("resume", 1, true))
         end
         assert.equal(1, #emulator:jobs())
      end)

      test("does not ask with --yes, nor where the answer cannot be given, nor for nothing", function()
         for _, case in ipairs { { { "delete-finished", "--yes" } }, { { "delete-finished" }, "%s </dev/null" },
            { { "delete-finished" }, "%s | cat" }, { { "delete-finished", "--status", "Failed" }, nil, 0 },
            { { "delete-finished", "--dry-run" }, nil, "1 would be" } } do
            emulator:reset()
            emulator:add_jobs { count = 1, status = "Completed" }
            local screen <close> = open(case[1], case[2])
            screen:wait_for(("^%s deleted\nended with 0"):format(case[3] or 1))
         end
      end)
   end)

   it("offers words for options in its completion", function()
      local bash = fine { "completion", "bash" }
      assert.matches("Pending Processing Completed Cancelled Failed", bash)
      assert.matches("process_id source_id filename", bash)
      assert.matches("table tabs csv json jsonl", bash)
      assert.matches("process_id source_id filename", fine { "completion", "zsh" })
      assert.matches("process_id source_id filename", fine { "completion", "fish" })
   end)

   describe("has examples in its help that run:", function()
      for _, name in ipairs(names) do
         local command = require("topaz.cli.commands." .. name)
         local all = command.examples .. "\n"
         for line in all:gmatch "([^\n]+)\n" do
            -- others run until they are ended: cli_emulator_spec, cli_screen_spec, spec/share
            local runs = name ~= "emulator" and name ~= "share" and (name ~= "watch" or line:find "until")
            if runs then
               it(line, function()
                  if world.is_windows then return pending "needs a shell" end
                  local ids = emulator:add_jobs { { count = 2, status = "Completed" }, { status = "Failed" } }
                  local call = ("%s %s"):format(program.environment(program.variables(emulator)), program.command {})
                  local shell = line:gsub("6b3a1f0e%-58c1%-4e0b%-9a55%-0c1d2e3f4a5b", ids[1])
                     :gsub(">+[^%s']+('?)$", ">/dev/null%1")
                     :gsub("| jq .*", "| grep -o filename"):gsub("topaz%-status", function() return call end)
                  local result = run({}, { shell = shell:gsub("%%", "%%%%") })
                  if result.err ~= "" then assert.matches("^topaz%-status: nothing to wait for: all", result.err) end
                  assert.equal(0, result.code)
               end)
            end
         end
      end
   end)
end)
