-- topaz-status where its output or input is closed, or the disk is full: nothing is written into a
-- connection, and what could not be written is told.
local set_up = require "spec.support.cli"

local FULL = "/dev/full"
local BAD = "Bad file descriptor"

-- The pattern of the one line that tells of a failed write.
local function lost(why)
   return "^topaz%-status: cannot write the output: " .. why .. "; what was written is incomplete: "
      .. "free some space or write elsewhere, and run the command again\n$"
end

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local ids
   before_each(function() ids = cli.emulator:add_jobs { count = 3, status = "Completed" } end)

   local function commands()
      return { { "list" }, { "get", ids[1] }, { "wait", ids[1] }, { "watch", "--until-done", ids[1] }, { "--help" } }
   end

   describe("with closed standard descriptors", function()
      for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-" } do
         it("writes to its output alone, or says that it cannot: " .. closed, function()
            for _, arguments in ipairs(commands()) do
               local name = table.concat(arguments, " ")
               local result = cli.run(arguments, { shell = "%s " .. closed })
               if (" " .. closed):find(" >&-", 1, true) then
                  assert.equal(3, result.code, name)
                  assert.equal("", result.out, name)
                  if not closed:find "2>" then assert.matches(lost(BAD), result.err, nil, name) end
               else
                  assert.equal(0, result.code, name)
                  assert.is_true(#result.out > 0, name)
                  assert.equal("", result.err, name)
               end
            end
            for _, request in ipairs(cli.emulator:requests()) do assert.equal("GET", request.method) end
         end)
      end

      it("ends well where there is nothing to write", function()
         assert.equal("", cli.fine({ "list", "--status", "Pending" }, { shell = "%s >&-" }))
      end)

      it("says that it cannot read IDs from a closed input, or from a folder", function()
         for _, case in ipairs { { "%s <&-", BAD }, { "%s <&- >&-", BAD }, { "%s </", "Is a directory" } } do
            for _, command in ipairs { "get", "delete", "wait", "watch" } do
               local err = cli.fails(3, { command, "-" }, { shell = case[1] })
               assert.matches("cannot read the input: " .. case[2] .. "; give IDs, or a file or pipe of them", err)
            end
         end
      end)
   end)

   describe("with a full disk", function()
      local file = io.open(FULL, "w")
      if file then file:close() end
      local when_full = file and it or pending

      when_full("says so for everything that it writes, help and the tour as well", function()
         local more = { { "list", "--json" }, { "summary" }, { "list", "--help" }, { "--version" },
            { "completion", "bash" }, { "emulator" }, { "--demo" } }
         for _, arguments in ipairs(table.move(more, 1, #more, 6, commands())) do
            local result = cli.run(arguments, { shell = "%s >" .. FULL })
            assert.equal(3, result.code, arguments[1])
            assert.matches(lost "No space left on device", result.err, nil, arguments[1])
         end
      end)

      when_full("says so beside another error, which came first", function()
         local gone = "00000000-0000-4000-8000-000000000000"
         local result = cli.run({ "get", ids[1], gone }, { shell = "%s >" .. FULL })
         assert.equal(3, result.code)
         local first, second = result.err:match "^([^\n]*\n)([^\n]*\n)$"
         assert.matches("HTTP 404", first)
         assert.matches(lost "No space left on device", second)
      end)

      it("offers no token where what is behind it was lost", function()
         cli.emulator:add_jobs { count = 300, status = "Completed" }
         local path = os.tmpname()
         local shell = ("( trap '' XFSZ; ulimit -f 20; exec %%s >%s )"):format(path)
         for _, form in ipairs { "--jsonl", "--csv", "--json" } do
            local result = cli.run({ "list", form }, { shell = shell })
            assert.equal(3, result.code)
            assert.matches(lost "File too large", result.err)
         end
         os.remove(path)
      end)
   end)
end)
