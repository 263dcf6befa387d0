-- topaz-status: the forms of the output: tables in a pipe, times, order, one object or an array.
local cjson = require "cjson"
local set_up = require "spec.support.cli"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local fine, fails, lines, run = cli.fine, cli.fails, cli.lines, cli.run
   local emulator
   before_each(function() emulator = cli.emulator end)

   describe("list", function()
      it("writes a table into a pipe: all columns, no cells of a terminal", function()
         emulator:add_jobs { { status = "Completed", creation_time = 1760000000, filename = "❤\u{FE0F} heart.png",
            model = "A" }, { status = "Failed", creation_time = 1760000001, filename = "b\27.png", model = "B" } }
         local out = fine({ "list", "--output", "table", "--utc" }, { variables = { LC_ALL = "C.UTF-8" } })
         local found = lines(out)
         assert.equal("ID                                    STATUS      DONE  FILE          MODEL  CREDITS  CREATED",
            found[1])
         assert.matches("^%S+  Failed      63 %%  b\\e.png       B            2  2025%-10%-09 08:53$", found[2])
         assert.matches("^%S+  Completed  100 %%  ❤\u{FE0F} heart.png  A            4  2025%-10%-09 08:53$", found[3])
         assert.is_nil(out:find("\27", 1, true))
         assert.equal(3, #found)
         assert.equal("STATUS\nFailed\nCompleted\n", fine { "list", "--output", "table", "--fields", "status" })
      end)

      it("has one order of the usual columns, for tables and tabs", function()
         local id = emulator:add_jobs({ status = "Failed", creation_time = 1760000001, model = "B" })[1]
         local row = fine({ "list", "--output", "table", "--epoch" }):match "\n([^\n]*)\n$"
         assert.equal(fine { "list", "--epoch" }, (row:gsub("  +", "\t"):gsub(" %%", "") .. "\n"))
         assert.matches("^" .. id:gsub("%-", "%%-"), row)
      end)

      it("names each form by --output as well", function()
         emulator:add_jobs { status = "Failed" }
         for _, form in ipairs { "json", "jsonl", "csv" } do
            assert.equal(fine { "list", "--" .. form }, fine { "list", "--output", form })
         end
         assert.equal(fine { "list" }, fine { "list", "--output", "tabs" })
         assert.equal(fine { "list", "--json" }, fine { "list", "-o", "json" })
         assert.equal(fine { "list", "--json" }, fine { "list", "-ojson" })
         assert.matches("-o needs a value %(FORM%)", (fails(2, { "list", "-o" })))
         assert.matches("%-%-output: 'xml' is not one of", (fails(2, { "list", "-o", "xml" })))
         assert.matches("%-%-csv and %-o exclude each other", (fails(2, { "list", "-o", "json", "--csv" })))
         assert.matches("is not one of table, tabs, csv, json, jsonl",
            (fails(2, { "list", "--output", "xml" })))
         fails(2, { "list", "--output", "csv", "--json" })
      end)

      it("writes times as ISO 8601 in tabs and CSV, as numbers with --epoch and in JSON", function()
         emulator:add_jobs { status = "Failed", creation_time = 1760000000, fields = { eta = "soon" } }
         local fields = { "--fields", "creation_time,eta" }
         local function list(...) return fine { "list", fields[1], fields[2], ... } end
         assert.equal("2025-10-09T08:53:20Z\tsoon\n", list())
         assert.equal("creation_time,eta\r\n2025-10-09T08:53:20Z,soon\r\n", list "--csv")
         assert.equal("1760000000\tsoon\n", list "--epoch")
         assert.equal("creation_time,eta\r\n1760000000,soon\r\n", list("--csv", "--epoch"))
         assert.equal('{"creation_time":1760000000,"eta":"soon"}\n', list "--jsonl")
         assert.matches("\n1760000000 +soon\n", list("--output", "table", "--epoch"))
      end)

      it("gives a member once that was named twice", function()
         emulator:add_jobs { status = "Failed" }
         assert.equal('{"status":"Failed","progress":63}\n',
            fine { "list", "--jsonl", "--fields", "status,progress,status" })
         assert.equal("status\r\nFailed\r\n", fine { "list", "--csv", "--fields", "status,status" })
      end)

      it("sorts by a member, either way round, also with a limit", function()
         for i, credits in ipairs { 3, 10, 1, 2 } do
            emulator:add_jobs { status = "Completed", credits = credits, filename = ("%d.png"):format(i) }
         end
         emulator:add_jobs { status = "Completed", remove = { "credits" }, filename = "5.png" }
         local function names(...)
            return (fine({ "list", "--fields", "filename", ... }):gsub("%.png\n", " "))
         end
         assert.equal("3 4 1 2 5 ", names("--sort", "credits"))
         assert.equal("2 1 4 3 5 ", names("--sort", "credits", "--reverse"))
         assert.equal("2 1 4 3 5 ", names "--sort=-credits")
         assert.equal("3 4 ", names("--sort", "credits", "--limit", "2"))
         assert.equal("2 1 ", names("--sort=-credits", "--limit", "2", "--where", "credits>2"))
         assert.matches('^{"process_id":.*"credits":1}\n', fine { "list", "--jsonl", "--sort", "credits" })
      end)

      it("refuses an order that cannot be", function()
         assert.matches("a status has no member 'x'", (fails(2, { "list", "--sort", "x" })))
         assert.matches("%-%-reverse needs %-%-sort; add", (fails(2, { "list", "--reverse" })))
         assert.matches("%-%-sort needs the whole list and %-%-resume reads the rest of one; leave one",
            (fails(2, { "list", "--sort", "credits", "--resume", "x" })))
      end)
   end)

   describe("get", function()
      it("gives an object for one ID, an array for several and for those of the input", function()
         local ids = emulator:add_jobs { count = 2, status = "Completed" }
         local object = fine { "get", "--json", ids[1] }
         assert.equal(ids[1], cjson.decode(object).process_id)
         assert.equal("[\n" .. object:sub(1, -2) .. "\n]\n", fine({ "get", "--json", "-" }, { input = ids[1] .. "\n" }))
         local both = cjson.decode(fine { "get", "--json", ids[1], ids[2] })
         assert.same({ ids[1], ids[2] }, { both[1].process_id, both[2].process_id })
         local _, out = fails(5, { "get", "--json", UNKNOWN })
         assert.equal("", out)
         _, out = fails(5, { "get", "--json", ids[1], UNKNOWN })
         assert.equal(1, #cjson.decode(out))
      end)

      it("keeps names of any length apart from their values", function()
         local name = ("member"):rep(5)
         local id = emulator:add_jobs({ status = "Completed", fields = { [name] = "value" } })[1]
         local out = fine { "get", id }
         assert.matches("\n" .. name .. "  value\n", out)
         assert.matches("\nmodification_time               %d+%-%d%d%-%d%dT[%d:]+Z\n", out)
         assert.matches("\nmodification_time               %d+\n", fine { "get", id, "--epoch" })
      end)

      it("writes a table, or any other form", function()
         local id = emulator:add_jobs({ status = "Completed" })[1]
         assert.equal(fine { "list", "--output", "table" }, fine { "get", id, "--output", "table" })
         assert.equal(fine { "list", "--csv" }, fine { "get", id, "--csv" })
      end)
   end)

   describe("IDs of the input", function()
      local ids
      before_each(function() ids = emulator:add_jobs { count = 2, status = "Completed" } end)

      it("are read behind spaces, tabs and a byte order mark, before line ends of any kind", function()
         for _, text in ipairs { "  %s", "\t%s", "\u{FEFF}%s", "\u{FEFF} %s\r\n", "\n \r\n%s\twords", "%s \n" } do
            for _, command in ipairs { "get", "wait" } do
               local result = run({ command, "-" }, { input = text:format(ids[1]) })
               assert.equal(0, result.code, result.err)
               if command == "get" then assert.matches(ids[1]:gsub("%-", "%%-"), result.out) end
            end
         end
         assert.equal(("deleted\t%s\n"):format(ids[2]),
            fine({ "delete", "-" }, { input = ("\u{FEFF}\t%s\r\n"):format(ids[2]) }))
      end)

      it("that are none, or not there, are errors: nothing done is not success", function()
         for _, command in ipairs { "get", "wait", "delete", "watch" } do
            for _, text in ipairs { "  x", "process_id\n", "\u{FEFF}\u{FEFF}" .. ids[1], ids[1] .. "," } do
               assert.matches("' is not a process_id; expected a UUID", (fails(2, { command, "-" }, { input = text })))
            end
            for _, text in ipairs { "", "\n\n", "\u{FEFF}", " \t\r\n" } do
               assert.matches("the input contains no ID; see `topaz%-status help " .. command .. "`",
                  (fails(2, { command, "-" }, { input = text })))
            end
         end
         assert.equal(2, #emulator:jobs())
      end)
   end)
end)
