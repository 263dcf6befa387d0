-- The watcher's plan without a network: its budget on the model,
-- and what it asks next in each situation.
local model = require "spec.bench.watch_model"
local watch_plan = require "topaz.watch.plan"

describe("watching 1,000 jobs of 30 to 120 s", function()
   for seed = 1, 5 do
      it("costs at most 1,500 requests, each end noticed within 5 s (95th percentile), seed " .. seed, function()
         for _, foreign in ipairs { {}, { older = 50000 }, { newer = 250 } } do
            local r = model.run { jobs = 1000, older = foreign.older, newer = foreign.newer, seed = seed }
            assert.equal(1000, r.noticed)
            assert.is_true(r.requests <= 1500, r.requests .. " requests")
            assert.is_true(r.p95 <= 5, r.p95 .. " s")
            assert.is_true(r.naive > 70000 and r.naive < 80000)
         end
      end)
   end

   it("is the same at each run with the same seed, and another one with another seed", function()
      local a, b, c = model.run { jobs = 50 }, model.run { jobs = 50 }, model.run { jobs = 50, seed = 2 }
      assert.same(a, b)
      assert.are_not.same(a, c)
   end)
end)

describe("the watcher's plan", function()
   local now, server_time, plan

   local function new(every_change)
      return watch_plan.new({
         now = function() return now end, server_time = function() return server_time end,
         random = function() return 0 end,
      }, every_change)
   end

   before_each(function()
      now, server_time = 100, 1760000000
      plan = new()
   end)

   local function add(from, to)
      for i = from, to do assert.is_true(plan:add("J" .. i)) end
   end

   local function page(from, to, word, next_cursor)
      local data = {}
      for i = from, to do data[#data + 1] = { process_id = "j" .. i, status = word or "Processing", progress = 10 } end
      return { data = data, pagination = { has_next_page = next_cursor ~= nil, next_cursor = next_cursor } }
   end

   -- What the plan asks for one by one, all answered with `answer(job)`.
   local function singles(answer)
      local ids = {}
      local what, job = plan:next()
      while what == "get" do
         ids[#ids + 1] = watch_plan.id_of(job)
         answer(job)
         what, job = plan:next()
      end
      return ids, what, job
   end

   local function processing(job) plan:got(job, { process_id = job.key, status = "Processing", progress = 10 }) end

   local function ended()
      local list = {}
      local news = plan:news()
      while news do
         plan:take(news)
         list[#list + 1] = watch_plan.id_of(news.job)
         news = plan:news()
      end
      return list
   end

   it("is done without jobs", function()
      assert.equal("done", (plan:next()))
      assert.equal(0, plan:pending())
   end)

   it("reads the list for two jobs and asks for one by itself", function()
      add(1, 1)
      assert.equal("get", (plan:next()))
      plan = new()
      add(1, 2)
      assert.same({ "page" }, { plan:next() })
      assert.is_nil(plan:page(page(1, 2)))
      assert.same({ "wait", 1 }, { plan:next() })
   end)

   it("has several single requests under way and awaits them all", function()
      add(1, 1)
      local _, job = plan:next()
      assert.equal("await", (plan:next()))
      processing(job)
      assert.same({ "wait", 1 }, { plan:next() })
   end)

   it("reads on only as long as that may cost less than asking for each", function()
      add(1, 4)
      for i = 1, 3 do
         local what, cursor = plan:next()
         assert.equal("page", what)
         assert.equal(i > 1 and "c" .. i or nil, cursor)
         plan:page(page(11, 20, nil, "c" .. i + 1))
      end
      assert.same({ "J1", "J2", "J3", "J4" }, (singles(processing)))
   end)

   it("looks more and more rarely for jobs that are not in the list", function()
      add(1, 4)
      local looked = {}
      for round = 1, 24 do
         local what = plan:next()
         assert.is_true(what == "page" or what == "get")
         if what == "page" then
            looked[#looked + 1] = round
            plan:page(page(11, 20))
            singles(processing)
         else
            local _, job = "", plan.round.singles[plan.round.at]
            processing(job)
            singles(processing)
         end
         now = now + 20
      end
      assert.same({ 1, 2, 4, 8, 16 }, looked)
   end)

   it("reads as many pages as are worth it, and asks for the few that stand far behind", function()
      add(1, 23)
      plan:next()
      plan:page(page(1, 20, nil, "b"))
      for i = 2, 4 do
         assert.same({ "page", i == 2 and "b" or "c" .. i }, { plan:next() })
         -- may go on: three are still to be found, two pages in vain
         plan:page(page(50, 60, nil, "c" .. i + 1))
         if plan.phase == "singles" then break end
      end
      assert.same({ "J21", "J22", "J23" }, (singles(processing)))
      now = now + 20
      plan.jobs.j21.page, plan.jobs.j22.page, plan.jobs.j23.page = 7, 7, 8
      plan:next()
      plan:page(page(1, 20, nil, "b"))
      assert.same({ "J21", "J22", "J23" }, (singles(processing)))
      now = now + 20
      plan.jobs.j21.page, plan.jobs.j22.page, plan.jobs.j23.page = 3, 3, 3
      plan:next()
      plan:page(page(1, 20, nil, "b"))
      assert.same({ "page", "b" }, { plan:next() })
   end)

   it("matches ids in any case, and gives each end once", function()
      add(1, 3)
      assert.is_false(plan:add("j1"))
      plan:next()
      local p = page(1, 3, "Completed")
      p.data[2].process_id = "J2"
      plan:page(p)
      assert.same({ "J1", "J2", "J3" }, ended())
      assert.same({}, ended())
      assert.equal("done", (plan:next()))
      assert.is_false(plan:add("J1"))
   end)

   it("counts and names what was not given yet", function()
      add(1, 3)
      plan:next()
      plan:page(page(1, 1, "Failed"))
      assert.equal(3, plan:pending())
      assert.same({ "j2", "j3", "j1" }, plan:ids())
      ended()
      assert.equal(2, plan:pending())
      assert.same({ "j2", "j3" }, plan:ids())
      assert.same({ Failed = 1 }, plan:progress().by_status)
   end)

   it("forgets a job at any time until it is given", function()
      add(1, 4)
      assert.is_true(plan:remove("j4"))
      assert.is_false(plan:remove("j4"))
      plan:next()
      plan:page(page(1, 2, "Completed"))
      assert.is_true(plan:remove("j1"))
      local _, job = plan:next()
      assert.equal("J3", watch_plan.id_of(job))
      assert.is_true(plan:remove("j3"))
      plan:gone(job, {})
      assert.same({ "J2" }, ended())
      assert.is_false(plan:remove("j2"))
      assert.same({ total = 1, done = 1, gone = 0, by_status = { Completed = 1 }, mean_progress = 100.0,
         seconds_left = 0 }, plan:progress())
      assert.equal("done", (plan:next()))
      assert.is_true(plan:add("j4"))
   end)

   it("waits longer without a change, and as long again after one", function()
      add(1, 2)
      local waits = {}
      for round = 1, 7 do
         assert.equal("page", (plan:next()))
         plan:page(page(1, 2, round >= 6 and "Odd" or nil))
         local _, seconds = plan:next()
         waits[#waits + 1] = seconds
         now = now + seconds
      end
      assert.same({ 1, 1.5, 2.25, 3.375, 4.5, 1, 1.5 }, waits)
   end)

   it("spaces rounds that cost much", function()
      add(1, 1000)
      local word = "a"
      for _, expected in ipairs { { 2.5, true }, { 2.5, true }, { 3.75, false }, { 4.5, false } } do
         if expected[2] then word = word .. "b" end
         for i = 1, 10 do
            assert.equal("page", (plan:next()))
            plan:page(page(i * 100 - 99, i * 100, word, i < 10 and "c" .. i or nil))
         end
         local what, seconds = plan:next()
         assert.same({ "wait", expected[1] }, { what, seconds })
         now = now + seconds
      end
   end)

   it("lets estimates decide inside the bounds, unless they are absurd", function()
      local function wait_with(...)
         plan = new()
         local etas = { ... }
         add(1, #etas)
         for _ = 1, 2 do -- without a change the second time: 1.5 s by itself
            now = now + 20
            assert.equal("page", (plan:next()))
            local p = page(1, #etas)
            for i, eta in ipairs(etas) do p.data[i].eta = eta and server_time + eta or nil end
            plan:page(p)
            plan:next()
         end
         return select(2, plan:next())
      end
      assert.equal(4.5, wait_with(60, 90))     -- nothing to see before
      assert.equal(3, wait_with(3, 90))        -- the first end
      assert.equal(1, wait_with(0.2, 90))      -- not sooner than that
      assert.equal(1.5, wait_with(60, false))  -- one may end at any time
      assert.equal(1.5, wait_with(60, -5))     -- the past says nothing
      assert.equal(1.5, wait_with(60, 8 * 86400))
   end)

   it("obeys Retry-After, also when it is told to hurry", function()
      add(1, 2)
      plan:next()
      plan:failed(nil, { kind = "server_error", retry_after = 30 })
      assert.same({ "wait", 30 }, { plan:next() })
      plan:hurry()
      assert.same({ "wait", 30 }, { plan:next() })
      now = now + 30
      assert.equal("page", (plan:next()))
   end)

   it("waits longer and longer, up to 15 s, while rounds fail", function()
      add(1, 1)
      local waits = {}
      for _ = 1, 8 do
         local _, job = plan:next()
         plan:failed(job, { kind = "network" })
         local _, seconds = plan:next()
         waits[#waits + 1] = seconds
         now = now + seconds
      end
      assert.same({ 1.5, 2.25, 3.375, 5.0625, 7.59375, 11.390625, 15, 15 }, waits)
   end)

   it("asks one by one where lists fail, and stops when that fails as well", function()
      add(1, 30)
      for _ = 1, 2 do
         assert.equal("page", (plan:next()))
         plan:failed(nil, { kind = "server_error" })
         if plan.phase == "rest" then now = now + 20 end
      end
      local ids = singles(function(job) plan:failed(job, { kind = "server_error" }) end)
      assert.equal(10, #ids)
      assert.equal("wait", (plan:next()))
   end)

   it("does not give up on the list for a failure in its middle", function()
      add(1, 30)
      for _ = 1, 6 do
         assert.same({ "page" }, { plan:next() })
         plan:page(page(1, 2, nil, "c"))
         assert.same({ "page", "c" }, { plan:next() })
         plan:failed(nil, { kind = "server_error" })
         if plan.phase == "singles" then assert.equal(28, #(singles(processing))) end
         now = now + 20
      end
   end)

   it("looks soon at a job that is added during a round", function()
      add(1, 2)
      for _ = 1, 4 do
         plan:next()
         plan:page(page(1, 2))
         plan:next()
         now = now + 20
      end
      plan:next()
      add(3, 3)
      plan:page(page(1, 2))
      assert.same({ "wait", 1 }, { plan:next() })
   end)

   it("refuses a cursor that comes again, and begins anew after that", function()
      add(1, 10)
      plan:next()
      plan:page(page(1, 2, nil, "c"))
      plan:next()
      assert.matches("sent before", plan:page(page(3, 4, nil, "c")))
      plan:abandon()
      now = now + 20
      assert.same({ "page" }, { plan:next() })
   end)

   it("estimates the time left by the pace where not every job has an estimate", function()
      add(1, 2)
      plan:next()
      plan:page(page(1, 2)) -- 10 %
      assert.equal("wait", (plan:next()))
      assert.is_nil(plan:progress().seconds_left)
      now = now + 10
      plan:next()
      local p = page(1, 2)
      p.data[1].progress, p.data[2].progress = 30, 30
      plan:page(p)
      assert.equal(35, plan:progress().seconds_left)
      assert.equal(30, plan:progress().mean_progress)
   end)
end)
