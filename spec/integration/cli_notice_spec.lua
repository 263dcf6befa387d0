-- The line on a terminal while topaz-status waits to try again, which goes away.
local cjson = require "cjson"
local program = require "spec.support.program"
local screens = require "spec.support.screen"
local set_up = require "spec.support.cli_screen"

describe("topaz-status on a terminal", function()
   local home = set_up()
   local test = home.test
   local emulator
   before_each(function() emulator = home.emulator end)

   local NOTICE = "HTTP 503, trying again in 3s"

   local function open(arguments)
      return screens.open(program.command(arguments),
         { width = 80, height = 14, variables = program.variables(emulator) })
   end

   local function fails_once(kind)
      emulator:fault { match = { kind = kind }, times = 1, status = 503, headers = { ["Retry-After"] = "3" } }
   end

   test("list says while it waits to try again why, and for how long; then the rows take its place", function()
      local id = emulator:add_jobs { status = "Failed" }[1]
      fails_once "list"
      local screen <close> = open { "list", "--fields", "process_id" }
      assert.equal(NOTICE, (screen:wait_for "trying again"))
      assert.equal("ID\n" .. id .. "\nended with 0", screen:wait_for "ended with 0":match "^.-ended with %d")
   end)

   test("get shows it below the rows while one call waits", function()
      local ids = emulator:add_jobs { count = 3, status = "Failed" }
      emulator:fault { match = { kind = "one", path = ids[2]:gsub("%-", "%%-") .. "$" }, times = 1, status = 503,
         headers = { ["Retry-After"] = "3" } }
      local screen <close> = open { "get", "--output", "tabs", "--fields", "process_id", table.unpack(ids) }
      assert.equal(ids[1] .. "\n" .. NOTICE, (screen:wait_for(ids[1]:sub(1, 8) .. "[^\n]*\nHTTP")))
      assert.equal(table.concat(ids, "\n") .. "\nended with 0", screen:wait_for "ended with 0":match "^.-ended with %d")
   end)

   test("rows of JSON stay whole beside it and beside the counter", function()
      emulator:add_jobs { count = 250, status = "Failed" }
      emulator:fault { match = { kind = "list" }, after = 1, times = 1, status = 503,
         headers = { ["Retry-After"] = "2" } }
      emulator:fault { match = { kind = "list" }, after = 2, times = 1, delay = 2 }
      local screen <close> = screens.open(program.command { "list", "--json", "--fields", "progress" },
         { width = 80, height = 300, variables = program.variables(emulator) })
      screen:wait_for "trying again"
      screen:wait_for "pages? read"
      local json = screen:wait_for "ended with 0":match "^(.-)ended with 0"
      assert.equal(250, #cjson.decode(json))
      assert.equal(250, select(2, json:gsub("\n,?{", "")))
   end)

   test("an error takes its place too", function()
      fails_once "one"
      local screen <close> = open { "get", "6b3a1f0e-58c1-4e0b-9a55-0c1d2e3f4a5b" }
      assert.equal(NOTICE, (screen:wait_for "trying again"))
      assert.matches("^topaz%-status: ", screen:wait_for "ended with %d")
   end)

   test("wait shows it below the bars", function()
      local id = emulator:add_jobs { timeline = { processing = 100 }, filename = "a.png" }[1]
      local screen <close> = open { "wait", id }
      screen:wait_for "^a.png"
      fails_once "one"
      assert.matches("^a.png [^\n]*\n" .. NOTICE .. "$", screen:wait_for "trying again")
      emulator:advance(200)
      assert.matches("^Completed  [^\n]*a.png\nended with 0", screen:wait_for "ended with 0")
   end)

   test("watch shows it at the foot", function()
      emulator:add_jobs { timeline = { processing = 100 }, filename = "a.png" }
      local screen <close> = open { "watch" }
      screen:wait_for "q quits"
      emulator:fault { match = { kind = "list" }, times = 2, status = 503, headers = { ["Retry-After"] = "3" } }
      assert.matches("\n" .. NOTICE .. "$", screen:wait_for "trying again")
      screen:wait_for "q quits"
      screen:keys "q"
      screen:wait_for "ended with 0"
   end)

   -- Two jobs: the first is deleted at once, the other at the second attempt.
   local function deletes_slowly()
      local ids = emulator:add_jobs { count = 2, status = "Completed" }
      emulator:fault { match = { kind = "delete_one", path = ids[1]:gsub("%-", "%%-") .. "$" }, times = 1, delay = 0.5,
         status = 503, headers = { ["Retry-After"] = "3" } }
   end

   test("delete-finished shows it below what has been deleted", function()
      deletes_slowly()
      local screen <close> = open { "delete-finished", "--yes" }
      assert.equal("1 deleted, of 2 so far\n" .. NOTICE, (screen:wait_for "trying again"))
      assert.matches("^2 deleted\nended with 0", screen:wait_for "ended with 0")
   end)

   test("each line of --verbose is whole beside what delete-finished draws", function()
      deletes_slowly()
      local screen <close> = screens.open(program.command { "delete-finished", "--yes", "--verbose" },
         { width = 200, height = 24, variables = program.variables(emulator) })
      local text = screen:wait_for "ended with 0"
      for line in text:match "^(.*)2 deleted\n":gmatch "[^\n]+" do
         assert.matches("^%d%d:%d%d:%d%d [%w_]+[ %x-]*, attempt [12]: [^,]+", line)
      end
      assert.is_nil(text:find("so far", 1, true), text)
   end)

   test("with --quiet delete-finished draws nothing", function()
      deletes_slowly()
      local screen <close> = open { "delete-finished", "--yes", "--quiet" }
      screen:wait_for "^2 deleted\nended with 0"
      assert.is_nil(screen:raw():find("so far", 1, true))
   end)

   test("with --quiet there is no notice, and wait has no bars", function()
      emulator:add_jobs { status = "Failed", filename = "a.png" }
      fails_once "list"
      local screen <close> = open { "wait", "--all", "--quiet" }
      screen:wait_for "^ended with 0"
      assert.is_nil(screen:raw():find("trying", 1, true))
   end)

   it("--verbose logs each request on the error output, without the key", function()
      emulator:add_jobs { status = "Failed" }
      emulator:fault { match = { kind = "list" }, times = 1, status = 503, headers = { ["Retry-After"] = "1" } }
      local result = program.run({ "list", "--verbose" }, { variables = program.variables(emulator) })
      assert.equal(0, result.code)
      local expected = { "sent", "HTTP 503, %d+ bytes in [%d.]+ s", "HTTP 503, trying again in 1%.0 s", "sent",
         "HTTP 200, %d+ bytes in [%d.]+ s" }
      local i = 0
      for line in result.err:gmatch "[^\n]+" do
         i = i + 1
         assert.matches("^%d%d:%d%d:%d%d statuses, attempt [12]: " .. expected[i] .. "$", line)
      end
      assert.equal(#expected, i, result.err)
      assert.is_nil(result.err:find(emulator.key, 1, true))
   end)

   it("a pipe gets nothing of it", function()
      emulator:add_jobs { status = "Failed" }
      emulator:fault { match = { kind = "list" }, times = 1, status = 503, headers = { ["Retry-After"] = "1" } }
      assert.equal("", program.run({ "list" }, { variables = program.variables(emulator) }).err)
   end)
end)
