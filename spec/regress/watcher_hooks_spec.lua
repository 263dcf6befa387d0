-- A debug hook between two instructions of a watcher's bookkeeping met counts that did not fit: a
-- token made there lacked a job or could not be made, a job added there was never looked at, one
-- removed there was counted twice; a round read the list for jobs that were not in it.
local interrupted = require "spec.support.interrupted"
local planner = require "topaz.watch.plan"

local function id_of(i) return ("00000000-0000-4000-8000-%012d"):format(i) end

describe("a hook in a watcher's bookkeeping", function()
   local now
   local clock = {
      now = function() return now end, server_time = function() return now end, random = function() return 0.5 end,
   }

   local function status_of(id, word, progress) return { process_id = id, status = word, progress = progress } end

   -- What the server says in the step `step`: 1, 4 and 5 finish, 3 is unknown.
   local function word(i, step)
      if i == 1 then return "Completed" end
      return step > 6 and "Failed" or i == 2 and "Processing" or "Pending"
   end

   -- Five jobs to their ends; act(plan) is called at the instruction `point`. Returns the ids that
   -- were given, and how many instructions there were.
   local function play(point, act)
      now = 1000
      local plan, given, count, inside = planner.new(clock, true), {}, 0, false
      local function hook()
         if inside then return end
         count = count + 1
         if count ~= point then return end
         inside = true
         act(plan)
         inside = false
      end
      local function answer(step)
         local what, argument, hinted = plan:next()
         if what == "page" then
            local data = {}
            for i, id in ipairs { id_of(1), id_of(2), id_of(5) } do data[i] = status_of(id, word(i, step), step) end
            plan:page { data = data, pagination = {} }
         elseif what == "get" and argument.key == id_of(3) then plan:gone(argument, { kind = "not_found" }, hinted)
         elseif what == "get" then plan:got(argument, status_of(argument.key, word(4, step), step), hinted)
         elseif what == "wait" then now = now + argument
         end
         return what
      end
      local function drive()
         for step = 1, 200 do
            local news = plan:news()
            if news then
               plan:take(news)
               if news.ends then given[#given + 1] = news.job.key end
            elseif answer(step) == "done" then break
            end
         end
      end
      local ok, err = xpcall(function()
         debug.sethook(hook, "", 1)
         for i = 1, 5 do plan:add(id_of(i)) end
         drive()
         debug.sethook()
         drive() -- what was added at the very end
      end, debug.traceback)
      debug.sethook()
      assert(ok, ("point %d: %s"):format(point, err))
      assert.equal(0, plan:pending())
      table.sort(given)
      return given, count
   end

   local function each_point(stride, act, check)
      local point, given, count = 0 -- luacheck: ignore 221
      repeat
         point = point + stride
         given, count = play(point, act)
         check(given, point)
      until point > count
      assert.is_true(point > 1000)
   end

   local function all(first, last)
      local ids = {}
      for i = first, last do ids[#ids + 1] = id_of(i) end
      return ids
   end

   it("finds as many ids as jobs to come, wherever it asks", function()
      each_point(2, function(plan)
         assert(plan:pending() == #plan:packed_ids(), "a token would lack a job")
         plan:progress()
         plan:statuses()
      end, function(given) assert.same(all(1, 5), given) end)
   end)

   it("may add a job, which is given", function()
      each_point(3, function(plan) plan:add(id_of(6)) end, function(given, point)
         assert(#given == 6 or #given == 5 and point > 1000, ("point %d: %d given"):format(point, #given))
      end)
   end)

   it("may remove a job, and the others are given", function()
      for i = 2, 5 do
         each_point(7, function(plan) plan:remove(id_of(i)) end, function(given, point)
            assert(#given == 5 or #given == 4, ("point %d: %d given"):format(point, #given))
         end)
      end
   end)

   -- Jobs that this round is to see, as the round counts them and counted anew.
   local function unseen(plan)
      local count = 0
      for _, job in ipairs(plan.order) do
         if job.seen ~= plan.rounds and job.seen ~= -plan.rounds then count = count + 1 end
      end
      return plan.round.unseen, count
   end

   it("may add jobs where a round begins: the list is read for those that are in the round", function()
      now = 1000
      local point, count = 0
      repeat
         point, count = point + 1, 0
         local plan = planner.new(clock)
         for i = 1, 2 do plan:add(id_of(i)) end
         debug.sethook(function()
            count = count + 1
            if count ~= point then return end
            for i = 11, 15 do plan:add(id_of(i)) end
         end, "", 1)
         plan:next()
         debug.sethook()
         local counted, anew = unseen(plan)
         assert.equal(anew, counted, ("point %d"):format(point))
      until count < point
      assert.is_true(point > 50)
   end)

   it("may interrupt adding a job in a round: the list is read for the others all the same", function()
      now = 1000
      local point, fired = 0
      repeat
         point = point + 1
         local plan = planner.new(clock)
         for i = 1, 6 do plan:add(id_of(i)) end
         assert.equal("page", (plan:next()))
         fired = interrupted(point, function() plan:add(id_of(7)) end, nil, { events = "count" })
         local data = {}
         for place, i in ipairs { 1, 2, 3, 7 } do data[place] = status_of(id_of(i), "Pending", 1) end
         plan:page { data = data, pagination = { has_next_page = true, next_cursor = "2" } }
         assert.equal("page", (plan:next()), ("point %d"):format(point))
      until not fired
      assert.is_true(point > 10)
   end)
end)
