-- topaz-status wait and watch, without a terminal: lines, exit codes, and how to resume.
local cjson = require "cjson"
local set_up = require "spec.support.cli"
local world = require "spec.support.world"

local SLOW = "a program starts too slowly under wine to see each change"

local UNKNOWN = "00000000-0000-4000-8000-000000000000"

describe("topaz-status", function()
   local cli = set_up { setup = setup, teardown = teardown, before_each = before_each }
   local run, fine, fails, lines = cli.run, cli.fine, cli.fails, cli.lines
   local emulator
   before_each(function() emulator = cli.emulator end)

   describe("wait", function()
      local function job(outcome, pending)
         return { timeline = { pending = pending or 0.2, processing = 0.3, outcome = outcome } }
      end

      it("ends with 0 when all are Completed, with a line for each change", function()
         if world.is_windows then return pending(SLOW) end
         local ids = emulator:add_jobs { job("Completed", 4), { status = "Completed" } }
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

      it("ends with 5 when the server does not know one, after the others", function()
         local ids = emulator:add_jobs { job "Failed" }
         local err, out = fails(5, { "wait", UNKNOWN, ids[1] })
         assert.matches("no job with this process_id", err)
         assert.matches("\tFailed\t", out)
      end)

      it("ends with 6 when the time is over, says for which jobs and how to resume, and resumes", function()
         local ids = emulator:add_jobs { { status = "Completed" }, job("Completed", 3) }
         local result = run { "wait", ids[1], ids[2], "--timeout", "1s" }
         assert.equal(6, result.code)
         assert.matches("^topaz%-status: not finished: " .. ids[2]:gsub("%-", "%%-") .. ", %a+, [^\n]+\n"
            .. "topaz%-status: [^\n]*1 of 2 jobs are not finished after 1 s[^\n]*; [^\n]*%-%-timeout\n"
            .. "topaz%-status: to resume: topaz%-status wait %-%-timeout 1s %-%-resume topazw1%S+\n$", result.err)
         local out = fine { "wait", "--resume", result.err:match "%-%-resume (%S+)" }
         assert.matches(ids[2]:gsub("%-", "%%-") .. "\tCompleted", out)
         assert.is_nil(out:find(ids[1], 1, true))
      end)

      it("names a few of many jobs that are not finished", function()
         emulator:add_jobs { count = 40, timeline = { processing = 1000 } }
         local err = run({ "wait", "--all", "--timeout", "1s" }).err
         assert.equal(5, select(2, err:gsub("topaz%-status: not finished: ", "")))
         assert.matches("\ntopaz%-status: and 35 more\ntopaz%-status: [^\n]*40 of 40 jobs", err)
      end)

      it("says on Ctrl-C how to resume", function()
         if world.is_windows then return pending "no process sends a signal on Windows" end
         local ids = emulator:add_jobs { job("Completed", 30) }
         local result = run({ "wait", ids[1] }, { shell = "%s & p=$!; sleep 1; kill -INT $p; wait $p" })
         assert.equal(130, result.code)
         assert.matches(
            "^topaz%-status: interrupted\ntopaz%-status: to resume: topaz%-status wait %-%-resume topazw1%S+\n$",
            result.err)
      end)

      it("says on Ctrl-C how to resume with thousands of IDs from the input, in a short line", function()
         if world.is_windows then return pending "no process sends a signal on Windows" end
         local ids = emulator:add_jobs { count = 2000, timeline = { processing = 1000 } }
         local result = run({ "wait", "-" }, { input = table.concat(ids, "\n") .. "\n",
            shell = "exec 3<&0; %s <&3 & p=$!; until [ -s /dev/stdout ]; do sleep 0.02; done; kill -INT $p; wait $p" })
         assert.equal(130, result.code)
         assert.equal("topaz-status: interrupted\n"
            .. "topaz-status: to resume, with the same input: topaz-status wait -\n", result.err)
      end)

      it("--all waits for all that run, --jsonl gives the ended ones whole", function()
         local ids = emulator:add_jobs { { status = "Failed" }, job("Completed", 3), job("Completed", 3) }
         local found = lines(fine { "wait", "--all", "--jsonl" })
         assert.equal(2, #found)
         local seen = {}
         for _, line in ipairs(found) do
            local status = cjson.decode(line)
            seen[status.process_id] = status.status
         end
         assert.same({ [ids[2]] = "Completed", [ids[3]] = "Completed" }, seen)
         local result = run { "wait", "--all" }
         assert.same({ 0, "", "topaz-status: nothing to wait for: all jobs are finished\n" },
            { result.code, result.out, result.err })
      end)
   end)

   describe("watch", function()
      it("tells every change as a line and ends by itself with --until-done", function()
         if world.is_windows then return pending(SLOW) end
         local ids = emulator:add_jobs { { status = "Failed" },
            { timeline = { pending = 3, processing = 0.5, outcome = "Completed" } },
            { timeline = { pending = 0, processing = 0.3, outcome = "Cancelled" }, age = -4 } }
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
         local ids = emulator:add_jobs { { timeline = { pending = 0.3, processing = 0.3 } },
            { timeline = { pending = 0.3, processing = 0.3 } } }
         local out = fine { "watch", "--until-done", ids[1], UNKNOWN }
         assert.matches(ids[1]:gsub("%-", "%%-") .. "\tCompleted\t", out)
         assert.is_nil(out:find(ids[2], 1, true))
      end)

      it("ends when its time is over", function()
         emulator:add_jobs { timeline = { pending = 60 } }
         assert.equal("", fine { "watch", "--timeout", "1s" })
         assert.matches("1 job not finished after the timeout;",
            (run { "watch", "--timeout", "1s", "--until-done" }).err)
      end)
   end)
end)
