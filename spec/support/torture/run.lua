-- Plays scenes of the torture in a process of its own, so that a crash is seen as one:
-- lua5.4 run.lua MODE TRIES FIRST. For each scene (home.lua and scenes.lua say what they are)
-- and each deed it plays the scene TRIES times, and has the deed done at another point each time;
-- TRIES below 1: only so many of the deeds, others in each scene. FIRST: the number of the case
-- to begin with; what stands before it was played by a process that has died.
--
-- Prints "case N SCENE | DEED | POINT" before each, "problem: …" for what should not be,
-- and at the end of each scene "scene NAME: TRIES REACHED POINTS".
local collector = require "spec.support.collector"
local each_cycle = require "spec.support.each_cycle"
local home = require "spec.support.torture.home"
local scenes = require "spec.support.torture.scenes"

local MODE, TRIES, FIRST = arg[1], tonumber(arg[2]), tonumber(arg[3])
local ONLY = os.getenv "SCENE"
-- a try that does not reach its point is repeated with an earlier one, so often at most
local ALWAYS = 100
-- bytes or instructions: a wait that spins under a hook would count without end
local POINTS_MOST = 100000
local SLOW = 1 / 7 -- where each play is slow, so many of the deeds are tried

io.stdout:setvbuf "line"

local function collect_twice()
   collectgarbage()
   collectgarbage()
end

-- ---- the points ---------------------------------------------------------------------------------

-- Each mode has begin(point, act) → done(), which gives how many points there were.
local modes = {}

-- A finalizer runs at the first chance after `point` bytes were allocated.
local function by_bytes(mode)
   return function(point, act)
      collectgarbage(mode)
      if mode == "incremental" then collector.incremental(200, collector.ONE_CYCLE) end
      if not point then -- measure
         collect_twice()
         collectgarbage "stop"
         local before = collectgarbage "count"
         return function()
            local bytes = math.floor((collectgarbage "count" - before) * 1024)
            collectgarbage "restart"
            return bytes
         end
      end
      local over = false
      collector.due(point, function() setmetatable({}, { __gc = function() if not over then act() end end }) end)
      return function()
         over = true -- what comes later would come while the home is looked at
         collectgarbage "incremental"
      end
   end
end
modes.finalizer = { begin = by_bytes "incremental" }
modes.generational = { begin = by_bytes "generational" }

-- Everything is collected at each chance that the collector gets, and a finalizer runs each time.
function modes.eager(point, act)
   collector.incremental(4, collector.ONE_CYCLE)
   collect_twice() -- behind it: a cycle's end says when the next one begins
   local stop = each_cycle(point, act)
   return function()
      collector.usual()
      return stop()
   end
end
modes.eager = { begin = modes.eager, slow = true }

-- Hooks for each coroutine that is made meanwhile.
local function with_hooks(every, f)
   local create, wrap = coroutine.create, coroutine.wrap
   coroutine.create = function(g) -- luacheck: ignore
      local thread = create(g)
      debug.sethook(thread, f, "", every)
      return thread
   end
   debug.sethook(f, "", every)
   return function()
      debug.sethook()
      coroutine.create, coroutine.wrap = create, wrap -- luacheck: ignore
   end
end

modes.hook = { begin = function(point, act)
   local count, inside = 0, false
   local done = with_hooks(1, function()
      if inside then return end
      count = count + 1
      if count ~= point then return end
      inside = true
      act() -- an error in it is the one of the hook
      inside = false
   end)
   return function()
      done()
      return count
   end
end }

modes["collecting hook"] = { slow = true, begin = function(point, act)
   local stop = each_cycle(point, act)
   local done = with_hooks(50, function() collectgarbage() end)
   return function()
      done()
      return stop()
   end
end }

-- The functions that the core calls, and the metamethods of what it is given.
local fired
modes.callback = { begin = function(point, act)
   local count = 0
   fired = function()
      count = count + 1
      if count == point then act() end
   end
   return function()
      fired = nil
      return count
   end
end }

local function fire() if fired then fired() end end

local meddler = {
   __index = function() fire() end,
   __len = function(t) fire() return rawlen(t) end,
   __pairs = function(t) fire() return next, t, nil end,
   __tostring = function() fire() return "odd" end,
   __close = fire, __call = fire, __name = "odd",
   __eq = function(a, b) fire() return rawequal(a, b) end,
   __lt = function() fire() return false end,
   __concat = function() fire() return "odd" end,
}
-- The same for tables of options, which are refused with the others.
local meddler_of_options = {}
for name, event in pairs(meddler) do meddler_of_options[name] = event end
meddler_of_options.__index, meddler_of_options.__pairs = nil, nil

-- ---- one case -----------------------------------------------------------------------------------

local NOTHING = { name = "nothing", run = function() end }
local dirty = true

local function play(scene, deed, point)
   if dirty then home.reset() end
   dirty = scene.destroys or scene.prepare or deed.destroys
   local self = home.new(fire)
   self.meddler, self.meddler_of_options = meddler, meddler_of_options
   local _ = self.client
   for i = 1, #scene.ready do _ = self[scene.ready[i]] end
   if deed.member then _ = self[deed.member] end
   if scene.prepare then scene.prepare() end
   local reached = false
   local done, ok, err, points
   -- an error of the deed may come between the scene and the ends of its mode
   local whole, between = pcall(function()
      done = modes[MODE].begin(point, function()
         if reached then return end
         reached = true
         deed.run(self)
      end)
      ok, err = pcall(scene.play, self)
      points = done()
   end)
   if not done then debug.sethook() end
   points = points or done and done()
   if not whole and ok == nil then ok, err = false, between end
   if not ok then home.error(self, err, "the scene") end
   local destroyed = scene.destroys or deed.destroys
   local listed = home.count(self, rawget(self, "cursor"))
   if scene.whole and ok and not destroyed and listed ~= #self.ids and not deed.name:find "pages" then
      home.problem(self, "%d of %d jobs were listed", listed, #self.ids)
   end
   home.settle(self, destroyed, deed.leaves_tasks)
   home.close(self)
   return reached, points, self.problems
end

-- ---- all ----------------------------------------------------------------------------------------

local number = 0

local function try(scene, deed, point)
   print(("case %d %s | %s | %s"):format(number, scene.name, deed.name, point))
   local reached, _, problems = play(scene, deed, point)
   for _, problem in ipairs(problems) do print("problem: " .. problem:gsub("\n", " / ")) end
   return reached
end

local function all_of(scene, deeds, place)
   local tries, reached, points, tried = 0, 0, math.maxinteger, {}
   local measured = false
   for i, deed in ipairs(deeds) do
      for k = 1, math.max(1, TRIES) do
         number = number + 1
         local share = math.min(1, TRIES) * (modes[MODE].slow and SLOW or 1)
         local turn = i + place -- of the deeds, others in each scene
         if number >= FIRST and math.floor(turn * share) ~= math.floor((turn - 1) * share) then
            if not measured then
               measured = true
               for _ = 1, 2 do points = math.min(points, (select(2, play(scene, NOTHING)))) end
            end
            points = math.min(points, POINTS_MOST)
            if points == 0 then break end
            local point =
               1 + math.floor((i * 0.6180339887 + k * 0.7548776662 + place * 0.5698402909) % 1 * (points - 1))
            tries = tries + 1
            for _ = 1, ALWAYS do
               if try(scene, deed, point) then
                  reached = reached + 1
                  tried[point] = true
                  break
               end
               if point <= 1 then break end
               point = 1 + point // 2
            end
         end
      end
   end
   local different = 0
   for _ in pairs(tried) do different = different + 1 end
   print(("scene %s: %d %d %d"):format(scene.name, tries, reached, different))
end

home.reset()
local deeds = home.deeds()
print(("deeds %d"):format(#deeds))
for place, scene in ipairs(scenes) do
   if not ONLY or scene.name:find(ONLY, 1, true) then all_of(scene, deeds, place) end
end
print "over"
