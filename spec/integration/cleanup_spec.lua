-- delete_finished, against the emulator: what is deleted, what the report says,
-- and how many requests it takes.
local world = require "spec.support.world"
require "topaz.cleanup"

describe("client:delete_finished()", function()
   local emulator = world.emulator { setup = setup, teardown = teardown, before_each = before_each }
   local client

   before_each(function() client = world.client(emulator(), { max_retries = 0 }) end)
   after_each(function()
      client:close()
      -- What was cancelled on its way is still read by the server: not by the test that comes next.
      for _ = 1, 3 do emulator():counts() end
   end)

   local function asked()
      local kinds = emulator():counts().kinds
      return { list = kinds.list or 0, delete_one = kinds.delete_one or 0 }
   end

   -- A report's counts, in the order matched, deleted, already gone, refused, failed.
   local function counts(report)
      return { report.matched, report.deleted, report.already_gone, report.refused, report.failed }
   end

   -- Whether some id was asked to be deleted twice.
   local function twice()
      local seen = {}
      for _, request in ipairs(emulator():requests()) do
         if request.kind == "delete_one" then
            if seen[request.path] then return true end
            seen[request.path] = true
         end
      end
      return false
   end

   local function left()
      local words = {}
      for _, job in ipairs(emulator():jobs()) do words[job.status] = (words[job.status] or 0) + 1 end
      return words
   end

   it("deletes what is completed, and nothing else, each status once", function()
      emulator():add_jobs { count = 250, status = { "Completed", "Failed", "Completed", "Processing", "Cancelled" } }
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.same({ 100, 100, 0, 0, 0 }, counts(report))
      assert.same({}, report.errors)
      assert.is_nil(report.stopped)
      assert.same({ Failed = 50, Processing = 50, Cancelled = 50 }, left())
      assert.same({ list = 5, delete_one = 100 }, asked()) -- three pages, and two of what was left
      assert.is_false(twice())
   end)

   it("reads a list of one page once", function()
      emulator():add_jobs { count = 100, status = { "Completed", "Failed" } }
      assert.same({ 100, 100, 0, 0, 0 }, counts((client:delete_finished { status = { "Failed", "Completed" } })))
      assert.same({ list = 1, delete_one = 100 }, asked())
   end)

   it("sends one request where there is nothing", function()
      assert.same({ 0, 0, 0, 0, 0 }, counts((client:delete_finished())))
      assert.same({ list = 1, delete_one = 0 }, asked())
   end)

   it("takes one word as well as a list of them", function()
      emulator():add_jobs { count = 30, status = { "Completed", "Failed", "Cancelled" } }
      assert.same({ 10, 10, 0, 0, 0 }, counts((client:delete_finished { status = "Failed" })))
      assert.same({ 20, 20, 0, 0, 0 }, counts((client:delete_finished { status = { "Completed", "Cancelled" } })))
      assert.same({}, left())
   end)

   it("goes by the age since the last change, on the server's clock", function()
      local now = emulator():now()
      for i, age in ipairs { 10, 3000, 4000, 90000 } do
         emulator():add_jobs { status = "Completed", age = 200000 + i, modification_time = math.floor(now - age) }
      end
      assert.same({ 2, 2, 0, 0, 0 }, counts((client:delete_finished { older_than = 3600 })))
      local ages = {}
      for _, job in ipairs(emulator():jobs()) do ages[#ages + 1] = math.floor(now - job.modification_time + 0.5) end
      table.sort(ages)
      assert.same({ 10, 3000 }, ages)
   end)

   it("chooses by other members, and by when a status was last modified", function()
      local now = emulator():now()
      local ahead = math.max(0, os.time() - now) -- this machine's clock, which counts too
      for i, age in ipairs { 10, 3000, 4000, 90000 } do
         emulator():add_jobs { status = "Completed", age = 100000, modification_time = math.floor(now - age),
            model = i % 2 == 0 and "A" or "B", credits = i }
      end
      local function matched(options)
         options.dry_run = true
         return (client:delete_finished(options)).matched
      end
      assert.equal(2, matched { where = { model = "A" } })
      assert.equal(3, matched { where = { credits = { above = 1 } } })
      assert.equal(1, matched { where = { credits = { above = 1 }, model = { except = "A" } } })
      assert.equal(3, matched { newer_than = ahead + 5000 })
      assert.equal(2, matched { newer_than = ahead + 5000, older_than = 2000 })
      assert.equal(1, matched { newer_than = ahead + 5000, older_than = 2000, where = { model = { "A" } } })
      local where = { model = "A" }
      assert.same({ 2, 2, 0, 0, 0 }, counts((client:delete_finished { where = where })))
      assert.same({ model = "A" }, where)
      assert.same({ Completed = 2 }, left())
   end)

   it("does not delete by age what says nothing of its age", function()
      emulator():add_jobs { status = "Completed", age = 5000, remove = { "modification_time" } }
      assert.same({ 0, 0, 0, 0, 0 }, counts((client:delete_finished { older_than = 1 })))
      assert.same({ 1, 1, 0, 0, 0 }, counts((client:delete_finished())))
   end)

   it("counts and deletes nothing in a dry run", function()
      emulator():add_jobs { count = 250, status = { "Completed", "Failed" } }
      local seen = {}
      local report = client:delete_finished { dry_run = true, on_progress = function(r)
         seen[#seen + 1] = r.matched
      end }
      assert.same({ 125, 0, 0, 0, 0 }, counts(report))
      assert.same({ 50, 100, 125 }, seen)
      assert.same({ list = 3, delete_one = 0 }, asked())
   end)

   it("tells how far it is", function()
      emulator():add_jobs { count = 30, status = "Completed" }
      local last, calls = 0, 0
      client:delete_finished { on_progress = function(report)
         assert.is_true(report.deleted > last and report.deleted <= report.matched)
         last, calls = report.deleted, calls + 1
      end }
      assert.equal(30, last)
      assert.is_true(calls > 1 and calls <= 30)
   end)

   it("counts what is refused, already gone and failed, with errors for those that are still there", function()
      local ids = emulator():add_jobs { count = 6, status = "Completed" }
      for i, status in ipairs { 409, 404, 500, 429 } do
         emulator():fault { match = { kind = "delete_one", path = ids[i]:gsub("%-", "%%-") .. "$" }, status = status,
            body = '{"message":"so it is"}' }
      end
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.same({ 6, 2, 1, 1, 2 }, counts(report))
      local kinds = {}
      for _, entry in ipairs(report.errors) do kinds[entry.process_id] = entry.error.kind end
      assert.same({ [ids[1]] = "conflict", [ids[3]] = "server_error", [ids[4]] = "rate_limited" }, kinds)
      assert.is_false(twice())
   end)

   it("says of a deletion whose answer was lost that it may have happened", function()
      local ids = emulator():add_jobs { count = 2, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, drop = "after" }
      local report = client:delete_finished()
      assert.same({ 2, 1, 0, 0, 1 }, counts(report))
      assert.equal("unknown", report.errors[1].error.outcome)
      assert.is_true(report.errors[1].process_id == ids[1] or report.errors[1].process_id == ids[2])
   end)

   it("retries as the client does; gone after a lost response is not an error", function()
      emulator():add_jobs { count = 3, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, drop = "after" }
      emulator():fault { match = { kind = "list" }, status = 503, body = "" }
      local patient <close> = world.client(emulator(), {})
      local report, err = patient:delete_finished()
      assert.is_nil(err)
      assert.same({ 3, 2, 1, 0, 0 }, counts(report))
      assert.same({ list = 2, delete_one = 4 }, asked())
   end)

   it("deletes while it lists, over all connections", function()
      emulator():add_jobs { count = 400, status = "Completed" }
      emulator():set { latency = 0.03 } -- no answer comes before all connections have a request
      assert.same({ 400, 400, 0, 0, 0 }, counts((client:delete_finished())))
      emulator():set { latency = 0 }
      local lists, deletions, before_last_list = 0, 0, 0
      for _, request in ipairs(emulator():requests()) do
         if request.kind == "delete_one" then
            deletions = deletions + 1
         else
            lists = lists + 1
            if lists == 4 then before_last_list = deletions end
         end
      end
      assert.is_true(before_last_list > 0)
      -- one more for the list, which does not count while it is read
      local connections = emulator():counts().connections
      assert.is_true(connections == 8 or connections == 9)
   end)

   it("meets no status twice when pages repeat it", function()
      local ids = emulator():add_jobs { count = 3, status = "Completed" }
      local record = '{"process_id":"%s","status":"Completed"}'
      local function body(from, to, more)
         local data = {}
         for i = from, to do data[#data + 1] = record:format(ids[i]) end
         return ('{"data":[%s],"pagination":{"has_next_page":%s}}'):format(table.concat(data, ","),
            more and 'true,"next_cursor":"c"' or "false")
      end
      emulator():fault { match = { kind = "list" }, status = 200, body = body(1, 2, true) }
      emulator():fault { match = { kind = "list" }, status = 200, body = body(2, 3) }
      assert.same({ 3, 3, 0, 0, 0 }, counts((client:delete_finished())))
      assert.same({ list = 3, delete_one = 3 }, asked())
   end)

   it("reads the list again until nothing is left that its cursor skipped", function()
      local ids = emulator():add_jobs { count = 3, status = "Completed" }
      local record =
         '{"data":[{"process_id":"%s","status":"Completed"}],"pagination":{"has_next_page":true,"next_cursor":"%d"}}'
      for i = 1, 3 do -- each reading shows one status, and an empty page behind it
         emulator():fault { match = { kind = "list" }, status = 200, body = record:format(ids[i], i) }
         emulator():fault { match = { kind = "list" }, status = 200,
            body = '{"data":[],"pagination":{"has_next_page":false}}' }
      end
      assert.same({ 3, 3, 0, 0, 0 }, counts((client:delete_finished())))
      assert.same({ list = 7, delete_one = 3 }, asked())
   end)

   it("stops with a report when a deletion meets 401 or 403", function()
      for status, kind in pairs { [401] = "unauthorized", [403] = "forbidden" } do
         emulator():reset()
         emulator():add_jobs { count = 300, status = "Completed" }
         emulator():fault { match = { kind = "delete_one" }, after = 10, times = math.huge, status = status, body = "" }
         local report, err = client:delete_finished()
         assert.equal(kind, err.kind)
         assert.equal(err, report.stopped)
         assert.equal(10, report.deleted)
         -- what was under way with the first one
         assert.is_true(report.failed >= 1 and report.failed <= 200)
         assert.equal(math.min(report.failed, 100), #report.errors)
         assert.equal(290, left().Completed)
      end
   end)

   it("stops for a single 403", function()
      emulator():add_jobs { count = 5, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, status = 403, body = "" }
      local _, err = client:delete_finished()
      assert.equal("forbidden", err.kind)
   end)

   it("has two hundred deletions under way at most, also when the list comes as one array", function()
      emulator():add_jobs { count = 600, status = "Completed" }
      emulator():fault { match = { kind = "list" }, list_shape = "array" }
      local most, own = 0, nil
      own = world.client(emulator(), { on_event = function() most = math.max(most, own:stats().pending) end })
      assert.equal(600, own:delete_finished().deleted)
      own:close()
      assert.is_true(most > 150 and most <= 200, most)
      assert.same({ list = 1, delete_one = 600 }, asked())
   end)

   it("stops when twenty deletions in a row fail", function()
      emulator():add_jobs { count = 600, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, after = 5, times = math.huge, status = 500, body = "" }
      local report, err = client:delete_finished()
      assert.equal("server_error", err.kind)
      assert.equal(5, report.deleted)
      assert.is_true(report.failed >= 20 and report.failed < 20 + 200) -- with what was under way
      assert.is_true(asked().delete_one < 5 + 20 + 200)
   end)

   it("goes on when failures are few and far between", function()
      emulator():add_jobs { count = 60, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, after = 5, times = 19, status = 500, body = "" }
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.same({ 60, 41, 0, 0, 19 }, counts(report))
   end)

   it("finishes what it has begun when the list cannot be read on", function()
      emulator():add_jobs { count = 250, status = "Completed" }
      emulator():fault { match = { kind = "list" }, after = 1, status = 500, body = "" }
      local report, err = client:delete_finished()
      assert.equal("server_error", err.kind)
      assert.equal("statuses", err.operation)
      assert.same({ 100, 100, 0, 0, 0 }, counts(report))
      assert.same({ 150, 150, 0, 0, 0 }, counts((client:delete_finished())))
   end)

   it("keeps a hundred errors", function()
      emulator():add_jobs { count = 130, status = "Completed" }
      emulator():fault { match = { kind = "delete_one" }, times = math.huge, status = 409, body = "" }
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.same({ 130, 0, 0, 130, 0 }, counts(report))
      assert.equal(100, #report.errors)
      assert.same({ list = 2, delete_one = 130 }, asked())
   end)

   it("leaves a report when its task is cancelled or the client closed", function()
      for _, how in ipairs { "cancelled", "closed" } do
         emulator():reset()
         emulator():add_jobs { count = 300, status = "Completed" }
         local own = world.client(emulator())
         local task
         task = own:spawn(function()
            return own:delete_finished { on_progress = function(report)
               if report.deleted >= 20 and not report.stopped then
                  if how == "closed" then own:close() else task:cancel() end
               end
            end }
         end)
         pcall(own.run, own)
         local report, err = task:result()
         assert.equal(how, err.kind)
         assert.is_true(report.deleted >= 20 and report.deleted < 300)
         -- What the server did is what the report says, but for what it says is not known.
         local gone = 300 - (left().Completed or 0)
         assert.is_true(gone >= report.deleted and gone <= report.deleted + report.failed)
         for _, entry in ipairs(report.errors) do assert.equal("unknown", entry.error.outcome) end
         own:close()
      end
   end)

   it("runs in a task beside other work", function()
      emulator():add_jobs { count = 120, status = "Completed" }
      local id = emulator():add_jobs { status = "Processing" }[1]
      local task = client:spawn("delete_finished")
      local other = client:spawn("get_status", id)
      assert.equal(0, (client:run()))
      assert.equal(120, task:result().deleted)
      assert.equal("Processing", other:result().status)
   end)

   it("lets an error of on_progress through, and nothing goes on behind it", function()
      emulator():add_jobs { count = 300, status = "Completed" }
      world.with_client(emulator(), {}, function(own)
         local ok, err = pcall(own.delete_finished, own, { on_progress = function() error("mine", 0) end })
         assert.is_false(ok)
         assert.equal("mine", err)
         own:step(0.01)
         assert.equal(0, own:stats().pending)
      end)
   end)

   it("refuses what makes no sense, and sends nothing", function()
      local cases = {
         { { where = { status = "Failed" } }, "where" }, { { where = { modification_time = 1 } }, "where" },
         { { where = { mdoel = "A" } }, "where" }, { { where = "A" }, "where" }, { { newer_than = -1 }, "newer_than" },
         { { older_than = -1 }, "older_than" }, { { older_than = "1" }, "older_than" },
         { { status = "Processing" }, "status" }, { { status = { "Completed", "Pending" } }, "status" },
         { { status = {} }, "status" }, { { status = { a = "Failed" } }, "status" }, { { status = 5 }, "status" },
         { { dry_run = 1 }, "dry_run" }, { { on_progress = 1 }, "on_progress" }, { { older = 1 }, "older" },
         { "Failed", "options" },
      }
      for _, case in ipairs(cases) do
         local ok, err = pcall(client.delete_finished, client, case[1])
         assert.is_false(ok)
         assert.matches("bad argument '" .. case[2] .. "'", err, 1, true)
      end
      assert.matches("cleanup_spec.lua", select(2, pcall(function() client:delete_finished { status = "Pending" } end)),
         1, true)
      assert.equal(0, world.seen(emulator()))
   end)
end)

describe("client:delete_finished() over HTTP/2", function()
   local emulator = world.emulator({ setup = setup, teardown = teardown, before_each = before_each },
      { clock = "virtual", tls = true })

   it("deletes over many streams of few connections", function()
      if not require("topaz").core.libcurl.http2 then return pending "this libcurl has no HTTP/2" end
      emulator():add_jobs { count = 450, status = "Completed" }
      local client <close> = world.client(emulator(), { base_url = emulator().tls_url, ca_file = emulator().ca_file })
      local report, err = client:delete_finished()
      assert.is_nil(err)
      assert.equal(450, report.deleted)
      assert.is_true(client:stats().http2)
      assert.equal(1, emulator():counts().connections)
   end)
end)
