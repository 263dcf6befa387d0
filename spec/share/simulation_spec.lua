-- Sharing on a simulated clock: what is promised (S1 to S7), and what happens when something
-- breaks. Each test runs several farms, by seed.
local world = require "spec.share.world"
local model = require "spec.bench.watch_model"

local SEEDS = 2

-- Runs a farm for each seed; `prepare(farm)` plans the faults, `check(farm, what)` looks at it.
local function each_seed(options, prepare, check)
   for seed = 1, SEEDS do
      options.seed = seed
      local farm = world.new(options)
      prepare(farm)
      farm:run(options.till)
      local what = ("seed %d: "):format(seed)
      if not options.till then assert.equal(0, farm:missing(), what .. "ends that were not given out") end
      assert.equal(0, farm.doubled, what .. "ends given out twice")
      check(farm, what)
   end
end

-- What one process would ask for.
local function one(options) return model.run { jobs = options.jobs, seed = options.seed }.requests end

local function no_fault() end
local function whatever() end

-- Nobody asks the API for longer than that between the two times.
local function longest_gap(farm, from, to)
   local gap, longest = 0, 0
   for second = math.floor(from), math.ceil(to) do
      gap = farm.by_second[second] and 0 or gap + 1
      longest = math.max(longest, gap)
   end
   return longest
end

describe("a farm without faults", function()
   it("asks as often as one process, and hears as soon", function()
      local options = { members = 5, jobs = 400 }
      each_seed(options, no_fault, function(farm, what)
         local alone = model.run { jobs = 400, seed = options.seed }
         assert.is_true(farm.requests <= 1.1 * alone.requests, what .. farm.requests .. " requests")
         assert.is_true(farm:p95() <= alone.p95 + 0.6, what .. farm:p95())
         assert.equal(1, #farm.leads)
      end)
   end)

   it("leaves nothing in Redis", function()
      each_seed({ members = 5, jobs = 100 }, no_fault, function(farm)
         for _, process in ipairs(farm.processes) do process:leave() end
         farm:run(farm.time + 601)
         assert.equal(0, farm.redis:size())
      end)
   end)

   it("that all watch the same jobs asks once for each", function()
      each_seed({ members = 5, jobs = 100 }, function(farm)
         for _, process in ipairs(farm.processes) do
            for _, job in ipairs(farm.jobs) do
               farm:at(math.max(job.begin, 6), function() process:watch(job) end)
            end
         end
      end, function(farm)
         assert.equal(500, #farm.delays)
         assert.is_true(farm.requests <= 300, farm.requests .. " requests")
      end)
   end)

   it("of fifty that start, and stop, within a second", function()
      each_seed({ members = 50, jobs = 200, starts = function(i) return i / 50 end }, no_fault, function(farm, what)
         assert.equal(1, #farm.leads, what)
         for _, process in ipairs(farm.processes) do process:leave() end
         farm:run(farm.time + 601)
         assert.equal(0, farm.redis:size())
      end)
   end)

   it("with members that may not lead", function()
      each_seed({ members = 4, jobs = 100, never_leads = function(i) return i ~= 3 end }, no_fault,
         function(farm) assert.equal(farm.processes[3], farm:leader()) end)
   end)

   it("of members that may not lead: each asks for itself, and all of them as much as one", function()
      local options = { members = 4, jobs = 100, never_leads = function() return true end }
      each_seed(options, no_fault, function(farm)
         assert.equal(0, #farm.leads)
         assert.is_true(farm.requests <= 2.5 * one(options), farm.requests .. " requests")
      end)
   end)
end)

describe("a farm whose leader", function()
   local function when_leads(farm, f)
      farm:at(20, function() f(farm:leader()) end)
   end

   it("is killed has another one within 13 s", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader) leader:kill() end)
      end, function(farm, what)
         assert.equal(2, #farm.leads, what)
         assert.is_true(farm.leads[2].time <= 20 + 12.5, what .. farm.leads[2].time)
         assert.is_true(longest_gap(farm, 20, 60) <= 13, what .. longest_gap(farm, 20, 60))
      end)
   end)

   it("leaves has another one at once", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader) leader:leave() end)
      end, function(farm, what) assert.is_true(farm.leads[2].time <= 20.5, what .. farm.leads[2].time) end)
   end)

   it("is stopped for 30 s publishes nothing when it wakes up, and leads no more", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader)
            farm.first = leader
            leader:stop()
            farm:after(30, function() leader:continue() end)
            farm:after(33, function() farm.second_role = leader.member.role end)
         end)
      end, function(farm, what)
         assert.equal(2, #farm.leads, what)
         assert.equal("follow", farm.second_role, what)
         assert.not_equal(farm.first, farm.leads[2].process)
         assert.is_true(longest_gap(farm, 20, 60) <= 13, what)
      end)
   end)

   it("takes a minute for the body of its loop", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader) leader:sleep(60) end)
      end, function(farm, what) assert.equal(2, #farm.leads, what) end)
   end)

   it("hears nothing from the API gives up the lease", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader) leader.silent = true end)
      end, function(farm, what)
         assert.equal(2, #farm.leads, what)
         assert.is_true(farm.leads[2].time < 75, what .. farm.leads[2].time)
      end)
   end)

   it("waits long for each response goes on", function()
      each_seed({ members = 4, jobs = 40 }, function(farm) farm.slow = 60 end, function(farm, what)
         assert.is_true(#farm.leads <= 6, what .. #farm.leads)
      end)
   end)

   it("cannot reach the API gives up the lease", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         when_leads(farm, function(leader) leader.unreachable = true end)
      end, function(farm, what)
         assert.equal(2, #farm.leads, what)
         assert.is_true(farm.leads[2].time < 60, what .. farm.leads[2].time)
      end)
   end)
end)

describe("a follower that", function()
   it("is stopped for a minute hears then what it has missed", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         farm:at(20, function()
            local follower = farm:of_role("follow")[1]
            follower:stop()
            farm:after(60, function() follower:continue() end)
         end)
      end, function(farm, what) assert.equal(1, #farm.leads, what) end)
   end)

   it("is not stepped while its stream overflows hears all", function()
      each_seed({ members = 2, jobs = 3000 }, function(farm)
         farm:at(20, function() farm:of_role("follow")[1]:sleep(50) end)
      end, whatever)
   end)

   it("is killed costs nothing any more", function()
      each_seed({ members = 3, jobs = 200 }, function(farm)
         farm:at(20, function() farm:of_role("follow")[1]:kill() end)
         farm:at(60, function() farm.outstanding = farm:leader().member.union.plan.outstanding end)
         farm:at(60, function()
            farm.living = 0
            for _, process in ipairs(farm.processes) do
               if process.alive then farm.living = farm.living + process.member.follow.count end
            end
         end)
      end, function(farm, what) assert.equal(farm.living, farm.outstanding, what) end)
   end)

   it("watches a job that the API answers wrongly meets that itself; the leader goes on", function()
      each_seed({ members = 3, jobs = 30, newer = 1000000 }, function(farm)
         farm.jobs[1].poison = true
         farm.jobs[2].gone = true
      end, function(farm, what)
         assert.equal("protocol", farm.processes[1].refusals[farm.jobs[1].id], what)
         assert.equal(1, farm.gone, what)
         for _, process in ipairs(farm.processes) do assert.is_nil(process.fatal) end
      end)
   end)
end)

describe("a farm whose Redis", function()
   it("is emptied again and again", function()
      local options = { members = 5, jobs = 400 }
      each_seed(options, function(farm)
         for i = 1, 6 do
            farm:at(20 * i + farm.random(), function()
               farm.redis:flush()
               farm.redis:flush_scripts()
            end)
         end
      end, function(farm, what)
         assert.is_true(farm.requests <= 1.3 * one(options), what .. farm.requests)
      end)
   end)

   for _, name in ipairs { "lease", "members", "in", "all", "rate" } do
      it("loses the key " .. name, function()
         each_seed({ members = 5, jobs = 400 }, function(farm)
            for i = 1, 40 do farm:at(3 * i + farm.random(), function() farm.redis:delete(name) end) end
         end, whatever)
      end)
   end

   it("loses the streams of members", function()
      each_seed({ members = 5, jobs = 400 }, function(farm)
         for i = 1, 40 do
            farm:at(3 * i + farm.random(), function()
               for _, process in ipairs(farm.processes) do farm.redis:delete("out:" .. process.member.name) end
            end)
         end
      end, whatever)
   end)

   it("is frozen for 30 s: all go alone, and ask as often as one together", function()
      local options = { members = 10, jobs = 1000 }
      each_seed(options, function(farm)
         farm:at(20, function() farm.redis.frozen = true end)
         farm:at(45, function() farm.alone = #farm:of_role "alone" end)
         farm:at(50, function() farm.redis:thaw() end)
         farm:at(66, function() farm.pollers = #farm:of_role "alone" + #farm:of_role "lead" end)
      end, function(farm, what)
         assert.equal(10, farm.alone, what)
         assert.equal(1, farm.pollers, what)
         assert.is_true(farm:peak(27, 50) <= farm:peak(0, 20) + 5, what .. farm:peak(27, 50))
      end)
   end)

   it("dies, and comes back empty after a minute", function()
      local options = { members = 20, jobs = 1000 }
      each_seed(options, function(farm)
         farm:at(20, function() farm.redis:stop() end)
         farm:at(80, function() farm.redis:start() end)
         farm:at(95, function() farm.pollers = #farm:of_role "alone" + #farm:of_role "lead" end)
      end, function(farm, what)
         assert.equal(1, farm.pollers, what)
         assert.is_true(farm:peak(28, 80) <= farm:peak(0, 20) + 5, what .. farm:peak(28, 80))
      end)
   end)

   it("is down from the start: each looks within a second", function()
      each_seed({ members = 3, jobs = 50 }, function(farm) farm.redis:stop() end, function(farm, what)
         assert.equal(0, #farm.leads, what)
         assert.is_truthy(farm.by_second[1], what)
      end)
   end)

   for _, text in ipairs { "READONLY You can't write against a read only replica.", "OOM command not allowed",
      "NOPERM this user has no permissions", "WRONGPASS invalid username-password pair", "LOADING Redis is loading" } do
      it("says " .. text:match "^%u+", function()
         each_seed({ members = 4, jobs = 100 }, function(farm)
            farm:at(20, function() farm.redis.refuses = text end)
            farm:at(40, function() farm.alone = #farm:of_role "alone" end)
            farm:at(60, function() farm.redis.refuses = nil end)
            farm:at(80, function() farm.pollers = #farm:of_role "alone" + #farm:of_role "lead" end)
         end, function(farm, what)
            assert.equal(4, farm.alone, what)
            assert.equal(1, farm.pollers, what)
         end)
      end)
   end

   for _, hours in ipairs { -1, 1 } do
      it("has a clock that jumps by " .. hours .. " h", function()
         each_seed({ members = 5, jobs = 400 }, function(farm)
            farm:at(20, function() farm.redis.ahead = 3600 * hours end)
            farm:at(60, function() farm.redis:flush() end)
            farm:at(61, function() farm.redis.ahead = 0 end)
            farm:at(80, function() farm.pollers = #farm:of_role "alone" + #farm:of_role "lead" end)
         end, function(farm, what) assert.equal(1, farm.pollers, what) end)
      end)
   end
end)

describe("the farm's rate", function()
   it("is held by all when one member meets a 429 with Retry-After 10", function()
      each_seed({ members = 5, jobs = 200, setup = function(farm) farm.forced = {} end }, function(farm)
         farm:at(20, function()
            farm.forced[farm:leader()] = { kind = "rate_limited", retry_after = 10, http_status = 429 }
         end)
         farm:at(40, function()
            farm.rates = {}
            for _, process in ipairs(farm.processes) do farm.rates[process.member.brake.rate > 0] = true end
         end)
      end, function(farm, what)
         assert.is_true(longest_gap(farm, 20, 45) >= 9, what)
         assert.same({ [true] = true }, farm.rates, what)
      end)
   end)

   it("is max_rate, also without Redis", function()
      each_seed({ members = 10, jobs = 300, max_rate = 4 }, function(farm)
         farm:at(40, function() farm.redis:stop() end)
      end, function(farm, what)
         assert.is_true(farm:peak(1, 39) <= 6, what .. farm:peak(1, 39))
         local sent = 0 -- ten members are never in step: what they send together counts
         for second = 41, 80 do sent = sent + (farm.by_second[second] or 0) end
         assert.is_true(sent <= 40 * 4 + 10, what .. sent)
      end)
   end)

   it("comes near to the limit of the server, with few 429s", function()
      local options = { members = 20, jobs = 2000, limit = 10, newer = 10000000, till = 120 }
      each_seed(options, no_fault, function(farm, what)
         assert.is_true(farm.refused <= 0.02 * farm.requests, what .. farm.refused .. " of " .. farm.requests)
         local used = (farm.requests - farm.refused) / (options.limit * options.till)
         assert.is_true(used >= 0.85, what .. used .. " of the limit")
      end)
   end)
end)

describe("a member", function()
   it("whose watchers all work in their loops has nothing to do, and wakes nobody", function()
      local farm = world.new { members = 2, jobs = 10, seed = 1 }
      farm:run(20)
      local process = farm:leader()
      process.place:exit()
      farm:run(24)
      process.member.dirty = true -- as after news
      assert.is_nil(process.member:turn())
      assert.is_false(process.member.dirty)
      process.place:enter()
      assert.is_true(process.member.dirty)
      assert.is_number(process.member:turn())
   end)

   it("that reads nonsense from Redis changes nothing by it", function()
      each_seed({ members = 3, jobs = 100 }, function(farm)
         for i = 1, 200 do
            farm:at(5 + i / 4, function()
               local process = farm.processes[i % 3 + 1]
               local keys, bytes = process.member.keys, {}
               for k = 1, 40 do bytes[k] = string.char(math.floor(farm.random() * 256)) end
               local junk = table.concat(bytes)
               local fields = {
                  k = ("EPGS?FADL"):sub(i % 9 + 1, i % 9 + 1), e = tostring(process.member.epoch), d = junk,
                  s = i % 2 == 0 and "1e400" or "-7", m = junk, h = "x", w = "9", l = "1", r = junk,
               }
               for _, key in ipairs { keys.all, keys.out, keys["in"] } do process.member:entry(key, "1-1", fields) end
            end)
         end
      end, function(farm, what) assert.is_true(#farm.leads <= 2, what) end)
   end)
end)
