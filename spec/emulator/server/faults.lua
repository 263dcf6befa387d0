-- The queue of faults: which request meets which. What a fault then does is said in main.lua and answer.lua.
-- (LuaJIT, inside nginx.)

local faults = {}

local queue, last = {}, 0
local random_state = 1

-- Spread evenly in [0, 1), the same at each run.
local function random()
  random_state = random_state * 16807 % 2147483647
  return random_state / 2147483647
end

function faults.clear()
  queue, random_state = {}, 1
end

-- Adds a fault: `times` is how many requests it hits (-1: all), `after` how many it lets pass first. Returns its id.
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

-- The fault this request meets, or nil. A request goes along the queue: a fault that does not match it is passed; one
-- that still lets requests through counts it and is passed; the first other one takes it.
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

-- The faults that wait for further requests.
function faults.waiting()
  return queue
end

return faults
