-- Farms on a simulated clock in which anything breaks at any time, by seed: no end is lost, and
-- none is given out twice. Another range: lua5.4 spec/run.lua spec/share/random_faults_spec.lua
-- with SEEDS=1000 in the environment.
local world = require "spec.share.world"

local SEEDS = math.tointeger(tonumber(os.getenv "SEEDS" or "")) or 12
local KEYS = { "lease", "members", "in", "all", "rate" }
local KILLED_MOST = 3

-- One that runs.
local function any(farm)
   local list = {}
   for _, process in ipairs(farm.processes) do
      if process.alive and not process.stopped and not process.asleep then list[#list + 1] = process end
   end
   return list[math.floor(farm.random() * #list) + 1]
end

-- For a while.
local function till(farm, most, f) farm:after(farm.random() * most, f) end

local FAULTS = {
   function(farm)
      local process = any(farm)
      farm.killed = (farm.killed or 0) + 1
      if process and farm.killed <= KILLED_MOST then process:kill() end
   end,
   function(farm)
      local process = any(farm)
      if not process then return end
      process:stop()
      till(farm, 40, function() process:continue() end)
   end,
   function(farm)
      local process = any(farm)
      if process then process:sleep(farm.random() * 40) end
   end,
   function(farm)
      local process = any(farm)
      if not process then return end
      process.unreachable = true
      till(farm, 40, function() process.unreachable = false end)
   end,
   function(farm)
      local process = any(farm)
      if process and process.place then process:rejoin() end
   end,
   function(farm)
      local process = any(farm)
      if process and process.place then process:change_mind() end
   end,
   function(farm) -- another member watches the same
      local process, other = any(farm), any(farm)
      if not process or not other or not process.place then return end
      for _, job in ipairs(farm.jobs) do
         if other.watched_at[job.id] and not process.watched_at[job.id] then process:watch(job) end
      end
   end,
   function(farm)
      local process = any(farm)
      farm.poisoned = function(asks) return asks == process end
      till(farm, 20, function() farm.poisoned = function() return false end end)
   end,
   function(farm) farm.redis:flush() end,
   function(farm) farm.redis:flush_scripts() end,
   function(farm) farm.redis:delete(KEYS[math.floor(farm.random() * #KEYS) + 1]) end,
   function(farm)
      for _, process in ipairs(farm.processes) do farm.redis:delete("out:" .. tostring(process.member.name)) end
   end,
   function(farm)
      farm.redis.frozen = true
      till(farm, 25, function() farm.redis:thaw() end)
   end,
   function(farm)
      farm.redis:stop()
      till(farm, 30, function() farm.redis:start() end)
   end,
   function(farm)
      farm.redis.refuses = "OOM command not allowed when used memory > 'maxmemory'."
      till(farm, 20, function() farm.redis.refuses = nil end)
   end,
   function(farm) farm.redis.ahead = (farm.random() - 0.5) * 7200 end,
   function(farm)
      for connection in pairs(farm.redis.connections) do connection.lose() end
   end,
   function(farm) -- messages are lost, or come twice
      local most = math.floor(farm.random() * 3)
      farm.redis.copies = function() return math.floor(farm.random() * (most + 1)) end
      till(farm, 30, function() farm.redis.copies = nil end)
   end,
   function(farm) -- subscriptions are half open
      for connection in pairs(farm.redis.connections) do
         connection.deaf = connection.subscribed > 0 and farm.random() < 0.5
      end
   end,
   function(farm)
      for connection in pairs(farm.redis.connections) do
         if connection.subscribed > 0 then connection.lose() end
      end
   end,
   function(farm)
      local name = farm.random() < 0.5 and "SUBSCRIBE" or "PUBLISH"
      farm.redis.bars[name] = "NOPERM"
      till(farm, 30, function() farm.redis.bars[name] = nil end)
   end,
   function(farm)
      farm.api_down = true
      till(farm, 20, function() farm.api_down = false end)
   end,
}

-- Seconds on the way to Redis: replies of one connection overtake those of the other.
local function farm_jitter(seed) return seed % 3 == 0 and 1 or 0.05 end

describe("a farm in which anything breaks", function()
   it("loses no end and gives none out twice", function()
      for seed = 1, SEEDS do
         local farm = world.new {
            members = 6, jobs = 100, seed = seed, limit = seed % 5 == 0 and 30 or nil,
            newer = seed % 7 == 0 and 500 or 0, jitter = seed % 2 == 0 and farm_jitter(seed) or nil,
            max_delay = seed % 4 == 0 and function(i) return i == 3 and 5 or nil end or nil,
            never_leads = seed % 6 == 0 and function(i) return i > 2 end or nil,
         }
         farm.poisoned = function() return false end
         for _, job in ipairs(farm.jobs) do job.poison = job.begin < 1 end
         for _ = 1, 12 do
            farm:at(3 + farm.random() * 110, function() FAULTS[math.floor(farm.random() * #FAULTS) + 1](farm) end)
         end
         farm:run()
         assert.equal(0, farm:missing(), ("seed %d: ends that were not given out"):format(seed))
         assert.equal(0, farm.doubled, ("seed %d: ends given out twice"):format(seed))
      end
   end)
end)
