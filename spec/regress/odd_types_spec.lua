-- A server may send any type in any member but process_id and status. Such a record ended
-- a listing, and would have ended the waits, the clean-up, the bars and the command line.
local busted = require "busted"
local cjson = require "cjson"
local core = require "topaz.core"
local emulators = require "topaz.emulator"
local program = require "spec.support.program"
local progress = require "topaz.progress"
local world = require "spec.support.world"

-- Members and what they may hold, as JSON.
local MEMBERS = {
   "progress", "eta", "creation_time", "modification_time", "filename", "model", "credits", "source_id", "crop_to_fill",
   "options_json",
}
local VALUES = {
   '"42"', "42.5", "-7", "true", "false", "{}", "[]", '{"a":[1,null]}', "[[]]", '"2026-01-01T00:00:00Z"',
   "9223372036854775808", "-9223372036854775808", "9223372036854775807", "1e308", "1e400", "-1e400", "0", '""', "null",
}

describe("odd types", function()
   local emulator
   busted.setup(function() emulator = emulators.start { clock = "virtual" } end)
   busted.teardown(function() emulator:stop() end)
   busted.before_each(function() emulator:reset() end)

   -- A job for each value, which stands in every member that is not promised.
   local function add(status)
      local jobs = {}
      for i, value in ipairs(VALUES) do
         jobs[i] = { status = status, raw_fields = {} }
         for _, name in ipairs(MEMBERS) do jobs[i].raw_fields[name] = value end
      end
      return emulator:add_jobs(jobs)
   end

   describe("in the library:", function()
      local client
      before_each(function() client = world.client(emulator) end)
      after_each(function() client:close() end)

      it("wait_until_done, watch and wait_all end as usual", function()
         local ids = add "Completed"
         for _, id in ipairs(ids) do assert.equal("Completed", assert(client:wait_until_done(id)).status) end
         local seen = 0
         for status, gone in client:watch(ids, { on_progress = function() end }) do
            assert.is_nil(gone)
            assert.equal("Completed", status.status)
            seen = seen + 1
         end
         assert.equal(#ids, seen)
         for _, status in pairs(assert(client:wait_all(ids))) do assert.equal("Completed", status.status) end
      end)

      -- Waits for one running job that shows each value, until it has ended. Counts the reports.
      local function follow(value, wait)
         local id, reports = "00000000-0000-4000-8000-000000000001", 0
         local function record(word)
            local parts = {}
            for _, name in ipairs(MEMBERS) do parts[#parts + 1] = ('"%s":%s'):format(name, value) end
            return ('{"process_id":"%s","status":"%s",%s}'):format(id, word, table.concat(parts, ","))
         end
         emulator:reset()
         emulator:fault { match = { kind = "one" }, status = 200, times = 3, body = record "Processing" }
         emulator:fault { match = { kind = "one" }, status = 200, times = math.huge, body = record "Completed" }
         local sleep = client.sleep
         local status = assert(wait(id, { on_progress = function() reports = reports + 1 end }))
         assert.equal(sleep, client.sleep)
         assert.equal("Completed", status.status)
         return reports
      end

      it("a wait goes on while the job runs, and reports what changes", function()
         local random = core.random
         finally(function() core.random = random end)
         core.random = function() return 0 end
         for _, value in ipairs { '"42"', "{}", "true", "9223372036854775808", "1e400", "-1e400", '"2026-01-01"' } do
            assert.equal(2, follow(value, function(id, o) return client:wait_until_done(id, o) end), value)
         end
         assert.equal(2, follow("{}", function(id, o)
            for status in client:watch(id, o) do return status end
         end))
      end)

      it("a wait that ends by its time tells how far the job is where that is a number", function()
         local said = {}
         for _, value in ipairs { "42.5", "{}", "true" } do
            local id = emulator:add_jobs({ status = "Processing", raw_fields = { progress = value, eta = value } })[1]
            local _, err = client:wait_until_done(id, { timeout = 0 })
            said[#said + 1] = err.message:match "still Processing (.-) after"
         end
         assert.same({ "at 42.5%", "at ?%", "at ?%" }, said)
      end)

      it("delete_finished deletes, and keeps what has no time that tells its age", function()
         add "Completed"
         local report = assert(client:delete_finished { older_than = 60 })
         assert.equal(0, report.failed)
         assert.is_true(report.deleted > 0 and report.deleted < #VALUES)
         report = assert(client:delete_finished {})
         assert.equal(0, report.failed)
         assert.is_nil(client:statuses()())
      end)

      it("bars show them", function()
         for _, word in ipairs { "Processing", "Completed" } do
            local bars = progress.new()
            local ids = add(word)
            for round = 1, 3 do
               for _, id in ipairs(ids) do bars:update(client:get_status(id), 1700000000 + round) end
               for _, width in ipairs { 20, 80 } do
                  for _, line in ipairs(bars:lines(width, 1700000010 + round, { ended = true })) do
                     assert.is_nil(line:find("table: 0x", 1, true))
                  end
               end
               local all = bars:summary(1700000010 + round)
               assert.equal(#ids, all.total)
            end
            emulator:reset()
         end
      end)
   end)

   describe("on the command line:", function()
      local function run(arguments)
         local result = program.run(arguments, { variables = program.variables(emulator) })
         assert.equal("", result.err, table.concat(arguments, " "))
         assert.equal(0, result.code)
         assert.is_nil(result.out:find("table: 0x", 1, true))
         return result.out
      end

      local function count_lines(text) return select(2, text:gsub("\n", "")) end

      it("list shows them in each form", function()
         add "Completed"
         local names = "process_id,status," .. table.concat(MEMBERS, ",")
         assert.equal(#VALUES, count_lines(run { "list" }))
         assert.equal(#VALUES, count_lines(run { "list", "--fields", names }))
         assert.equal(#VALUES + 1, count_lines(run { "list", "--csv", "--fields", names }))
         assert.equal(#VALUES, count_lines(run { "list", "--jsonl" }))
         assert.equal(#VALUES, #cjson.decode(run { "list", "--json" }))
         for _, form in ipairs { "--json", "--jsonl" } do
            local text = run { "list", form }
            -- larger than a float: as large when another program reads it
            assert.is_truthy(text:find('"progress":1e999,', 1, true) and text:find('"progress":-1e999,', 1, true))
         end
         run { "list", "--older-than", "1h" }
         run { "list", "--newer-than", "1h" }
         assert.equal(1, count_lines(run { "list", "--where", "filename=42" }))
         assert.equal(0, count_lines(run { "list", "--where", "filename=0" }))
      end)

      it("get shows them", function()
         local ids = add "Completed"
         run { "get", table.unpack(ids) }
         for _, form in ipairs { "--json", "--jsonl", "--csv" } do run { "get", form, table.unpack(ids) } end
      end)

      it("summary counts what can be counted", function()
         add "Completed"
         emulator:add_jobs { { status = "Completed", model = "A", creation_time = 100,
            fields = { modification_time = 130, credits = 2 } },
            { status = "Completed", model = "A", creation_time = 100, fields = { modification_time = 130 },
               raw_fields = { credits = "0.5" } } }
         local got = cjson.decode(run { "summary", "--json" })
         assert.equal(#VALUES + 2, got.total)
         assert.equal(2, got.by_model.A)
         run { "summary" }
         emulator:reset()
         emulator:add_jobs { { status = "Completed", creation_time = 100, fields = { modification_time = 130 },
            raw_fields = { credits = "0.5" } },
            { status = "Completed", creation_time = 100,
               raw_fields = { modification_time = '"late"', credits = "2" } } }
         local text = run { "summary", "--json" }
         got = cjson.decode(text)
         assert.equal(2.5, got.credits)
         assert.equal(30, got.mean_seconds)
         assert.matches("2.5", run { "summary" }, nil, true)
      end)

      it("wait and watch tell of them", function()
         local ids = add "Completed"
         assert.equal(#ids, count_lines(run { "wait", table.unpack(ids) }))
         assert.equal(#ids, count_lines(run { "wait", "--jsonl", table.unpack(ids) }))
         run { "watch", "--until-done", table.unpack(ids) }
         run { "watch", "--until-done" }
      end)
   end)
end)

-- What a terminal would show: the parts that draw, on every value.
describe("odd types on a terminal", function()
   local columns, topaz = require "topaz.cli.columns", require "topaz"
   local text = require "topaz.terminal.text"

   it("are laid out in the table", function()
      local sample = {}
      for i, value in ipairs(VALUES) do
         local parts = {}
         for _, name in ipairs(MEMBERS) do parts[#parts + 1] = ('"%s":%s'):format(name, value) end
         sample[i] =
            topaz.core.decode(('{"process_id":"%d","status":"Completed",%s}'):format(i, table.concat(parts, ",")))
         for name, v in pairs(sample[i]) do
            if v == topaz.null then sample[i][name] = nil end
         end
      end
      for _, fields in ipairs { false, MEMBERS } do
         local o = { width = 120, terminal = true, paint = function(_, cell) return cell end }
         local layout = columns.layout(fields or nil, sample, o, false)
         for _, status in ipairs(sample) do
            local row = layout:row(status)
            assert.is_true(text.width(row) <= 120)
         end
      end
   end)

   it("durations of any size are said", function()
      for _, seconds in ipairs { 0, 59, 1e9, 2.0 ^ 63, 1e308, math.huge, math.maxinteger, -5 } do
         assert.is_string(text.duration(seconds))
      end
   end)
end)
