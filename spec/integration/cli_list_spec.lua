-- topaz-status list, get and summary, without a terminal: what they write in each format,
-- and how a list is resumed.
local cjson = require "cjson"
local set_up = require "spec.support.cli"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local run, fine, fails, lines = cli.run, cli.fine, cli.fails, cli.lines
   local emulator
   before_each(function() emulator = cli.emulator end)

   describe("list", function()
      it("gives lines with tabs between the members, the newest first", function()
         local ids = emulator:add_jobs { { status = "Completed", age = 60 }, { status = "Failed", age = 30 } }
         local found = lines(fine { "list" })
         assert.equal(2, #found)
         local time = "%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%dZ$"
         assert.matches("^" .. ids[2]:gsub("%-", "%%-") .. "\tFailed\t63\tIMG_000002.jpeg\tLens Blur V2\t2\t" .. time,
            found[1])
         assert.matches("^" .. ids[1]:gsub("%-", "%%-") .. "\tCompleted\t100\tIMG_000001.png\tRedefine\t4\t" .. time,
            found[2])
      end)

      it("says nothing about an empty account", function() assert.equal("", fine { "list" }) end)

      it("chooses by status in any case, by model, by members and by time", function()
         emulator:add_jobs { { status = "Completed", model = "A" }, { status = "Failed", model = "B" },
            { status = "Failed", model = "A" },
            { status = "Pending", model = "C", fields = { modification_time = os.time() - 9000 } } }
         local function chosen(...) return #lines(fine { "list", ... }) end
         assert.equal(2, chosen("--status", "failed"))
         assert.equal(3, chosen("--status", "FAILED", "--status", "Completed"))
         assert.equal(1, chosen("--status", "Failed", "--model", "A"))
         assert.equal(2, chosen("--where", "model=A"))
         assert.equal(1, chosen("--where", "model=A", "--where", "status=Failed"))
         assert.equal(1, chosen("--older-than", "2h"))
         assert.equal(3, chosen("--newer-than", "2h"))
         assert.equal(0, chosen("--newer-than", "3h", "--older-than", "9100"))
         assert.equal(2, chosen("--limit", "2"))
      end)

      it("gives JSON in the order of the contract, integers as integers, unknown members behind", function()
         local id = emulator:add_jobs({ status = "Completed", creation_time = 1760000000, fields = {
            filename = 'q"/\\\27[2J\u{9B}é\127', zoo = { list = { 1, 2.5 }, deep = { yes = true } } },
            raw_fields = { big = "12345678901234567", empty = "null" } })[1]
         local text = fine { "list", "--json" }
         local first = text:match '^%[\n({.*})\n%]\n$'
         assert.matches('^{"process_id":"' .. id:gsub("%-", "%%-") .. '","source_id":"[%x-]+","filename":', first)
         assert.matches('"credits":4,"big":12345678901234567,"zoo":{"deep":{"yes":true},"list":%[1,2.5%]}}$', first)
         assert.matches('"creation_time":1760000000,', first)
         assert.is_nil(text:find "[\1-\9\11-\31\127]")
         assert.is_nil(text:find("\u{9B}", 1, true))
         assert.equal('q"/\\\27[2J\u{9B}é\127', cjson.decode(text)[1].filename)
         assert.equal(first .. "\n", fine { "list", "--jsonl" })
         assert.equal('{"filename":' .. first:match '"filename":(.-),"input_format"' .. ',"progress":100}\n',
            fine { "list", "--jsonl", "--fields", "filename,progress" })
         assert.equal("[]\n", fine { "list", "--json", "--status", "Pending" })
      end)

      it("gives CSV by RFC 4180", function()
         emulator:add_jobs { status = "Completed", filename = 'a,"b"\r\nc', remove = { "source_id" } }
         assert.equal('filename,source_id,status,crop_to_fill\r\n"a,""b""\r\nc",,Completed,false\r\n',
            fine { "list", "--csv", "--fields", "filename,source_id,status,crop_to_fill" })
         local header = fine({ "list", "--csv", "--status", "Pending" })
         assert.matches("^process_id,source_id,filename,.*,modification_time,credits\r\n$", header)
      end)

      it("writes out control bytes in lines", function()
         emulator:add_jobs { status = "Completed", filename = "a\tb\nc\27[31m" }
         assert.equal("a\\tb\\nc\\e[31m\n", fine { "list", "--fields", "filename" })
      end)

      it("resumes at a token after it was interrupted, without loss", function()
         emulator:add_jobs { count = 600, status = "Completed" }
         emulator:set { latency = 0.5 }
         local all = {}
         -- interrupted when the first lines are there
         local first = run({ "list", "--fields", "process_id" },
            { shell = "%s & p=$!; until [ -s /dev/stdout ]; do sleep 0.02; done; kill -INT $p; wait $p" })
         emulator:set { latency = 0 }
         assert.equal(130, first.code)
         assert.matches("^topaz%-status: interrupted\n"
            .. "topaz%-status: to resume: topaz%-status list %-%-fields process_id %-%-resume topaz1", first.err)
         local rest = fine { "list", "--fields", "process_id", "--resume", first.err:match "%-%-resume (%S+)" }
         for _, text in ipairs { first.out, rest } do
            for _, id in ipairs(lines(text)) do all[id] = true end
         end
         local count = 0
         for _ in pairs(all) do count = count + 1 end
         assert.equal(600, count)
         assert.is_true(#lines(first.out) > 0 and #lines(rest) > 0 and #lines(first.out) + #lines(rest) <= 601)
      end)

      it("tells how to resume after a failure in the middle", function()
         emulator:add_jobs { count = 250, status = "Completed" }
         emulator:fault { after = 2, times = math.huge, status = 500, body = '{"message":"broken"}',
            headers = { ["Retry-After"] = "100" } }
         local result = run { "list", "--fields", "process_id" }
         assert.equal(3, result.code)
         assert.matches("^topaz%-status: [^\n]*HTTP 500[^\n]*; try again in 100 s\n"
            .. "topaz%-status: to resume: [^\n]*%-%-resume topaz1%S+\n$", result.err)
         emulator:clear_faults()
         local rest = fine { "list", "--fields", "process_id", "--resume", result.err:match "%-%-resume (%S+)" }
         assert.equal(250, #lines(result.out) + #lines(rest))
      end)

      it("resumes at a token without the header of CSV, so that the output can be appended", function()
         emulator:add_jobs { count = 250, status = "Completed" }
         local whole = fine { "list", "--csv", "--fields", "process_id,filename" }
         emulator:fault { after = 2, times = math.huge, status = 500, body = '{"message":"broken"}',
            headers = { ["Retry-After"] = "100" } }
         local first = run { "list", "--csv", "--fields", "process_id,filename" }
         emulator:clear_faults()
         local rest = fine { "list", "--csv", "--fields", "process_id,filename", "--resume",
            first.err:match "%-%-resume (%S+)" }
         assert.matches("^process_id,filename\r\n", first.out)
         assert.is_nil(rest:find("process_id", 1, true))
         assert.equal(whole, first.out .. rest)
         assert.matches("With %-%-csv the header is then left out", (fine({ "list", "--help" }):gsub("%s+", " ")))
      end)

      it("keeps nothing: a reader of the beginning alone stops the reading", function()
         emulator:add_jobs { count = 10000, status = "Completed" }
         emulator:set { latency = 0.02 }
         local result = run({ "list", "--jsonl" }, { shell = "%s | head -n 1" })
         emulator:set { latency = 0 }
         assert.equal(1, #lines(result.out))
         assert.is_true(emulator:counts().kinds.list < 50, emulator:counts().kinds.list .. " pages were asked for")
      end)
   end)

   describe("get", function()
      it("shows each member on a line", function()
         local id = emulator:add_jobs({ status = "Completed", filename = "x.png" })[1]
         local out = fine { "get", id }
         assert.matches("^process_id         " .. id:gsub("%-", "%%-") .. "\n", out)
         assert.matches("\nfilename           x.png\n", out)
         assert.equal(20, #lines(out))
         assert.equal("status             Completed\n", fine { "get", id, "--fields", "status" })
      end)

      it("keeps the order of the ids, also from the input, and takes each once", function()
         local ids = emulator:add_jobs { count = 150, status = "Completed" }
         local input = { "", ids[3] .. "\tmore words" }
         for i = 150, 1, -1 do input[#input + 1] = ids[i] end
         local out = fine({ "get", ids[7], "-", "--jsonl", "--fields", "process_id" },
            { input = table.concat(input, "\n") })
         local found = lines(out)
         assert.equal(150, #found)
         assert.equal(('{"process_id":"%s"}'):format(ids[7]), found[1])
         assert.equal(('{"process_id":"%s"}'):format(ids[3]), found[2])
         assert.equal(('{"process_id":"%s"}'):format(ids[150]), found[3])
      end)

      it("shows what there is and ends with 5 when one is missing", function()
         local id = emulator:add_jobs({ status = "Failed" })[1]
         local err, out = fails(5, { "get", UNKNOWN, id, "--fields", "status" })
         assert.equal("status             Failed\n", out)
         assert.matches(UNKNOWN:gsub("%-", "%%-")
            .. ": no job with this process_id .*; it may be older than 7 days or deleted: see", err)
      end)
   end)

   describe("summary", function()
      before_each(function()
         emulator:add_jobs { { count = 3, status = "Completed", model = "A", credits = 2 },
            { status = "Failed", model = "B\27", credits = 5 }, { status = "Completed", model = "B\27", credits = 1,
               fields = { creation_time = 1000, modification_time = 8200 } } }
      end)

      it("counts by status, model, credits and duration", function()
         assert.equal(table.concat({
            "5 statuses", "  Completed                     4", "  Failed                        1",
            "By model", "  A                             3", "  B\\e                           2",
            "Credits", "  all                          12", "  Completed                     7",
            "Time from creation to end, Completed", "  mean                    30m 34s",
            "  longest                      2h",
            "  30s to 1m                     3", "  1m to 2m                      0",
            "  2m to 5m                      0", "  5m to 15m                     0",
            "  15m to 1h                     0", "  1h or more                    1", "",
         }, "\n"), fine { "summary" })
      end)

      it("gives the same as JSON, of what was chosen", function()
         local all = cjson.decode(fine { "summary", "--json", "--status", "Completed" })
         assert.same({ Completed = 4 }, all.by_status)
         assert.same({ A = 3, ["B\27"] = 1 }, all.by_model)
         assert.same({ 4, 7, 7 }, { all.total, all.credits, all.credits_completed })
         assert.equal(1833.75, all.mean_seconds)
         assert.equal(8, #all.durations)
         assert.same({ from = 30, to = 60, count = 3 }, all.durations[3])
      end)
   end)
end)
