-- What many jobs cost a watcher's plan, its token and the bars,
-- counted in instructions of Lua's machine: the same at each run.
local lean = require "topaz.share.lean"
local progress = require "topaz.progress"
local watch_plan = require "topaz.watch.plan"
local watch_token = require "topaz.watch.token"

local UNIT = 100 -- instructions a count

-- How many instructions f takes, about.
local function cost(f, ...)
   local count = 0
   debug.sethook(function() count = count + UNIT end, "", UNIT)
   f(...)
   debug.sethook()
   return count
end

local function id_of(i) return ("00000000-0000-4000-8000-%012x"):format(i) end

local function new_plan(count, form)
   local now = 0
   local plan = watch_plan.new({
      now = function() return now end, server_time = function() return now end, random = function() return 0 end,
   }, false, form)
   for i = 1, count do plan:add(id_of(i)) end
   return plan
end

local function status_of(i, word)
   return { process_id = id_of(i), status = word or "Processing", progress = i % 100, eta = 1000 + i }
end

-- Reads the list once: pages of a hundred, and single answers for none.
local function first_round(plan, count)
   local at = 0
   while plan:next() == "page" do
      local page = { data = {}, pagination = { has_next_page = at + 100 < count, next_cursor = tostring(at) } }
      for i = at + 1, math.min(at + 100, count) do page.data[#page.data + 1] = status_of(i) end
      at = at + 100
      assert(not plan:page(page))
   end
end

describe("with ten times as many jobs", function()
   local function is_linear(f)
      local small, large = f(1000), f(10000)
      assert.is_true(large < 15 * small, ("%d for 1,000 and %d for 10,000"):format(small, large))
   end

   it("beginning to watch costs about ten times as much", function()
      is_linear(function(count)
         return cost(function() first_round(new_plan(count), count) end)
      end)
   end)

   it("asking how far they are costs nothing more until something has changed", function()
      local plan = new_plan(10000)
      first_round(plan, 10000)
      plan:progress()
      assert.is_true(cost(plan.progress, plan) <= 500)
      plan:remove(id_of(7))
      assert.equal(9999, plan:progress().total)
      assert.is_true(cost(plan.progress, plan) <= 500)
   end)

   it("a token costs as much as its length", function()
      is_linear(function(count)
         local plan = new_plan(count)
         plan:packed_ids()
         return cost(function() watch_token.write(plan:packed_ids()) end)
      end)
   end)

   it("telling the bars of each, and asking each time how many there are, costs ten times as much", function()
      is_linear(function(count)
         local bars = progress.new()
         return cost(function()
            for i = 1, count do
               bars:update(status_of(i), 0)
               assert(bars:count() == i)
            end
         end)
      end)
   end)

   it("drawing the ten bars that are shown, and forgetting all jobs, costs ten times as much", function()
      local function bars_of(count)
         local bars = progress.new()
         for i = 1, count do bars:update(status_of(i), 0) end
         return bars
      end
      is_linear(function(count)
         local bars = bars_of(count)
         return cost(function() assert(#bars:lines(80, 0, { rows = 10 }) == 11) end)
      end)
      is_linear(function(count)
         local bars = bars_of(count)
         return cost(function()
            for i = 1, count do bars:remove(id_of(i)) end
            assert(bars:count() == 0 and #bars:lines(80, 0) == 0)
         end)
      end)
      is_linear(function(count)
         local bars = bars_of(count)
         return cost(function()
            for i = count, 1, -1 do bars:remove(id_of(i)) end
         end)
      end)
   end)
end)

describe("the counts of a plan", function()
   -- What plan:progress() gives, counted anew.
   local function counted(plan)
      local by_status, sum, total = {}, 0, 0
      for _, job in pairs(plan.jobs) do
         total = total + 1
         local status = job ~= true and plan:status_of(job)
         local over = job == true or job.over
         local word = over and job ~= true and job.over or status and status.status
         if word and word ~= "gone" then by_status[word] = (by_status[word] or 0) + 1 end
         sum = sum + (over and 100 or status and type(status.progress) == "number"
            and math.min(math.max(status.progress, 0), 100) or 0)
      end
      return { total = total, by_status = by_status, mean = total > 0 and sum / total or 100 }
   end

   for name, form in pairs { ["as they came"] = false, lean = lean } do
      it("are what counting anew gives, whatever happens: statuses kept " .. name, function()
         local seed = 42
         local function random(n)
            seed = (seed * 1103515245 + 12345) % 0x80000000
            return seed // 65536 % n + 1
         end
         local words = { "Pending", "Processing", "Strange", "Completed", "Failed" }
         local values = { 0, 42.5, 100, -3, 1000, "42", {} }
         for _ = 1, 30 do
            local plan = new_plan(20, form or nil)
            for _ = 1, 60 do
               local what, argument = plan:next()
               if what == "page" then
                  local data = {}
                  for _ = 1, random(12) do
                     data[#data + 1] = { process_id = id_of(random(25)), status = words[random(5)],
                        progress = values[random(#values)] }
                  end
                  plan:page { data = data, pagination = { has_next_page = false } }
               elseif what == "get" then
                  local answer = random(4)
                  if answer == 1 then plan:gone(argument, { kind = "not_found" })
                  elseif answer == 2 then plan:failed(argument, { kind = "network" })
                  else
                     plan:got(argument, { process_id = watch_plan.id_of(argument), status = words[random(5)],
                        progress = values[random(#values)] })
                  end
               elseif what == "wait" then
                  plan:hurry()
                  if random(3) == 1 then plan:remove(id_of(random(25))) end
                  if random(3) == 1 then plan:add(id_of(20 + random(5))) end
               end
               local expected, got = counted(plan), plan:progress()
               assert.equal(expected.total, got.total)
               assert.same(expected.by_status, got.by_status)
               assert.is_near(expected.mean, got.mean_progress, 1e-9)
            end
         end
      end)
   end
end)
