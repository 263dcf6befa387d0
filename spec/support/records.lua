-- Records and lists that a server may send, and what a cursor makes of them.
local assert = require "luassert"

local records = {}

--- The process_ids of all statuses that a cursor gives.
function records.ids_of(cursor)
   local ids = {}
   for status in cursor do ids[#ids + 1] = status.process_id end
   return ids
end

--- Asserts that two lists hold the same values, in any order.
function records.same_set(expected, got)
   local a, b = table.move(expected, 1, #expected, 1, {}), table.move(got, 1, #got, 1, {})
   table.sort(a)
   table.sort(b)
   assert.same(a, b)
end

--- Has the emulator answer lists with a body; `more` are further members of the fault.
function records.answer(emulator, body, more)
   local fault =
      { match = { kind = "list" }, status = 200, body = body, headers = { ["Content-Type"] = "application/json" } }
   for k, v in pairs(more or {}) do fault[k] = v end
   emulator:fault(fault)
end

--- A status as JSON, the n-th; `more` are further members, with a comma before them.
function records.record(n, more)
   return ('{"process_id":"00000000-0000-4000-8000-%012d","status":"Completed"%s}'):format(n, more or "")
end

return records
