-- The retry room alone, through the test-only binding retry_room: verdicts, back-off, the budget.
-- Dates and the pacer have specs of their own.
local room = require "retry_room"

local OPERATIONS = { "read", "delete_one", "delete_all" }
local FAULTS = { "answered", "resolve", "connect", "tls", "timed_out", "lost", "protocol", "too_large" }
local VERDICTS = { D = "done", G = "gone", A = "again", F = "fail" }

local ALL_DONE, ALL_GONE, ALL_AGAIN, ALL_FAIL = "DDDDDDDD", "GGGGGGGG", "AAAAAAAA", "FFFFFFFF"
local BY_FAULT = "FAAFAAFF" -- in the order of FAULTS

local SUCCESS = { 200, 201, 202, 204, 206, 299 }
local NO_STATUS = { 0, 100, 199 }
local PASSING = { 408, 425, 500, 502, 503, 504 }
local OTHERS = { 300, 301, 302, 304, 307, 308, 399, 400, 401, 402, 403, 405, 409, 410, 412, 413, 415, 418, 422, 424,
   426, 428, 430, 451, 499, 501, 505, 511, 599, 600, 999 }

-- Each of the cells: f(operation, fault, its number, status, sent, earlier_unknown).
local function each_attempt(statuses, f)
   for _, status in ipairs(statuses) do
      for _, operation in ipairs(OPERATIONS) do
         for i, fault in ipairs(FAULTS) do
            for _, sent in ipairs { true, false } do
               for _, earlier in ipairs { true, false } do f(operation, fault, i, status, sent, earlier) end
            end
         end
      end
   end
end

-- `row(operation, sent, earlier)` gives the eight verdicts in the order of FAULTS.
local function check_verdicts(statuses, row)
   each_attempt(statuses, function(operation, fault, i, status, sent, earlier)
      assert.equal(VERDICTS[row(operation, sent, earlier):sub(i, i)],
         room.judge(operation, fault, status, sent, earlier),
         ("%s, %s, %d, sent %s, earlier %s"):format(operation, fault, status, sent, earlier))
   end)
end

describe("a verdict", function()
   it("is by the fault where no status line was seen; deletion of all only when certainly unsent", function()
      check_verdicts(NO_STATUS, function(operation, sent)
         return operation == "delete_all" and sent and ALL_FAIL or BY_FAULT
      end)
   end)

   it("is done for a DELETE as soon as a 2xx status line is there, for a read only with all of it", function()
      check_verdicts(SUCCESS, function(operation) return operation == "read" and "DAAFAAFF" or ALL_DONE end)
   end)

   it("is again for a passing status, except for deletion of all", function()
      check_verdicts(PASSING, function(operation) return operation == "delete_all" and ALL_FAIL or ALL_AGAIN end)
   end)

   it("is again for everything on 429", function()
      check_verdicts({ 429 }, function() return ALL_AGAIN end)
   end)

   it("is gone on 404 to a deletion of one whose earlier outcome is unknown, else fail", function()
      check_verdicts({ 404 }, function(operation, _, earlier)
         return operation == "delete_one" and earlier and ALL_GONE or ALL_FAIL
      end)
   end)

   it("is fail for every other status, redirects and 409 among them", function()
      check_verdicts(OTHERS, function() return ALL_FAIL end)
   end)
end)

describe("an outcome", function()
   local function check(statuses, unknown_when_sent)
      each_attempt(statuses, function(operation, fault, _, status, sent, earlier)
         assert.equal(operation ~= "read" and sent and unknown_when_sent,
            room.is_unknown(operation, fault, status, sent, earlier),
            ("%s, %s, %d, sent %s"):format(operation, fault, status, sent))
      end)
   end

   it("is unknown after a DELETE that was sent and got no verdict", function()
      check({ 0, 100, 199, 408, 500, 501, 502, 503, 504, 505, 511, 599, 600, 999 }, true)
   end)

   it("is known where the server did it or refused it", function()
      check({ 200, 202, 204, 299, 300, 301, 399, 400, 401, 403, 404, 407, 409, 418, 425, 429, 499 }, false)
   end)
end)

describe("back-off", function()
   it("is at most base * 2^n and at most the cap", function()
      for n, most in pairs { [0] = 0.5, 1, 2, 4, 8, 16, 20, 20, [1023] = 20, [1024] = 20, [-1] = 20,
         [0x7fffffff] = 20 } do
         assert.equal(0, room.backoff(n, 0.5, 20, 0), n)
         assert.equal(most * 0.25, room.backoff(n, 0.5, 20, 0.25), n)
         assert.equal(most * (1 - 0x1p-53), room.backoff(n, 0.5, 20, 1 - 0x1p-53), n)
      end
   end)

   it("copes with every base and cap", function()
      for _, n in ipairs { 0, 1, 5, -1 } do
         assert.equal(0, room.backoff(n, 0, 20, 0.5))
         assert.equal(0, room.backoff(n, -1, 20, 0.5))
         assert.equal(0, room.backoff(n, 0 / 0, 20, 0.5))
         assert.equal(0, room.backoff(n, 0.5, 0, 0.5))
         assert.equal(5, room.backoff(n, 60, 10, 0.5))
      end
      assert.equal(10, room.backoff(-1, 5e-324, 20, 0.5))
      assert.equal(0.5e300, room.backoff(-1, 1, 1e300, 0.5))
   end)
end)

describe("the budget", function()
   it("pays 5 for a retry, 10 after a timeout, and gets 1 back for a success", function()
      local budget = room.budget()
      assert.equal(100, budget:tokens())
      assert.is_true(budget:take(false))
      assert.equal(95, budget:tokens())
      assert.is_true(budget:take(true))
      assert.equal(85, budget:tokens())
      budget:return_one()
      assert.equal(86, budget:tokens())
   end)

   it("is never above full", function()
      local budget = room.budget()
      budget:return_one()
      assert.equal(100, budget:tokens())
      budget:take(false)
      for _ = 1, 7 do budget:return_one() end
      assert.equal(100, budget:tokens())
   end)

   it("takes nothing where there is not enough", function()
      local budget = room.budget()
      for _ = 1, 19 do assert.is_true(budget:take(false)) end
      assert.equal(5, budget:tokens())
      assert.is_false(budget:take(true))
      assert.equal(5, budget:tokens())
      assert.is_true(budget:take(false))
      assert.equal(0, budget:tokens())
      assert.is_false(budget:take(false))
      for _ = 1, 4 do budget:return_one() end
      assert.is_false(budget:take(false))
      assert.equal(4, budget:tokens())
      for _ = 5, 9 do budget:return_one() end
      assert.is_false(budget:take(true))
      budget:return_one()
      assert.is_true(budget:take(true))
      assert.equal(0, budget:tokens())
   end)
end)
