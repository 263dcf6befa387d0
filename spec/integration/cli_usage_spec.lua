-- What topaz-status says of a mistake in its arguments: one line that names the argument, what is
-- expected or what is near, and where to look.
local set_up = require "spec.support.cli"

describe("topaz-status, called wrongly,", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }

   local function see(command) return "`topaz-status help" .. (command and " " .. command or "") .. "`" end

   local ID = "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b"

   local CASES = {
      -- commands
      { { "lsit" }, "unknown command 'lsit'; did you mean 'list'? See " .. see() },
      { { "sum" }, "unknown command 'sum'; did you mean 'summary'? See " .. see() },
      { { "delete_finished" }, "unknown command 'delete_finished'; did you mean 'delete-finished'? See " .. see() },
      { { "frobnicate" }, "unknown command 'frobnicate'; see " .. see() .. " for the commands" },
      { { "a\27[2J'\nb" }, "unknown command 'a\\e[2J'\\nb'; see " .. see() .. " for the commands" },
      { { "version" }, "unknown command 'version'; did you mean --version? See " .. see() },
      { { ID }, "unknown command '" .. ID .. "'; did you mean `topaz-status get " .. ID .. "`? See " .. see() },
      { { "help", "lsit" }, "unknown command 'lsit'; did you mean 'list'? See " .. see() },
      { { "--limit", "5", "list" },
         "--limit is an option of a command; write it behind the command, as in `topaz-status list --limit`" },
      -- options
      { { "list", "--foo" }, "unknown option '--foo'; see " .. see "list" },
      { { "list", "--timout", "5" }, "unknown option '--timout'; did you mean '--timeout'? See " .. see "list" },
      { { "list", "--older", "5d" }, "unknown option '--older'; did you mean '--older-than'? See " .. see "list" },
      { { "list", "--older_than=5d" },
         "unknown option '--older_than'; did you mean '--older-than'? See " .. see "list" },
      { { "-x", "list" }, "unknown option '-x'; see " .. see() },
      { { "emulator", "--base-url", "x" }, "unknown option '--base-url'; see " .. see "emulator" },
      { { "list", "--timeout" }, "--timeout needs a value (TIME); see " .. see "list" },
      { { "list", "--status", "--json" }, "--status needs a value (WORDS); see " .. see "list" },
      { { "list", "--json=yes" }, "--json takes no value; see " .. see "list" },
      { { "list", "--json", "--csv" }, "--csv and --json exclude each other; use one of them, see " .. see "list" },
      { { "list", "--output", "xml" },
         "--output: 'xml' is not one of table, tabs, csv, json, jsonl; see " .. see "list" },
      { { "list", "--timeout", "soon" },
         "--timeout: 'soon' is not a duration: write 7d, 36h, 90m, 45s or plain seconds; see " .. see "list" },
      { { "list", "--sort", "stauts" },
         "--sort: a status has no member 'stauts', did you mean 'status'?; see " .. see "list" },
      { { "get", ID, "--fields", "nmae" }, "--fields: a status has no member 'nmae'; see " .. see "get" },
      { { "list", "--fields", "," }, "--fields: expected names separated by commas; see " .. see "list" },
      { { "list", "--header", "x" }, "--header: a header is written 'Name: value'; see " .. see "list" },
      -- arguments
      { { "list", "foo" }, "unexpected argument 'foo'; list takes options only, see " .. see "list" },
      { { "summary", "--json", "foo", "bar" }, "unexpected argument 'foo'; summary takes options only, see "
         .. see "summary" },
      { { "list", "failed" }, "unexpected argument 'failed'; did you mean --status Failed? See " .. see "list" },
      { { "list", "credits>2" }, "unexpected argument 'credits>2'; did you mean --where 'credits>2'? See "
         .. see "list" },
      { { "list", "json" }, "unexpected argument 'json'; did you mean --json? See " .. see "list" },
      { { "list", ID }, "unexpected argument '" .. ID .. "'; did you mean `topaz-status get " .. ID .. "`? See "
         .. see "list" },
      { { "delete-all", ID }, "unexpected argument '" .. ID .. "'; did you mean `topaz-status delete " .. ID
         .. "`? See " .. see "delete-all" },
      { { "help", "list", "foo" }, "unexpected argument 'foo'; see " .. see "help" },
      { { "completion", "bash", "foo" }, "unexpected argument 'foo'; see " .. see "completion" },
      { { "completion", "tcsh" }, "'tcsh' is not one of bash, zsh, fish; see " .. see "completion" },
      { { "completion" }, "no SHELL was given; see " .. see "completion" },
      { { "get" }, "no ID was given; see " .. see "get" },
   }
   for _, case in ipairs(CASES) do
      it("says so: " .. table.concat(case[1], " "):gsub("%c", "?"), function()
         assert.equal("topaz-status: " .. case[2] .. "\n", (cli.fails(2, case[1])))
         assert.equal(0, cli.emulator:counts().total)
      end)
   end

   it("takes the value of an option though it begins with a minus", function()
      cli.emulator:add_jobs { { status = "Completed", fields = { progress = 7 } }, { status = "Failed" } }
      assert.equal("63\n7\n", cli.fine { "list", "--sort", "-progress", "--fields", "progress" })
      assert.matches("%-%-limit: '%-1' is not a whole number above 0", (cli.fails(2, { "list", "--limit", "-1" })))
      assert.matches("%-%-max%-rate: '%-1' is not a number above 0", (cli.fails(2, { "--max-rate", "-1", "list" })))
      assert.matches("%-%-timeout needs a value", (cli.fails(2, { "list", "--timeout", "-h" })))
      assert.matches("%-%-timeout needs a value", (cli.fails(2, { "list", "--timeout", "--json" })))
      assert.matches("unknown option '%-1'", (cli.fails(2, { "list", "--json", "-1" })))
      assert.matches("unexpected argument '%-%-sort'", (cli.fails(2, { "list", "--", "--sort", "-1" })))
   end)

   it("names the line of the input that has no ID", function()
      local function refused(input, ...) return (cli.fails(2, { ... }, { input = input })) end
      local expected = "topaz-status: line 3 of the input: '{\"a\":' is not a process_id; expected a UUID such as "
         .. "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b, as `topaz-status list --fields process_id` gives\n"
      for _, command in ipairs { "get", "wait", "delete" } do
         assert.equal(expected, refused(ID .. "\n\n{\"a\": 1}\n", command, "-"))
      end
      assert.matches("^topaz%-status: 'x' is not a process_id; expected a UUID such as [%x-]+\n$",
         refused("", "get", "x"))
   end)

   it("says in one line that its modules are not there", function()
      local result = cli.run({ "list" }, { variables = { LUA_PATH = "/nowhere/?.lua;/usr/share/lua/5.4/?.lua",
         LUA_CPATH = "/nowhere/?.so" } })
      assert.matches("^topaz%-status: the Lua module topaz is not found[^\n]+\n$", result.err)
      assert.equal(3, result.code)
   end)

   it("keeps the line short whatever was typed", function()
      assert.is_true(#cli.fails(2, { ("x"):rep(100000) }) < 200)
      assert.is_true(#cli.fails(2, { "list", "--" .. ("x"):rep(100000) }) < 200)
      assert.is_true(#cli.fails(2, { "list", ("x"):rep(100000) }) < 200)
   end)
end)
