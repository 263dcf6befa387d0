-- topaz-status, run as a program against the emulator, without a terminal: what it writes and its exit codes.
local busted = require "busted"
local cjson = require "cjson"
local emulators = require "spec.emulator"
local launch = require "spec.emulator.launch"
local program = require "spec.support.program"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"
local DEFECT = "this is a defect"

describe("topaz-status", function()
   local emulator

   busted.setup(function() emulator = emulators.start { clock = "real" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function() emulator:reset() end)

   local function run(arguments, o)
      o = o or {}
      local variables = program.variables(emulator)
      for name, value in pairs(o.variables or {}) do variables[name] = value or nil end
      local result = program.run(arguments, { variables = variables, input = o.input, shell = o.shell })
      assert.is_nil(result.err:find(DEFECT, 1, true), result.err)
      assert.is_nil((result.out .. result.err):find(emulator.key, 1, true), "the key was shown")
      return result
   end

   -- Runs it, and checks that it ended well and said nothing on the error output.
   local function fine(arguments, o)
      local result = run(arguments, o)
      assert.equal("", result.err)
      assert.equal(0, result.code)
      return result.out
   end

   -- Runs it, and checks the exit code and that there is one line on the error output, with what to do next.
   local function fails(code, arguments, o)
      local result = run(arguments, o)
      assert.equal(code, result.code, result.err)
      assert.matches("^topaz%-status: [^\n]+; [^\n]+\n$", result.err)
      return result.err, result.out
   end

   local function lines(text)
      local list = {}
      for line in text:gmatch "([^\n]*)\n" do list[#list + 1] = line end
      return list
   end

   describe("list", function()
      it("gives lines with tabs between the members, the newest first", function()
         local ids = emulator:add_jobs { { status = "Completed", age = 60 }, { status = "Failed", age = 30 } }
         local found = lines(fine { "list" })
         assert.equal(2, #found)
         assert.matches("^" .. ids[2]:gsub("%-", "%%-") .. "\tFailed\t63\tIMG_000002.jpeg\tLens Blur V2\t2\t%d+$", found[1])
         assert.matches("^" .. ids[1]:gsub("%-", "%%-") .. "\tCompleted\t100\tIMG_000001.png\tRedefine\t4\t%d+$", found[2])
      end)

      it("says nothing about an empty account", function() assert.equal("", fine { "list" }) end)

      it("chooses by status in any case, by model, by members and by time", function()
         emulator:add_jobs { { status = "Completed", model = "A" }, { status = "Failed", model = "B" }, { status = "Failed", model = "A" },
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

      it("goes on at a token after it was interrupted, without loss", function()
         emulator:add_jobs { count = 600, status = "Completed" }
         emulator:set { latency = 0.2 }
         local all = {}
         local first = run({ "list", "--fields", "process_id" }, { shell = "%s & p=$!; sleep 0.9; kill -INT $p; wait $p" })
         emulator:set { latency = 0 }
         assert.equal(130, first.code)
         assert.matches("^topaz%-status: interrupted\ntopaz%-status: go on with: topaz%-status list %-%-fields process_id %-%-resume topaz1",
            first.err)
         local rest = fine { "list", "--fields", "process_id", "--resume", first.err:match "%-%-resume (%S+)" }
         for _, text in ipairs { first.out, rest } do
            for _, id in ipairs(lines(text)) do all[id] = true end
         end
         local count = 0
         for _ in pairs(all) do count = count + 1 end
         assert.equal(600, count)
         assert.is_true(#lines(first.out) > 0 and #lines(rest) > 0 and #lines(first.out) + #lines(rest) <= 601)
      end)

      it("tells how to go on after a failure in the middle", function()
         emulator:add_jobs { count = 250, status = "Completed" }
         emulator:fault { after = 2, times = math.huge, status = 500, body = '{"message":"broken"}', headers = { ["Retry-After"] = "100" } }
         local result = run { "list", "--fields", "process_id" }
         assert.equal(3, result.code)
         assert.matches("^topaz%-status: [^\n]*HTTP 500[^\n]*; try again in 100 s\n"
            .. "topaz%-status: go on with: [^\n]*%-%-resume topaz1%S+\n$", result.err)
         emulator:clear_faults()
         local rest = fine { "list", "--fields", "process_id", "--resume", result.err:match "%-%-resume (%S+)" }
         assert.equal(250, #lines(result.out) + #lines(rest))
      end)

      it("goes on at a token without the header of CSV, so that the output can be appended", function()
         emulator:add_jobs { count = 250, status = "Completed" }
         local whole = fine { "list", "--csv", "--fields", "process_id,filename" }
         emulator:fault { after = 2, times = math.huge, status = 500, body = '{"message":"broken"}', headers = { ["Retry-After"] = "100" } }
         local first = run { "list", "--csv", "--fields", "process_id,filename" }
         emulator:clear_faults()
         local rest = fine { "list", "--csv", "--fields", "process_id,filename", "--resume", first.err:match "%-%-resume (%S+)" }
         assert.matches("^process_id,filename\r\n", first.out)
         assert.is_nil(rest:find("process_id", 1, true))
         assert.equal(whole, first.out .. rest)
         assert.matches("With %-%-csv there is no header", (fine({ "list", "--help" }):gsub("%s+", " ")))
      end)

      it("keeps nothing: who reads only the beginning stops the reading", function()
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
         local out = fine({ "get", ids[7], "-", "--jsonl", "--fields", "process_id" }, { input = table.concat(input, "\n") })
         local found = lines(out)
         assert.equal(150, #found)
         assert.equal(('{"process_id":"%s"}'):format(ids[7]), found[1])
         assert.equal(('{"process_id":"%s"}'):format(ids[3]), found[2])
         assert.equal(('{"process_id":"%s"}'):format(ids[150]), found[3])
      end)

      it("shows what there is and ends with 3 when one is missing", function()
         local id = emulator:add_jobs({ status = "Failed" })[1]
         local err, out = fails(3, { "get", UNKNOWN, id, "--fields", "status" })
         assert.equal("status             Failed\n", out)
         assert.matches(UNKNOWN:gsub("%-", "%%-") .. ": no job with this process_id .*; it may be older than 7 days or deleted: see", err)
      end)
   end)

   describe("wait", function()
      local function job(outcome, pending)
         return { timeline = { pending = pending or 0.2, processing = 0.3, outcome = outcome } }
      end

      it("ends with 0 when all are Completed, with a line for each change", function()
         local ids = emulator:add_jobs { job("Completed", 1.2), { status = "Completed" } }
         local out = fine { "wait", ids[1], ids[2] }
         assert.matches(ids[1]:gsub("%-", "%%-") .. "\tPending\t0\tIMG_000001.png\n", out)
         assert.matches(ids[1]:gsub("%-", "%%-") .. "\tCompleted\t100\tIMG_000001.png\n", out)
         assert.matches(ids[2]:gsub("%-", "%%-") .. "\tCompleted\t100\tIMG_000002.jpeg\n", out)
      end)

      it("ends with 1 when some Failed or were Cancelled", function()
         for _, outcome in ipairs { "Failed", "Cancelled" } do
            local ids = emulator:add_jobs { job(outcome), job "Completed" }
            local result = run { "wait", ids[1], ids[2] }
            assert.equal(1, result.code)
            assert.equal("", result.err)
         end
      end)

      it("ends with 3 when the server does not know one, after the others", function()
         local ids = emulator:add_jobs { job "Failed" }
         local err, out = fails(3, { "wait", UNKNOWN, ids[1] })
         assert.matches("no job with this process_id", err)
         assert.matches("\tFailed\t", out)
      end)

      it("ends with 3 when the time is over, says how to go on, and goes on", function()
         local ids = emulator:add_jobs { { status = "Completed" }, job("Completed", 3) }
         local result = run { "wait", ids[1], ids[2], "--timeout", "1s" }
         assert.equal(3, result.code)
         assert.matches("^topaz%-status: [^\n]*1 of 2 jobs have not ended within 1 s[^\n]*; [^\n]*%-%-timeout\n"
            .. "topaz%-status: go on with: topaz%-status wait %-%-timeout 1s %-%-resume topazw1%S+\n$", result.err)
         local out = fine { "wait", "--resume", result.err:match "%-%-resume (%S+)" }
         assert.matches(ids[2]:gsub("%-", "%%-") .. "\tCompleted", out)
         assert.is_nil(out:find(ids[1], 1, true))
      end)

      it("says on Ctrl-C how to go on", function()
         local ids = emulator:add_jobs { job("Completed", 30) }
         local result = run({ "wait", ids[1] }, { shell = "%s & p=$!; sleep 1; kill -INT $p; wait $p" })
         assert.equal(130, result.code)
         assert.matches("^topaz%-status: interrupted\ntopaz%-status: go on with: topaz%-status wait %-%-resume topazw1%S+\n$", result.err)
      end)

      it("--all waits for all that run, --jsonl gives the ended ones whole", function()
         local ids = emulator:add_jobs { { status = "Failed" }, job "Completed", job "Completed" }
         local found = lines(fine { "wait", "--all", "--jsonl" })
         assert.equal(2, #found)
         local seen = {}
         for _, line in ipairs(found) do
            local status = cjson.decode(line)
            seen[status.process_id] = status.status
         end
         assert.same({ [ids[2]] = "Completed", [ids[3]] = "Completed" }, seen)
         local result = run { "wait", "--all" }
         assert.same({ 0, "", "topaz-status: no job is left to wait for\n" }, { result.code, result.out, result.err })
      end)
   end)

   describe("watch", function()
      it("tells every change as a line and ends by itself with --until-done", function()
         local ids = emulator:add_jobs { { status = "Failed" }, { timeline = { pending = 0.5, processing = 0.5, outcome = "Completed" } },
            { timeline = { pending = 0, processing = 0.3, outcome = "Cancelled" }, age = -2 } }
         local found, ended = lines(fine { "watch", "--until-done" }), {}
         for _, line in ipairs(found) do
            local id, word = line:match "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d\t([%x-]+)\t(%a+)\t%d+\tIMG_%d+%.%a+$"
            assert.is_truthy(id, line)
            ended[id] = word
         end
         assert.equal("Completed", ended[ids[2]])
         assert.is_nil(ended[ids[1]])
      end)

      it("of some ids tells of these alone, and of one that is gone", function()
         local ids = emulator:add_jobs { { timeline = { pending = 0.3, processing = 0.3 } }, { timeline = { pending = 0.3, processing = 0.3 } } }
         local out = fine { "watch", "--until-done", ids[1], UNKNOWN }
         assert.matches(ids[1]:gsub("%-", "%%-") .. "\tCompleted\t", out)
         assert.is_nil(out:find(ids[2], 1, true))
      end)

      it("ends when its time is over", function()
         emulator:add_jobs { timeline = { pending = 60 } }
         assert.equal("", fine { "watch", "--timeout", "1s" })
         assert.matches("1 jobs have not ended in time", (run { "watch", "--timeout", "1s", "--until-done" }).err)
      end)
   end)

   describe("summary", function()
      before_each(function()
         emulator:add_jobs { { count = 3, status = "Completed", model = "A", credits = 2 }, { status = "Failed", model = "B\27", credits = 5 },
            { status = "Completed", model = "B\27", credits = 1, fields = { creation_time = 1000, modification_time = 8200 } } }
      end)

      it("counts by status, model, credits and duration", function()
         assert.equal(table.concat({
            "5 statuses", "  Completed                     4", "  Failed                        1",
            "By model", "  A                             3", "  B\\e                           2",
            "Credits", "  all                          12", "  Completed                     7",
            "Time from creation to end of the 4 Completed: mean 30m 34s, longest 2h",
            "  30s to 1m                     3", "  1m to 2m                      0", "  2m to 5m                      0",
            "  5m to 15m                     0", "  15m to 1h                     0", "  1h or more                    1", "",
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

   describe("delete", function()
      it("deletes and says so", function()
         local ids = emulator:add_jobs { count = 100, status = "Completed" }
         assert.equal(("deleted\t%s\ndeleted\t%s\n"):format(ids[2], ids[1]), fine { "delete", ids[2], ids[1] })
         fine({ "delete", "-" }, { input = table.concat(ids, "\n", 3) })
         assert.same({}, emulator:jobs())
      end)

      it("ends with 3 for one that is missing or still runs", function()
         local ids = emulator:add_jobs { { status = "Processing" }, { status = "Failed" } }
         local err, out = fails(3, { "delete", ids[1], ids[2] })
         assert.matches("%(conflict, HTTP 409.*; the job still runs: `topaz%-status wait ID` first", err)
         assert.equal(("deleted\t%s\n"):format(ids[2]), out)
         fails(3, { "delete", ids[2] })
      end)
   end)

   describe("delete-finished", function()
      before_each(function()
         emulator:add_jobs { { count = 4, status = "Completed" }, { count = 2, status = "Failed" }, { status = "Processing" } }
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

      it("says when nobody knows whether it happened", function()
         emulator:fault { match = { kind = "delete_all" }, drop = "after" }
         assert.matches("outcome unknown.*; it may have happened: see `topaz%-status summary`", (fails(3, { "delete-all", "--yes" })))
      end)
   end)

   describe("wrong use", function()
      for name, case in pairs {
         ["no command"] = { {}, "no command; see `topaz%-status %-%-help`" },
         ["an unknown command"] = { { "lsit" }, "unknown command 'lsit'.*; see `topaz%-status %-%-help`" },
         ["an unknown option"] = { { "list", "--foo" }, "unknown option '%-%-foo'; see `topaz%-status list %-%-help`" },
         ["no id"] = { { "get" }, "missing argument 'ID'; see `topaz%-status get %-%-help`" },
         ["no id to wait for"] = { { "wait" }, "wait for which jobs%?; give their IDs, or %-%-all" },
         ["no UUID"] = { { "get", "../\27[2Jstatus" }, "'../\\e%[2Jstatus' is no process_id; it looks like" },
         ["no duration"] = { { "list", "--newer-than", "soon" }, "'soon' is no duration: write 7d, 36h, 90m, 45s or plain seconds" },
         ["no number"] = { { "list", "--limit", "0" }, "'0' is no whole number above 0" },
         ["no member"] = { { "list", "--fields", "nope" }, "%-%-fields: no status has a member 'nope'" },
         ["no text member"] = { { "list", "--where", "progress=1" }, "%-%-where: 'progress' is no text" },
         ["no token"] = { { "list", "--resume", "x" }, "%-%-resume: is no token of an interrupted list" },
         ["no token of a wait"] = { { "wait", "--resume", "topazw1.00.00" }, "%-%-resume: not a token of a watcher" },
         ["two formats"] = { { "list", "--json", "--csv" }, "option '%-%-csv' can not be used together with option '%-%-json'" },
         ["a status that is not finished"] = { { "delete-finished", "--status", "Pending" }, "'Pending' is none of Completed, Cancelled, Failed" },
         ["http to elsewhere"] = { { "list", "--base-url", "http://api.example" },
            "%-%-base%-url: http:// would send the key in the clear.*%-%-allow%-insecure" },
      } do
         it("is " .. name, function()
            assert.matches(case[2], (fails(2, case[1])))
            assert.equal(0, emulator:counts().total)
         end)
      end
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

      local function mode(bits) assert(os.execute(("chmod %s %s"):format(bits, launch.quote(path)))) end

      it("comes from a file of mode 600, by flag or by variable", function()
         mode "600"
         assert.equal("", fine({ "list", "--api-key-file", path }, { variables = { TOPAZ_API_KEY = "wrong" } }))
         assert.equal("", fine({ "list" }, { variables = { TOPAZ_API_KEY = false, TOPAZ_API_KEY_FILE = path } }))
         mode "400"
         assert.equal("", fine { "list", "--api-key-file", path })
      end)

      it("is not taken from a file that others may read or write", function()
         for _, bits in ipairs { "640", "604", "620", "602", "644", "610" } do
            mode(bits)
            assert.matches("others may read or write the key file .*; chmod 600 /", (fails(2, { "list", "--api-key-file", path })))
         end
         assert.matches("no such key file: /nowhere", (fails(2, { "list", "--api-key-file", "/nowhere" })))
         assert.matches("is no regular file", (fails(2, { "list", "--api-key-file", "/dev/null" })))
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
         assert.matches("no API key; set TOPAZ_API_KEY", (fails(2, { "list" }, { variables = { TOPAZ_API_KEY = false } })))
         assert.matches("HTTP 401.*; check the key in TOPAZ_API_KEY", (fails(3, { "list" }, { variables = { TOPAZ_API_KEY = "wrong" } })))
         assert.matches("the API key: contains", (fails(2, { "list" }, { variables = { TOPAZ_API_KEY = "a\nb" } })))
      end)
   end)

   it("takes options from the environment, flags first", function()
      assert.matches("TOPAZ_TIMEOUT: 'x' is no duration", (fails(2, { "list" }, { variables = { TOPAZ_TIMEOUT = "x" } })))
      assert.matches("TOPAZ_MAX_RATE: '0' is no number above 0", (fails(2, { "list" }, { variables = { TOPAZ_MAX_RATE = "0" } })))
      assert.equal("", fine({ "list", "--timeout", "5s" }, { variables = { TOPAZ_TIMEOUT = "x" } }))
      local err = fails(3, { "list", "--base-url", "http://127.0.0.1:1/x", "--timeout", "0.1" })
      assert.matches("no connection.*; check the network, %-%-base%-url", err)
   end)

   it("explains every command with an example, and completes in three shells", function()
      local help = fine { "--help" }
      for name in ("list get wait watch summary delete delete-finished delete-all"):gmatch "%S+" do
         assert.is_truthy(help:find("\n   " .. name .. " ", 1, true))
         local own = fine { name, "--help" }
         assert.matches("\nExamples?:\n   topaz%-status " .. name:gsub("%-", "%%-"), own)
         for _, line in ipairs(lines(own)) do assert.is_true(#line <= 80, line) end
      end
      for _, shell in ipairs { "bash", "zsh", "fish" } do assert.matches("delete%-finished", fine { "completion", shell }) end
      assert.matches("^topaz%-status %d+%.%d+", fine { "--version" })
   end)

   describe("--demo", function()
      it("runs a command on an emulator of its own, without a key", function()
         local out = fine({ "--demo", "list", "--status", "Completed", "--limit", "3" }, { variables = { TOPAZ_API_KEY = false } })
         assert.equal(3, #lines(out))
         assert.equal(0, emulator:counts().total)
      end)

      it("says what to install where the emulator cannot run", function()
         local demo = require "topaz.cli.demo"
         local problem = require "topaz.cli.problem"
         for why, hint in pairs {
            ["emulator: nginx did not start: setsid: failed to execute nginx: No such file"] = "apt install nginx libnginx%-mod%-http%-lua",
            ['nginx did not start: [emerg] unknown directive "lua_package_path"'] = "apt install libnginx%-mod%-http%-lua",
         } do
            local shell = { args = {}, arguments = {}, emulators = { start = function() error(why, 0) end } }
            local ok, err = pcall(demo.run, shell)
            assert.is_false(ok)
            assert.equal(3, err.code)
            assert.matches(hint, err.hint)
         end
         assert.equal(2, problem.USAGE)
      end)
   end)
end)
