-- What a Redis may hold or refuse that no member has written: the farm goes on, alone if it must.
local redis_commands = require("spec.share.simulated_commands").commands
local world = require "spec.share.world"

local PREFIX = "topaz1:{sim}:"
local NOPERM = "NOPERM this user has no permissions to run the command"

local function new(more)
   local options = { members = 3, jobs = 100, seed = 1 }
   for name, value in pairs(more or {}) do options[name] = value end
   return world.new(options)
end

local function check(farm)
   farm:run(400)
   assert.equal(0, farm:missing())
   assert.equal(0, farm.doubled)
end

-- Adds an entry to a stream, as somebody else might.
local function forge(farm, key, ...)
   local add, count = { ... }, select("#", ...)
   redis_commands.XADD(farm.redis, PREFIX .. key, "MAXLEN", "~", "512", "*", table.unpack(add, 1, count))
end

-- Calls f for each follower.
local function each_follower(farm, f)
   for _, process in ipairs(farm:of_role "follow") do f(process.member) end
end

describe("a forged entry", function()
   for _, number in ipairs { "9223372036854775807", "9223372036854775806", "9007199254740993" } do
      it("with the number " .. number .. " makes no member deaf", function()
         local farm = new()
         farm:at(20, function()
            each_follower(farm, function(member)
               forge(farm, "out:" .. member.name, "e", ("%d"):format(member.epoch), "s", number, "k", "P", "d", "")
            end)
         end)
         check(farm)
         for _, process in ipairs(farm.processes) do assert.is_true(process.member.follow.heard < 1e9) end
      end)

      it("that says a member has heard " .. number .. " entries does not either", function()
         local farm = new()
         farm:at(20, function()
            each_follower(farm, function(member)
               forge(farm, "in", "m", member.name, "e", ("%d"):format(member.epoch), "s", "9", "h", number, "k", "F",
                  "l", "1", "w", "0", "p", "", "d", "")
            end)
         end)
         check(farm)
      end)
   end

   for _, rate in ipairs { "1e999", "1e300", "-1", "-1e999", "1e-300" } do
      it("with a rate of " .. rate .. " stops nobody", function()
         local farm = new()
         farm:at(20, function() forge(farm, "all", "k", "brake", "r", rate, "h", "0") end)
         check(farm)
      end)
   end

   it("with a pause without end stops nobody for more than ten minutes", function()
      local farm = new()
      farm:at(20, function() forge(farm, "all", "k", "brake", "r", "0", "h", "1e999") end)
      farm:run(700)
      assert.equal(0, farm:missing())
   end)
end)

describe("a Redis that refuses something, but takes beats,", function()
   for _, names in ipairs { { "XREAD", "SUBSCRIBE" }, { "XREAD" } } do
      local what = table.concat(names, " and ")

      it("such as " .. what .. ", has members that go alone, and come back", function()
         local farm = new { jobs = 400 }
         farm:at(20, function()
            for _, name in ipairs(names) do farm.redis.bars[name] = NOPERM end
            for connection in pairs(farm.redis.connections) do connection.lose() end
         end)
         farm:run(60)
         assert.equal(3, #farm:of_role "alone")
         farm:at(70, function() farm.redis.bars = {} end)
         farm:run(85)
         assert.equal(1, #farm:of_role "lead")
         assert.equal(2, #farm:of_role "follow")
         check(farm)
      end)
   end

   it("such as what a new leader adds, has no leader that leads nobody", function()
      local farm = new()
      farm.redis.bars.XADD = NOPERM
      check(farm)
      assert.equal(3, #farm:of_role "alone")
   end)

   it("such as the entries for one member, does not cost the others their news", function()
      local farm = new()
      farm:at(20, function()
         local key = PREFIX .. "out:" .. farm:of_role("follow")[1].member.name
         farm.redis.expires[key] = nil
         farm.redis.keys[key] = { kind = "hash", fields = {} } -- WRONGTYPE
      end)
      check(farm)
   end)
end)
