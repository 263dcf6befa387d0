-- Hints in the watcher's plan, in simulated time: what they bring, and what they may cost at most.
local watch_plan = require "topaz.watch.plan"

local LATENCY, AT_A_TIME, PAGE = 0.05, 8, 100

-- A server with jobs 1 to `count`; `ends[i]` is when a job is finished, nil: never.
local function world(count, ends)
   local home = { now = 100, count = count, ends = ends or {}, log = {}, ended = {}, events = {}, at = 1 }
   home.plan = watch_plan.new {
      now = function() return home.now end,
      server_time = function() return home.now end,
      random = function() return 0 end,
   }
   for i = 1, count do home.plan:add("j" .. i) end
   return home
end

local function status_of(home, i)
   local over = home.ends[i] and home.now >= home.ends[i]
   return { process_id = "j" .. i, status = over and "Completed" or "Processing", progress = over and 100 or 10 }
end

local function offer_due(home)
   local event = home.events[home.at]
   while event and event[1] <= home.now do
      home.plan:offer("J" .. event[2])
      home.at = home.at + 1
      event = home.events[home.at]
   end
end

local function pass(home, seconds)
   home.now = home.now + seconds
   offer_due(home)
   local news = home.plan:news()
   while news do
      home.plan:take(news)
      home.ended[watch_plan.id_of(news.job)] = home.now
      news = home.plan:news()
   end
end

local function answer(home, asked)
   pass(home, LATENCY)
   for _, flight in ipairs(asked) do
      home.plan:got(flight.job, status_of(home, tonumber(flight.job.key:sub(2))), flight.hinted)
   end
   pass(home, 0)
end

local function page(home, cursor)
   local from = tonumber(cursor or 0)
   home.log[#home.log + 1] = { time = home.now, kind = "page" }
   pass(home, LATENCY)
   local data, to = {}, math.min(from + PAGE, home.count)
   for i = from + 1, to do data[#data + 1] = status_of(home, i) end
   local more = to < home.count
   home.plan:page { data = data, pagination = { has_next_page = more, next_cursor = more and tostring(to) or nil } }
   pass(home, 0)
end

-- Does what the plan says for so many seconds, or until no job is left. The log has each request:
-- { time, kind = "page" | "round" | "hint", id }.
local function run(home, seconds)
   local stop, asked = home.now + seconds, {}
   while home.now < stop do
      local what, argument, hinted = home.plan:next()
      if what == "get" then
         home.log[#home.log + 1] = { time = home.now, kind = hinted and "hint" or "round", id = argument.key }
         asked[#asked + 1] = { job = argument, hinted = hinted }
      end
      if what == "await" or #asked == AT_A_TIME then
         answer(home, asked)
         asked = {}
      elseif what == "page" then page(home, argument)
      elseif what == "wait" then
         local event = home.events[home.at]
         pass(home, math.min(argument, event and math.max(event[1] - home.now, 0) or argument, stop - home.now))
      elseif what == "done" then return end
   end
end

local function count_of(home, kind)
   local count = 0
   for _, request in ipairs(home.log) do count = count + (request.kind == kind and 1 or 0) end
   return count
end

-- The shortest time between two requests for one job that hints were the reason for.
local function shortest(home)
   local last, least = {}, math.huge
   for _, request in ipairs(home.log) do
      if request.kind == "hint" then
         least = math.min(least, request.time - (last[request.id] or -math.huge))
         last[request.id] = request.time
      end
   end
   return least
end

-- Jobs in an order of their own, the same at each run.
local function shuffled(count)
   local list, x = {}, 1
   for i = 1, count do
      x = (x * 1103515245 + 12345) % 0x80000000
      table.insert(list, x // 65536 % i + 1, i)
   end
   return list
end

describe("a hint", function()
   it("makes the plan ask for its job at once, and what the server says counts", function()
      local home = world(2, { 101.2 })
      home.events = { { 101.3, 1 }, { 101.4, 2 } }
      run(home, 1.45)
      assert.equal(2, count_of(home, "page"))
      assert.equal(2, count_of(home, "hint"))
      assert.is_near(101.35, home.ended.j1, 1e-9)
      assert.is_nil(home.ended.j2)
      assert.equal(1, home.plan:pending())
   end)

   it("is not used for jobs that are not watched, removed or finished", function()
      local home = world(3, { 100 })
      assert.same({ false, "not_watched" }, { home.plan:offer "j4" })
      run(home, 0.5)
      home.plan:remove "j2"
      assert.same({ false, "finished" }, { home.plan:offer "j1" })
      assert.same({ false, "not_watched" }, { home.plan:offer "j2" })
      assert.same({ true }, { home.plan:offer "j3" })
      run(home, 0.1)
      assert.equal(1, count_of(home, "hint"))
   end)

   it("costs one request in five seconds for a job, however often it comes", function()
      local home = world(1)
      for i = 0, 6000 do home.events[#home.events + 1] = { 100.5 + i / 100, 1 } end
      run(home, 60)
      assert.is_true(count_of(home, "hint") <= 12 and count_of(home, "hint") >= 11, count_of(home, "hint"))
      assert.is_true(shortest(home) >= 5)
   end)

   it("that came too early is not lost", function()
      local home = world(1, { 101.5 })
      run(home, 0.1)
      home.events = { { 100.2, 1 }, { 101.6, 1 } }
      home.plan.due = 1000 -- no round would see it
      run(home, 10)
      assert.is_near(105.25, home.ended.j1, 1e-9)
      assert.equal(2, count_of(home, "hint"))
   end)

   it("is answered by a page that was asked for after it", function()
      local home = world(3)
      run(home, 0.5)
      local began = home.now
      home.plan.hints.arrival = began + 100 -- the rate does not let it go
      home.plan:offer "j2"
      run(home, 0.6)
      assert.equal(2, count_of(home, "page"))
      home.plan.hints.arrival = 0
      run(home, 1)
      assert.equal(0, count_of(home, "hint"))
   end)

   it("that fails leaves its job to the next round, and obeys Retry-After", function()
      local home = world(2)
      run(home, 0.5)
      home.plan:offer "j1"
      local what, job, hinted = home.plan:next()
      assert.same({ "get", "j1", true }, { what, job.key, hinted })
      assert.equal("await", (home.plan:next()))
      home.plan:failed(job, { kind = "rate_limited", retry_after = 20 }, true)
      home.plan:offer "j2"
      assert.same({ "wait", 20 }, { home.plan:next() })
      home.now = home.now + 20
      assert.equal("page", (home.plan:next()))
      assert.is_falsy(home.plan.failing)
   end)

   it("ends a job that a round had asked for as well, and a job added later is still looked at", function()
      local home = world(1)
      local _, single = home.plan:next()
      home.plan:offer "j1"
      local _, job, hinted = home.plan:next()
      assert.is_true(hinted and job == single)
      home.plan:got(job, { process_id = "j1", status = "Failed" }, true)
      assert.equal("done", (home.plan:next()))
      home.plan:abandon() -- what is under way is forgotten
      home.plan:add "j2"
      home.now = home.now + 20
      local what, other = home.plan:next()
      assert.same({ "get", "j2" }, { what, other.key })
   end)

   it("that brings the end of a job spares reading the list for it", function()
      local home = world(150)
      assert.equal("page", (home.plan:next()))
      page(home)
      for i = 101, 149 do
         home.plan:remove("j" .. i)
      end
      home.plan.round.unseen = 1
      home.plan:offer "j150"
      local _, job = home.plan:next()
      home.plan:gone(job, { kind = "not_found" }, true)
      assert.equal(0, home.plan.round.unseen)
   end)
end)

describe("hints for many jobs", function()
   it("bring each end sooner, for few requests more", function()
      local ends, events = {}, {}
      for place, i in ipairs(shuffled(1000)) do
         ends[i] = 130 + place * 0.09
         events[place] = { ends[i] + 0.1, i }
      end
      local function delays(with)
         local home = world(1000, ends)
         home.events = with and events or {}
         run(home, 200)
         local list = {}
         for i = 1, 1000 do list[i] = home.ended["j" .. i] - ends[i] end
         table.sort(list)
         return list[950], #home.log
      end
      local late, plain = delays(false)
      local soon, more = delays(true)
      assert.is_true(late > 1.5 and soon < 0.4, ("p95 %g s, %g s with hints"):format(late, soon))
      assert.is_true(more <= plain + 1000, ("%d requests, %d with hints"):format(plain, more))
   end)

   it("cost at most 20 requests a second, whatever is sent, and hold up no round", function()
      local ends, order = {}, shuffled(1000)
      for place, i in ipairs(order) do ends[i] = place % 2 == 0 and 110 + place * 0.04 or nil end
      local home = world(1000, ends)
      for i = 0, 59999 do home.events[#home.events + 1] = { 100.2 + i / 1000, order[i % 1000 + 1] } end
      run(home, 60)
      local hinted, rounds, last, gap = count_of(home, "hint"), 0, 100, 0
      assert.is_true(hinted > 600 and hinted <= 60 * 20 + 20, hinted)
      assert.is_true(shortest(home) >= 5)
      for _, request in ipairs(home.log) do
         if request.kind == "page" then
            rounds, gap, last = rounds + 1, math.max(gap, request.time - last), request.time
         end
      end
      assert.is_true(gap < 4, "no page for so many seconds: " .. gap)
      assert.is_true(rounds <= 60 / 2 * 10, rounds .. " pages")
      local noticed = 0
      for i in pairs(ends) do
         if ends[i] < 155 then
            noticed = noticed + 1
            assert.is_true((home.ended["j" .. i] or math.huge) - ends[i] < 5, i)
         end
      end
      assert.is_true(noticed == 500)
   end)

   it("take no more memory than one hint for each job", function()
      local home = world(3000)
      for _ = 1, 20 do
         for i = 1, 3000 do assert.is_true(home.plan:offer("j" .. i)) end
         run(home, 3)
      end
      local ready = home.plan.hints.ready
      assert.is_true(ready.last - ready.first < 3000)
      assert.is_true(home.plan.hints.waiting <= 3000)
   end)

   it("are not lost when debug hooks bring them at any point", function()
      local home = world(40)
      run(home, 0.2)
      local plan, order, at = home.plan, shuffled(40), 0
      local inside = false
      local function next_hint()
         at = at % 40 + 1
         plan:offer("j" .. order[at])
      end
      for _ = 1, 200 do
         debug.sethook(function() -- in the midst of what the first one changes
            if not inside and debug.getinfo(2, "n").name == "push" then
               inside = true
               next_hint()
               inside = false
            end
         end, "", 1)
         next_hint()
         run(home, 0.1)
         debug.sethook()
      end
      assert.is_true(count_of(home, "hint") > 100)
      local hints, queued, waiting = plan.hints, {}, 0
      for _, queue in ipairs { hints.ready, hints.cooling } do
         for i = queue.first, queue.last do queued[queue[i]] = true end
      end
      for _, job in ipairs(plan.order) do
         if job.hint then
            waiting = waiting + 1
            assert.is_true(queued[job], job.key)
         end
      end
      assert.equal(waiting, hints.waiting)
      run(home, 20)
      assert.equal(0, hints.waiting)
   end)
end)
