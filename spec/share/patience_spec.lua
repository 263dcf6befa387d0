-- The option max_delay of a member: its jobs are asked for one by one where the farm is slower.
local patience = require "topaz.share.patience"
local world = require "spec.share.world"

local MANY = 20000 -- jobs whose rounds take ten seconds

-- A slow farm, in which the second of two members has ten jobs.
local function run(max_delay, more)
   local options = {
      members = 2, jobs = MANY, seed = 1, deal = function(i) return i % (MANY // 10) == 0 and 2 or 1 end,
      max_delay = max_delay and function(i) return i == 2 and max_delay or nil end,
   }
   for name, value in pairs(more or {}) do options[name] = value end
   local farm = world.new(options)
   farm:run(options.till)
   if not options.till then assert.equal(0, farm:missing()) end
   assert.equal(0, farm.doubled)
   return farm
end

describe("max_delay", function()
   it("lets a member with few jobs hear sooner, by single requests of the leader", function()
      local without, with = run(nil), run(6)
      assert.is_true(without.processes[2].latest > 9, without.processes[2].latest)
      assert.is_true(with.processes[2].latest < 8, with.processes[2].latest)
      assert.equal(0, with.processes[2].requests)
      -- ten jobs of at most 120 s, each at most once in six seconds
      local more = with.singles - without.singles
      assert.is_true(more > 0 and more <= 10 * 120 / 6, more)
   end)

   it("may be as short as one likes", function()
      local short, shorter = run(1, { till = 60 }), run(1e-9, { till = 60 })
      assert.equal(short.singles, shorter.singles)
      assert.is_true(short.singles > run(nil, { till = 60 }).singles)
   end)

   it("works for the jobs of the leader too", function()
      local with = run(6, { starts = function(i) return i == 1 and 1 or 0 end })
      assert.equal(with.processes[2], with:leader())
      assert.is_true(with.processes[2].latest < 8, with.processes[2].latest)
   end)

   it("changes nothing where the farm is fast enough", function()
      local options = { jobs = 400, deal = false }
      local without, with = run(nil, options), run(10, options)
      assert.equal(without.requests, with.requests)
      for i, delay in ipairs(without.delays) do assert.near(delay, with.delays[i], 0.001) end
   end)

   it("takes a quarter of the farm's rate at most", function()
      local options = { max_rate = 8, deal = false, till = 100 }
      local without, with = run(nil, options), run(1, options)
      assert.is_true(with:peak(1, 99) <= 10, with:peak(1, 99))
      local more = with.singles - without.singles
      assert.is_true(more > 100 and more <= 0.25 * 8 * 100 + 10, more)
   end)

   it("takes ten requests a second at most", function()
      local with = run(1, { deal = false, till = 60, max_delay = function() return 1 end })
      local without = run(nil, { deal = false, till = 60 })
      assert.is_true(with.singles - without.singles <= 10 * 60 + 10, with.singles - without.singles)
   end)

   it("ends with the member", function()
      local farm = world.new {
         members = 2, jobs = MANY, seed = 1, deal = function(i) return i <= 10 and 2 or 1 end,
         max_delay = function(i) return i == 2 and 5 or nil end,
      }
      farm:at(20, function() farm.processes[2]:leave() end)
      farm:run(50)
      assert.same({}, farm:leader().member.leading.impatient.list)
   end)
end)

describe("topaz.share.patience", function()
   it("gives a job once when it has waited too long, and again after that", function()
      local p = patience.new(10)
      p:add("a", 0)
      p:add("b", 1)
      assert.same({ nil, 10 }, { p:overdue(9) })
      p:look("a", 5)
      assert.same({ nil, 11 }, { p:overdue(10) })
      assert.equal("b", p:overdue(11))
      assert.same({ nil, 15 }, { p:overdue(11) })
      assert.equal("a", p:overdue(15))
      p:restart(20)
      assert.same({ nil, 30 }, { p:overdue(29) })
   end)

   it("is never below what the plan allows for a job", function()
      local p = patience.new(0.1)
      p:add("a", 0)
      assert.is_nil(p:overdue(4.9))
      assert.equal("a", p:overdue(5))
   end)

   it("keeps nothing of jobs that come and go", function()
      local p = patience.new(1e9)
      for _ = 1, 10000 do
         p:add("a", 0)
         p:remove("a")
      end
      assert.is_true(p.due.size <= 1001)
      p:look("a", 1)
      p:remove("a")
      assert.equal(0, p.count)
      assert.is_nil(p:overdue(2e9))
   end)
end)
