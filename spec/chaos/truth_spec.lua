-- The judge of `make chaos`: an outcome that is not true must not pass, and a true one must.
local truth = require "spec.chaos.truth"

local A, B, C = "aaaaaaaa", "bbbbbbbb", "cccccccc"

local function job(id, status)
   return { record = { process_id = id, status = status or "Completed", credits = #id } }
end

local function world(more)
   local w = {
      jobs = { [A] = job(A), [B] = job(B), [C] = job(C, "Failed") },
      left = { [A] = true, [B] = true, [C] = true }, deletes = {}, delete_alls = {}, excused = {},
   }
   for name, value in pairs(more or {}) do w[name] = value end
   return w
end

local function op(kind, more)
   local o = { kind = kind, id = A, begun = true, began = 10, ended = 11, ids = {}, words = {}, given = { A, B } }
   for name, value in pairs(more) do o[name] = value end
   return o
end

local function failure(kind, more)
   local err = { kind = kind }
   for name, value in pairs(more or {}) do err[name] = value end
   return err
end

-- A world in which A was deleted between two times.
local function gone(from, to, answers)
   local w = world { left = { [B] = true, [C] = true }, deletes = { [A] = answers or { 204 } } }
   w.jobs[A].dead_from, w.jobs[A].dead_to = from, to
   return w
end

local function is_true(w, o) assert.is_nil(truth.check(w, o)) end
local function is_lie(w, o, words)
   local why = truth.check(w, o)
   assert(why and why:find(words, 1, true), ("expected '%s', got %s"):format(words, tostring(why)))
end

describe("truth of a deletion", function()
   it("true needs a 204, and the job gone", function()
      is_true(gone(10.2, 10.3), op("delete", { ok = true }))
      is_lie(world(), op("delete", { ok = true }), "still there")
      is_lie(gone(10.2, 10.3, { 500 }), op("delete", { ok = true }), "never said 204")
   end)

   it("already_gone needs a 404", function()
      is_true(gone(10.2, 10.3, { 0, 404 }), op("delete", { ok = true, second = "already_gone" }))
      is_lie(gone(10.2, 10.3, { 204 }), op("delete", { ok = true, second = "already_gone" }), "never said 404")
      is_lie(gone(10.2, 10.3), op("delete", { ok = true, second = "perhaps" }), "second value")
   end)

   it("unsent means that the server saw nothing", function()
      is_true(world(), op("delete", { err = failure("network", { outcome = "unsent", attempts = 3 }) }))
      is_lie(gone(10.2, 10.3), op("delete", { err = failure("network", { outcome = "unsent", attempts = 3 }) }),
         "unsent")
   end)

   it("nothing is sent beyond the attempts that are told", function()
      is_true(gone(10.2, 10.3, { 0, 204 }),
         op("delete", { err = failure("network", { outcome = "unknown", attempts = 2 }) }))
      is_lie(gone(10.2, 10.3, { 0, 204 }),
         op("delete", { err = failure("network", { outcome = "unknown", attempts = 1 }) }), "saw 2")
      is_lie(gone(10.2, 10.3), op("delete", { err = failure("cancelled", { outcome = "unsent" }) }), "saw 1")
   end)

   it("a failure without an outcome is not enough", function()
      is_lie(world(), op("delete", { err = failure "cancelled" }), "no outcome")
      is_true(world(), op("delete", { err = failure "closed" }))
      -- refused, then not sent again: it is known that nothing was done
      is_true(world { deletes = { [A] = { 429 } } }, op("delete", { err = failure("timeout", { attempts = 2 }) }))
      is_lie(world { deletes = { [A] = { 500 } } }, op("delete", { err = failure("timeout", { attempts = 2 }) }),
         "no outcome")
   end)

   it("a status of HTTP is one that the server said", function()
      local refused = op("delete", { err = failure("conflict", { http_status = 409, attempts = 1 }) })
      is_true(world { deletes = { [A] = { 409 } } }, refused)
      is_lie(world { deletes = { [A] = { 404 } } }, refused, "HTTP 409")
      is_true(world { deletes = {}, excused = { [409] = true } }, refused)
   end)

   it("one that was begun and dropped is done, where nothing goes wrong", function()
      local dropped = op("delete", { dropped = true })
      dropped.ended = nil
      is_lie(world { clean = true }, dropped, "never done")
      is_true(gone(10.2, 10.3), dropped)
      is_true(world(), dropped)
   end)
end)

describe("truth of a read", function()
   it("another job's record", function()
      is_true(world(), op("get", { ok = { process_id = A } }))
      is_lie(world(), op("get", { ok = { process_id = B } }), "another job")
   end)

   it("a record of what had gone before; not_found of what was there", function()
      is_lie(gone(8, 9), op("get", { ok = { process_id = A } }), "gone before")
      is_true(gone(10.5, 10.6), op("get", { ok = { process_id = A } }))
      is_lie(world(), op("get", { err = failure "not_found" }), "all the time")
      is_true(gone(10.5, 10.6), op("get", { err = failure "not_found" }))
   end)

   it("records are compared member by member, types too", function()
      local jobs = world().jobs
      assert.is_nil(truth.record(jobs, { process_id = A, status = "Completed", credits = 8 }, 1, 1))
      for _, wrong in ipairs {
         { process_id = A, status = "Completed", credits = 8.0 }, { process_id = A, status = "Completed" },
         { process_id = A, status = "Failed", credits = 8 },
         { process_id = A, status = "Completed", credits = 8, more = 1 }, { process_id = "dddddddd" }, "text",
      } do
         assert.is_string(truth.record(jobs, wrong, 1, 1))
      end
      assert.is_nil(truth.record(jobs, { process_id = A, status = "Completed" }, 1, 1, { "process_id", "status" }))
   end)

   it("a job that changes: only as it was meanwhile", function()
      local jobs = { [A] = { epochs = { { process_id = A, progress = 1 }, { process_id = A, progress = 2 } } } }
      assert.is_nil(truth.record(jobs, { process_id = A, progress = 2 }, 1, 2))
      assert.is_string(truth.record(jobs, { process_id = A, progress = 2 }, 1, 1))
      assert.is_string(truth.record(jobs, { process_id = A, progress = 1 }, 2, 2))
   end)
end)

describe("truth of a list", function()
   it("each once, all of them", function()
      is_true(world(), op("list", { ids = { A, B, C }, complete = true }))
      is_lie(world(), op("list", { ids = { A, B }, complete = true }), "missing")
      is_true(world(), op("list", { ids = { A, B } }))
      is_lie(world(), op("list", { ids = { A, B, A } }), "2 times")
   end)

   it("one that went away meanwhile may be missing, and lets a plain array repeat", function()
      is_true(gone(10.2, 10.3), op("list", { ids = { B, C }, complete = true }))
      is_lie(gone(10.2, 10.3), op("list", { ids = { B, C, B }, complete = true }), "2 times")
      is_true(gone(10.2, 10.3), op("list", { ids = { B, C, B }, complete = true, options = { paginated = false } }))
      is_lie(gone(8, 9), op("list", { ids = { A, B, C }, complete = true }), "gone before")
   end)

   it("a filter keeps what it should, and nothing else", function()
      is_true(world(), op("list", { ids = { C }, complete = true, options = { where = { status = "Failed" } } }))
      is_lie(world(), op("list", { ids = { A, C }, complete = true, options = { where = { status = "Failed" } } }),
         "against")
   end)
end)

describe("truth of the rest", function()
   it("waits end with a word that is final, watchers give each once", function()
      is_true(world(), op("wait", { ok = { process_id = A, status = "Failed" } }))
      is_lie(world(), op("wait", { ok = { process_id = A, status = "Pending" } }), "ended with")
      is_true(world(), op("watch", { ids = { A, B }, words = { "Failed", "Completed" }, complete = true }))
      is_lie(world(), op("watch", { ids = { A }, words = { "Failed" }, complete = true }), "1 jobs came of 2")
      is_lie(world(), op("watch", { ids = { A, A }, words = { "Failed", "Failed" } }), "twice")
      is_lie(world(), op("watch", { ids = { C }, words = { "Failed" } }), "was not asked for")
      is_lie(world(), op("watch", { ids = {}, gone = A }), "as gone")
   end)

   it("delete_all counts what was there, and is sent once", function()
      local empty = { left = {}, before_all = 3, delete_alls = { 200 } }
      is_true(world(empty), op("delete_all", { ok = 3 }))
      is_lie(world(empty), op("delete_all", { ok = 2 }), "2 deleted, of 3")
      is_lie(world { before_all = 3, delete_alls = {} }, op("delete_all", { ok = true, second = "count_unknown" }),
         "not all are gone")
      is_lie(world { left = {}, before_all = 3, delete_alls = { 200, 200 } },
         op("delete_all", { ok = 0 }), "sent again")
      is_true(world { left = {}, before_all = 3, delete_alls = { 429, 200 } }, op("delete_all", { ok = 3 }))
   end)

   it("what never ends, and what fails where nothing went wrong", function()
      local endless = op("get", {})
      endless.ended = nil
      is_lie(world(), endless, "never ended")
      is_lie(world { clean = true }, op("get", { err = failure "network" }), "nothing had gone wrong")
      is_lie(world { clean = true }, op("get", { err = failure "closed" }), "ended without a cause")
      is_true(world(), op("get", { err = failure "network" }))
      is_lie(world(), op("get", { err = "a text" }), "not an error object")
   end)

   it("tells what the answer to an earlier request explains from what it does not", function()
      for why, late in pairs {
         ["not_found, and the job was there all the time"] = true,
         ["HTTP 409, which the server never said"] = true,
         ["true, and the job is still there"] = true,
         ["the record of another job: x"] = false,
         ["a record came twice"] = false,
         ["unsent, and the server saw it"] = false,
         ["never ended"] = false,
      } do
         assert.equal(late, truth.may_be_late(why), why)
      end
   end)
end)
