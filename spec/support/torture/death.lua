-- Everything ends in an order that the seed chooses,
-- and between the ends each deed is done by a finalizer:
-- lua5.4 death.lua HOW SEED. HOW: "collected" or "generational" by the collector, many times;
-- "closed state" as the state is closed; "exit" by os.exit(0, true) inside on_event,
-- a hook, or a finalizer. Prints "done N", the number of deeds that were done,
-- and "problem: …" for what should not be.
local collector = require "spec.support.collector"
local home = require "spec.support.torture.home"

local HOW, SEED = arg[1], tonumber(arg[2])
local ROUNDS = 4
math.randomseed(SEED)

local done = 0

-- Marked before all else, hence the last finalizer of the state.
LAST = setmetatable({}, { __gc = function() print("done " .. done) end }) -- luacheck: ignore

local function shuffled(list)
   for i = #list, 2, -1 do
      local j = math.random(i)
      list[i], list[j] = list[j], list[i]
   end
   return list
end

-- Whatever a deed does to what has ended, it ends in a value or in an error that is allowed.
local function sentinel(self, deed)
   return setmetatable({}, { __gc = function()
      done = done + 1
      local ok, err = pcall(deed.run, self)
      if not ok and not deed.raises then home.error(self, err, deed.name) end
      for _, problem in ipairs(self.problems) do io.write("problem: ", deed.name, ": ", problem, "\n") end
      self.problems = {}
   end })
end

-- A household whose members and sentinels are marked for finalizing in a random order: they end in
-- the opposite one. A third of the sentinels is there before the client, and comes after its end.
local function household(deeds, keep)
   local self, things = home.new(), {}
   local function make(thing) keep[#keep + 1] = type(thing) == "string" and self[thing] or sentinel(self, thing) end
   for i, deed in ipairs(deeds) do
      if i % 3 == 0 then make(deed) else things[#things + 1] = deed end
   end
   table.move(home.members, 1, #home.members, #things + 1, things)
   for _, thing in ipairs(shuffled(things)) do make(thing) end
   return self
end

home.reset()
local deeds = home.deeds()
-- Half of the deeds each time: one that closes the client leaves the others less to do.
local function some() return { table.unpack(shuffled(deeds), 1, #deeds // 2) } end

if HOW == "collected" or HOW == "generational" then
   if HOW == "generational" then collectgarbage "generational" end
   for _ = 1, ROUNDS do
      home.reset()
      household(some(), {})
      for _ = 1, 3 do collectgarbage() end
   end
   return
end

home.reset()
local keep = {}
local first = household(some(), keep)
household(some(), keep)
debug.getregistry()[keep] = keep
if HOW == "closed state" then os.exit(0, true) end
local way = SEED % 3
if way == 0 then
   first.fire = function() os.exit(0, true) end
   first.client:get_page()
elseif way == 1 then
   debug.sethook(function() os.exit(0, true) end, "", 100 + SEED)
   for _ in first.client:statuses { limit = 1 } do end
else
   setmetatable({}, { __gc = function() os.exit(0, true) end })
   collector.incremental(4, collector.ONE_CYCLE)
   for _ in first.client:statuses { limit = 1 } do end
end
