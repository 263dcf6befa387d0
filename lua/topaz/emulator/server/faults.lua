--- The queue of faults: which request meets which fault. main.lua and faulty.lua carry it out.
-- (LuaJIT, inside nginx.)

local faults = {}

local queue, last = {}, 0
local random_state = 1

-- Returns a number in [0, 1), spread evenly and the same in each run.
local function random()
   random_state = random_state * 16807 % 2147483647
   return random_state / 2147483647
end

function faults.clear()
   queue, random_state = {}, 1
end

--- Adds a fault and returns its id. `times` is how many requests it hits (-1: all), `after` how
-- many requests pass first.
function faults.add(fault)
   last = last + 1
   fault.id, fault.times, fault.after, fault.hits = last, fault.times or 1, fault.after or 0, 0
   fault.match = fault.match or {}
   queue[#queue + 1] = fault
   return last
end

function faults.remove(id)
   for i, fault in ipairs(queue) do
      if fault.id == id then
         table.remove(queue, i)
         return true
      end
   end
   return false
end

local function matches(match, request)
   if match.method and match.method ~= request.method then return false end
   if match.kind and match.kind ~= request.kind then return false end
   return not match.path or request.path:find(match.path) ~= nil
end

--- Returns the fault that this request meets, or nil: the first one of the queue that matches it
-- and has let enough requests pass. A matching fault before that counts the request as passed.
function faults.take(request)
   for i, fault in ipairs(queue) do
      if matches(fault.match, request) then
         if fault.after > 0 then
            fault.after = fault.after - 1
         elseif not fault.probability or random() < fault.probability then
            fault.hits = fault.hits + 1
            if fault.times > 0 then
               fault.times = fault.times - 1
               if fault.times == 0 then table.remove(queue, i) end
            end
            return fault
         end
      end
   end
end

--- Returns the faults that can still hit a request.
function faults.waiting()
   return queue
end

return faults
