-- topaz-status on terminals that can do little: a dumb one, and one that is not UTF-8.
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"

describe("topaz-status on a plain terminal", function()
   local home = set_up()
   local test = home.test
   local emulator
   before_each(function() emulator = home.emulator end)

   local function open(arguments, variables, width)
      local all = program.variables(emulator)
      for name, value in pairs(variables) do all[name] = value end
      return screens.open(program.command(arguments), { width = width or 80, height = 24, variables = all })
   end

   local DUMB, ASCII = { TERM = "dumb" }, { LC_ALL = "C" }

   test("list is a table for a dumb one too, without colours", function()
      emulator:add_jobs { status = "Failed", filename = "❤\u{FE0F}.png" }
      local screen <close> = open({ "list", "--fields", "status,filename" }, DUMB)
      assert.matches("^STATUS  FILE\nFailed  [^\n]+png\nended with 0", screen:wait_for "ended with 0")
      assert.is_nil(screen:raw():match("STATUS(.*)ended"):find("\27[", 1, true))
   end)

   test("delete-finished asks on a dumb one too", function()
      emulator:add_jobs { status = "Completed" }
      local screen <close> = open({ "delete-finished" }, DUMB)
      screen:wait_for "^Delete 1 status%? %[y/N%]"
      screen:keys "n Enter"
      screen:wait_for "nothing was deleted; answer y, or add %-%-yes\nended with 1"
      assert.equal(1, #emulator:jobs())
   end)

   test("a key is not read where the terminal would show it", function()
      local screen <close> = open({ "list", "--api-key-file", "-" }, {})
      screen:wait_for "the standard input is a terminal, which would show the key"
      screen:wait_for "ended with 2"
   end)

   test("nothing but ASCII is written where the locale is not UTF-8", function()
      local id = emulator:add_jobs({ { status = "Completed", filename = "日本.png", model = "é", age = 500 },
         { timeline = { processing = 100 }, filename = "ü.png" } })[1]
      for _, arguments in ipairs { { "list" }, { "summary" }, { "get", id }, { "wait", id }, { "watch" },
         { "watch", id, "--until-done" }, { "list", "--status", "ö" }, { "ö" }, { "list", "--csv" } } do
         local screen <close> = open(arguments, ASCII, 120)
         if arguments[1] == "watch" and #arguments == 1 then
            screen:wait_for "\\u{FC}.png"
            screen:keys "q"
         end
         screen:wait_for "ended with %d"
         local raw = screen:raw()
         assert.is_nil(raw:find "[\128-\255]", table.concat(arguments, " ") .. "\n" .. raw)
      end
      local screen <close> = open({ "list", "--fields", "filename" }, ASCII)
      assert.matches("^FILE\n\\u{FC}.png\n\\u{65E5}\\u{672C}.png\n", screen:wait_for "ended with 0")
   end)

   test("lines for programs keep their text in every locale", function()
      emulator:add_jobs { status = "Completed", filename = "日本.png" }
      local variables = program.variables(emulator)
      variables.LC_ALL = "C"
      for _, form in ipairs { "tabs", "csv", "jsonl" } do
         local result = program.run({ "list", "--output", form, "--fields", "filename" }, { variables = variables })
         assert.matches("日本.png", result.out)
      end
   end)
end)
