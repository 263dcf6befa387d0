-- The pace of the garbage collector, which Lua 5.4 and 5.5 set in different ways.
local collector = {}

local is_54 = _VERSION == "Lua 5.4"

local function set(values)
   for name, value in pairs(values) do collectgarbage("param", name, value) end
end

local USUAL = {}
for _, name in ipairs(is_54 and {} or { "pause", "stepmul", "stepsize", "minormul", "minormajor" }) do
   USUAL[name] = collectgarbage("param", name)
end

--- What `incremental` calls a step that is a whole cycle.
collector.ONE_CYCLE = 40

--- Incremental: a cycle begins when the memory has grown to `pause` per cent of what the last one
-- left, and has a quick step after 2 ^ step bytes each.
function collector.incremental(pause, step)
   if is_54 then return collectgarbage("incremental", pause, 1000, step) end
   collectgarbage "incremental"
   if step == collector.ONE_CYCLE then return set { pause = pause, stepmul = 0, stepsize = USUAL.stepsize } end
   -- Lua 5.5 does the work of the step's size alone, however much was allocated meanwhile.
   local size = math.max(64, 1 << step)
   set { pause = pause, stepmul = 25000000 // size, stepsize = size }
end

--- Generational: a minor collection when the memory has grown by `minor` per cent, a major one by
-- `major` per cent.
function collector.generational(minor, major)
   if is_54 then return collectgarbage("generational", minor, major) end
   collectgarbage "generational"
   set { minormul = minor, minormajor = major }
end

--- As Lua begins.
function collector.usual()
   if is_54 then return collectgarbage("incremental", 200, 100, 13) end
   collectgarbage "incremental"
   set(USUAL)
end

local function collect_twice()
   collectgarbage()
   collectgarbage()
end

local PIECE = ("x"):rep(256) -- too long to be shared by equal strings

-- Allocates until `enough(bytes so far)`.
local function allocate(enough)
   local before = collectgarbage "count"
   local function bytes() return (collectgarbage "count" - before) * 1024 end
   while not enough(bytes()) do local _ = PIECE:rep(2) end
   return bytes()
end

-- After how many bytes a collection follows the last one. Lua 5.5 cannot be told a number.
local function distance()
   collect_twice()
   local over, most = false, 0
   setmetatable({}, { __gc = function() over = true end })
   allocate(function(bytes)
      if not over then most = bytes end
      return over
   end)
   return most
end

--- Collects all, calls lay(), and has the next step of the collector follow after so many bytes.
function collector.due(bytes, lay)
   if is_54 then
      collect_twice()
      collectgarbage "stop"
      lay()
      collectgarbage "restart"
      collectgarbage("step", -(bytes // 1024) - 1) -- the debt: so many KiB until a step is due
      local _ = ("x"):rep(1024 - bytes % 1024)
      return
   end
   local most = distance()
   collect_twice()
   lay()
   allocate(function(done) return done >= most - bytes end)
end

return collector
