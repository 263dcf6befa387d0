-- A finalizer for the targets in Lua: at an allocation that the input chooses it calls methods,
-- chosen by the input too, of what is alive.
--
--   finalizer.take(bytes) → plan, rest    the input's head, if it begins with byte 0x1D and up
--                                         to 7 more: two for where, up to the next 0x1D pairs
--                                         of (object, method); nil where it does not
--   finalizer.arm(plan, live) → done      live: name → object; may be filled meanwhile.
--                                         Until done() is called the plan's deeds are done,
--                                         the first at the allocation, each further one some KiB
--                                         later. done() gives their errors
local collector = dofile "spec/support/collector.lua"

local finalizer = {}

local GROWTH = 104 -- per cent of the memory after a cycle, until the next one begins
local NAMES = { "client", "cursor", "request", "task", "other", "again", "options" }
local HIDDEN = { __index = true, __name = true, __metatable = true, __mode = true }
local ID = "00000000-0000-4000-8000-000000000001"

function finalizer.take(bytes)
   local head, rest = bytes:match "^\29([^\29]*)\29(.*)$"
   if not head or #head < 4 or #head > 8 then return nil, bytes end
   local plan = { point = head:byte(1) + 256 * (head:byte(2) % 128) }
   for i = 3, #head - 1, 2 do plan[#plan + 1] = { head:byte(i), head:byte(i + 1) } end
   return plan, rest
end

local arguments = {
   get_page = function() return { limit = 3 } end,
   statuses = function() return { limit = 3 } end,
   start = function() return "get_page" end,
   step = function() return 0.001 end,
   sleep = function() return 0.001 end,
   spawn = function() return function() return 1 end end,
   delete_all_statuses = function() end, run = function() end, delete_finished = function() end, close = function() end,
   wait_until_done = function() return ID, { timeout = 2 } end,
   wait_all = function() return { ID }, { timeout = 2 } end,
   wait_any = function() return { ID }, { timeout = 2 } end,
}

-- The methods of a kind of object, in the same order in each process.
local methods_of = setmetatable({}, { __index = function(self, meta)
   local names, list = {}, {}
   local methods = {}
   for name, f in pairs(meta) do methods[name] = f end
   for name, f in pairs(type(meta.__index) == "table" and meta.__index or {}) do methods[name] = f end
   for name, f in pairs(methods) do
      if type(f) == "function" and not HIDDEN[name] then names[#names + 1] = name end
   end
   table.sort(names)
   for i, name in ipairs(names) do list[i] = { name = name, call = methods[name] } end
   self[meta] = list
   return list
end })

-- Options that are being read get longer, or lose what they have.
local function change(options, how)
   local names = {}
   for name, value in next, options do
      names[#names + 1] = name
      if type(value) == "table" and value ~= options then change(value, how) end
   end
   if how % 2 == 0 then
      for _, name in ipairs(names) do options[name] = nil end
   else
      for i = 1, how do options["more" .. i] = true end
   end
end

local function act(live, deed, errors)
   local name = NAMES[1 + deed[1] % #NAMES]
   local object = live[name]
   if object == nil then return end
   if name == "options" then return change(object, deed[2]) end
   local list = methods_of[debug.getmetatable(object)]
   local method = list[1 + deed[2] % #list]
   local pass = arguments[method.name] or function() return ID end
   local result = table.pack(pcall(method.call, object, pass()))
   if not result[1] then errors[#errors + 1] = result[2] end
   if method.name == "start" then live.again = live.again or result[2] end
   if method.name ~= "statuses" and method.name ~= "pages" or not result[1] then return end
   for _ = 1, 3 do
      local ok, value = pcall(result[2])
      if not ok then errors[#errors + 1] = value end
      if not ok or not value then break end
   end
end

function finalizer.arm(plan, live)
   local errors, at, armed = {}, 0, true
   local function lay()
      setmetatable({}, { __gc = function()
         at = at + 1
         if not armed or not plan[at] then return end
         act(live, plan[at], errors)
         if plan[at + 1] then lay() end
      end })
   end
   collector.incremental(GROWTH, collector.ONE_CYCLE)
   collector.due(plan.point, lay)
   return function()
      armed = false
      collector.usual()
      return errors
   end
end

return finalizer
