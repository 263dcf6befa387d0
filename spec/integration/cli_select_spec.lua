-- topaz-status: which statuses the options choose, for list, summary and delete-finished.
local set_up = require "spec.support.cli"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local fine, fails, lines = cli.fine, cli.fails, cli.lines
   local emulator
   before_each(function() emulator = cli.emulator end)

   local function chosen(...) return #lines(fine { "list", "--fields", "process_id", ... }) end

   describe("--status", function()
      it("takes words separated by commas, in any case", function()
         emulator:add_jobs { { status = "Completed" }, { status = "Failed" }, { status = "Pending" } }
         assert.equal(2, chosen("--status", "Failed,Completed"))
         assert.equal(2, chosen("--status", "failed, COMPLETED"))
         assert.equal(3, chosen("--status", "Failed,Pending", "--status", "Completed"))
         assert.equal("2 would be deleted\n", fine { "delete-finished", "--status", "failed,completed", "--dry-run" })
      end)

      it("refuses a word that the API has not, and says how to ask for a new one", function()
         emulator:add_jobs { { status = "Completed" }, { status = "Completed", fields = { status = "Archived" } } }
         for _, word in ipairs { "Complete", "Failed,Complete", "", "Failed,", ",", "Archived" } do
            assert.matches("' is not one of Pending, Processing, Completed, Cancelled, Failed; another word: "
               .. "%-%-where status=WORD; see", (fails(2, { "list", "--status", word })), nil, word)
         end
         assert.equal(0, emulator:counts().total)
         assert.equal(1, chosen("--where", "status=Archived"))
         local err = fails(2, { "delete-finished", "--status", "Completed,Archived" })
         assert.matches("'Archived' is not one of Completed, Cancelled, Failed; see", err)
      end)
   end)

   describe("--where", function()
      local function some()
         emulator:add_jobs { { status = "Completed", model = "A", credits = 1, creation_time = 1767225600 },
            { status = "Failed", model = "B", credits = 2, creation_time = 1767312000 },
            { status = "Failed", model = "A=>1", credits = 3, creation_time = 1767398400, remove = { "source_id" } } }
      end

      it("compares numbers", function()
         some()
         assert.equal(1, chosen("--where", "credits>2"))
         assert.equal(2, chosen("--where", "credits>=2"))
         assert.equal(1, chosen("--where", "credits<2"))
         assert.equal(2, chosen("--where", "credits <= 2"))
         assert.equal(1, chosen("--where", "credits=2"))
         assert.equal(1, chosen("--where", "credits=2.0"))
         assert.equal(2, chosen("--where", "credits!=2"))
         assert.equal(2, chosen("--where", "credits=1", "--where", "credits=3"))
         assert.equal(1, chosen("--where", "credits!=1", "--where", "credits!=3"))
         assert.equal(1, chosen("--where", "credits>1", "--where", "credits<3"))
         assert.equal(1, chosen("--where", "credits>1", "--where", "credits>2"))
         assert.equal(3, chosen("--where", "credits>-1.5"))
      end)

      it("compares texts", function()
         some()
         assert.equal(1, chosen("--where", "model=A"))
         assert.equal(2, chosen("--where", "model!=A"))
         assert.equal(1, chosen("--where", "model!=A", "--where", "model!=B"))
         assert.equal(1, chosen("--where", "model=A=>1"))
         assert.equal(3, chosen("--where", "source_id!=x")) -- absent is not x either
      end)

      it("compares large integers exactly, and takes true and false", function()
         local P = 1 << 53
         local function job(credits, crop)
            return { status = "Completed", fields = { crop_to_fill = crop },
               raw_fields = { credits = tostring(credits) } }
         end
         emulator:add_jobs { job(P, true), job(P + 1, false),
            { status = "Completed", remove = { "credits", "crop_to_fill" } } }
         assert.equal(1, chosen("--where", ("credits=%d"):format(P + 1)))
         assert.equal(1, chosen("--where", ("credits>%d"):format(P)))
         assert.equal(2, chosen("--where", ("credits!=%d"):format(P)))
         assert.equal(1, chosen("--where", "crop_to_fill=true"))
         assert.equal(1, chosen("--where", "crop_to_fill = false"))
         assert.equal(2, chosen("--where", "crop_to_fill!=true"))
         assert.equal(2, chosen("--where", "crop_to_fill=true", "--where", "crop_to_fill=false"))
         assert.equal("1 would be deleted\n", fine { "delete-finished", "--dry-run", "--where", "crop_to_fill=true" })
      end)

      it("takes dates for members that are times", function()
         some()
         assert.equal(1, chosen("--utc", "--where", "creation_time>2026-01-02"))
         assert.equal(2, chosen("--utc", "--where", "creation_time>=2026-01-02"))
         assert.equal(1, chosen("--where", "creation_time<2026-01-02T00:00Z"))
         assert.equal(1, chosen("--where", "creation_time=1767312000"))
      end)

      it("refuses what cannot be compared so", function()
         for text, why in pairs {
            ["credits"] = "'credits' is not MEMBER=VALUE, nor with != > >= < <=",
            ["credits~2"] = "is not MEMBER=VALUE", ["=2"] = "is not MEMBER=VALUE",
            ["credits>x"] = "'credits>x': credits is a number: write credits>50;",
            ["credits=0x10"] = "credits is a number", ["credits="] = "credits is a number",
            ["credits=2026-01-01"] = "credits is a number",
            ["creation_time>soon"] = "write creation_time>50, or a date such as 2026%-01%-31;",
            ["crop_to_fill=yes"] = "'crop_to_fill=yes': crop_to_fill is true or false;",
            ["crop_to_fill>true"] = "'crop_to_fill>true': crop_to_fill is not a number, so only = and != compare it",
            ["model>A"] = "'model>A': model is not a number, so only = and != compare it",
            ["mdoel=A"] = "%-%-where: a status has no member 'mdoel', did you mean 'model'%?",
         } do
            assert.matches(why, (fails(2, { "list", "--where", text })), nil, text)
         end
         assert.matches("credits has both alternatives and limits; use = alone, or only !=",
            (fails(2, { "list", "--where", "credits=1", "--where", "credits>2" })))
         assert.equal(0, emulator:counts().total)
      end)
   end)

   describe("--newer-than and --older-than", function()
      before_each(function()
         local now = os.time()
         for _, age in ipairs { 60, 86400, 3 * 86400 } do
            emulator:add_jobs { status = "Completed", fields = { modification_time = now - age } }
         end
      end)

      local function day(age) return os.date("!%Y-%m-%dT%H:%M:%SZ", os.time() - age) end

      it("take dates", function()
         assert.equal(2, chosen("--newer-than", day(2 * 86400)))
         assert.equal(1, chosen("--older-than", day(2 * 86400)))
         assert.equal(1, chosen("--older-than", day(3600), "--newer-than", day(2 * 86400)))
         assert.equal(1, chosen("--older-than", "1h", "--newer-than", day(2 * 86400)))
         assert.equal(3, chosen("--newer-than", "1990-01-01"))
         assert.equal(0, chosen("--newer-than", "2999-01-01"))
      end)

      it("read a date without a zone in this machine's, and as UTC with --utc", function()
         local text, variables = os.date("!%Y-%m-%dT%H:%M", os.time() - 3600), { TZ = "XXX-02:00" }
         assert.equal(1, #lines(fine { "list", "--newer-than", text, "--utc" }))
         local function count(...)
            return #lines(fine({ "list", "--newer-than", text, ... }, { variables = variables }))
         end
         assert.equal(1, count "--utc")
         -- two hours ahead of UTC that date is three hours ago
         assert.equal(1, count())
         text = os.date("!%Y-%m-%dT%H:%M", os.time() + 3600)
         assert.equal(0, count "--utc")
         assert.equal(1, count())
      end)

      it("choose for summary and delete-finished as well", function()
         assert.matches("^2 statuses\n", fine { "summary", "--newer-than", day(2 * 86400) })
         local function counted(...) return fine { "delete-finished", "--dry-run", ... } end
         assert.equal("2 would be deleted\n", counted("--newer-than", day(2 * 86400)))
         assert.equal("1 would be deleted\n", counted("--older-than", day(2 * 86400)))
         assert.equal("1 would be deleted\n", counted("--older-than", "1h", "--newer-than", "2d"))
      end)
   end)

   it("delete-finished takes --model and --where as list does", function()
      emulator:add_jobs { { status = "Completed", model = "A", credits = 1 },
         { status = "Completed", model = "B", credits = 2 }, { status = "Failed", model = "A", credits = 3 } }
      local function counted(...) return fine { "delete-finished", "--dry-run", ... } end
      assert.equal("1 would be deleted\n", counted("--model", "A"))
      assert.equal("2 would be deleted\n", counted("--model", "A", "--status", "Failed,Completed"))
      assert.equal("1 would be deleted\n", counted("--where", "credits>1"))
      assert.matches("%-%-where: 'status' is chosen by the option status",
         (fails(2, { "delete-finished", "--where", "status=Failed" })))
      assert.equal("1 deleted\n", fine { "delete-finished", "--where", "model!=B" })
   end)
end)
