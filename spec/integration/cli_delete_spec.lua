-- topaz-status delete, delete-finished and delete-all: what they delete and say, and exit codes.
local set_up = require "spec.support.cli"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local fine, fails = cli.fine, cli.fails
   local emulator
   before_each(function() emulator = cli.emulator end)

   describe("delete", function()
      it("deletes and says so", function()
         local ids = emulator:add_jobs { count = 100, status = "Completed" }
         assert.equal(("deleted\t%s\ndeleted\t%s\n"):format(ids[2], ids[1]), fine { "delete", ids[2], ids[1] })
         fine({ "delete", "-" }, { input = table.concat(ids, "\n", 3) })
         assert.same({}, emulator:jobs())
      end)

      it("ends with 3 for one that still runs, with 5 for one that is missing", function()
         local ids = emulator:add_jobs { { status = "Processing" }, { status = "Failed" } }
         local err, out = fails(3, { "delete", ids[1], ids[2] })
         assert.matches("%(conflict, HTTP 409.*; the job still runs: `topaz%-status wait ID` first", err)
         assert.equal(("deleted\t%s\n"):format(ids[2]), out)
         fails(5, { "delete", ids[2] })
         assert.equal(3, cli.run({ "delete", ids[1], ids[2] }).code) -- one of each
      end)
   end)

   describe("delete-finished", function()
      before_each(function()
         emulator:add_jobs { { count = 4, status = "Completed" }, { count = 2, status = "Failed" },
            { status = "Processing" } }
      end)

      it("counts first, then deletes", function()
         assert.equal("4 would be deleted\n", fine { "delete-finished", "--dry-run" })
         assert.equal(7, #emulator:jobs())
         assert.equal("0 would be deleted\n", fine { "delete-finished", "--older-than", "1d", "--dry-run" })
         assert.equal("4 deleted\n", fine { "delete-finished" })
         assert.equal("2 deleted\n", fine { "delete-finished", "--status", "failed", "--status", "cancelled" })
         assert.equal(1, #emulator:jobs())
      end)

      it("tells what was refused", function()
         emulator:fault { match = { kind = "delete_one" }, status = 409, body = '{"message":"busy"}' }
         local err, out = fails(3, { "delete-finished" })
         assert.equal("3 deleted, 1 refused\n", out)
         assert.matches("conflict", err)
      end)
   end)

   describe("delete-all", function()
      it("wants --yes", function()
         emulator:add_jobs { count = 3, status = "Completed" }
         assert.matches("add %-%-yes", (fails(2, { "delete-all" })))
         assert.equal(3, #emulator:jobs())
         assert.equal("deleted 3 statuses\n", fine { "delete-all", "--yes" })
         assert.equal("deleted 0 statuses\n", fine { "delete-all", "--yes" })
      end)

      it("says when the outcome is unknown", function()
         emulator:fault { match = { kind = "delete_all" }, drop = "after" }
         assert.matches("outcome unknown.*; the statuses may be deleted: see `topaz%-status summary`",
            (fails(3, { "delete-all", "--yes" })))
      end)
   end)
end)
